//! The server's address as configured.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use serde::Deserialize;

use crate::host::Host;

/// Scheme, host and port: an origin, nothing more.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ServerUrl {
    tls: bool,
    host: Host,
    port: u16,
}

/// Why an address is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    /// It is no URL of the form that is wanted.
    #[error(
        "the server's address must look like https://adit.example or https://adit.example:8443"
    )]
    Malformed,
    /// Whoever sits in between would own the device.
    #[error(
        "plain http is refused: anybody on the way could take over this device. Use https:// \
         (http works for localhost only)"
    )]
    PlainHttp,
}

impl ServerUrl {
    /// As the device signs it, as `Origin` would have it: no default port, no slash at the end.
    #[must_use]
    pub fn origin(&self) -> String {
        format!(
            "{}://{}",
            if self.tls { "https" } else { "http" },
            self.authority()
        )
    }

    /// As in `Host`.
    #[must_use]
    pub(crate) fn authority(&self) -> String {
        if self.port == default_port(self.tls) {
            self.bracketed_host()
        } else {
            self.host_and_port()
        }
    }

    /// As in `CONNECT`.
    #[must_use]
    pub(crate) fn host_and_port(&self) -> String {
        format!("{}:{}", self.bracketed_host(), self.port)
    }

    fn bracketed_host(&self) -> String {
        match &self.host {
            Host::Address(address) if address.is_ipv6() => format!("[{address}]"),
            host => host.to_string(),
        }
    }

    pub(crate) const fn is_tls(&self) -> bool {
        self.tls
    }

    pub(crate) const fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, ServerUrlError> {
        use ServerUrlError::{Malformed, PlainHttp};
        let uri: Uri = text.parse().map_err(|_| Malformed)?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(Malformed),
        };
        let authority = uri.authority().ok_or(Malformed)?;
        let is_origin = uri.path() == "/" && uri.query().is_none() && !text.contains('#');
        if !is_origin || authority.as_str().contains('@') {
            return Err(Malformed);
        }
        let host = authority.host();
        let unbracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let host: Host = unbracketed.unwrap_or(host).parse().map_err(|_| Malformed)?;
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => default_port(tls),
            rest => rest
                .and_then(|rest| rest.strip_prefix(':')?.parse().ok())
                .filter(|port| *port != 0)
                .ok_or(Malformed)?,
        };
        let on_this_machine = match &host {
            Host::Address(address) => address.is_loopback(),
            Host::Name(_) => host.is_localhost(),
        };
        if !tls && !on_this_machine {
            return Err(PlainHttp);
        }
        Ok(Self { tls, host, port })
    }
}

impl TryFrom<String> for ServerUrl {
    type Error = ServerUrlError;

    fn try_from(text: String) -> Result<Self, ServerUrlError> {
        text.parse()
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())
    }
}

const fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_one_way() {
        for (text, origin) in [
            ("https://Adit.Example", "https://adit.example"),
            ("https://adit.example/", "https://adit.example"),
            ("https://adit.example:443", "https://adit.example"),
            ("https://adit.example:8443", "https://adit.example:8443"),
            ("https://192.168.0.9:8443", "https://192.168.0.9:8443"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]"),
            ("http://adit.localhost:8080", "http://adit.localhost:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(
                text.parse::<ServerUrl>().map(|url| url.origin()).as_deref(),
                Ok(origin)
            );
        }
    }

    #[test]
    fn s29_plain_http_is_for_this_machine_alone() {
        for text in [
            "http://adit.example",
            "http://192.168.0.9",
            "http://10.0.0.1:8080",
            "http://0.0.0.0",
            "http://localhost.example",
            "http://notlocalhost",
            "http://[2001:db8::1]",
            "http://127.0.0.1.nip.example",
        ] {
            assert_eq!(
                text.parse::<ServerUrl>(),
                Err(ServerUrlError::PlainHttp),
                "{text}"
            );
        }
        for text in [
            "http://localhost",
            "http://127.0.0.1:1",
            "http://127.9.9.9",
            "http://[::1]",
        ] {
            assert!(text.parse::<ServerUrl>().is_ok(), "{text}");
        }
    }

    #[test]
    fn anything_but_an_origin_is_refused() {
        for text in [
            "",
            "adit.example",
            "ftp://adit.example",
            "wss://adit.example",
            "https://",
            "https://a@adit.example",
            "https://adit.example/path",
            "https://adit.example?q",
            "https://adit.example/#f",
            "https://adit.example:0",
            "https://adit.example:99999",
            "https://2130706433",
            "https://0x7f.1",
            "https://a b",
        ] {
            assert_eq!(
                text.parse::<ServerUrl>(),
                Err(ServerUrlError::Malformed),
                "{text}"
            );
        }
    }
}
