//! The bytes of a dump, from a buffer of one size, with the number of the line.

use std::io::{ErrorKind, Read};

use super::DumpError;

const BUFFER_BYTES: usize = 64 << 10;
/// Of a name of a table or a column; MySQL allows 64 characters.
const NAME_MAX_BYTES: usize = 256;
/// Kept of a comment, to see what it says of the dump.
const COMMENT_MAX_BYTES: usize = 32;

pub(super) struct Source<R> {
    read: R,
    buffer: Vec<u8>,
    at: usize,
    is_at_end: bool,
    line: u64,
}

impl<R: Read> Source<R> {
    pub(super) fn new(read: R) -> Self {
        Self {
            read,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            at: 0,
            is_at_end: false,
            line: 1,
        }
    }

    /// Of the next byte, from 1.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn bad(&self, what: &'static str) -> DumpError {
        DumpError::Bad {
            line: self.line,
            what,
        }
    }

    /// Whether so many bytes from here on are in the buffer now.
    fn fill(&mut self, wanted: usize) -> Result<bool, DumpError> {
        while self.buffer.len() - self.at < wanted && !self.is_at_end {
            self.buffer.drain(..self.at);
            self.at = 0;
            let held = self.buffer.len();
            self.buffer.resize(BUFFER_BYTES, 0);
            let read = loop {
                match self.read.read(&mut self.buffer[held..]) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    read => break read,
                }
            };
            let count = *read.as_ref().unwrap_or(&0);
            self.buffer.truncate(held + count);
            self.is_at_end = read? == 0;
        }
        Ok(self.buffer.len() - self.at >= wanted)
    }

    pub(super) fn peek(&mut self) -> Result<Option<u8>, DumpError> {
        self.peek_at(0)
    }

    /// The byte after `ahead` others; `ahead` is small.
    pub(super) fn peek_at(&mut self, ahead: usize) -> Result<Option<u8>, DumpError> {
        self.fill(ahead + 1)?;
        Ok(self.buffer.get(self.at + ahead).copied())
    }

    pub(super) fn next(&mut self) -> Result<Option<u8>, DumpError> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.at += 1;
            self.line += u64::from(byte == b'\n');
        }
        Ok(byte)
    }

    /// Takes this text, if it is what comes next.
    pub(super) fn take(&mut self, text: &[u8]) -> Result<bool, DumpError> {
        let is_next = self.fill(text.len())? && self.buffer[self.at..].starts_with(text);
        if is_next {
            for _ in text {
                self.next()?;
            }
        }
        Ok(is_next)
    }

    /// Takes white space and a comment, if there is one: its beginning.
    pub(super) fn comment(&mut self) -> Result<Option<Vec<u8>>, DumpError> {
        while let Some(byte) = self.peek()? {
            match byte {
                b'#' => return self.rest_of_line(COMMENT_MAX_BYTES).map(Some),
                b'-' if self.is_dashes()? => {
                    self.take(b"-- ")?;
                    return self.rest_of_line(COMMENT_MAX_BYTES).map(Some);
                }
                b'/' if self.peek_at(1)? == Some(b'*') => {
                    self.block_comment()?;
                    return Ok(Some(Vec::new()));
                }
                byte if byte.is_ascii_whitespace() => {
                    self.next()?;
                }
                _ => break,
            }
        }
        Ok(None)
    }

    /// White space and comments.
    pub(super) fn blank(&mut self) -> Result<(), DumpError> {
        while self.comment()?.is_some() {}
        Ok(())
    }

    fn is_dashes(&mut self) -> Result<bool, DumpError> {
        Ok(self.peek_at(1)? == Some(b'-')
            && self
                .peek_at(2)?
                .is_none_or(|byte| byte <= b' ' || byte == 0x7f))
    }

    /// What mysqldump puts into `/*! … */` changes the session or makes triggers, routines and
    /// views: nothing that is read here.
    fn block_comment(&mut self) -> Result<(), DumpError> {
        let line = self.line;
        self.take(b"/*")?;
        while !self.take(b"*/")? {
            if self.next()?.is_none() {
                return Err(DumpError::Truncated { line });
            }
        }
        Ok(())
    }

    /// Takes all up to the end of the line; what is over the limit is not kept.
    pub(super) fn rest_of_line(&mut self, max_bytes: usize) -> Result<Vec<u8>, DumpError> {
        let mut text = Vec::new();
        while let Some(byte) = self.next()? {
            if byte == b'\n' {
                break;
            }
            if text.len() < max_bytes {
                text.push(byte);
            }
        }
        Ok(text)
    }

    /// The word that comes next, which may be none.
    pub(super) fn word(&mut self) -> Result<String, DumpError> {
        let mut word = String::new();
        while let Some(byte) = self.peek()? {
            let is_part = byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$';
            if !is_part {
                break;
            }
            if word.len() == NAME_MAX_BYTES {
                return Err(self.bad("a name or word is too long"));
            }
            word.push(char::from(byte));
            self.next()?;
        }
        Ok(word)
    }

    /// A name of a table or a column, in quotes or not, in lower case: as MySQL compares names of
    /// columns. Whether it was in quotes.
    pub(super) fn name(&mut self) -> Result<(String, bool), DumpError> {
        let quote = match self.peek()? {
            Some(quote @ (b'`' | b'"')) => quote,
            _ => {
                let word = self.word()?;
                if word.is_empty() {
                    return Err(self.bad("a name is missing"));
                }
                return Ok((word.to_ascii_lowercase(), false));
            }
        };
        let line = self.line;
        self.next()?;
        let mut name = Vec::new();
        loop {
            let byte = self.next()?.ok_or(DumpError::Truncated { line })?;
            if byte == quote && !self.take(&[quote])? {
                break;
            }
            if name.len() == NAME_MAX_BYTES {
                return Err(self.bad("a name is too long"));
            }
            name.push(byte);
        }
        let name = String::from_utf8_lossy(&name).to_ascii_lowercase();
        Ok((name, true))
    }

    /// Takes what is in quotes, without a look at it; the quote comes next.
    pub(super) fn skip_quoted(&mut self) -> Result<(), DumpError> {
        let line = self.line;
        let quote = self.next()?;
        loop {
            match self.next()? {
                None => return Err(DumpError::Truncated { line }),
                Some(b'\\') if quote != Some(b'`') => {
                    self.next()?;
                }
                // One that is doubled ends a text and begins the next: nothing is between them.
                end if end == quote => return Ok(()),
                Some(_) => {}
            }
        }
    }
}
