//! Host names and addresses as people write them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::Deserialize;

/// An address, or a name to be resolved.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Host {
    /// Written out as an address.
    Address(IpAddr),
    /// A name, lower case.
    Name(String),
}

/// It is neither an address nor a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an IP address nor a host name")]
pub struct HostError(String);

impl Host {
    /// `localhost` and everything below it. RFC 6761 gives these names to the machine itself, but
    /// not every resolver knows; the agent never asks one.
    #[must_use]
    pub fn is_localhost(&self) -> bool {
        match self {
            Self::Address(_) => false,
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }

    /// Where `localhost` is.
    pub(crate) const LOOPBACK: [IpAddr; 2] = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let name = text.to_ascii_lowercase();
        let labels: Vec<&str> = name.split('.').collect();
        // A last label of digits is how `127.1`, `0x7f.1` and `2130706433` begin: resolvers take
        // them for addresses, people and checks do not. They are refused as names.
        let looks_like_address = labels.last().is_none_or(|last| {
            last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x")
        });
        if name.len() > 253 || looks_like_address || !labels.iter().all(|label| is_label(label)) {
            return Err(HostError(text.to_owned()));
        }
        Ok(Self::Name(name))
    }
}

impl TryFrom<String> for Host {
    type Error = HostError;

    fn try_from(text: String) -> Result<Self, HostError> {
        text.parse()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Underscores are no letters of host names, but real networks have them.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_told_apart() {
        assert_eq!(
            "10.0.0.1".parse(),
            Ok(Host::Address(Ipv4Addr::new(10, 0, 0, 1).into()))
        );
        assert_eq!("::1".parse(), Ok(Host::Address(Ipv6Addr::LOCALHOST.into())));
        assert_eq!("PLC-3.Lan".parse(), Ok(Host::Name("plc-3.lan".into())));
        assert!(
            "demo.localhost"
                .parse::<Host>()
                .is_ok_and(|host| host.is_localhost())
        );
        assert!(
            "notlocalhost"
                .parse::<Host>()
                .is_ok_and(|host| !host.is_localhost())
        );
    }

    #[test]
    fn s31_disguised_addresses_are_no_names() {
        for text in [
            "",
            ".",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "127.0.0.1.",
            "a b",
            "a/b",
            "user@host",
            "host:80",
            "[::1]",
            "-a",
            "a-",
            "a..b",
            "localhost.",
            "127.0.0.0x1",
            "169.254.43518",
        ] {
            assert!(text.parse::<Host>().is_err(), "{text:?}");
        }
    }
}
