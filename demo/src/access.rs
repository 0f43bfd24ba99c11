//! How people sign in at the devices themselves.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::program::Program;
use crate::server::password;
use crate::ssh::keygen;

/// Who signs in at a device, and with what: made anew for each demo.
#[derive(Clone)]
pub(crate) struct Access {
    /// The user who runs the demo: an sshd that is not root's serves nobody else.
    pub(crate) user: String,
    /// OpenSSH's format, without a passphrase.
    pub(crate) private_key: String,
    /// Of the desktops that ask for one: 8 letters, the most that VNC looks at.
    pub(crate) desktop_password: String,
    /// Its public half.
    pub(crate) authorized: PathBuf,
}

impl Access {
    /// Makes a key pair in `folder`.
    ///
    /// # Errors
    /// `ssh-keygen` is missing or failed.
    pub(crate) async fn make(folder: &Path) -> Result<Self> {
        let key = folder.join("demo-key");
        keygen(&key, "ed25519").await?;
        Ok(Self {
            user: user().await?,
            private_key: fs::read_to_string(&key)?,
            desktop_password: password()?
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .take(8)
                .collect(),
            authorized: folder.join("demo-key.pub"),
        })
    }
}

#[cfg(test)]
impl Access {
    pub(crate) fn for_tests() -> Self {
        Self {
            user: "ada".to_owned(),
            private_key: "-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(),
            desktop_password: "secret12".to_owned(),
            authorized: PathBuf::new(),
        }
    }
}

async fn user() -> Result<String> {
    let id = Program::of_the_system("id")?;
    id.ask(&[OsStr::new("-un")], "")
        .await
        .context("who runs this?")
}
