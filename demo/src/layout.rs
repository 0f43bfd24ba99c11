//! Under which names the demo is found, and whether over TLS.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// How the manager's name and the devices' names relate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Layout {
    /// Plain HTTP below `adit.localhost`, which browsers resolve to loopback and trust.
    #[default]
    Localhost,
    /// TLS, devices below the manager's own name: one site to a browser.
    SameSite,
    /// TLS, devices below a registrable domain of their own.
    Separate,
}

/// The names of one run. The `.test` ones resolve only where somebody maps them to loopback.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) port: u16,
    /// The manager's host.
    pub(crate) host: &'static str,
    pub(crate) device_domain: &'static str,
    pub(crate) certificate: Option<Certificate>,
}

/// A self-signed certificate for all names of a run, PEM files.
#[derive(Clone)]
pub(crate) struct Certificate {
    pub(crate) file: PathBuf,
    pub(crate) key: PathBuf,
}

impl Site {
    /// Names for a layout; makes a certificate in `folder` where one is needed.
    ///
    /// # Errors
    /// The certificate could not be made or written.
    pub(crate) fn make(layout: Layout, port: u16, folder: &Path) -> Result<Self> {
        let (host, device_domain) = match layout {
            Layout::Localhost => ("adit.localhost", "adit.localhost"),
            Layout::SameSite => ("adit.test", "adit.test"),
            Layout::Separate => ("adit.test", "adit-devices.test"),
        };
        let certificate = match layout {
            Layout::Localhost => None,
            Layout::SameSite | Layout::Separate => Some(Certificate::make(folder)?),
        };
        Ok(Self {
            port,
            host,
            device_domain,
            certificate,
        })
    }

    /// Where people find the manager.
    pub(crate) fn url(&self) -> String {
        match self.certificate {
            None => format!("http://{}:{}", self.host, self.port),
            Some(_) => format!("https://{}:{}", self.host, self.port),
        }
    }

    /// Where agents find it: they have no map of names, but know `localhost`.
    pub(crate) fn agent_url(&self) -> String {
        match self.certificate {
            None => self.url(),
            Some(_) => format!("https://localhost:{}", self.port),
        }
    }
}

impl Certificate {
    fn make(folder: &Path) -> Result<Self> {
        let names = [
            "localhost",
            "adit.test",
            "*.adit.test",
            "*.adit-devices.test",
        ];
        let made = rcgen::generate_simple_self_signed(names.map(str::to_owned))
            .context("no certificate")?;
        let (file, key) = (folder.join("server.pem"), folder.join("server.key"));
        fs::write(&file, made.cert.pem())?;
        fs::write(&key, made.signing_key.serialize_pem())?;
        Ok(Self { file, key })
    }
}
