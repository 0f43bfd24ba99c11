//! Where agents that speak WebTunnel are sent.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use serde::{Deserialize, Serialize};

use super::Origin;

/// A `Location` for agents: a URL, or a path of this server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Redirect {
    text: String,
    /// `None`: a path alone, which agents resolve against the URL they have.
    origin: Option<Origin>,
    /// Path and query.
    target: String,
}

/// A text that is no such place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be https://host/path, or a path that begins with one /")]
pub struct InvalidRedirect;

impl Redirect {
    /// As it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The other server; `None`: this one.
    #[must_use]
    pub const fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Path and query there.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }
}

impl FromStr for Redirect {
    type Err = InvalidRedirect;

    fn from_str(text: &str) -> Result<Self, InvalidRedirect> {
        // A name and a password of the URL would go out with every answer; a fragment is lost.
        let is_plain = text.bytes().all(|byte| matches!(byte, 0x21..=0x7e))
            && !text.contains(['#', '@', '\\', '"', '<', '>']);
        let uri: Uri = text.parse().map_err(|_| InvalidRedirect)?;
        let origin = match (uri.scheme_str(), uri.authority()) {
            (Some(scheme), Some(authority)) => {
                let origin = format!("{scheme}://{authority}");
                Some(origin.parse().map_err(|_| InvalidRedirect)?)
            }
            (None, None) if text.starts_with('/') && !text.starts_with("//") => None,
            _ => return Err(InvalidRedirect),
        };
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        if !is_plain || !target.starts_with('/') {
            return Err(InvalidRedirect);
        }
        Ok(Self {
            text: text.to_owned(),
            origin,
            target: target.to_owned(),
        })
    }
}

impl TryFrom<String> for Redirect {
    type Error = InvalidRedirect;

    fn try_from(text: String) -> Result<Self, InvalidRedirect> {
        text.parse()
    }
}

impl From<Redirect> for String {
    fn from(redirect: Redirect) -> Self {
        redirect.text
    }
}

impl fmt::Display for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        for (text, origin, target) in [
            ("/eu", None, "/eu"),
            ("/eu?x=1", None, "/eu?x=1"),
            ("https://other.example", Some("https://other.example"), "/"),
            (
                "https://other.example:8443/a/b?c",
                Some("https://other.example:8443"),
                "/a/b?c",
            ),
        ] {
            let redirect: Redirect = text.parse().unwrap();
            assert_eq!(redirect.origin().map(Origin::as_str), origin, "{text}");
            assert_eq!((redirect.target(), redirect.as_str()), (target, text));
        }
        for text in [
            "",
            "eu",
            "//evil.example/",
            "/\\evil.example",
            "wss://other.example/",
            "ftp://other.example/",
            "https://user:secret@other.example/",
            "https://",
            "/eu#here",
            "/a b",
            "/a\r\nX: y",
        ] {
            assert_eq!(text.parse::<Redirect>(), Err(InvalidRedirect), "{text}");
        }
    }
}
