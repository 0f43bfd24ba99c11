//! A proxy's address, and who the agent is to it.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;
use http::HeaderValue;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use crate::host::Host;

/// `http://proxy.example:3128` or `https://user:password@proxy.example`. Shows no credentials,
/// however it is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    tls: bool,
    host: Host,
    port: u16,
    credentials: Option<Credentials>,
}

/// What `Proxy-Authorization` says. Without `Debug` on purpose.
#[derive(Clone, PartialEq, Eq)]
struct Credentials(Zeroizing<String>);

/// Why an address is not acceptable; never repeats it, for the password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyUrlError {
    /// It is no URL of the form that is wanted.
    #[error(
        "a proxy's address must look like http://proxy.example:3128 or \
         http://user:password@proxy.example:3128 (special characters as %40)"
    )]
    Malformed,
    /// SOCKS and others.
    #[error("only http:// and https:// proxies can be used, not SOCKS or others")]
    Scheme,
    /// Basic authentication cannot say them.
    #[error("the proxy's user name or password has a character that cannot be sent to it")]
    Credentials,
}

impl ProxyUrl {
    pub(crate) const fn is_tls(&self) -> bool {
        self.tls
    }

    pub(crate) const fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Whether the address holds a password that others must not read.
    #[must_use]
    pub const fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// For `Proxy-Authorization`, and nothing else.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let Credentials(text) = self.credentials.as_ref()?;
        // Base64 always is a header value.
        let mut value = HeaderValue::from_str(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl FromStr for ProxyUrl {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        use ProxyUrlError::{Malformed, Scheme};
        let (tls, rest) = match text.split_once("://") {
            None => (false, text),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some(_) => return Err(Scheme),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // The last @: people forget to write the one in their password as %40.
        let (credentials, authority) = match rest.rsplit_once('@') {
            Some((credentials, authority)) => (Some(basic(credentials)?), authority),
            None => (None, rest),
        };
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or(Malformed)?,
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => default_port(tls),
            None => return Err(Malformed),
            Some(port) => port.parse().map_err(|_| Malformed)?,
        };
        if port == 0 {
            return Err(Malformed);
        }
        Ok(Self {
            tls,
            host: host.parse().map_err(|_| Malformed)?,
            port,
            credentials,
        })
    }
}

/// RFC 7617: a user name has no colon, and neither has control characters.
fn basic(text: &str) -> Result<Credentials, ProxyUrlError> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    let user = Zeroizing::new(percent_decode_str(user).collect::<Vec<u8>>());
    let password = Zeroizing::new(percent_decode_str(password).collect::<Vec<u8>>());
    let has_control = |bytes: &[u8]| bytes.iter().any(u8::is_ascii_control);
    if user.is_empty() || user.contains(&b':') || has_control(&user) || has_control(&password) {
        return Err(ProxyUrlError::Credentials);
    }
    let pair = Zeroizing::new([&user[..], b":", &password[..]].concat());
    let encoded = Zeroizing::new(BASE64.encode(&pair));
    Ok(Credentials(Zeroizing::new(format!(
        "Basic {}",
        encoded.as_str()
    ))))
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        match &self.host {
            Host::Address(address) if address.is_ipv6() => {
                write!(f, "{scheme}://[{address}]:{}", self.port)
            }
            host => write!(f, "{scheme}://{host}:{}", self.port),
        }
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(url: &ProxyUrl) -> Option<String> {
        let value = url.authorization()?;
        assert!(value.is_sensitive());
        let encoded = value.to_str().unwrap().strip_prefix("Basic ")?.to_owned();
        Some(String::from_utf8(BASE64.decode(encoded.as_bytes()).unwrap()).unwrap())
    }

    #[test]
    fn addresses_and_credentials_are_read() {
        for (text, shown, credentials) in [
            (
                "http://Proxy.Example:3128",
                "http://proxy.example:3128",
                None,
            ),
            ("proxy.example:3128", "http://proxy.example:3128", None),
            ("proxy.example", "http://proxy.example:80", None),
            ("HTTPS://proxy.example/", "https://proxy.example:443", None),
            ("http://[2001:db8::1]:8", "http://[2001:db8::1]:8", None),
            ("http://[::1]", "http://[::1]:80", None),
            ("http://me:pw@p:1", "http://p:1", Some("me:pw")),
            ("http://me@p:1", "http://p:1", Some("me:")),
            ("me:p@ss:w@p:1", "http://p:1", Some("me:p@ss:w")),
            (
                "http://d%5Cme:%C3%A4%20%40@p",
                "http://p:80",
                Some("d\\me:ä @"),
            ),
        ] {
            let url: ProxyUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(said(&url).as_deref(), credentials, "{text}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused() {
        use ProxyUrlError::{Credentials, Malformed, Scheme};
        for (text, error) in [
            ("", Malformed),
            ("http://", Malformed),
            ("http://p:0", Malformed),
            ("http://p:99999", Malformed),
            ("http://p:1/path", Malformed),
            ("http://p q", Malformed),
            ("http://[::1", Malformed),
            ("http://[::1]x", Malformed),
            ("http://::1", Malformed),
            ("socks5://p:1080", Scheme),
            ("ftp://p", Scheme),
            ("http://:pw@p", Credentials),
            ("http://a%3Ab:pw@p", Credentials),
            ("http://me:a%0d%0aHost:x@p", Credentials),
        ] {
            assert_eq!(text.parse::<ProxyUrl>(), Err(error), "{text}");
        }
    }

    #[test]
    fn the_password_is_in_no_print() {
        let url: ProxyUrl = "http://somebody:secret@p:1".parse().unwrap();
        let printed = format!("{url} {url:?} {:?}", url.authorization());
        assert!(
            !printed.contains("secret") && !printed.contains("somebody"),
            "{printed}"
        );
        assert!(
            !printed.contains(&BASE64.encode(b"somebody:secret")),
            "{printed}"
        );
    }
}
