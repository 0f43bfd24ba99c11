//! setup: installs what the other tasks need; quick and quiet when all is there.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{native, node, run};

/// What the task at hand needs beyond a Rust toolchain and clang.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    /// The browser stories: Chromium, Playwright, nextest.
    pub(crate) tests: bool,
}

impl Need {
    pub(crate) fn everything() -> Self {
        Self { tests: true }
    }
}

/// Programs by the Debian package that brings them. clang is for `ring`: with gcc its wasm build
/// passes and leaves imports that no browser has.
const PROGRAMS: &[Program] = &[
    needed("clang", "clang"),
    needed("llvm-ar", "llvm"),
    needed("node", "nodejs"),
    needed("npm", "npm"),
    // The demo's terminals and desktops.
    needed("sshd", "openssh-server"),
    needed("ssh-keygen", "openssh-client"),
    needed("Xvnc", "tigervnc-standalone-server"),
    needed("tigervncpasswd", "tigervnc-tools"),
    needed("xsetroot", "x11-xserver-utils"),
    needed("xterm", "xterm"),
    needed("xeyes", "x11-apps"),
    needed("xauth", "xauth"),
    // Core fonts, without which xterm does not start.
    needed("/usr/share/fonts/X11/misc", "xfonts-base"),
    for_tests("chromium", "chromium"),
    // The Autobahn cases come as a Python package.
    for_tests("python3", "python3"),
    for_tests("pip3", "python3-pip"),
    // A proxy for agents to go through, proxies to stand in front, and what attacks them.
    for_tests("tinyproxy", "tinyproxy-bin"),
    for_tests("nginx", "nginx"),
    for_tests("haproxy", "haproxy"),
    for_tests("slowhttptest", "slowhttptest"),
    // Second kinds of the servers that the clients talk to.
    for_tests("dropbear", "dropbear-bin"),
    // Networks that change.
    for_tests("ip", "iproute2"),
    for_tests("nft", "nftables"),
    for_tests("faketime", "faketime"),
    for_tests("x11vnc", "x11vnc"),
    for_tests("setxkbmap", "x11-xkb-utils"),
    for_tests("xclip", "xclip"),
];

struct Program {
    /// A program, or the whole path of something else that the package brings.
    name: &'static str,
    package: &'static str,
    tests_only: bool,
}

const fn needed(name: &'static str, package: &'static str) -> Program {
    Program {
        name,
        package,
        tests_only: false,
    }
}

const fn for_tests(name: &'static str, package: &'static str) -> Program {
    Program {
        name,
        package,
        tests_only: true,
    }
}

/// Looks for each thing and installs what is missing.
///
/// # Errors
/// Something is missing and could not be installed; the message says what to do.
pub(crate) fn perform(need: Need) -> Result<()> {
    debian_packages(need)?;
    wasm_target()?;
    node::ensure()?;
    node::packages("style")?;
    node::packages(crate::site::vendor::FOLDER)?;
    if need.tests {
        nextest()?;
        kosoku()?;
        node::packages("end2end")?;
    }
    Ok(())
}

fn debian_packages(need: Need) -> Result<()> {
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|program| need.tests || !program.tests_only)
        .filter(|program| !run::is_there(program.name))
        .map(|program| program.package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !run::is_there("apt-get") {
        bail!("missing: {list}. Install them with your system's package manager, then try again");
    }
    if !is_root()? {
        bail!("missing: {list}. As root: apt-get install {list}; then try again");
    }
    run::run(Command::new("apt-get").arg("update").arg("--quiet"))?;
    run::run(
        Command::new("apt-get")
            .args(["install", "--yes", "--quiet", "--no-install-recommends"])
            .args(&missing)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

fn is_root() -> Result<bool> {
    Ok(run::output(Command::new("id").arg("-u"))?.trim() == "0")
}

fn wasm_target() -> Result<()> {
    let folder = run::output(Command::new("rustc").args([
        "--print",
        "target-libdir",
        "--target",
        native::WASM,
    ]))?;
    if std::path::Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    run::run(Command::new("rustup").args(["target", "add", native::WASM]))
        .context("the Rust target for the web app is missing")
}

/// Runs the Autobahn test suite's cases against a WebSocket; where the tunnel's tests look for it.
fn kosoku() -> Result<()> {
    let folder = run::root().join("target/kosoku");
    if folder.join("bin/kosoku").is_file() {
        return Ok(());
    }
    run::run(
        Command::new("pip3")
            .args(["install", "--quiet", "--target"])
            .arg(folder)
            .arg("kosoku==0.1.0"),
    )
    .context("kosoku, the WebSocket cases, is missing")
}

fn nextest() -> Result<()> {
    if run::is_installed("cargo-nextest", "--version") {
        return Ok(());
    }
    // Unoptimised: it builds in half the time, and what it runs is as fast as ever.
    run::run(run::cargo().args(["install", "cargo-nextest", "--locked", "--debug"]))
        .context("cargo-nextest is missing")
}
