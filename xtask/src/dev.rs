//! dev: builds, runs the server, and does both again when a source changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use crate::site::Profile;
use crate::tidy::sources;
use crate::{build, native, run, setup, site};

const LOOK_EVERY: Duration = Duration::from_millis(400);

/// Whose changes matter to the server and the web app.
const WATCHED: &[&str] = &[
    "api",
    "app",
    "Cargo.lock",
    "frontend",
    "public",
    "server",
    "style",
    "tunnel",
    site::vendor::FOLDER,
];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The server's configuration; one for this machine alone when absent.
    #[arg(long)]
    config: Option<PathBuf>,
}

/// Runs until it is told to end. A build that fails leaves the server of before.
///
/// # Errors
/// The first preparations failed.
pub(crate) fn perform(options: &Options) -> Result<()> {
    setup::perform(setup::Need { tests: false })?;
    let config = match &options.config {
        Some(path) => path.clone(),
        None => own_config()?,
    };
    let mut server: Option<Child> = None;
    loop {
        let seen = newest()?;
        match rebuild() {
            Ok(()) => {
                if let Some(mut old) = server.take() {
                    old.kill()?;
                    old.wait()?;
                }
                server = Some(start(&config)?);
            }
            Err(error) => eprintln!("{error:#}"),
        }
        while newest()? == seen {
            thread::sleep(LOOK_EVERY);
        }
    }
}

fn rebuild() -> Result<()> {
    site::build(Profile::Dev)?;
    build::programs(false)
}

fn start(config: &Path) -> Result<Child> {
    let program = native::programs(false).join("adit-server");
    Command::new(&program)
        .args(["serve", "--config"])
        .arg(config)
        .spawn()
        .with_context(|| format!("could not start {}", program.display()))
}

/// A configuration whose data stays under `target/dev` between runs.
fn own_config() -> Result<PathBuf> {
    let folder = run::root().join("target/dev");
    fs::create_dir_all(&folder)?;
    let path = folder.join("adit-server.toml");
    let text = format!(
        "public_url = \"http://adit.localhost:8080\"\n\
         device_domain = \"adit.localhost\"\n\
         data_dir = {folder:?}\n\n\
         [listen]\naddress = \"127.0.0.1:8080\"\n"
    );
    fs::write(&path, text)?;
    eprintln!("configuration: {}", path.display());
    Ok(path)
}

/// When the youngest watched file was written.
fn newest() -> Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for name in WATCHED {
        let path = run::root().join(name);
        let files = if path.is_dir() {
            sources::files_under(&path)?
        } else {
            vec![path]
        };
        for file in files {
            // A file may be gone again: editors write and rename.
            if let Ok(written) = fs::metadata(&file).and_then(|about| about.modified()) {
                newest = newest.max(written);
            }
        }
    }
    Ok(newest)
}
