//! The web app as files: wasm, glue, styles, fonts and public files, hashed and compressed.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::run;

mod compress;
mod modules;
mod names;
mod parts;
mod stamp;
pub(crate) mod vendor;

/// How the web app is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build.
    Dev,
    /// Small over the wire.
    Release,
}

/// Builds `target/site`, unless it is there already and nothing it is made of has changed.
///
/// # Errors
/// Something does not build, or breaks a rule: an `env` import in the wasm, too large.
pub(crate) fn build(profile: Profile) -> Result<()> {
    let wasm = modules::compile(profile)?;
    let target = run::root().join("target");
    let (done, stamp_path) = (target.join("site"), target.join("site.stamp"));
    let stamp = stamp::of(profile, &wasm)?;
    if done.is_dir() && fs::read_to_string(&stamp_path).is_ok_and(|old| old == stamp) {
        return Ok(());
    }

    let (staging, fresh) = (target.join("site.parts"), target.join("site.new"));
    for folder in [&staging, &fresh] {
        empty(folder)?;
    }
    modules::bind(profile, &wasm, &staging)?;
    bundle_styles(profile, &staging)?;
    vendor::bundle(profile, &staging)?;
    names::lay_out(&staging, &run::root().join("public"), &fresh)?;
    let sizes = compress::folder(&fresh, profile)?;
    eprint!("{}", compress::table(&sizes));
    if profile == Profile::Release {
        modules::hold_limits(&sizes)?;
    }

    // A server that is being compiled embeds the folder: it must never see half of it.
    let _ = fs::remove_file(&stamp_path);
    if done.exists() {
        fs::remove_dir_all(&done)?;
    }
    fs::rename(&fresh, &done)?;
    fs::write(&stamp_path, stamp)?;
    fs::remove_dir_all(&staging)?;
    Ok(())
}

/// Bundles `style/main.css` and the fonts it names.
fn bundle_styles(profile: Profile, into: &Path) -> Result<()> {
    let style = run::root().join("style");
    let mut esbuild = Command::new(style.join("node_modules/.bin/esbuild"));
    esbuild
        .args([
            "main.css",
            "--bundle",
            "--log-level=warning",
            "--loader:.woff2=file",
        ])
        .args(["--asset-names=[name]-[hash]", "--public-path=/pkg"])
        .arg(format!("--outdir={}", into.display()))
        .current_dir(&style);
    if profile == Profile::Release {
        esbuild.arg("--minify");
    }
    run::run(&mut esbuild)
}

fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))
}
