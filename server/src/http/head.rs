//! The strict reading of a request's head, on its raw bytes, before hyper sees them.
//!
//! Everything that two parsers could understand differently is refused here (SECURITY S15-S17),
//! so that hyper, the header policy and a device can only understand the same.

use tunnel::webtunnel::{AGENT_PROTOCOL, CLIENT_PROTOCOL};

use super::refusal::Refusal;

/// Request line and fields, with the empty line at their end.
pub(super) const MAX_HEAD_BYTES: usize = 32 * 1024;
const MAX_TARGET_BYTES: usize = 8 * 1024;
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
    let is_agent = fields.upgrade.is_some()
        && fields.websocket_protocol == Some(AGENT_PROTOCOL.as_bytes())
        && fields.is_webtunnel(&line);
    if count > MAX_FIELDS && !is_agent {
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

struct RequestLine<'a> {
    method: &'a [u8],
    target: &'a [u8],
    is_1_0: bool,
}

impl<'a> RequestLine<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, Refusal> {
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
    fn check_target(&self, host: &[u8]) -> Result<(), Refusal> {
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

/// The fields that decide what the bytes after the head are.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
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
    fn note(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), Refusal> {
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

    fn body(&self, line: &RequestLine<'_>) -> Result<Body, Refusal> {
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
    fn tunnel(&self, line: &RequestLine<'_>) -> Result<Body, Refusal> {
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

fn split_field(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
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

fn strip_prefix_ignore_case<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judged(head: &str) -> Result<Body, u16> {
        let status = |refusal: Refusal| refusal.status().as_u16();
        match find_end(head.as_bytes(), 0).map_err(status)? {
            Some(end) if end == head.len() => judge(head.as_bytes()).map_err(status),
            other => panic!("{head:?} ends at {other:?}"),
        }
    }

    fn get(fields: &str) -> Result<Body, u16> {
        judged(&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
    }

    #[test]
    fn s15_framing_is_told_in_one_way_only() {
        assert_eq!(get(""), Ok(Body::Fixed(0)));
        assert_eq!(get("Content-Length: 12\r\n"), Ok(Body::Fixed(12)));
        assert_eq!(get("transfer-encoding:\tCHUNKED \r\n"), Ok(Body::Chunked));
        for fields in [
            "Content-Length: 4\r\nContent-Length: 4\r\n",
            "Content-Length: 4, 4\r\n",
            "Content-Length: +4\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: 0x4\r\n",
            "Content-Length:\r\n",
            "Content-Length: 9999999999999999999\r\n",
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
            "Transfer-Encoding: chunked, identity\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: \x0bchunked\r\n",
            "Transfer-Encoding:\r\n",
            "Content-Length : 4\r\n",
            " Content-Length: 4\r\n",
            "X: a\r\n folded\r\n",
            "X: a\x01b\r\n",
            ": no name\r\n",
            "no colon\r\n",
            "X\x7f: a\r\n",
        ] {
            assert_eq!(get(fields), Err(400), "{fields:?}");
        }
        let old = "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(judged(old), Err(400));
    }

    #[test]
    fn s16_host_and_target_agree() {
        for (head, expected) in [
            ("GET / HTTP/1.1\r\n\r\n", Err(400)),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Err(400)),
            (
                "GET http://a/x HTTP/1.1\r\nHost: A\r\n\r\n",
                Ok(Body::Fixed(0)),
            ),
            (
                "GET HTTPS://a?x HTTP/1.1\r\nHost: a\r\n\r\n",
                Ok(Body::Fixed(0)),
            ),
            ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", Err(421)),
            ("GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n", Err(421)),
            ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", Err(421)),
            ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
            ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
            ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
            ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", Ok(Body::Fixed(0))),
            ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
            ("GET /\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
            ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
            ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", Err(400)),
            ("GET /\r\nHost: a\r\n\r\n", Err(400)),
            ("GET / http/1.1\r\nHost: a\r\n\r\n", Err(400)),
            ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", Err(505)),
            ("PRI * HTTP/2.0\r\n\r\n", Err(505)),
            ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", Err(405)),
            ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", Err(405)),
            ("G\u{e4}T / HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nExpect: gold\r\n\r\n",
                Err(417),
            ),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n",
                Ok(Body::Fixed(0)),
            ),
        ] {
            assert_eq!(judged(head), expected, "{head:?}");
        }
    }

    #[test]
    fn s16_limits() {
        let of_length = |length: usize| {
            judged(&format!(
                "GET /{} HTTP/1.1\r\nHost: a\r\n\r\n",
                "x".repeat(length - 1)
            ))
        };
        assert_eq!(of_length(8192), Ok(Body::Fixed(0)));
        assert_eq!(of_length(8193), Err(414));
        assert_eq!(get(&"X: y\r\n".repeat(99)), Ok(Body::Fixed(0)));
        assert_eq!(get(&"X: y\r\n".repeat(100)), Err(431));
        assert_eq!(get(&"X: y\r\n".repeat(600)), Err(431));
        let upgrade = |protocol: &str, fields: usize| {
            judged(&format!(
                "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 Sec-WebSocket-Protocol: {protocol}\r\n{}\r\n",
                "X: y\r\n".repeat(fields - 6)
            ))
        };
        assert_eq!(upgrade(AGENT_PROTOCOL, 512), Ok(Body::Upgrade));
        assert_eq!(upgrade(AGENT_PROTOCOL, 513), Err(431));
        assert_eq!(upgrade(CLIENT_PROTOCOL, 100), Ok(Body::Upgrade));
        assert_eq!(upgrade(CLIENT_PROTOCOL, 101), Err(431));
        let filler = |length: usize| format!("X: {}\r\n", "y".repeat(length));
        let frame = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
        assert_eq!(get(&filler(MAX_HEAD_BYTES - frame)), Ok(Body::Fixed(0)));
        assert_eq!(get(&filler(MAX_HEAD_BYTES - frame + 1)), Err(431));
    }

    #[test]
    fn s16_line_ends_are_whole() {
        for (text, reason) in [
            ("GET / HTTP/1.1\nHost: a\n\n", "bare LF"),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n", "bare LF"),
            ("\n", "bare LF"),
            ("GET / HTTP/1.1\rHost: a\r\n\r\n", "bare CR"),
            ("GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", "bare CR"),
            ("GET / HTTP/1.1\r\nX: \0\r\n\r\n", "NUL"),
        ] {
            assert_eq!(
                find_end(text.as_bytes(), 0),
                Err(Refusal::Malformed(reason)),
                "{text:?}"
            );
        }
    }

    #[test]
    fn s17_the_only_upgrade_is_a_whole_websocket_one() {
        let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let whole = format!(
            "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n{key}Sec-WebSocket-Version: 13\r\n"
        );
        assert_eq!(get(&whole), Ok(Body::Upgrade));
        for (from, to) in [
            ("WebSocket\r", "h2c\r"),
            ("WebSocket\r", "h2c, websocket\r"),
            ("keep-alive, Upgrade", "keep-alive"),
            (key, ""),
            ("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="),
            (": 13", ": 8"),
            ("Upgrade: W", "Content-Length: 1\r\nUpgrade: W"),
            ("Upgrade: W", "Transfer-Encoding: chunked\r\nUpgrade: W"),
            ("Upgrade: W", "Upgrade: websocket\r\nUpgrade: W"),
            (
                "Upgrade: W",
                "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nUpgrade: W",
            ),
        ] {
            assert_eq!(get(&whole.replace(from, to)), Err(400), "{to:?}");
        }
        assert_eq!(get("HTTP2-Settings: x\r\n"), Err(400));
        let post = format!("POST / HTTP/1.1\r\nHost: a\r\n{whole}\r\n");
        assert_eq!(judged(&post), Err(400));
    }

    #[test]
    fn s17_a_connect_is_one_of_webtunnels_tools_or_refused() {
        let connect = |target: &str, host: &str, more: &str| {
            judged(&format!(
                "CONNECT {target} HTTP/1.1\r\nHost: {host}\r\n{more}Connection: Keep-Alive\r\n\r\n"
            ))
        };
        let credential = "Proxy-Authorization: Bearer x\r\n";
        assert_eq!(connect("a.b:22", "a.b:22", credential), Ok(Body::Upgrade));
        for (target, host, more) in [
            ("a.b:22", "a.b:22", ""),
            ("a.b:22", "a.b:23", credential),
            ("a.b", "a.b", credential),
            ("a.b:", "a.b:", credential),
            ("a.b:022222", "a.b:022222", credential),
            ("u@a.b:22", "u@a.b:22", credential),
            ("[::1]:22", "[::1]:22", credential),
            ("http://a.b:22/", "a.b:22", credential),
            ("/", "a.b:22", credential),
            (
                "a.b:22",
                "a.b:22",
                "Proxy-Authorization: x\r\nContent-Length: 0\r\n",
            ),
            (
                "a.b:22",
                "a.b:22",
                "Proxy-Authorization: x\r\nTransfer-Encoding: chunked\r\n",
            ),
            (
                "a.b:22",
                "a.b:22",
                "Proxy-Authorization: x\r\nUpgrade: websocket\r\n",
            ),
        ] {
            assert_eq!(
                connect(target, host, more),
                Err(405),
                "{target} {host} {more:?}"
            );
        }
    }

    #[test]
    fn s17_a_post_becomes_a_websocket_for_webtunnel_alone() {
        let post = |target: &str, more: &str| {
            judged(&format!(
                "POST {target} HTTP/1.1\r\n{more}Connection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 Host: a\r\n\r\n"
            ))
        };
        let protocol = |name: &str| format!("Sec-WebSocket-Protocol: {name}\r\n");
        let agent = protocol(AGENT_PROTOCOL);
        assert_eq!(post("/", &agent), Ok(Body::Upgrade));
        assert_eq!(post("http://a/x", &agent), Ok(Body::Upgrade));
        assert_eq!(post("http://b/x", &agent), Err(421));
        assert_eq!(post("/", &protocol(CLIENT_PROTOCOL)), Ok(Body::Upgrade));
        for more in [
            String::new(),
            protocol("adit.tunnel.v1"),
            protocol("COM.APPINF.WEBTUNNEL.SERVER/1.0"),
            protocol(&format!("{AGENT_PROTOCOL}, {CLIENT_PROTOCOL}")),
            format!("{agent}{agent}"),
            format!("{agent}Content-Length: 0\r\n"),
            format!("{agent}Content-Length: 1\r\n"),
            format!("{agent}Transfer-Encoding: chunked\r\n"),
        ] {
            assert_eq!(post("/", &more), Err(400), "{more:?}");
        }
        let put = format!("PUT / HTTP/1.1\r\nHost: a\r\n{agent}Upgrade: websocket\r\n\r\n");
        assert_eq!(judged(&put), Err(400));
    }

    proptest! {
        #[test]
        fn s15_no_bytes_panic_and_pieces_end_where_the_whole_does(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), any::<u8>()], 0..200),
            cut in 0_usize..200,
        ) {
            let whole = find_end(&bytes, 0);
            let cut = cut.min(bytes.len());
            let pieces = match find_end(&bytes[..cut], 0) {
                Ok(None) => find_end(&bytes, cut),
                done => done,
            };
            prop_assert_eq!(whole, pieces);
            let _ = judge(&bytes);
        }

        /// Whatever passes here, hyper's parser takes as well, whole and with the same fields.
        #[test]
        fn s15_what_passes_is_one_whole_head_to_hyper_too(
            name in "[A-Za-z0-9_.:^ -]{0,12}",
            value in "[ -~\t]{0,40}",
            target in "/[ -~]{0,30}",
        ) {
            let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{name}:{value}\r\n\r\n");
            if judge(head.as_bytes()).is_ok() {
                let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
                let mut request = httparse::Request::new(&mut fields);
                let parsed = request.parse(head.as_bytes());
                prop_assert_eq!(parsed, Ok(httparse::Status::Complete(head.len())));
                prop_assert_eq!(request.path, Some(target.as_str()));
                prop_assert_eq!(request.headers.len(), 2);
            }
        }
    }
}
