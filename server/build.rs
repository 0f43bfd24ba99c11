//! Makes sure that there is a web app to embed, and that a new one is embedded anew.

use std::path::Path;
use std::{env, fs, io};

const PLACEHOLDER: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<title>Adit</title><p>This build of adit-server is without the web app.</p></html>\n";

fn main() -> io::Result<()> {
    let crate_folder = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let site = Path::new(&crate_folder).join("../target/site");
    if !site.join("index.html").exists() {
        fs::create_dir_all(&site)?;
        fs::write(site.join("index.html"), PLACEHOLDER)?;
    }
    println!("cargo::rerun-if-changed={}", site.display());
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
