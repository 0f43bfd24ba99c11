//! The demo's `adit-server`: its configuration, its first records, its process.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::Child;

use crate::layout::{Certificate, Site};
use crate::program::{Program, last_lines};
use crate::rest::Rest;

const READY_WITHIN: Duration = Duration::from_secs(20);

/// What a person needs to get in, and what a device needs once.
pub(crate) struct Secrets {
    pub(crate) password: String,
    pub(crate) api_token: String,
    pub(crate) install_key: String,
}

/// The server as a process that can be ended and started again over the same data.
pub(crate) struct Server {
    program: Program,
    config: PathBuf,
    log: PathBuf,
    process: Option<Child>,
}

impl Server {
    /// Writes the configuration; nothing runs yet.
    ///
    /// # Errors
    /// The program is missing, or the folder cannot be written to.
    pub(crate) fn prepare(folder: &Path, logs: &Path, site: &Site) -> Result<Self> {
        let config = folder.join("adit-server.toml");
        let mut text = format!(
            "public_url = {:?}\n\
             agent_origins = [{:?}]\n\
             device_domain = {:?}\n\
             data_dir = {folder:?}\n\n\
             [listen]\naddress = \"127.0.0.1:{}\"\n",
            site.url(),
            site.agent_url(),
            site.device_domain,
            site.port,
        );
        if let Some(Certificate { file, key }) = &site.certificate {
            text += &format!("tls = {{ certificate = {file:?}, key = {key:?} }}\n");
        }
        fs::write(&config, text).context("the server's configuration")?;
        let program = Program::find("adit-server")?;
        Ok(Self {
            program,
            config,
            log: logs.join("server.log"),
            process: None,
        })
    }

    /// Makes the first user and what the devices and scripts need, through the command line.
    ///
    /// # Errors
    /// A command failed.
    pub(crate) async fn make_records(&self, username: &str) -> Result<Secrets> {
        let password = password()?;
        self.ask(
            &[
                "admin",
                "create",
                "--username",
                username,
                "--password-stdin",
            ],
            &password,
        )
        .await?;
        let token = ["token", "create", "--username", username, "--name", "demo"];
        let api_token = self.ask(&token, "").await?;
        let install_key = self
            .ask(&["install-key", "create", "--name", "demo"], "")
            .await?;
        Ok(Secrets {
            password,
            api_token,
            install_key,
        })
    }

    /// Starts it and waits until it takes requests.
    ///
    /// # Errors
    /// It ended at once or is not ready in time; the message has the end of its log.
    pub(crate) async fn start(&mut self, rest: &Rest) -> Result<()> {
        let words = ["serve", "--config"].map(OsStr::new);
        let words = [words[0], words[1], self.config.as_os_str()];
        let process = self.process.insert(self.program.start(&words, &self.log)?);
        let ready = async {
            while !rest.is_ready().await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! {
            () = ready => Ok(()),
            status = process.wait() => {
                bail!("the server ended with {}:\n{}", status?, last_lines(&self.log))
            }
            () = tokio::time::sleep(READY_WITHIN) => {
                bail!("the server is not ready after {READY_WITHIN:?}:\n{}", last_lines(&self.log))
            }
        }
    }

    /// Ends it without warning, as a power cut would.
    ///
    /// # Errors
    /// It could not be ended.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill().await.context("ending the server")?;
        }
        Ok(())
    }

    /// Whether it was started and has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.process
            .as_mut()
            .is_some_and(|process| !matches!(process.try_wait(), Ok(None)))
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        last_lines(&self.log)
    }

    async fn ask(&self, words: &[&str], input: &str) -> Result<String> {
        let mut all: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        all.extend([OsStr::new("--config"), self.config.as_os_str()]);
        self.program.ask(&all, input).await
    }
}

/// 100 random bits in letters and digits that are not mistaken for each other.
///
/// # Errors
/// The system has no random numbers.
pub(crate) fn password() -> Result<String> {
    let mut bytes = [0; 13];
    let random = ring::rand::SystemRandom::new();
    ring::rand::SecureRandom::fill(&random, &mut bytes)
        .ok()
        .context("the system has no random numbers")?;
    let text = data_encoding::BASE32_NOPAD.encode(&bytes).to_lowercase();
    Ok(text
        .as_bytes()
        .chunks(5)
        .map(String::from_utf8_lossy)
        .collect::<Vec<_>>()
        .join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_comes_twice() {
        let (one, other) = (password().unwrap(), password().unwrap());
        assert_ne!(one, other);
        assert!(one.len() > 20 && one.contains('-'), "{one}");
    }
}
