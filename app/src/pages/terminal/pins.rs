//! Which host keys are known: those that the device reports, else one that was trusted here.

use api::DeviceId;

use crate::state::storage;

/// What the Worker is told, and where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) keys: Vec<String>,
    /// Trusted in this browser, not reported by the device.
    pub(super) pinned: bool,
}

/// The device's own report counts for more than what somebody once trusted.
pub(super) fn known(reported: &[String], kept: Option<&str>) -> Known {
    if !reported.is_empty() {
        return Known {
            keys: reported.to_vec(),
            pinned: false,
        };
    }
    match kept.filter(|key| is_key(key)) {
        Some(key) => Known {
            keys: vec![key.to_owned()],
            pinned: true,
        },
        None => Known::default(),
    }
}

/// `algorithm base64`, as OpenSSH writes it.
fn is_key(text: &str) -> bool {
    let mut parts = text.split(' ');
    let is_word = |part: Option<&str>, more: &str| {
        part.is_some_and(|part| {
            let allowed = |letter: char| letter.is_ascii_alphanumeric() || more.contains(letter);
            !part.is_empty() && part.chars().all(allowed)
        })
    };
    is_word(parts.next(), "-@.") && is_word(parts.next(), "+/=") && parts.next().is_none()
}

/// The key kept for a service, if any.
pub(crate) fn kept(device: DeviceId, service: &str) -> Option<String> {
    storage()?
        .get_item(&slot("host-key", device, service))
        .ok()
        .flatten()
}

/// Keeps a key that somebody trusted.
pub(super) fn keep(device: DeviceId, service: &str, key: &str) {
    if let Some(storage) = storage() {
        // A browser that keeps nothing asks again next time.
        let _ = storage.set_item(&slot("host-key", device, service), key);
    }
}

/// Forgets it: the next connection asks.
pub(crate) fn forget(device: DeviceId, service: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&slot("host-key", device, service));
    }
}

/// The account last used for a service.
pub(super) fn last_user(device: DeviceId, service: &str) -> Option<String> {
    storage()?
        .get_item(&slot("user", device, service))
        .ok()
        .flatten()
}

/// Keeps the account, and nothing that proves it.
pub(super) fn keep_user(device: DeviceId, service: &str, user: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(&slot("user", device, service), user);
    }
}

fn slot(what: &str, device: DeviceId, service: &str) -> String {
    format!("adit-ssh-{what}:{device}:{service}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_device_reports_goes_before_what_was_trusted() {
        let reported = ["ssh-ed25519 AAAA".to_owned()];
        let both = known(&reported, Some("ssh-rsa BBBB"));
        assert_eq!((both.keys.as_slice(), both.pinned), (&reported[..], false));
        let alone = known(&[], Some("ssh-rsa BBBB="));
        assert_eq!(
            (alone.keys, alone.pinned),
            (vec!["ssh-rsa BBBB=".to_owned()], true)
        );
        assert_eq!(known(&[], None), Known::default());
    }

    #[test]
    fn what_is_no_key_is_not_handed_on() {
        for text in [
            "",
            "ssh-rsa",
            "ssh-rsa AAAA ada@host",
            "a b\n",
            "ssh-rsa <b>",
        ] {
            assert_eq!(known(&[], Some(text)), Known::default(), "{text:?}");
        }
    }

    #[test]
    fn each_service_of_each_device_has_its_own() {
        let device = crate::testing::device("pump").id;
        assert_ne!(slot("user", device, "ssh"), slot("user", device, "ssh-2"));
        assert_ne!(slot("user", device, "ssh"), slot("host-key", device, "ssh"));
    }
}
