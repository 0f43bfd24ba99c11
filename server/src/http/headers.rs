//! Security headers of the manager, on every answer (SECURITY section 4).

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Nothing but our own, no frames, no plugins. `'unsafe-inline'` styles are what the terminal's
/// drawing library needs; scripts are files of ours and wasm.
const CSP: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; \
    connect-src 'self'; worker-src 'self'; manifest-src 'self'; object-src 'none'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const HSTS: &str = "max-age=31536000";

/// The policy for a document with inline scripts of these SHA-256 sources (`'sha256-…'`).
#[must_use]
pub fn content_security_policy(script_hashes: &[String]) -> String {
    let mut allowed = String::from("script-src 'self' 'wasm-unsafe-eval'");
    for hash in script_hashes {
        allowed.push(' ');
        allowed.push_str(hash);
    }
    CSP.replacen("script-src 'self' 'wasm-unsafe-eval'", &allowed, 1)
}

/// Adds what the answer does not say more exactly itself.
pub(super) fn secure(headers: &mut HeaderMap, is_https: bool, is_api: bool) {
    let mut add = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    add(header::CONTENT_SECURITY_POLICY, CSP);
    add(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(header::REFERRER_POLICY, "no-referrer");
    add(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    add(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    if is_https {
        add(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    if is_api {
        add(header::CACHE_CONTROL, "no-store");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s10_inline_scripts_are_allowed_by_their_hash_alone() {
        assert_eq!(content_security_policy(&[]), CSP);
        let policy = content_security_policy(&["'sha256-abc='".into()]);
        assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval' 'sha256-abc=';"));
        assert!(
            !policy
                .split("style-src")
                .next()
                .unwrap()
                .contains("unsafe-inline")
        );
    }

    #[test]
    fn s11_an_answer_keeps_what_it_says_itself() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("sandbox"),
        );
        secure(&mut headers, false, true);
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], "sandbox");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert!(!headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
        secure(&mut headers, true, false);
        assert!(headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
    }
}
