//! The web app as files: wasm, glue, styles, fonts and public files, hashed and compressed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::{native, run};

mod compress;
mod names;
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

/// What may go over the wire before the first screen; DESIGN's numbers.
const WASM_LIMIT_BYTES: u64 = 400 * 1024;

/// Builds `target/site`, unless it is there already and nothing it is made of has changed.
///
/// # Errors
/// Something does not build, or breaks a rule: an `env` import in the wasm, too large.
pub(crate) fn build(profile: Profile) -> Result<()> {
    let wasm = compile(profile)?;
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
    bind(profile, &wasm, &staging)?;
    bundle_styles(profile, &staging)?;
    vendor::bundle(profile, &staging)?;
    names::lay_out(&staging, &run::root().join("public"), &fresh)?;
    let sizes = compress::folder(&fresh, profile)?;
    eprint!("{}", compress::table(&sizes));
    if profile == Profile::Release {
        hold_limit(&sizes)?;
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

/// Compiles the web app and gives the path of the raw wasm.
fn compile(profile: Profile) -> Result<PathBuf> {
    let (name, folder) = match profile {
        Profile::Dev => ("dev", "debug"),
        Profile::Release => ("wasm", "wasm"),
    };
    let words = [
        "build",
        "--profile",
        name,
        "-p",
        "frontend",
        "--target",
        native::WASM,
    ];
    run::run(run::cargo().args(words))?;
    Ok(run::root()
        .join("target")
        .join(native::WASM)
        .join(folder)
        .join("frontend.wasm"))
}

/// Makes `frontend.js` and `frontend.wasm`, and the scripts that our crates bring along.
fn bind(profile: Profile, wasm: &Path, into: &Path) -> Result<()> {
    let release = profile == Profile::Release;
    let mut output = Bindgen::new()
        .input_path(wasm)
        .web(true)?
        .typescript(false)
        .debug(!release)
        .remove_name_section(release)
        .out_name("frontend")
        .generate_output()?;
    let stray = output
        .wasm()
        .imports
        .iter()
        .find(|import| import.module == "env");
    if let Some(import) = stray {
        bail!(
            "the wasm imports `env.{}`, which no browser has: was it built by gcc?",
            import.name
        );
    }
    output.emit(into)?;
    fs::rename(into.join("frontend_bg.wasm"), into.join("frontend.wasm"))?;
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

fn hold_limit(sizes: &[compress::Size]) -> Result<()> {
    let wasm = sizes
        .iter()
        .find(|size| size.path.extension().is_some_and(|ext| ext == "wasm"));
    let wasm = wasm.context("there is no wasm in the site")?;
    let wire_bytes = wasm.compressed_bytes.unwrap_or(wasm.bytes);
    if wire_bytes > WASM_LIMIT_BYTES {
        bail!(
            "{} B of wasm over the wire; the limit is {WASM_LIMIT_BYTES} B",
            wire_bytes
        );
    }
    Ok(())
}

fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))
}
