//! Where a chunked body ends, read as strictly as the heads are.

/// Longest line of a chunk's size with its extensions.
const MAX_SIZE_LINE: usize = 256;
/// All trailer fields together.
const MAX_TRAILER_BYTES: usize = 4 * 1024;
/// Room enough for every chunk that could ever be sent, far from overflow.
const MAX_SIZE_DIGITS: usize = 15;

/// Follows a chunked body byte by byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunks {
    state: State,
    /// Of the size so far; in data: what is left.
    size: u64,
    /// Bytes of the current line, or of all trailers.
    length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    Trailer,
    TrailerLf,
    EndLf,
    Done,
}

/// The body is not what the grammar wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Chunks {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Size,
            size: 0,
            length: 0,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Follows `bytes` up to the body's end; tells how many of them belong to it.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut at = 0;
        while at < bytes.len() && self.state != State::Done {
            if self.state == State::Data {
                let passed = usize::try_from(self.size)
                    .map_or(bytes.len() - at, |left| left.min(bytes.len() - at));
                self.size -= passed as u64;
                at += passed;
                if self.size == 0 {
                    self.state = State::DataCr;
                }
            } else {
                self.step(bytes[at])?;
                at += 1;
            }
        }
        Ok(at)
    }

    fn step(&mut self, byte: u8) -> Result<(), Malformed> {
        self.length += 1;
        self.state = match (self.state, byte) {
            (State::Size, byte) if byte.is_ascii_hexdigit() && self.length <= MAX_SIZE_DIGITS => {
                self.size = self.size * 16 + u64::from(hex_value(byte));
                State::Size
            }
            (State::Size, b'\r') if self.length > 1 => State::SizeLf,
            (State::Size, b';') if self.length > 1 => State::Extension,
            (State::Extension, b'\r') => State::SizeLf,
            (State::Extension, b'\t' | 0x20..=0x7e) if self.length <= MAX_SIZE_LINE => {
                State::Extension
            }
            (State::SizeLf, b'\n') => {
                self.length = 0;
                if self.size == 0 {
                    State::TrailerStart
                } else {
                    State::Data
                }
            }
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => {
                self.length = 0;
                State::Size
            }
            (State::TrailerStart, b'\r') => State::EndLf,
            // No blank first: a fold. The names themselves are hyper's to judge.
            (State::TrailerStart, 0x21..=0x7e)
                if byte != b':' && self.length <= MAX_TRAILER_BYTES =>
            {
                State::Trailer
            }
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::Trailer, b'\t' | 0x20..=0x7e | 0x80..) if self.length <= MAX_TRAILER_BYTES => {
                State::Trailer
            }
            (State::TrailerLf, b'\n') => State::TrailerStart,
            (State::EndLf, b'\n') => State::Done,
            _ => return Err(Malformed),
        };
        Ok(())
    }
}

const fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn followed(text: &str) -> Result<(usize, bool), Malformed> {
        let mut chunks = Chunks::new();
        let passed = chunks.follow(text.as_bytes())?;
        Ok((passed, chunks.is_done()))
    }

    #[test]
    fn s15_a_body_ends_at_its_last_chunk() {
        for (text, ends) in [
            ("0\r\n\r\nGET /", 5),
            ("4\r\nabcd\r\n0\r\n\r\nGET /", 14),
            ("A\r\n0123456789\r\n00\r\n\r\n", 21),
            ("1;name=\"value\"\r\nx\r\n0;x\r\n\r\n", 26),
            ("0\r\nX: y\r\nZ: \u{e4}\r\n\r\nrest", 18),
        ] {
            assert_eq!(followed(text), Ok((ends, true)), "{text:?}");
        }
        assert_eq!(followed("4\r\nab"), Ok((5, false)));
    }

    #[test]
    fn s15_what_two_parsers_could_take_differently_is_refused() {
        for text in [
            "4\nabcd\r\n0\r\n\r\n",
            "4\r\nabcd\n0\r\n\r\n",
            "4;a\nb\r\nabcd\r\n0\r\n\r\n",
            "4;a\rb\r\nabcd\r\n",
            "12345678901234567\r\n",
            "ffffffffffffffff\r\n",
            "\r\n",
            ";x\r\n",
            "-1\r\n",
            "+1\r\n",
            "0x1\r\n",
            " 1\r\n",
            "1 \r\nx\r\n",
            "g\r\n",
            "1\r\nxy\r\n",
            "0\r\nX: y\n\r\n",
            "0\r\n X: y\r\n\r\n",
            "0\r\nX: \0\r\n\r\n",
            "0\r\n: y\r\n\r\n",
            "0\r\n\rX",
        ] {
            assert_eq!(followed(text), Err(Malformed), "{text:?}");
        }
        assert_eq!(
            followed(&format!("1;{}\r\nx", "e".repeat(300))),
            Err(Malformed)
        );
        assert_eq!(
            followed(&format!("0\r\nX: {}", "y".repeat(5000))),
            Err(Malformed)
        );
        assert_eq!(
            followed(&format!("0\r\n{}", "x\r\n".repeat(2000))),
            Err(Malformed)
        );
    }

    proptest! {
        #[test]
        fn s15_pieces_are_followed_as_the_whole_is(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..6),
            garbage in proptest::collection::vec(any::<u8>(), 0..8),
            piece in 1_usize..7,
        ) {
            let mut body = Vec::new();
            for chunk in &chunks {
                body.extend(format!("{:x}\r\n", chunk.len()).bytes());
                body.extend(chunk);
                body.extend(b"\r\n");
            }
            body.extend(b"0\r\n\r\n");
            let end = body.len();
            body.extend(&garbage);
            let mut follower = Chunks::new();
            let mut at = 0;
            for piece in body.chunks(piece) {
                at += follower.follow(piece).unwrap();
            }
            prop_assert_eq!((at, follower.is_done()), (end, true));
            let _ = Chunks::new().follow(&garbage);
        }
    }
}
