//! Programs of others that a test starts: found, started, and ended with the test.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Where the program is. Daemons lie in folders that are not on everybody's PATH.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is missing; `cargo xtask setup` installs it"))
}

/// A program that runs until this is dropped.
pub(crate) struct Running(Child);

impl Running {
    /// Starts it with nothing to read; what it says is what the test says.
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// Panics when it has ended by itself.
    pub(crate) fn assert_runs(&mut self) {
        let ended = self.0.try_wait().unwrap();
        assert!(ended.is_none(), "it has ended: {ended:?}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
