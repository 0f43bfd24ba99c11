//! Literals of MySQL.

use std::io::Read;

use super::source::Source;
use super::{DumpError, Value};

const NUMBER_MAX_BYTES: usize = 128;

impl<R: Read> Source<R> {
    /// The literal that comes next, of so many bytes at most.
    pub(super) fn value(&mut self, max_bytes: usize) -> Result<Value, DumpError> {
        let Some(byte) = self.peek()? else {
            return Err(DumpError::Truncated { line: self.line() });
        };
        match byte {
            b'\'' | b'"' => self.text(max_bytes).map(Value::Bytes),
            b'0' if matches!(self.peek_at(1)?, Some(b'x' | b'X')) => {
                self.next()?;
                self.next()?;
                self.digits(16, max_bytes).map(Value::Bytes)
            }
            b'0'..=b'9' | b'-' | b'+' | b'.' => self.number(),
            b'x' | b'X' if self.peek_at(1)? == Some(b'\'') => self.quoted_digits(16, max_bytes),
            b'b' | b'B' if self.peek_at(1)? == Some(b'\'') => self.quoted_digits(2, max_bytes),
            b'n' | b'N' if self.peek_at(1)? == Some(b'\'') => {
                self.next()?;
                self.text(max_bytes).map(Value::Bytes)
            }
            _ => self.named(max_bytes),
        }
    }

    /// A value that is a word, or one behind the name of its character set.
    fn named(&mut self, max_bytes: usize) -> Result<Value, DumpError> {
        let word = self.word()?.to_ascii_uppercase();
        match word.as_str() {
            "NULL" => Ok(Value::Null),
            "TRUE" => Ok(Value::Number("1".to_owned())),
            "FALSE" => Ok(Value::Number("0".to_owned())),
            _ if word.starts_with('_') => {
                self.blank()?;
                // Else a row of introducers would be as deep as it is long.
                if self.peek()? == Some(b'_') {
                    return Err(self.bad("a value has two character sets"));
                }
                self.value(max_bytes)
            }
            _ => Err(self.bad("a value that is neither text, number, hexadecimal nor NULL")),
        }
    }

    fn number(&mut self) -> Result<Value, DumpError> {
        let mut text = String::new();
        while let Some(byte) = self.peek()? {
            if !(byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
                break;
            }
            if text.len() == NUMBER_MAX_BYTES {
                return Err(self.bad("a number is too long"));
            }
            text.push(char::from(byte));
            self.next()?;
        }
        Ok(Value::Number(text))
    }

    /// A text; its quote comes next.
    fn text(&mut self, max_bytes: usize) -> Result<Vec<u8>, DumpError> {
        let line = self.line();
        let quote = self.next()?;
        let mut text = Vec::new();
        loop {
            let byte = self.next()?.ok_or(DumpError::Truncated { line })?;
            if text.len() >= max_bytes {
                return Err(self.too_long());
            }
            if Some(byte) == quote {
                if self.peek()? != quote {
                    return Ok(text);
                }
                self.next()?;
                text.push(byte);
            } else if byte == b'\\' {
                let escaped = self.next()?.ok_or(DumpError::Truncated { line })?;
                match escaped {
                    b'0' => text.push(0),
                    b'b' => text.push(0x08),
                    b'n' => text.push(b'\n'),
                    b'r' => text.push(b'\r'),
                    b't' => text.push(b'\t'),
                    b'Z' => text.push(0x1a),
                    // For LIKE: the backslash is part of the text.
                    b'%' | b'_' => text.extend([b'\\', escaped]),
                    other => text.push(other),
                }
            } else {
                text.push(byte);
            }
        }
    }

    fn quoted_digits(&mut self, radix: u32, max_bytes: usize) -> Result<Value, DumpError> {
        self.next()?;
        self.next()?;
        let bytes = self.digits(radix, max_bytes)?;
        if self.take(b"'")? {
            return Ok(Value::Bytes(bytes));
        }
        Err(self.bad("a number in quotes does not end"))
    }

    /// Bytes by their digits; what is missing to whole bytes is zeros in front.
    fn digits(&mut self, radix: u32, max_bytes: usize) -> Result<Vec<u8>, DumpError> {
        let per_byte = if radix == 16 { 2 } else { 8 };
        let mut digits = Vec::new();
        while let Some(byte) = self.peek()? {
            let Some(digit) = char::from(byte).to_digit(radix) else {
                break;
            };
            if digits.len() / per_byte >= max_bytes {
                return Err(self.too_long());
            }
            digits.push(digit as u8);
            self.next()?;
        }
        let missing = digits.len().next_multiple_of(per_byte) - digits.len();
        digits.splice(0..0, std::iter::repeat_n(0, missing));
        let byte = |digits: &[u8]| {
            let bits = if radix == 16 { 4 } else { 1 };
            digits.iter().fold(0_u8, |byte, digit| byte << bits | digit)
        };
        Ok(digits.chunks(per_byte).map(byte).collect())
    }

    fn too_long(&self) -> DumpError {
        self.bad("a row has more than 4 MiB")
    }
}
