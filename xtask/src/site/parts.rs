//! Cuts a wasm module into the part that starts and parts that are loaded when they are needed: at
//! the functions marked `#[wasm_split]`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use wasm_split_cli_support::{Options, transform};

use super::Profile;

/// As the wasm names the script that loads its parts.
const LOADER: &str = "./parts.js";
/// The script that knows what the first part exports; in `public/`.
const EXPORTS: &str = "{{exports.js}}";

/// Writes the parts and their loader `parts.js` to `into`, and gives the path of the first part.
///
/// # Errors
/// The wasm has no relocations, or nothing is marked in it.
pub(super) fn cut(profile: Profile, wasm: &Path, into: &Path) -> Result<PathBuf> {
    let whole = fs::read(wasm).with_context(|| wasm.display().to_string())?;
    let first = wasm.with_extension("first.wasm");
    let mut options = Options::new(&whole);
    options.output_dir = into;
    options.main_out_path = &first;
    options.link_name = LOADER;
    options.main_module = EXPORTS;
    let split = transform(options).map_err(|error| anyhow!("{error:#}"))?;

    let loader = into.join(LOADER);
    let mut script = fs::read_to_string(&loader)?;
    for part in &split.split_modules {
        if profile == Profile::Release {
            shorten(part)?;
        }
        let name = part.file_name().unwrap_or_default().to_string_lossy();
        let (named, hashed) = (format!("\"./{name}\""), format!("\"{{{{{name}}}}}\""));
        if !script.contains(&named) {
            return Err(anyhow!("{LOADER} does not load {name}"));
        }
        script = script.replace(&named, &hashed);
    }
    fs::write(&loader, script)?;
    Ok(first)
}

/// Drops the names of functions, and the room that relocations had kept in every number.
fn shorten(part: &Path) -> Result<()> {
    let mut config = walrus::ModuleConfig::new();
    config
        .generate_name_section(false)
        .generate_producers_section(false);
    let mut module = config.parse_file(part)?;
    module.emit_wasm_file(part)
}

/// Lets the glue of the first part find the loader by its hashed name.
///
/// # Errors
/// It does not ask for it.
pub(super) fn refer(glue: &Path) -> Result<()> {
    let script = fs::read_to_string(glue)?;
    // Elsewhere the name is the one that the wasm knows, and stays.
    let (named, hashed) = (format!("from \"{LOADER}\""), "from \"{{parts.js}}\"");
    if !script.contains(&named) {
        return Err(anyhow!("{} does not import {LOADER}", glue.display()));
    }
    Ok(fs::write(glue, script.replace(&named, hashed))?)
}
