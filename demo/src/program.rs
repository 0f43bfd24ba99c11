//! Starting programs, our own and the system's, so that none outlives the demo.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// A program, by its whole path.
pub(crate) struct Program {
    path: PathBuf,
}

impl Program {
    /// Our own program of this name, which lies beside this one.
    ///
    /// # Errors
    /// It has not been built.
    pub(crate) fn find(name: &str) -> Result<Self> {
        let own = std::env::current_exe().context("where is this program?")?;
        let path = own.with_file_name(name);
        if !path.is_file() {
            bail!(
                "{} is not there: `cargo xtask build` makes it",
                path.display()
            );
        }
        Ok(Self { path })
    }

    /// A program that the system brings: on PATH, or where Debian has those of administrators.
    ///
    /// # Errors
    /// It is not installed.
    pub(crate) fn of_the_system(name: &str) -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        folders.extend(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
        let path = folders
            .iter()
            .map(|folder| folder.join(name))
            .find(|path| path.is_file());
        let path = path.with_context(|| {
            format!("{name} is not installed: `cargo xtask setup` installs all that the demo needs")
        })?;
        Ok(Self { path })
    }

    /// Starts it for good, its log appended to a file. It ends when the handle is dropped, and also
    /// when this process is killed.
    ///
    /// # Errors
    /// It could not be started.
    pub(crate) fn start(&self, words: &[&OsStr], log: &Path) -> Result<Child> {
        self.start_at(words, &[], log)
    }

    /// As [`Self::start`], with these in its environment.
    ///
    /// # Errors
    /// It could not be started.
    pub(crate) fn start_at(
        &self,
        words: &[&OsStr],
        environment: &[(&str, &str)],
        log: &Path,
    ) -> Result<Child> {
        let log = appended(log)?;
        let mut command = self.tied_to_us();
        command
            .args(words)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.spawn(command)
    }

    /// As [`Self::start`], with its standard output to be read.
    ///
    /// # Errors
    /// It could not be started.
    pub(crate) fn start_piped(&self, words: &[&OsStr], log: &Path) -> Result<Child> {
        let mut command = self.tied_to_us();
        command
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(appended(log)?);
        self.spawn(command)
    }

    /// Starts it on a connection, as inetd would: the socket is its standard input and output.
    ///
    /// # Errors
    /// It could not be started.
    pub(crate) fn start_on_socket(
        &self,
        words: &[&OsStr],
        socket: OwnedFd,
        log: &Path,
    ) -> Result<Child> {
        let mut command = self.tied_to_us();
        command
            .args(words)
            .stdin(socket.try_clone()?)
            .stdout(socket)
            .stderr(appended(log)?);
        self.spawn(command)
    }

    fn spawn(&self, mut command: Command) -> Result<Child> {
        command
            // A Ctrl-C is for this process alone, which then ends the others in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} did not start", self.path.display()))
    }

    /// Runs it to its end with some input, and gives what it printed.
    ///
    /// # Errors
    /// It could not be run or said no; the message has its own words.
    pub(crate) async fn ask(&self, words: &[&OsStr], input: &str) -> Result<String> {
        let output = self.ask_bytes(words, input).await?;
        Ok(String::from_utf8(output)?.trim().to_owned())
    }

    /// As [`Self::ask`], of a program that prints no text.
    ///
    /// # Errors
    /// It could not be run or said no; the message has its own words.
    pub(crate) async fn ask_bytes(&self, words: &[&OsStr], input: &str) -> Result<Vec<u8>> {
        let mut child = Command::new(&self.path)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} did not start", self.path.display()))?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that reads no input may be gone already; its end tells more.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        let output = child.wait_with_output().await?;
        if !output.status.success() {
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            let said = String::from_utf8_lossy(&output.stderr);
            bail!(
                "{} {}: {}",
                self.path.display(),
                words.join(" "),
                said.trim()
            );
        }
        Ok(output.stdout)
    }

    /// `setpriv` (a part of every Debian) asks the kernel to end the child with its parent, which
    /// would be an unsafe call here. Without it a killed demo leaves its programs behind.
    fn tied_to_us(&self) -> Command {
        let setpriv = Path::new("/usr/bin/setpriv");
        if !setpriv.is_file() {
            return Command::new(&self.path);
        }
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.path);
        command
    }
}

fn appended(log: &Path) -> Result<File> {
    File::options()
        .create(true)
        .append(true)
        .open(log)
        .context("its log")
}

/// The last lines of a log, for an error message.
pub(crate) fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
