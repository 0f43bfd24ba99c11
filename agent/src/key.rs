//! The device's key. A device *is* its key: whoever holds the file is the device.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroizing;

/// An Ed25519 key pair.
pub struct DeviceKey(Ed25519KeyPair);

/// The key could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("the key file {path}: {source}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others on this machine could take the device's identity.
    #[error(
        "the key file {path} is open to others (mode {mode:03o}); run: chmod 600 {path}",
        path = path.display()
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is no Ed25519 key in PKCS #8.
    #[error("the key file {path} holds no Ed25519 key", path = path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
    },
    /// The system has no randomness.
    #[error("the system gave no random numbers")]
    Random,
}

impl DeviceKey {
    /// Reads the key, or makes one when there is no file yet.
    ///
    /// # Errors
    /// [`KeyError`]. An unusable file is never replaced: that would be another device.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        match Self::load(path) {
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            loaded_or_failed => return loaded_or_failed,
        }
        let document = generate()?;
        // Two first starts at once: the second finds the first one's key.
        match write_once(path, &pem(&document)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => {
                return Err(KeyError::File {
                    path: path.to_owned(),
                    source,
                });
            }
            Ok(()) => {}
        }
        Self::load(path)
    }

    /// A key that is kept nowhere: for tests and benchmarks.
    ///
    /// # Errors
    /// [`KeyError::Random`]
    pub fn ephemeral() -> Result<Self, KeyError> {
        let document = generate()?;
        Ed25519KeyPair::from_pkcs8(&document)
            .map(Self)
            .map_err(|_| KeyError::Random)
    }

    /// The public half: what the server knows the device by.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    pub(crate) fn sign(&self, statement: &[u8]) -> [u8; 64] {
        let signature = self.0.sign(statement);
        let mut bytes = [0; 64];
        bytes.copy_from_slice(signature.as_ref());
        bytes
    }

    fn load(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        // Of the opened file, not of the path: nobody can swap it in between.
        refuse_exposed(path, &file.metadata().map_err(failed)?)?;
        let mut text = Zeroizing::new(Vec::new());
        file.take(4096).read_to_end(&mut text).map_err(failed)?;
        let unusable = || KeyError::Unusable {
            path: path.to_owned(),
        };
        let key = PrivatePkcs8KeyDer::from_pem_slice(&text).map_err(|_| unusable())?;
        Ed25519KeyPair::from_pkcs8(key.secret_pkcs8_der())
            .map(Self)
            .map_err(|_| unusable())
    }
}

fn generate() -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
    Ok(Zeroizing::new(
        document.map_err(|_| KeyError::Random)?.as_ref().to_vec(),
    ))
}

fn pem(document: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(BASE64.encode(document));
    let mut text = Zeroizing::new(String::with_capacity(body.len() + 64));
    text.push_str("-----BEGIN PRIVATE KEY-----\n");
    for (index, character) in body.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str("\n-----END PRIVATE KEY-----\n");
    text
}

/// The whole file with mode 0600 or no file; an existing one is never replaced.
fn write_once(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = create_private(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // Unlike a rename, a link fails when the name is taken.
        fs::hard_link(&beside, path)
    });
    let removed = fs::remove_file(&beside);
    written.and(removed)
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
}

#[cfg(unix)]
fn refuse_exposed(path: &Path, metadata: &fs::Metadata) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(KeyError::Exposed {
        path: path.to_owned(),
        mode,
    })
}

#[cfg(not(unix))]
fn refuse_exposed(_: &Path, _: &fs::Metadata) -> Result<(), KeyError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/agent.key");
        let first = DeviceKey::load_or_create(&path).unwrap();
        let second = DeviceKey::load_or_create(&path).unwrap();
        assert_eq!(first.public(), second.public());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "nothing left beside"
        );
    }

    #[test]
    fn s27_a_key_file_open_to_others_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.key");
        DeviceKey::load_or_create(&path).unwrap();
        for mode in [0o640, 0o604, 0o660, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = DeviceKey::load_or_create(&path).err().unwrap();
            assert!(matches!(error, KeyError::Exposed { .. }), "{error}");
            assert!(error.to_string().contains("chmod 600"));
        }
    }

    #[test]
    fn s27_an_unusable_key_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.key");
        fs::write(
            &path,
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let before = fs::read(&path).unwrap();
        let error = DeviceKey::load_or_create(&path).err().unwrap();
        assert!(matches!(error, KeyError::Unusable { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}
