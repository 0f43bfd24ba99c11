//! Who an agent says it is: `Basic deviceId@domain:password`.

use ::http::{HeaderMap, HeaderName, header};
use data_encoding::BASE64;
use tunnel::webtunnel::text_of;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Of a whole field; a device id has 63 at most.
const MAX_BYTES: usize = 1024;

/// What an agent claims, and shows for it.
pub(super) struct Credential {
    pub(super) agent_id: String,
    /// `None`: not a UUID, so no domain of anybody's.
    pub(super) domain: Option<Uuid>,
    pub(super) password: Zeroizing<String>,
}

impl Credential {
    /// The credential of a request that has one, and only one.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let (user, password) = basic(headers, &header::AUTHORIZATION)?;
        // A password may hold an @, and the id cannot.
        let (agent_id, domain) = user.rsplit_once('@')?;
        Some(Self {
            agent_id: agent_id.to_owned(),
            domain: Uuid::try_parse(domain).ok(),
            password,
        })
    }
}

/// User name and password of Basic authentication in this field.
pub(super) fn basic(
    headers: &HeaderMap,
    field: &HeaderName,
) -> Option<(String, Zeroizing<String>)> {
    let mut lines = headers.get_all(field).iter();
    let (line, None) = (lines.next()?, lines.next()) else {
        return None;
    };
    let line = line.to_str().ok().filter(|line| line.len() <= MAX_BYTES)?;
    let (scheme, encoded) = line.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(BASE64.decode(encoded.trim().as_bytes()).ok()?);
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let password = Zeroizing::new(text_of(&decoded[colon + 1..]));
    Some((text_of(&decoded[..colon]), password))
}

/// Whether an agent can have this id: it is a DNS label.
pub(crate) fn is_agent_id(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<(String, bool, String)> {
        let mut headers = HeaderMap::new();
        let line = format!("Basic {}", BASE64.encode(text.as_bytes()));
        headers.insert(header::AUTHORIZATION, line.parse().unwrap());
        let credential = Credential::of(&headers)?;
        Some((
            credential.agent_id,
            credential.domain.is_some(),
            credential.password.to_string(),
        ))
    }

    #[test]
    fn the_user_name_is_split_at_its_last_at() {
        const DOMAIN: &str = "11111111-2222-3333-4444-555555555555";
        let known = |id: &str, password: &str| Some((id.into(), true, password.into()));
        assert_eq!(of(&format!("dev@{DOMAIN}:pw")), known("dev", "pw"));
        assert_eq!(of(&format!("dev@{DOMAIN}:p@w:x")), known("dev", "p@w:x"));
        assert_eq!(of(&format!("a@b@{DOMAIN}:")), known("a@b", ""));
        assert_eq!(of("dev@nothing:x"), Some(("dev".into(), false, "x".into())));
        assert_eq!(of("dev:x"), None);
        assert_eq!(of("dev"), None);
        let mut headers = HeaderMap::new();
        for line in ["Bearer x", "Basic !", "Basic", ""] {
            headers.insert(header::AUTHORIZATION, line.parse().unwrap());
            assert!(Credential::of(&headers).is_none(), "{line}");
        }
    }
}
