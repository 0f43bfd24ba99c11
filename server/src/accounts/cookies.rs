//! Cookies: reading ours and no other, and setting them.

use cookie::{Cookie, SameSite, time::Duration};
use http::{HeaderMap, HeaderValue, header};

/// What a request presents under a cookie's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented<'a> {
    Nothing,
    One(&'a str),
    /// More than one of a name that a browser keeps once, or bytes that are no text: somebody has
    /// planted one. None of them is believed.
    Ambiguous,
}

/// The cookie of exactly this name, letter by letter: nothing is decoded, trimmed of quotes or
/// compared without case, because a browser protects the prefix `__Host-` only as it is written.
#[must_use]
pub fn presented<'a>(headers: &'a HeaderMap, name: &str) -> Presented<'a> {
    let mut found = Presented::Nothing;
    let pairs = headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    for pair in pairs {
        let pair = pair.trim_ascii_start();
        let value = pair
            .strip_prefix(name.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"="));
        let Some(value) = value else { continue };
        found = match (found, std::str::from_utf8(value)) {
            (Presented::Nothing, Ok(value)) => Presented::One(value),
            _ => return Presented::Ambiguous,
        };
    }
    found
}

/// A `Set-Cookie` line for this host alone.
pub(super) fn set(name: &'static str, secret: &str, max_age_s: i64) -> Option<HeaderValue> {
    let line = host_cookie(name, secret)
        .max_age(Duration::seconds(max_age_s))
        .build()
        .to_string();
    let mut line = HeaderValue::try_from(line).ok()?;
    // Keeps the secret out of logs of headers.
    line.set_sensitive(true);
    Some(line)
}

/// A `Set-Cookie` line that makes the browser forget.
pub(super) fn clear(name: &'static str) -> Option<HeaderValue> {
    let line = host_cookie(name, "")
        .max_age(Duration::ZERO)
        .build()
        .to_string();
    HeaderValue::try_from(line).ok()
}

fn host_cookie<'a>(name: &'static str, value: &'a str) -> cookie::CookieBuilder<'a> {
    Cookie::build((name, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::SIGN_IN_COOKIE;

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        lines
            .iter()
            .map(|line| (header::COOKIE, HeaderValue::from_bytes(line).unwrap()))
            .collect()
    }

    #[test]
    fn s01_only_our_name_is_read_and_duplicates_are_refused() {
        use Presented::{Ambiguous, Nothing, One};
        let table: &[(&[&[u8]], Presented<'_>)] = &[
            (&[], Nothing),
            (&[b"__Host-adit_session=s"], One("s")),
            (&[b"a=b; __Host-adit_session=s; c=d"], One("s")),
            (&[b"a=b", b"__Host-adit_session=s"], One("s")),
            (&[b"__Host-adit_session=a=b"], One("a=b")),
            (&[b"__Host-adit_session="], One("")),
            // Planted beside ours.
            (
                &[b"__Host-adit_session=s; __Host-adit_session=evil"],
                Ambiguous,
            ),
            (
                &[b"__Host-adit_session=s; __Host-adit_session=s"],
                Ambiguous,
            ),
            (
                &[b"__Host-adit_session=s", b"__Host-adit_session=evil"],
                Ambiguous,
            ),
            (&[b"__Host-adit_session=; __Host-adit_session=s"], Ambiguous),
            (&[b"__Host-adit_session=\xff"], Ambiguous),
            // Names that are not ours.
            (&[b"__host-adit_session=evil"], Nothing),
            (&[b"__HOST-ADIT_SESSION=evil"], Nothing),
            (&[b"__Host-adit%5Fsession=evil"], Nothing),
            (&[b"%5F%5FHost-adit_session=evil"], Nothing),
            (&[b"adit_session=evil"], Nothing),
            (&[b"__Secure-adit_session=evil"], Nothing),
            (&[b"=__Host-adit_session=evil"], Nothing),
            (&[b"__Host-adit_session =evil"], Nothing),
            (&[b"__Host-adit_session"], Nothing),
            (&[b"__Host-adit_session2=evil"], Nothing),
            (&[b"x__Host-adit_session=evil"], Nothing),
            (&[b"a=\"; __Host-adit_session=s\""], One("s\"")),
            (&[b"a,__Host-adit_session=evil"], Nothing),
            // And beside ours they do no harm.
            (
                &[b"__host-adit_session=evil; __Host-adit_session=s; =x"],
                One("s"),
            ),
        ];
        for (lines, expected) in table {
            let headers = headers(lines);
            assert_eq!(
                presented(&headers, SIGN_IN_COOKIE),
                *expected,
                "{headers:?}"
            );
        }
    }

    #[test]
    fn s01_cookies_are_for_this_host_alone() {
        let line = set(SIGN_IN_COOKIE, "s", 60).unwrap();
        let line = line.to_str().unwrap();
        assert!(line.starts_with("__Host-adit_session=s; "), "{line}");
        for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=60"] {
            assert!(
                line.split("; ").any(|part| part == attribute),
                "{attribute} in {line}"
            );
        }
        assert!(!line.contains("Domain"), "{line}");
        let cleared = clear(SIGN_IN_COOKIE).unwrap();
        assert!(
            cleared.to_str().unwrap().contains("Max-Age=0"),
            "{cleared:?}"
        );
    }
}
