//! The head of a frame (RFC 6455 section 5.2).

use super::Error;

/// Of a control frame.
pub(super) const MAX_CONTROL_BYTES: usize = 125;
/// Two bytes, a length of eight, a key of four.
pub(super) const MAX_HEADER_BYTES: usize = 14;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    const fn number(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    const fn of(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    pub(super) const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// It is the last of its message.
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    /// Of the payload.
    pub(super) length: u64,
    pub(super) key: Option<[u8; 4]>,
}

impl Header {
    /// Of what comes, and how many bytes it takes; `None`: more must come first.
    ///
    /// # Errors
    /// No frame of ours begins so, whatever comes.
    pub(super) fn parse(bytes: &[u8], is_masked: bool) -> Result<Option<(Self, usize)>, Error> {
        let &[first, second, ref rest @ ..] = bytes else {
            return Ok(None);
        };
        if first & 0x70 != 0 {
            return Err(Error::Protocol("a reserved bit is set"));
        }
        let fin = first & 0x80 != 0;
        let opcode = Opcode::of(first & 0x0f).ok_or(Error::Protocol("an unknown opcode"))?;
        if (second & 0x80 != 0) != is_masked {
            return Err(Error::Protocol(if is_masked {
                "a frame is not masked"
            } else {
                "a frame is masked"
            }));
        }
        let short = second & 0x7f;
        if opcode.is_control() && (!fin || usize::from(short) > MAX_CONTROL_BYTES) {
            return Err(Error::Protocol("a control frame is too large or in parts"));
        }
        let (length, length_bytes) = match (short, rest) {
            (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 2),
            (127, [a, b, c, d, e, f, g, h, ..]) => {
                let length = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
                if length >> 63 != 0 {
                    return Err(Error::Protocol("a length has its highest bit set"));
                }
                (length, 8)
            }
            (126 | 127, _) => return Ok(None),
            (length, _) => (u64::from(length), 0),
        };
        let (key, key_bytes) = match (is_masked, &rest[length_bytes..]) {
            (false, _) => (None, 0),
            (true, [a, b, c, d, ..]) => (Some([*a, *b, *c, *d]), 4),
            (true, _) => return Ok(None),
        };
        let header = Self {
            fin,
            opcode,
            length,
            key,
        };
        Ok(Some((header, 2 + length_bytes + key_bytes)))
    }

    /// Puts it at the start of `to`; how many bytes it takes.
    pub(super) fn write(&self, to: &mut [u8; MAX_HEADER_BYTES]) -> usize {
        to[0] = u8::from(self.fin) << 7 | self.opcode.number();
        let (short, length_bytes) = match self.length {
            // Up to 125, so the cast keeps every bit.
            0..=125 => (self.length as u8, 0),
            126..=0xffff => (126, 2),
            _ => (127, 8),
        };
        to[1] = u8::from(self.key.is_some()) << 7 | short;
        let length = self.length.to_be_bytes();
        to[2..2 + length_bytes].copy_from_slice(&length[8 - length_bytes..]);
        let end = 2 + length_bytes;
        match self.key {
            Some(key) => {
                to[end..end + 4].copy_from_slice(&key);
                end + 4
            }
            None => end,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn opcode() -> impl Strategy<Value = Opcode> {
        (0_u8..16).prop_filter_map("known", Opcode::of)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            fin: bool,
            opcode in opcode(),
            length in prop_oneof![0_u64..200, 65_000_u64..66_000, any::<u64>()],
            key: Option<[u8; 4]>,
        ) {
            let length = if opcode.is_control() { length % 126 } else { length >> 1 };
            let fin = fin || opcode.is_control();
            let header = Header { fin, opcode, length, key };
            let mut bytes = [0; MAX_HEADER_BYTES];
            let end = header.write(&mut bytes);
            let parsed = Header::parse(&bytes[..end], key.is_some());
            prop_assert_eq!(parsed, Ok(Some((header, end))));
            for short in 0..end {
                prop_assert_eq!(Header::parse(&bytes[..short], key.is_some()), Ok(None));
            }
        }

        #[test]
        fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..20), masked: bool) {
            if let Ok(Some((_, end))) = Header::parse(&bytes, masked) {
                prop_assert!(end <= bytes.len().min(MAX_HEADER_BYTES));
            }
        }
    }
}
