//! The crates by where they run, and cargo commands over them.

use std::path::PathBuf;
use std::process::Command;

use crate::run;

/// What runs on a machine. Always named together: another set means other features for shared
/// dependencies, and everything is built again.
const NATIVE: &[&str] = &[
    "agent", "api", "bench", "cli", "demo", "fault", "fleet", "server", "tunnel",
];

/// What runs in a browser.
const BROWSER: &[&str] = &[
    "app",
    "frontend",
    "remote-messages",
    "remote-ssh",
    "remote-stream",
    "remote-vnc",
];

/// What of it also has tests that run on a machine.
const REMOTE: &[&str] = &[
    "remote-messages",
    "remote-ssh",
    "remote-stream",
    "remote-vnc",
];

/// The target of the browser crates.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// `cargo <words>` over all native crates but this one.
pub(crate) fn cargo(words: &[&str]) -> Command {
    packages(words, NATIVE)
}

/// `cargo <words>` over xtask alone, with the very features it was started with.
pub(crate) fn cargo_xtask(words: &[&str]) -> Command {
    packages(words, &["xtask"])
}

/// `cargo <words>` over the app alone, for the tests of its pure parts on this machine.
pub(crate) fn cargo_app(words: &[&str]) -> Command {
    packages(words, &["app"])
}

/// `cargo <words>` over the remote modules alone, for their tests on this machine: all but the glue
/// to a browser runs here, against real servers.
pub(crate) fn cargo_remote(words: &[&str]) -> Command {
    packages(words, REMOTE)
}

/// `cargo <words>` over the browser crates, for wasm.
pub(crate) fn cargo_browser(words: &[&str]) -> Command {
    let mut command = packages(words, BROWSER);
    command.args(["--target", WASM]);
    command
}

/// The folder where cargo leaves programs.
pub(crate) fn programs(release: bool) -> PathBuf {
    run::root()
        .join("target")
        .join(if release { "release" } else { "debug" })
}

fn packages(words: &[&str], names: &[&str]) -> Command {
    let mut command = run::cargo();
    command.args(words);
    for name in names {
        command.args(["-p", name]);
    }
    command
}
