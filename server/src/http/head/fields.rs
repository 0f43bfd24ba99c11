//! The fields of a head, and what they say of the bytes after it.

use tunnel::webtunnel::{AGENT_PROTOCOL, CLIENT_PROTOCOL};

use super::line::RequestLine;
use super::{Body, is_token};
use crate::http::refusal::Refusal;

/// The fields that decide what the bytes after the head are.
#[derive(Default)]
pub(super) struct Fields<'a> {
    pub(super) host: Option<&'a [u8]>,
    content_length: Option<u64>,
    chunked: bool,
    upgrade: Option<&'a [u8]>,
    connection_upgrades: bool,
    websocket_key: Option<&'a [u8]>,
    websocket_version: Option<&'a [u8]>,
    websocket_protocol: Option<&'a [u8]>,
    websocket_protocol_lines: u32,
    proxy_authorization: Option<()>,
}

impl<'a> Fields<'a> {
    pub(super) fn note(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), Refusal> {
        // The longest name that matters here; others need no lower-case copy.
        let mut lower = [0; 24];
        let Some(lower) = lower.get_mut(..name.len()) else {
            return Ok(());
        };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        match &*lower {
            b"host" => once(&mut self.host, value, "two Hosts"),
            b"content-length" => {
                let length = parse_length(value).ok_or(Refusal::Malformed("Content-Length"))?;
                once(&mut self.content_length, length, "two Content-Lengths")
            }
            b"transfer-encoding" => {
                if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Refusal::Malformed("Transfer-Encoding"));
                }
                self.chunked = true;
                Ok(())
            }
            b"connection" => {
                self.connection_upgrades |= value
                    .split(|byte| *byte == b',')
                    .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"upgrade"));
                Ok(())
            }
            b"upgrade" => once(&mut self.upgrade, value, "two Upgrades"),
            b"sec-websocket-key" => once(&mut self.websocket_key, value, "two WebSocket keys"),
            b"sec-websocket-version" => {
                once(&mut self.websocket_version, value, "two WebSocket versions")
            }
            b"sec-websocket-protocol" => {
                self.websocket_protocol = Some(value);
                self.websocket_protocol_lines += 1;
                Ok(())
            }
            b"proxy-authorization" => {
                // More than one is nobody's: whoever reads it, refuses it.
                self.proxy_authorization = Some(());
                Ok(())
            }
            b"http2-settings" => Err(Refusal::Malformed("HTTP2-Settings")),
            b"expect" if !value.eq_ignore_ascii_case(b"100-continue") => {
                Err(Refusal::ExpectationRefused)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn body(&self, line: &RequestLine<'_>) -> Result<Body, Refusal> {
        if self.chunked && self.content_length.is_some() {
            return Err(Refusal::Malformed("Content-Length and Transfer-Encoding"));
        }
        if self.chunked && line.is_1_0 {
            return Err(Refusal::Malformed("Transfer-Encoding in HTTP/1.0"));
        }
        let Some(upgrade) = self.upgrade else {
            return Ok(if self.chunked {
                Body::Chunked
            } else {
                Body::Fixed(self.content_length.unwrap_or(0))
            });
        };
        let has_body = self.chunked || self.content_length.is_some_and(|length| length > 0);
        let is_websocket = upgrade.eq_ignore_ascii_case(b"websocket")
            && self.connection_upgrades
            && (line.method == b"GET" || self.is_webtunnel(line))
            && !line.is_1_0
            && !has_body
            && self.websocket_key.is_some_and(is_websocket_key)
            && self.websocket_version == Some(b"13");
        if is_websocket {
            Ok(Body::Upgrade)
        } else {
            Err(Refusal::Malformed("Upgrade"))
        }
    }
}

impl Fields<'_> {
    /// A tool of WebTunnel asks for bytes to a port of a device. It always brings a credential;
    /// whoever has none is refused as at every other server that is no proxy.
    pub(super) fn tunnel(&self, line: &RequestLine<'_>) -> Result<Body, Refusal> {
        let is_plain = self.content_length.is_none() && !self.chunked && self.upgrade.is_none();
        let is_target = self
            .host
            .is_some_and(|host| is_host_and_port(host) && host == line.target);
        if self.proxy_authorization.is_some() && is_plain && is_target && !line.is_1_0 {
            Ok(Body::Upgrade)
        } else {
            Err(Refusal::MethodRefused)
        }
    }

    /// An agent of WebTunnel asks for its WebSocket.
    pub(super) fn are_an_agents(&self, line: &RequestLine<'_>) -> bool {
        self.upgrade.is_some()
            && self.websocket_protocol == Some(AGENT_PROTOCOL.as_bytes())
            && self.is_webtunnel(line)
    }

    /// The agents and tools of others ask for their WebSocket by POST, which RFC 6455 has nobody
    /// do. Of theirs alone it is understood, and none of their requests has a body.
    fn is_webtunnel(&self, line: &RequestLine<'_>) -> bool {
        line.method == b"POST"
            && self.content_length.is_none()
            && self.websocket_protocol_lines == 1
            && [AGENT_PROTOCOL, CLIENT_PROTOCOL]
                .into_iter()
                .any(|protocol| self.websocket_protocol == Some(protocol.as_bytes()))
    }
}

fn once<T>(slot: &mut Option<T>, value: T, reason: &'static str) -> Result<(), Refusal> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Refusal::Malformed(reason)),
    }
}

pub(super) fn split_field(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    let colon = line
        .iter()
        .position(|byte| *byte == b':')
        .ok_or(Refusal::Malformed("field without colon"))?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    // Covers folds (a line that begins with a blank) and blanks before the colon.
    if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
        return Err(Refusal::Malformed("field name"));
    }
    if value
        .iter()
        .any(|byte| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f)
    {
        return Err(Refusal::Malformed("control character in a field"));
    }
    Ok((name, value.trim_ascii()))
}

/// A name and a number, and nothing that a name cannot hold.
fn is_host_and_port(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| *byte == b':');
    let (Some(host), Some(port), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    !host.is_empty()
        && host.iter().all(is_name)
        && (1..=5).contains(&port.len())
        && port.iter().all(u8::is_ascii_digit)
}

/// Digits only: no sign, no list, no more than 18 of them.
fn parse_length(value: &[u8]) -> Option<u64> {
    let is_number = (1..=18).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    is_number.then(|| {
        value
            .iter()
            .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
    })
}

/// 16 bytes in base64.
fn is_websocket_key(value: &[u8]) -> bool {
    data_encoding::BASE64
        .decode(value)
        .is_ok_and(|key| key.len() == 16)
}
