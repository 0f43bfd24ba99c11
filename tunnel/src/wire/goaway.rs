//! GOAWAY (PROTOCOL section 3).

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};

use super::error::WireError;
use super::frame::{GOAWAY, MAX_TEXT_BYTES};
use super::text::clean;

/// One end opens nothing new and tells the other what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoAway {
    /// Why.
    pub reason: GoAwayReason,
    /// When to connect again.
    pub reconnect_after: Duration,
    /// Where instead; only ever a server of the agent's own configuration, which the agent has
    /// to check. Anything but https is dropped on receipt.
    pub url: Option<String>,
}

/// The reason of a GOAWAY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoAwayReason {
    /// 1: finish the streams, then connect after `reconnect_after` × U(1,2).
    Restart,
    /// 2: connect elsewhere at once, keep this one until its streams end.
    Move,
    /// 3: a newer tunnel of the device took over; wait at least 60 s.
    Replaced,
    /// 4: the device was disabled or deleted.
    Disabled,
    /// 5: the protocol was broken.
    Protocol,
    /// 6: ids are used up; connect anew.
    Ids,
    /// A number this version does not know.
    Other(u16),
}

impl GoAwayReason {
    /// The number on the wire.
    #[must_use]
    pub fn to_wire(self) -> u16 {
        match self {
            Self::Restart => 1,
            Self::Move => 2,
            Self::Replaced => 3,
            Self::Disabled => 4,
            Self::Protocol => 5,
            Self::Ids => 6,
            Self::Other(number) => number,
        }
    }

    /// The reason of a number on the wire.
    #[must_use]
    pub fn from_wire(number: u16) -> Self {
        match number {
            1 => Self::Restart,
            2 => Self::Move,
            3 => Self::Replaced,
            4 => Self::Disabled,
            5 => Self::Protocol,
            6 => Self::Ids,
            other => Self::Other(other),
        }
    }
}

impl GoAway {
    pub(super) fn encode_payload(&self, out: &mut BytesMut) {
        out.put_u16(self.reason.to_wire());
        out.put_u32(u32::try_from(self.reconnect_after.as_millis()).unwrap_or(u32::MAX));
        if let Some(url) = &self.url {
            out.put_slice(clean(url, MAX_TEXT_BYTES).as_bytes());
        }
    }

    pub(super) fn decode_payload(payload: &Bytes) -> Result<Self, WireError> {
        let Some((fixed, url)) = payload.split_at_checked(6) else {
            return Err(WireError::BadLength(GOAWAY));
        };
        if url.len() > MAX_TEXT_BYTES {
            return Err(WireError::TooLarge(GOAWAY));
        }
        let reason = u16::from_be_bytes([fixed[0], fixed[1]]);
        let after_ms = u32::from_be_bytes([fixed[2], fixed[3], fixed[4], fixed[5]]);
        let url = clean(&String::from_utf8_lossy(url), MAX_TEXT_BYTES);
        Ok(Self {
            reason: GoAwayReason::from_wire(reason),
            reconnect_after: Duration::from_millis(after_ms.into()),
            url: url.starts_with("https://").then_some(url),
        })
    }
}
