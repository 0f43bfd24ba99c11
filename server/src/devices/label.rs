//! Labels: a device's part of host names.

use data_encoding::BASE32_NOPAD;

use crate::db::random;

/// With `-` and the suffix 41 characters: so that label, `--` and the longest service name fit
/// into the 63 characters of a DNS label.
const SLUG_MAX: usize = 34;
/// The longest name of a service.
pub(super) const SERVICE_NAME_MAX: usize = 20;
/// 30 bits: nobody reaches a device by guessing its address.
const SUFFIX_LEN: usize = 6;

/// A new label for a device of this name. It may be taken already.
pub(super) fn new_label(name: &str) -> String {
    let suffix = BASE32_NOPAD.encode(&random::<4>()).to_ascii_lowercase();
    format!("{}-{}", slug(name), &suffix[..SUFFIX_LEN])
}

/// Lower-case letters, digits and single `-` inside.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for character in name.chars() {
        if slug.len() == SLUG_MAX {
            break;
        }
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "device".to_owned()
    } else {
        slug.to_owned()
    }
}

/// Whether a text can be a label as it stands.
pub(crate) fn is_label(text: &str) -> bool {
    (1..=SLUG_MAX + 1 + SUFFIX_LEN).contains(&text.len())
        && !text.contains("--")
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.starts_with("xn-")
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether a text can be a service's name: `[a-z0-9]` and single `-` inside.
pub(super) fn is_service_name(text: &str) -> bool {
    (1..=SERVICE_NAME_MAX).contains(&text.len())
        && !text.contains("--")
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn slugs() {
        for (name, expected) in [
            ("Pump 7 (north)", "pump-7-north"),
            ("--a--b--", "a-b"),
            ("ポンプ", "device"),
            ("xn--evil", "xn-evil"),
            ("Gerät", "ger-t"),
        ] {
            assert_eq!(slug(name), expected);
        }
    }

    #[test]
    fn service_names() {
        for good in ["a", "web", "web-2", "0", "a-b-c", "abcdefghijklmnopqrst"] {
            assert!(is_service_name(good), "{good}");
        }
        for bad in [
            "",
            "-a",
            "a-",
            "a--b",
            "A",
            "a_b",
            "a.b",
            "ä",
            "abcdefghijklmnopqrstu",
            "a b",
        ] {
            assert!(!is_service_name(bad), "{bad}");
        }
    }

    #[test]
    fn labels() {
        let longest = "a".repeat(41);
        for good in ["dev-0001", "0", longest.as_str()] {
            assert!(is_label(good), "{good}");
        }
        let too_long = "a".repeat(42);
        for bad in [
            "",
            "-a",
            "a-",
            "a--b",
            "A",
            "a.b",
            "xn-a",
            too_long.as_str(),
        ] {
            assert!(!is_label(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_label_is_always_part_of_a_host_name(name in any::<String>()) {
            let label = new_label(&name);
            prop_assert!(label.len() + 2 + SERVICE_NAME_MAX <= 63);
            prop_assert!(!label.contains("--") && !label.starts_with('-') && !label.ends_with('-'));
            let host_char = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            prop_assert!(label.bytes().all(host_char));
        }
    }
}
