//! Where to return to: a path at the same host, or its root (SECURITY S23).

/// Longer ones are not kept.
const MAX_BYTES: usize = 1024;

/// `given` if it is a local path that no browser takes for another host; `/` if not.
pub(in crate::proxy) fn local(given: &str) -> &str {
    let is_plain = given
        .bytes()
        .all(|byte| (0x21..=0x7e).contains(&byte) && byte != b'\\');
    let mut rest = given.strip_prefix('/');
    // Some servers decode before they redirect again: an encoded slash counts as one.
    if let Some(after) = rest {
        let start = after.get(..3).unwrap_or_default().to_ascii_lowercase();
        if after.starts_with('/') || start == "%2f" || start == "%5c" {
            rest = None;
        }
    }
    let is_ours = given.starts_with("/.adit/");
    if rest.is_some() && is_plain && !is_ours && given.len() <= MAX_BYTES {
        given
    } else {
        "/"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s23_local_paths_stay() {
        for path in [
            "/",
            "/a",
            "/a/b?c=d&e=%2f",
            "/?next=https://evil.example",
            "/a//b",
            "/%41",
            "/a%2fb",
            "/~x",
            "/:80",
            "/@evil.example",
            "/.well-known/x",
            "/a;b=c",
            "/index.html?x=//y",
        ] {
            assert_eq!(local(path), path);
        }
    }

    #[test]
    fn s23_nothing_leads_elsewhere() {
        let long = format!("/{}", "a".repeat(MAX_BYTES));
        for path in [
            "",
            "a",
            "//",
            "//evil.example",
            "///evil.example",
            "////evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "\\/evil.example",
            "/\\/evil.example",
            "/%2fevil.example",
            "/%2Fevil.example",
            "/%2f%2fevil.example",
            "/%5cevil.example",
            "/%5Cevil.example",
            "%2f%2fevil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/ /evil.example",
            "/\0/evil.example",
            "http://evil.example",
            "https://evil.example",
            "https:evil.example",
            "https:/evil.example",
            "HTTPS://evil.example",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "evil.example",
            "@evil.example",
            ".evil.example",
            "?//evil.example",
            "#//evil.example",
            "/a\\b",
            "/\u{2028}/evil.example",
            "/\u{ff0f}evil.example",
            "/\u{7f}",
            "/.adit/auth",
            "/.adit/auth?state=x",
            long.as_str(),
        ] {
            assert_eq!(local(path), "/", "{path:?}");
        }
    }
}
