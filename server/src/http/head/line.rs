//! The request line: method, target, version.

use super::is_token;
use crate::http::refusal::Refusal;

const MAX_TARGET_BYTES: usize = 8 * 1024;

pub(super) struct RequestLine<'a> {
    pub(super) method: &'a [u8],
    pub(super) target: &'a [u8],
    pub(super) is_1_0: bool,
}

impl<'a> RequestLine<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, Refusal> {
        let mut parts = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::Malformed("request line"));
        };
        if method.is_empty() || method.len() > 32 || !method.iter().all(|byte| is_token(*byte)) {
            return Err(Refusal::Malformed("method"));
        }
        if target.len() > MAX_TARGET_BYTES {
            return Err(Refusal::TargetTooLong);
        }
        let is_1_0 = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
                return Err(Refusal::VersionRefused);
            }
            _ => return Err(Refusal::Malformed("version")),
        };
        Ok(Self {
            method,
            target,
            is_1_0,
        })
    }

    /// Path, `*` of OPTIONS, or a whole URL whose authority is the Host's.
    pub(super) fn check_target(&self, host: &[u8]) -> Result<(), Refusal> {
        let target = self.target;
        if !target
            .iter()
            .all(|byte| matches!(byte, 0x21..=0x7e) && *byte != b'#')
        {
            return Err(Refusal::Malformed("target"));
        }
        match target {
            [b'/', ..] => {}
            b"*" if self.method == b"OPTIONS" => {}
            _ => {
                let rest = strip_prefix_ignore_case(target, b"http://")
                    .or_else(|| strip_prefix_ignore_case(target, b"https://"))
                    .ok_or(Refusal::Malformed("target"))?;
                let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?'));
                let authority = &rest[..end.unwrap_or(rest.len())];
                if !authority.eq_ignore_ascii_case(host) {
                    return Err(Refusal::Misdirected("target's authority is not the Host"));
                }
            }
        }
        // hyper's own reading, so that whatever it would refuse is refused as one of ours.
        http::Uri::try_from(target).map_err(|_| Refusal::Malformed("target"))?;
        Ok(())
    }
}

fn strip_prefix_ignore_case<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}
