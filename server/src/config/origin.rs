//! Names of the two places that URLs are made for: the manager's origin and the devices' domain.

use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A configured name that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` {problem}")]
pub struct InvalidName {
    text: String,
    problem: &'static str,
}

/// `http` or `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

/// Scheme, host and port, in the form that browsers send as `Origin`: lower case, no default
/// port, no path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    text: String,
    /// Where the host begins in `text`, and where it ends.
    host: (usize, usize),
    port: u16,
}

impl Origin {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn scheme(&self) -> Scheme {
        if self.text.starts_with("https:") {
            Scheme::Https
        } else {
            Scheme::Http
        }
    }

    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme() == Scheme::Https
    }

    /// Without port; an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.text[self.host.0..self.host.1]
    }

    /// The scheme's own if none is written.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Host, and port if it is not the scheme's own: what a `Host` header holds.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.text[self.host.0..]
    }

    /// The origin of another host at this scheme and port.
    #[must_use]
    pub fn at_host(&self, host: &str) -> String {
        format!(
            "{}{host}{}",
            &self.text[..self.host.0],
            &self.text[self.host.1..]
        )
    }

    /// Whether the host can only be this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        let address = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        host == "localhost"
            || host.ends_with(".localhost")
            || address.is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for Origin {
    type Err = InvalidName;

    fn from_str(given: &str) -> Result<Self, InvalidName> {
        let wrong = |problem| InvalidName {
            text: given.to_owned(),
            problem,
        };
        let text = given
            .strip_suffix('/')
            .unwrap_or(given)
            .to_ascii_lowercase();
        let (scheme, rest) = text.split_once("://").ok_or_else(|| {
            wrong("is not an origin: write it as https://host or https://host:port")
        })?;
        let default_port: u16 = match scheme {
            "https" => 443,
            "http" => 80,
            _ => return Err(wrong("begins neither with https:// nor with http://")),
        };
        if rest.contains(['/', '?', '#', '@']) {
            return Err(wrong("has more than scheme, host and port"));
        }
        let in_brackets = rest.find(']').map_or(0, |end| end + 1);
        let (host, port) = match rest[in_brackets..].find(':') {
            None => (rest, default_port),
            Some(colon) => {
                let (host, port) = rest.split_at(in_brackets + colon);
                let port = port[1..].parse().ok().filter(|port| *port != 0);
                (
                    host,
                    port.ok_or_else(|| wrong("has a port that is not a number up to 65535"))?,
                )
            }
        };
        let is_address = match host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            Some(inside) => inside.parse::<std::net::Ipv6Addr>().is_ok(),
            None => false,
        };
        if !is_address {
            check_dns_name(host).map_err(wrong)?;
        }
        let start = scheme.len() + "://".len();
        let end = start + host.len();
        let text = if port == default_port {
            text[..end].to_owned()
        } else {
            format!("{}:{port}", &text[..end])
        };
        Ok(Self {
            text,
            host: (start, end),
            port,
        })
    }
}

/// The domain below which each device has a host of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceDomain(String);

impl DeviceDomain {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host of a device, or of one of its services: `label` or `label--service`.
    #[must_use]
    pub fn host_of(&self, host_label: &str) -> String {
        format!("{host_label}.{}", self.0)
    }

    /// What stands before the domain in `host` (lower case, no port), if it is below it.
    #[must_use]
    pub fn host_label<'a>(&self, host: &'a str) -> Option<&'a str> {
        host.strip_suffix(self.0.as_str())?.strip_suffix('.')
    }
}

impl FromStr for DeviceDomain {
    type Err = InvalidName;

    fn from_str(given: &str) -> Result<Self, InvalidName> {
        let wrong = |problem| InvalidName {
            text: given.to_owned(),
            problem,
        };
        let name = given.to_ascii_lowercase();
        if name.contains(['/', ':']) {
            return Err(wrong(
                "is not a domain: write it without scheme, port and path",
            ));
        }
        check_dns_name(&name).map_err(wrong)?;
        if name.parse::<IpAddr>().is_ok() {
            return Err(wrong("is an address; devices need names below a domain"));
        }
        Ok(Self(name))
    }
}

/// Letters, digits and inner hyphens in labels of 1 to 63. Names that only look alike (punycode)
/// are refused in requests, so they are of no use here.
fn check_dns_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() || name.len() > 253 {
        return Err("has no host name, or one that is too long");
    }
    for label in name.split('.') {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if label.is_empty() || label.len() > 63 || !label.bytes().all(inner) {
            return Err("has a host name with something other than letters, digits, - and dots");
        }
        if label.starts_with('-') || label.ends_with('-') || label.starts_with("xn--") {
            return Err("has a part that begins or ends with - or is punycode");
        }
    }
    Ok(())
}

macro_rules! reads_as_text {
    ($name:ident) => {
        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }
    };
}

reads_as_text!(Origin);
reads_as_text!(DeviceDomain);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_become_what_browsers_send() {
        for (given, canonical, host, port) in [
            (
                "https://Adit.Example.com/",
                "https://adit.example.com",
                "adit.example.com",
                443,
            ),
            (
                "https://a.example:443",
                "https://a.example",
                "a.example",
                443,
            ),
            (
                "http://adit.localhost:8080",
                "http://adit.localhost:8080",
                "adit.localhost",
                8080,
            ),
            ("http://[::1]:81", "http://[::1]:81", "[::1]", 81),
            ("http://127.0.0.1:80", "http://127.0.0.1", "127.0.0.1", 80),
        ] {
            let origin: Origin = given.parse().unwrap();
            assert_eq!(origin.as_str(), canonical);
            assert_eq!((origin.host(), origin.port()), (host, port), "{given}");
            assert_eq!(canonical.parse::<Origin>().unwrap(), origin, "{given}");
        }
        let origin: Origin = "http://adit.localhost:8080".parse().unwrap();
        assert_eq!(origin.authority(), "adit.localhost:8080");
        assert_eq!(
            origin.at_host("one.adit.localhost"),
            "http://one.adit.localhost:8080"
        );
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for given in [
            "",
            "adit.example.com",
            "ftp://a.b",
            "https://",
            "https://a/b",
            "https://u@a",
            "https://a:0",
            "https://a:99999",
            "https://a:",
            "https://a b",
            "https://a..b",
            "https://xn--nxasmq6b.example",
            "https://[::1",
            "https://a_b.example",
            "https://-a.b",
            "https://[1.2.3.4]",
            "https://ä.example",
        ] {
            assert!(given.parse::<Origin>().is_err(), "{given}");
        }
    }

    #[test]
    fn a_host_below_the_domain_has_a_label() {
        let domain: DeviceDomain = "Devices.example".parse().unwrap();
        assert_eq!(domain.host_label("one.devices.example"), Some("one"));
        assert_eq!(domain.host_label("evildevices.example"), None);
        assert_eq!(domain.host_label("devices.example"), None);
        assert_eq!(domain.host_of("one--web"), "one--web.devices.example");
        for wrong in ["https://a.b", "a.b:80", "10.0.0.1", "", "a/b", "*.a.b"] {
            assert!(wrong.parse::<DeviceDomain>().is_err(), "{wrong}");
        }
    }
}
