//! Child processes of a run: start, learn their ports, read their CPU time and memory, stop.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child as Process, ChildStdin, Command, Stdio};
use std::{env, fs};

use anyhow::{Context, ensure};

/// One end of a measured path. Killed when dropped.
pub(crate) struct Child {
    process: Process,
    /// Held open: a child ends when it sees the end of its input, so none outlives a killed run.
    _stdin: Option<ChildStdin>,
    pub(crate) ports: Vec<u16>,
}

impl Child {
    /// Starts this program in another role and waits until it reports its ports.
    pub(crate) fn start(role: &[&str]) -> anyhow::Result<Self> {
        let mut process = Command::new(env::current_exe()?)
            .args(role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {role:?}"))?;
        let stdin = process.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        ensure!(!line.is_empty(), "{role:?} ended before it was ready");
        let ports = line
            .split_whitespace()
            .map(|port| {
                port.parse()
                    .with_context(|| format!("{role:?} reported {line:?}"))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            process,
            _stdin: stdin,
            ports,
        })
    }

    /// User and system time so far, in seconds (10 ms ticks).
    pub(crate) fn cpu_s(&self) -> anyhow::Result<f64> {
        cpu_s(self.process.id())
    }

    /// Resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> anyhow::Result<f64> {
        status_kib(self.process.id(), "VmRSS:")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// User and system time of a process so far, in seconds (10 ms ticks).
pub(crate) fn cpu_s(process: u32) -> anyhow::Result<f64> {
    const TICKS_PER_S: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{}/stat", process))?;
    // The name in parentheses may hold anything; fields are counted after it.
    let after_name = stat
        .rsplit_once(')')
        .context("/proc/PID/stat without a name")?
        .1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let user: f64 = fields.get(11).context("utime")?.parse()?;
    let system: f64 = fields.get(12).context("stime")?.parse()?;
    Ok((user + system) / TICKS_PER_S)
}

/// What `/proc/PID/status` says of a process's memory, in KiB: `VmRSS:`, `RssAnon:`.
pub(crate) fn status_kib(process: u32, name: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let word = line.and_then(|line| line.split_whitespace().next());
    Ok(word.with_context(|| name.to_owned())?.parse()?)
}

/// Tells the parent that this process is ready, and ends it when the parent is gone.
pub(crate) fn report(ports: &[u16]) -> anyhow::Result<()> {
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    println!(
        "{}",
        if ports.is_empty() {
            "0".to_owned()
        } else {
            ports.join(" ")
        }
    );
    std::io::stdout().flush()?;
    std::thread::spawn(|| {
        let mut line = String::new();
        // Nothing is ever sent: this returns when the parent's end closes.
        let _ = std::io::stdin().read_line(&mut line);
        std::process::exit(0);
    });
    Ok(())
}
