//! The strict reading of a request's head, on its raw bytes, before hyper sees them.
//!
//! Everything that two parsers could understand differently is refused here (SECURITY S15-S17),
//! so that hyper, the header policy and a device can only understand the same.

use self::fields::{Fields, split_field};
use self::line::RequestLine;
use super::refusal::Refusal;

mod fields;
mod line;

/// Request line and fields, with the empty line at their end.
pub(super) const MAX_HEAD_BYTES: usize = 32 * 1024;
const MAX_FIELDS: usize = 100;
/// Of an agent of WebTunnel, whose device's properties are a field each.
pub(super) const MAX_AGENT_FIELDS: usize = 512;

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes; often none.
    Fixed(u64),
    Chunked,
    /// Nothing, until the answer says whether the connection becomes a WebSocket.
    Upgrade,
}

/// Looks for the end of the head in `bytes`, of which the first `seen` were looked at before.
/// Line ends are judged here, since a head with bare LFs would never end otherwise.
pub(super) fn find_end(bytes: &[u8], seen: usize) -> Result<Option<usize>, Refusal> {
    for at in seen..bytes.len() {
        match bytes[at] {
            b'\n' if at == 0 || bytes[at - 1] != b'\r' => {
                return Err(Refusal::Malformed("bare LF"));
            }
            b'\n' if at >= 3 && bytes[at - 3..at] == *b"\r\n\r" => return Ok(Some(at + 1)),
            b'\n' => {}
            _ if at > 0 && bytes[at - 1] == b'\r' => return Err(Refusal::Malformed("bare CR")),
            0 => return Err(Refusal::Malformed("NUL")),
            _ => {}
        }
        if at + 1 >= MAX_HEAD_BYTES {
            return Err(Refusal::HeadTooLarge);
        }
    }
    Ok(None)
}

/// Judges a whole head, as [`find_end`] delimited it.
pub(super) fn judge(head: &[u8]) -> Result<Body, Refusal> {
    let mut lines = Lines(head);
    let line = RequestLine::parse(lines.next().unwrap_or_default())?;
    let mut fields = Fields::default();
    let mut count = 0;
    for field in lines {
        count += 1;
        if count > MAX_AGENT_FIELDS {
            return Err(Refusal::HeadTooLarge);
        }
        let (name, value) = split_field(field)?;
        fields.note(name, value)?;
    }
    if count > MAX_FIELDS && !fields.are_an_agents(&line) {
        return Err(Refusal::HeadTooLarge);
    }
    // Before the host: these are refused at every host.
    match line.method {
        b"CONNECT" => return fields.tunnel(&line),
        b"TRACE" => return Err(Refusal::MethodRefused),
        _ => {}
    }
    let host = fields.host.ok_or(Refusal::Malformed("no Host"))?;
    line.check_target(host)?;
    fields.body(&line)
}

/// The lines of a head without their ends, up to the empty one.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.0.windows(2).position(|pair| pair == b"\r\n")?;
        let line = &self.0[..end];
        self.0 = &self.0[end + 2..];
        (!line.is_empty()).then_some(line)
    }
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

#[cfg(test)]
mod tests;
