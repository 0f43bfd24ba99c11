//! The agent as it is shipped: static, one file for every Linux distribution, and small.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run;

const PACKAGE: &str = "agent";
/// In `Cargo.toml`.
const PROFILE: &str = "agent";

/// What it must not grow to unseen; DESIGN's must is 4 MB.
const LIMIT_BYTES: u64 = 3_000_000;

/// A processor that it is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    X86_64,
    Aarch64,
}

impl Target {
    pub(crate) const ALL: [Self; 2] = [Self::X86_64, Self::Aarch64];

    const fn triple(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-musl",
            Self::Aarch64 => "aarch64-unknown-linux-musl",
        }
    }

    /// Builds the program. `.cargo/config.toml` names clang and Rust's own linker for it.
    ///
    /// # Errors
    /// It does not build, or Rust's library for the target could not be had.
    pub(crate) fn build(self) -> Result<PathBuf> {
        ensure_library(self.triple())?;
        let words = ["build", "--profile", PROFILE, "-p", PACKAGE, "--target"];
        run::run(run::cargo().args(words).arg(self.triple()))?;
        let folder = run::root().join("target").join(self.triple());
        Ok(folder.join(PROFILE).join("adit-agent"))
    }
}

/// Builds it for this processor and looks at its size.
///
/// # Errors
/// It does not build, or is too large.
pub(crate) fn hold_limit() -> Result<()> {
    let own = Target::ALL
        .into_iter()
        .find(|target| target.triple().starts_with(std::env::consts::ARCH));
    let program = own.context("no static agent for this processor")?.build()?;
    hold(&program, fs::metadata(&program)?.len())
}

fn hold(program: &Path, size_bytes: u64) -> Result<()> {
    eprintln!("adit-agent: {size_bytes} B of {LIMIT_BYTES} B");
    if size_bytes > LIMIT_BYTES {
        let name = program.display();
        bail!("{name}: {size_bytes} B; the limit is {LIMIT_BYTES} B");
    }
    Ok(())
}

fn ensure_library(triple: &str) -> Result<()> {
    let words = ["--print", "target-libdir", "--target", triple];
    let folder = run::output(Command::new("rustc").args(words))?;
    if Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    run::run(Command::new("rustup").args(["target", "add", triple]))
        .with_context(|| format!("the Rust target {triple} is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_too_many_is_an_error() {
        let program = Path::new("adit-agent");
        assert!(hold(program, LIMIT_BYTES).is_ok());
        let error = hold(program, LIMIT_BYTES + 1).unwrap_err().to_string();
        assert!(error.contains("adit-agent: 3000001 B"), "{error}");
    }
}
