//! The libraries of other people that the app loads on demand, each as one script and one sheet.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::Profile;
use crate::run;

/// The folder of the entries and of what they import.
pub(crate) const FOLDER: &str = "vendor";

/// Bundles `vendor/terminal.js`. What it says about licences stays at its end.
///
/// # Errors
/// esbuild failed.
pub(super) fn bundle(profile: Profile, into: &Path) -> Result<()> {
    let root = run::root();
    let mut esbuild = Command::new(root.join("style/node_modules/.bin/esbuild"));
    esbuild
        .args(["terminal.js", "--bundle", "--format=esm", "--target=es2022"])
        .args(["--legal-comments=eof", "--log-level=warning"])
        .arg(format!("--outdir={}", into.display()))
        .current_dir(root.join(FOLDER));
    if profile == Profile::Release {
        esbuild.arg("--minify");
    }
    run::run(&mut esbuild)
}
