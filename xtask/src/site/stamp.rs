//! What the site is made of, as one hash: unchanged, nothing is done again.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::Profile;
use crate::run;
use crate::tidy::{hex, sources};

/// The hash over all inputs of the site, and over this program that makes it.
pub(super) fn of(profile: Profile, wasm: &[PathBuf]) -> Result<String> {
    let root = run::root();
    let mut inputs = wasm.to_vec();
    inputs.push(std::env::current_exe()?);
    for folder in ["style", "public", super::vendor::FOLDER] {
        inputs.extend(sources::files_under(&root.join(folder))?);
    }
    let mut text = format!("{profile:?}\n");
    for path in inputs {
        text += &format!("{} {}\n", path.display(), hex::digest(&fs::read(&path)?));
    }
    Ok(hex::digest(text.as_bytes()))
}
