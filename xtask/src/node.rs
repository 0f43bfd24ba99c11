//! Node and npm: one that is new enough, and the packages of a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::run;

/// Playwright wants at least this; Debian 12 has 18.
const OLDEST_MAJOR: u32 = 20;

/// Makes sure that there is a Node new enough: the system's, or one of our own under `target/`.
///
/// # Errors
/// None is there and none could be installed.
pub(crate) fn ensure() -> Result<()> {
    if system_is_new_enough() || own().is_file() {
        return Ok(());
    }
    eprintln!("Node {OLDEST_MAJOR} or newer is needed; installing one under target/");
    fs::create_dir_all(own_folder())?;
    // The npm package `node` carries the program itself.
    run::run(
        Command::new("npm")
            .args([
                "install",
                "--no-save",
                "--no-audit",
                "--no-fund",
                "--prefix",
            ])
            .arg(own_folder())
            .arg("node@22"),
    )
}

/// A Node to run a script with.
pub(crate) fn node() -> Command {
    with_path(if system_is_new_enough() {
        PathBuf::from("node")
    } else {
        own()
    })
}

/// Installs the locked packages of a folder, if they are not there yet.
///
/// # Errors
/// npm failed.
pub(crate) fn packages(folder: &str) -> Result<()> {
    let folder = run::root().join(folder);
    let lock_path = folder.join("package-lock.json");
    if !lock_path.is_file() {
        return Ok(());
    }
    let lock = fs::read(&lock_path)?;
    let stamp_path = folder.join("node_modules/.installed-lock");
    if fs::read(&stamp_path).is_ok_and(|stamp| stamp == lock) {
        return Ok(());
    }
    run::run(
        with_path("npm".into())
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(&folder),
    )?;
    fs::write(&stamp_path, lock).context("could not note what is installed")
}

fn system_is_new_enough() -> bool {
    let version = Command::new("node").arg("--version").output();
    version.is_ok_and(|output| {
        major(&String::from_utf8_lossy(&output.stdout)).is_some_and(|major| major >= OLDEST_MAJOR)
    })
}

fn major(version: &str) -> Option<u32> {
    version
        .trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

fn own_folder() -> PathBuf {
    run::root().join("target/node")
}

fn own() -> PathBuf {
    own_folder().join("node_modules/node/bin/node")
}

/// Our own Node goes first in the search path, for the scripts that start `node` themselves.
fn with_path(program: PathBuf) -> Command {
    let mut command = Command::new(program);
    if let (Some(folder), true) = (own().parent().map(Path::to_path_buf), own().is_file()) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(folder).chain(std::env::split_paths(&path));
        if let Ok(joined) = std::env::join_paths(folders) {
            command.env("PATH", joined);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("nonsense"), None);
    }
}
