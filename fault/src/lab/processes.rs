//! The server's and the agent's processes, and what they wrote.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::namespace::run;

/// A program that runs until this is dropped.
pub(crate) struct Running {
    process: Child,
    log: PathBuf,
}

/// Our own program of this name, which lies beside this one.
///
/// # Errors
/// It has not been built.
pub(crate) fn own(name: &str) -> Result<String> {
    let path = std::env::current_exe()?.with_file_name(name);
    if !path.is_file() {
        bail!("{} is not there: build it first", path.display());
    }
    Ok(path.to_string_lossy().into_owned())
}

impl Running {
    /// Starts it with its log appended to a file.
    ///
    /// # Errors
    /// It could not be started.
    pub(crate) fn start(mut command: Command, log: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(log)?;
        let process = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            process,
            log: log.to_path_buf(),
        })
    }

    /// Ends it without warning.
    ///
    /// # Errors
    /// It could not be ended.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        Ok(self.process.kill().await?)
    }

    /// Its process id: `ip netns exec` becomes the program it starts.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn pid(&self) -> Result<String> {
        Ok(self.process.id().context("it has ended")?.to_string())
    }

    /// Stops it as by a debugger, or lets it go on.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) async fn signal(&self, signal: &str) -> Result<()> {
        run("kill", &["-s", signal, &self.pid()?]).await.map(drop)
    }

    /// How many lines of its log have this.
    pub(crate) fn count(&self, what: &str) -> usize {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().filter(|line| line.contains(what)).count()
    }

    /// Processor time that it has used.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid()?))?;
        // After the name, which may hold anything: the fields 14 and 15 in ticks of 10 ms.
        let (_, fields) = stat.rsplit_once(") ").context("no name")?;
        let ticks = fields.split(' ').skip(11).take(2);
        let sum: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(sum * 10))
    }

    /// Memory that it has in use.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.context("no VmRSS")?.parse::<u64>()? << 10)
    }

    /// How many descriptors it has open.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn descriptors(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.pid()?))?.count())
    }
}

/// Runs a command to its end with this as its input; its output.
///
/// # Errors
/// It did not end well.
pub(crate) async fn ask(mut command: Command, input: &str) -> Result<String> {
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = process.stdin.take().context("no input")?;
    stdin.write_all(input.as_bytes()).await?;
    drop(stdin);
    let output = process.wait_with_output().await?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
