//! The bytes of a message: opcode, flags, channel, and what the opcode has.

use bytes::{BufMut, Bytes, BytesMut};

use super::error::{Fault, MessageError};
use super::{HEADER_BYTES, MAX_DATA_BYTES};

const DATA: u8 = 0x00;
const OPEN_REQUEST: u8 = 0x01;
const CLOSE: u8 = 0x02;
const OPEN_CONFIRM: u8 = 0x11;
const PROP_UPDATE: u8 = 0x40;
const ERROR: u8 = 0x80;
const OPEN_FAULT: u8 = 0x81;

/// A message: the payload of one unfragmented WebSocket frame. All of them begin with a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Bytes of a channel, at most 2048.
    Data(u16, Bytes),
    /// To an agent: connect to this port of the device.
    OpenRequest(u16, u16),
    /// The device is connected.
    OpenConfirm(u16),
    /// It is not.
    OpenFault(u16, Fault),
    /// No more bytes come from this side.
    Close(u16),
    /// The channel is gone.
    Error(u16, Fault),
    /// What an agent reports, to be read by [`super::Property`].
    PropUpdate(Bytes),
    /// An opcode of another version: left alone.
    Unknown(u8),
}

impl Message {
    /// The message as it is sent. DATA beyond its limit is cut: no message is ever longer than
    /// 2052 bytes, and none shorter than 4.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let header = |opcode, channel, room| {
            let mut bytes = BytesMut::with_capacity(HEADER_BYTES + room);
            bytes.put_u8(opcode);
            bytes.put_u8(0);
            bytes.put_u16(channel);
            bytes
        };
        let with_argument = |opcode, channel, argument| {
            let mut bytes = header(opcode, channel, 2);
            bytes.put_u16(argument);
            bytes
        };
        let bytes = match self {
            Self::Data(channel, data) => {
                let data = &data[..data.len().min(MAX_DATA_BYTES)];
                let mut bytes = header(DATA, *channel, data.len());
                bytes.put_slice(data);
                bytes
            }
            Self::OpenRequest(channel, port) => with_argument(OPEN_REQUEST, *channel, *port),
            Self::OpenConfirm(channel) => header(OPEN_CONFIRM, *channel, 0),
            Self::OpenFault(channel, fault) => with_argument(OPEN_FAULT, *channel, fault.number()),
            Self::Close(channel) => header(CLOSE, *channel, 0),
            Self::Error(channel, fault) => with_argument(ERROR, *channel, fault.number()),
            Self::PropUpdate(body) => {
                let mut bytes = header(PROP_UPDATE, 0, body.len());
                bytes.put_slice(body);
                bytes
            }
            Self::Unknown(opcode) => header(*opcode, 0, 0),
        };
        bytes.freeze()
    }

    /// The message in a frame's payload; flags are ignored, and what is too much at the end.
    ///
    /// # Errors
    /// [`MessageError`]
    pub fn decode(bytes: &Bytes) -> Result<Self, MessageError> {
        let Some(([opcode, _flags, high, low], rest)) = bytes.split_first_chunk() else {
            return Err(MessageError::TooShort);
        };
        let channel = u16::from_be_bytes([*high, *low]);
        let argument = || {
            let argument = rest.first_chunk::<2>().ok_or(MessageError::TooShort)?;
            Ok(u16::from_be_bytes(*argument))
        };
        Ok(match *opcode {
            DATA if rest.len() > MAX_DATA_BYTES => return Err(MessageError::TooLong),
            DATA => Self::Data(channel, bytes.slice(HEADER_BYTES..)),
            OPEN_REQUEST => Self::OpenRequest(channel, argument()?),
            CLOSE => Self::Close(channel),
            OPEN_CONFIRM => Self::OpenConfirm(channel),
            PROP_UPDATE => Self::PropUpdate(bytes.slice(HEADER_BYTES..)),
            ERROR => Self::Error(channel, Fault::from_number(argument()?)),
            OPEN_FAULT => Self::OpenFault(channel, Fault::from_number(argument()?)),
            unknown => Self::Unknown(unknown),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::webtunnel::MAX_SENT_BYTES;

    #[test]
    fn the_bytes_are_those_of_the_wire() {
        let hex = |message: Message| message.encode().to_vec();
        assert_eq!(
            hex(Message::OpenRequest(1, 18_081)),
            [1, 0, 0, 1, 0x46, 0xa1]
        );
        assert_eq!(hex(Message::OpenConfirm(1)), [0x11, 0, 0, 1]);
        assert_eq!(
            hex(Message::OpenFault(1, Fault::NotForwarded)),
            [0x81, 0, 0, 1, 0, 2]
        );
        assert_eq!(hex(Message::Close(0x0102)), [2, 0, 1, 2]);
        assert_eq!(hex(Message::Error(3, Fault::Socket)), [0x80, 0, 0, 3, 0, 5]);
        assert_eq!(hex(Message::Data(3, "ab".into())), [0, 0, 0, 3, b'a', b'b']);
        let flagged = Bytes::from_static(&[0x11, 0xff, 0, 1]);
        assert_eq!(Message::decode(&flagged), Ok(Message::OpenConfirm(1)));
        let short = Bytes::from_static(&[0x81, 0, 0, 1, 0]);
        assert_eq!(Message::decode(&short), Err(MessageError::TooShort));
        let long = [&[0, 0, 0, 1][..], &[7; 2049]].concat();
        assert_eq!(Message::decode(&long.into()), Err(MessageError::TooLong));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Message::decode(&bytes.into());
        }

        #[test]
        fn what_is_sent_has_a_length_that_agents_live_with(
            channel in any::<u16>(),
            data in proptest::collection::vec(any::<u8>(), 0..5000),
        ) {
            let data = Bytes::from(data);
            let sent = Message::Data(channel, data.clone()).encode();
            prop_assert!((HEADER_BYTES..=MAX_SENT_BYTES).contains(&sent.len()));
            let cut = data.slice(..data.len().min(MAX_DATA_BYTES));
            prop_assert_eq!(Message::decode(&sent), Ok(Message::Data(channel, cut)));
        }
    }
}
