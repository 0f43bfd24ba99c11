//! The body of a PROP_UPDATE: pairs of texts in the form of POCO's `BinaryWriter`.

use super::error::MessageError;

/// A length takes at most so many bytes of seven bits.
const MAX_LENGTH_BYTES: u32 = 5;

/// Something that an agent reports; untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Which.
    pub name: String,
    /// The value.
    pub value: String,
}

impl Property {
    /// Reads all of a PROP_UPDATE, at most 255; what is too much at the end is ignored.
    ///
    /// # Errors
    /// [`MessageError::BadProperties`]
    pub fn read_all(body: &[u8]) -> Result<Vec<Self>, MessageError> {
        let mut rest = Rest(body);
        let count = rest.byte()?;
        let mut properties = Vec::new();
        for _ in 0..count {
            properties.push(Self {
                name: rest.text()?,
                value: rest.text()?,
            });
        }
        Ok(properties)
    }

    /// The body of a PROP_UPDATE, as an agent writes it: the first 255.
    #[must_use]
    pub fn write_all(properties: &[Self]) -> Vec<u8> {
        let written = &properties[..properties.len().min(255)];
        let mut body = vec![u8::try_from(written.len()).unwrap_or(u8::MAX)];
        for text in written.iter().flat_map(|one| [&one.name, &one.value]) {
            let mut length = text.len();
            while length > 0x7f {
                body.push((length & 0x7f) as u8 | 0x80);
                length >>= 7;
            }
            body.push(length as u8);
            body.extend_from_slice(text.as_bytes());
        }
        body
    }
}

/// A text of an agent: UTF-8, or else Latin-1, in which every byte is a character.
#[must_use]
pub fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn byte(&mut self) -> Result<u8, MessageError> {
        let (byte, rest) = self.0.split_first().ok_or(MessageError::BadProperties)?;
        self.0 = rest;
        Ok(*byte)
    }

    /// Low bits first, seven in a byte; the eighth says that more come.
    fn length(&mut self) -> Result<usize, MessageError> {
        let mut length = 0_u64;
        for place in 0..MAX_LENGTH_BYTES {
            let byte = self.byte()?;
            length |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return usize::try_from(length).map_err(|_| MessageError::BadProperties);
            }
        }
        Err(MessageError::BadProperties)
    }

    fn text(&mut self) -> Result<String, MessageError> {
        let length = self.length()?;
        let (text, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(MessageError::BadProperties)?;
        self.0 = rest;
        Ok(text_of(text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn property(name: &str, value: &str) -> Property {
        Property {
            name: name.into(),
            value: value.into(),
        }
    }

    #[test]
    fn a_value_of_300_bytes_has_the_length_of_the_wire() {
        let value = "x".repeat(300);
        let mut body = vec![1, 1, b'k', 0xac, 0x02];
        body.extend_from_slice(value.as_bytes());
        assert_eq!(Property::read_all(&body), Ok(vec![property("k", &value)]));
        assert_eq!(Property::write_all(&[property("k", &value)]), body);
    }

    #[test]
    fn what_is_no_utf8_is_latin_1() {
        let body = [1, 1, b'k', 2, 0xe4, b'!'];
        assert_eq!(Property::read_all(&body), Ok(vec![property("k", "ä!")]));
    }

    #[test]
    fn what_ends_in_the_middle_is_refused() {
        let whole = Property::write_all(&[property("key", "value"), property("other", "")]);
        assert!(Property::read_all(&whole).is_ok());
        for end in 0..whole.len() {
            assert_eq!(
                Property::read_all(&whole[..end]),
                Err(MessageError::BadProperties),
                "{end}"
            );
        }
        let endless = [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0];
        assert!(Property::read_all(&endless).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(properties) = Property::read_all(&body) {
                prop_assert!(properties.len() <= 255);
            }
        }

        #[test]
        fn what_is_written_is_read(
            pairs in proptest::collection::vec((".{0,40}", ".{0,400}"), 0..20),
        ) {
            let properties: Vec<_> = pairs.iter().map(|(k, v)| property(k, v)).collect();
            prop_assert_eq!(Property::read_all(&Property::write_all(&properties)), Ok(properties));
        }
    }
}
