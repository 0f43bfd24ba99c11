//! The keys by which a device's SSH server is known (SECURITY S42).

use std::borrow::Cow;

use remote_messages::ssh::HostKey;
use russh::Preferred;
use russh::keys::{Algorithm, HashAlg, PublicKey};

/// What is known before the server has said anything.
pub(crate) struct Known {
    keys: Vec<PublicKey>,
    /// Whether any was given, even one that we cannot read: then none is taken on trust.
    any: bool,
}

/// What a presented key is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// One of the known.
    Known,
    /// None is known: somebody must decide.
    Unknown,
    /// Others are known.
    Mismatch,
}

impl Known {
    /// From lines as OpenSSH writes them.
    pub(crate) fn new(lines: &[String]) -> Self {
        let keys = lines
            .iter()
            .filter_map(|line| PublicKey::from_openssh(line.trim()).ok())
            .collect();
        Self {
            keys,
            any: !lines.is_empty(),
        }
    }

    pub(crate) fn judge(&self, presented: &PublicKey) -> Verdict {
        let is_known = |key: &PublicKey| key.key_data() == presented.key_data();
        match self.keys.iter().any(is_known) {
            true => Verdict::Known,
            false if self.any => Verdict::Mismatch,
            false => Verdict::Unknown,
        }
    }

    pub(crate) fn for_people(&self) -> Vec<HostKey> {
        self.keys.iter().filter_map(for_people).collect()
    }

    /// What to offer. A server has several host keys: where some are known, it must present one of
    /// these, or a key that nobody reported looks like an attack.
    pub(crate) fn preferred(&self) -> Preferred {
        let safe = Preferred::DEFAULT;
        let key = safe
            .key
            .iter()
            .filter(|algorithm| {
                **algorithm != Algorithm::Rsa { hash: None } && (!self.any || self.has(algorithm))
            })
            .cloned()
            .collect();
        Preferred {
            key: Cow::Owned(key),
            ..safe
        }
    }

    fn has(&self, algorithm: &Algorithm) -> bool {
        self.keys.iter().any(|key| match algorithm {
            Algorithm::Rsa { .. } => matches!(key.algorithm(), Algorithm::Rsa { .. }),
            other => key.algorithm() == *other,
        })
    }
}

/// A key as a page shows and keeps it; without the comment, which is the device's text.
pub(crate) fn for_people(key: &PublicKey) -> Option<HostKey> {
    let plain = PublicKey::from(key.key_data().clone());
    Some(HostKey {
        key: plain.to_openssh().ok()?,
        algorithm: plain.algorithm().as_str().to_owned(),
        fingerprint: plain.fingerprint(HashAlg::Sha256).to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHwf2HMM5TRXvo2SQJjsNkiDD5KqiiNjrGVv3UUh+mMT5RHxiRtOnlqvjhQtBq0VpmpCV/PwUdhOig4vkbqAcEc=";

    fn known(lines: &[&str]) -> Known {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        Known::new(&lines)
    }

    fn key(line: &str) -> PublicKey {
        PublicKey::from_openssh(line).unwrap()
    }

    #[test]
    fn s42_only_a_known_key_passes() {
        let ed25519 = key(ED25519);
        let with_comment = format!("{ED25519} root@pump\n");
        assert_eq!(known(&[&with_comment]).judge(&ed25519), Verdict::Known);
        assert_eq!(known(&[ECDSA]).judge(&ed25519), Verdict::Mismatch);
        assert_eq!(known(&[]).judge(&ed25519), Verdict::Unknown);
    }

    #[test]
    fn s42_an_unreadable_key_is_not_none() {
        let known = known(&["ssh-later AAAA"]);
        assert_eq!(known.judge(&key(ED25519)), Verdict::Mismatch);
        assert!(known.preferred().key.is_empty());
    }

    #[test]
    fn s42_only_algorithms_with_a_known_key_are_offered() {
        assert_eq!(
            known(&[ED25519]).preferred().key.as_ref(),
            [Algorithm::Ed25519]
        );
        let all = known(&[]).preferred().key;
        assert_eq!(all.len(), 6);
        assert!(
            !all.contains(&Algorithm::Rsa { hash: None }),
            "SHA-1 is off"
        );
    }

    #[test]
    fn s42_weak_algorithms_are_off_and_strict_kex_is_on() {
        let offered = known(&[]).preferred();
        let names = |names: &[&str]| names.join(" ");
        let kex = names(&offered.kex.iter().map(AsRef::as_ref).collect::<Vec<_>>());
        let cipher = names(&offered.cipher.iter().map(AsRef::as_ref).collect::<Vec<_>>());
        let mac = names(&offered.mac.iter().map(AsRef::as_ref).collect::<Vec<_>>());
        assert!(!kex.contains("sha1"), "{kex}");
        assert!(kex.contains("kex-strict-c-v00@openssh.com"), "{kex}");
        assert!(
            !cipher.contains("cbc") && !cipher.contains("none"),
            "{cipher}"
        );
        assert!(!mac.contains("sha1"), "{mac}");
    }

    #[test]
    fn people_see_the_fingerprint_of_openssh_and_no_comment() {
        let shown = for_people(&key(&format!("{ED25519} <b>"))).unwrap();
        assert_eq!(shown.key, ED25519);
        assert_eq!(shown.algorithm, "ssh-ed25519");
        assert_eq!(
            shown.fingerprint,
            "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ"
        );
    }
}
