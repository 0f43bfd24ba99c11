//! The wasm modules of the web app: the app itself, and the clients that it loads on demand, each in
//! a Worker of its own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use super::compress::Size;
use super::{Profile, parts};
use crate::{native, run};

/// A crate that becomes `{name}.js` and `{name}.wasm`.
struct Module {
    name: &'static str,
    package: &'static str,
    /// Over the wire; DESIGN's numbers.
    limit_bytes: u64,
    /// Whether it runs in a Worker, whose script is then `{name}-worker.js`. Pages find it by the
    /// table `modules` in `public/index.html`.
    is_remote: bool,
    /// Whether it is cut into parts, of which only the first is loaded at the start.
    in_parts: bool,
}

const MODULES: &[Module] = &[
    Module {
        name: "frontend",
        package: "frontend",
        limit_bytes: 400 * 1024,
        is_remote: false,
        in_parts: true,
    },
    Module {
        name: "ssh",
        package: "remote-ssh",
        limit_bytes: 600 * 1024,
        is_remote: true,
        in_parts: false,
    },
    Module {
        name: "vnc",
        package: "remote-vnc",
        limit_bytes: 200 * 1024,
        is_remote: true,
        in_parts: false,
    },
];

/// The same for all; `MODULE` is the name.
const WORKER: &str = include_str!("worker.js");

/// Compiles all modules and gives the paths of the raw wasm, in the order of the table.
///
/// # Errors
/// One does not build.
pub(super) fn compile(profile: Profile) -> Result<Vec<PathBuf>> {
    let (name, folder) = match profile {
        Profile::Dev => ("dev", "debug"),
        Profile::Release => ("wasm", "wasm"),
    };
    let built = run::root().join("target").join(native::WASM).join(folder);
    let mut paths = Vec::new();
    for module in MODULES {
        // One by one: together, each would get the features that another one needs.
        let words = ["build", "--profile", name, "--target", native::WASM, "-p"];
        run::run(clang(&mut run::cargo()).args(words).arg(module.package))?;
        paths.push(built.join(format!("{}.wasm", module.package.replace('-', "_"))));
    }
    Ok(paths)
}

/// `ring` for wasm builds with gcc too, but such a module cannot be loaded. The same as in
/// `.cargo/config.toml`, which a caller's environment overrules.
fn clang(cargo: &mut std::process::Command) -> &mut std::process::Command {
    cargo
        .env("CC_wasm32_unknown_unknown", "clang")
        .env("AR_wasm32_unknown_unknown", "llvm-ar")
}

/// Makes `{name}.js` and `{name}.wasm` of each module, and the scripts of the Workers.
///
/// # Errors
/// A module imports what no browser has, or no page knows where it is.
pub(super) fn bind(profile: Profile, wasm: &[PathBuf], into: &Path) -> Result<()> {
    let index = run::root().join("public/index.html");
    let index = fs::read_to_string(&index).with_context(|| index.display().to_string())?;
    for (module, wasm) in MODULES.iter().zip(wasm) {
        bind_one(profile, module, wasm, into)
            .with_context(|| format!("in the module {}", module.name))?;
        if module.is_remote {
            let script = format!("{}-worker.js", module.name);
            if !index.contains(&format!("{{{{{script}}}}}")) {
                bail!("public/index.html does not name {{{{{script}}}}} in its modules");
            }
            fs::write(into.join(script), worker(module.name))?;
        }
    }
    Ok(())
}

fn bind_one(profile: Profile, module: &Module, wasm: &Path, into: &Path) -> Result<()> {
    let (name, release) = (module.name, profile == Profile::Release);
    let first = match module.in_parts {
        true => parts::cut(profile, wasm, into)?,
        false => wasm.to_path_buf(),
    };
    let mut output = Bindgen::new()
        .input_path(&first)
        .web(true)?
        .typescript(false)
        .debug(!release)
        .remove_name_section(release)
        // The other parts use the first one's table of functions.
        .keep_lld_exports(module.in_parts)
        .out_name(name)
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
    let wasm = into.join(format!("{name}.wasm"));
    fs::rename(into.join(format!("{name}_bg.wasm")), wasm)?;
    if module.in_parts {
        parts::refer(&into.join(format!("{name}.js")))?;
    }
    Ok(())
}

fn worker(name: &str) -> String {
    WORKER.replace("MODULE", name)
}

/// Says how large each module is over the wire.
///
/// # Errors
/// One is larger than it may be, or there is none of its name.
pub(super) fn hold_limits(sizes: &[Size]) -> Result<()> {
    for module in MODULES {
        let size = sizes
            .iter()
            .find(|size| is_wasm_of(module.name, &size.path));
        let size = size.with_context(|| format!("there is no {}.wasm", module.name))?;
        let wire_bytes = size.compressed_bytes.unwrap_or(size.bytes);
        let (name, limit_bytes) = (module.name, module.limit_bytes);
        eprintln!("{name}: {wire_bytes} B of wasm over the wire, of {limit_bytes} B");
        if wire_bytes > limit_bytes {
            bail!("{name}: {wire_bytes} B of wasm over the wire; the limit is {limit_bytes} B");
        }
    }
    Ok(())
}

/// `pkg/ssh-0123456789abcdef.wasm`
fn is_wasm_of(name: &str, path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let is_wasm = path
        .extension()
        .is_some_and(|extension| extension == "wasm");
    is_wasm && stem.rsplit_once('-').is_some_and(|(own, _)| own == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(name: &str, compressed_bytes: u64) -> Size {
        Size {
            path: format!("pkg/{name}-0123456789abcdef.wasm").into(),
            bytes: compressed_bytes * 3,
            compressed_bytes: Some(compressed_bytes),
        }
    }

    #[test]
    fn each_module_has_a_limit_of_its_own() {
        let sizes = |ssh| {
            [
                size("ssh", ssh),
                size("frontend", 300_000),
                size("vnc", 150_000),
            ]
        };
        assert!(hold_limits(&sizes(500_000)).is_ok());
        let error = hold_limits(&sizes(700_000)).unwrap_err();
        assert!(error.to_string().starts_with("ssh: "), "{error}");
        assert!(hold_limits(&[size("frontend", 1)]).is_err(), "one is gone");
    }

    #[test]
    fn a_worker_refers_to_the_files_of_its_module() {
        let script = worker("ssh");
        assert!(script.contains("{{ssh.js}}"), "{script}");
        assert!(script.contains("{{ssh.wasm}}"), "{script}");
        assert!(!script.contains("MODULE"), "{script}");
    }
}
