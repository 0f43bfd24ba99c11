//! A private key as it was pasted.

use remote_messages::ssh::KeyFault;
use russh::keys::{Error, PrivateKey, decode_secret_key, ssh_key};

/// Larger than any key in use.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// Reads OpenSSH, PKCS#8, PKCS#1 and PuTTY keys.
///
/// # Errors
/// Why it cannot be used.
pub(crate) fn read(text: &str, passphrase: Option<&str>) -> Result<PrivateKey, KeyFault> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(KeyFault::Unreadable);
    }
    let passphrase = passphrase.filter(|passphrase| !passphrase.is_empty());
    // Pasted from elsewhere it comes with blanks around its lines.
    let text: zeroize::Zeroizing<String> = text
        .lines()
        .map(str::trim)
        .flat_map(|line| [line, "\n"])
        .collect::<String>()
        .into();
    decode_secret_key(&text, passphrase).map_err(|error| fault(&text, passphrase, &error))
}

/// The library tells apart whether a passphrase is missing, but not whether it is wrong.
fn fault(text: &str, passphrase: Option<&str>, error: &Error) -> KeyFault {
    let is_encrypted = matches!(
        error,
        Error::KeyIsEncrypted | Error::SshKey(ssh_key::Error::Encrypted)
    ) || text.contains("ENCRYPTED")
        || (text.contains("PuTTY-User-Key-File-") && !text.contains("Encryption: none"))
        || (text.contains("OPENSSH PRIVATE KEY")
            && PrivateKey::from_openssh(text).is_ok_and(|key| key.is_encrypted()));
    match (is_encrypted, passphrase) {
        (false, _) => KeyFault::Unreadable,
        (true, None) => KeyFault::Encrypted,
        (true, Some(_)) => KeyFault::WrongPassphrase,
    }
}
