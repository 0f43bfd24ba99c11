//! The agent as it is shipped: its size, its memory at rest, how soon it serves.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child as Process, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::child::{Child, status_kib};
use crate::report::{self, Better, Outcome, Row, median};
use crate::{adit, load};

/// What the first connection left behind is given back by then.
const SETTLE: Duration = Duration::from_secs(5);
/// Under an emulator all is slow.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// `adit-agent`, static. One for another processor runs under qemu, as far as to serve a
    /// stream; its memory and its time there say nothing.
    #[arg(required = true)]
    programs: Vec<PathBuf>,
    /// Starts of each; the median counts.
    #[arg(long, default_value_t = 5)]
    starts: usize,
    #[command(flatten)]
    outcome: Outcome,
}

/// Measures and reports.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let origin = Child::start(&["origin"])?;
    let mut rows = Vec::new();
    for program in &options.programs {
        rows.extend(measure(program, &origin, options)?);
    }
    report::conclude(&rows, &options.outcome)
}

fn measure(program: &Path, origin: &Child, options: &Options) -> anyhow::Result<Vec<Row>> {
    let machine = Machine::of(program)?;
    let name = |what: &str| format!("{}_agent_{what}", machine.name());
    let size = fs::metadata(program)?.len();
    let row = |what: &str, value, unit, must, aim| Row {
        name: name(what),
        value,
        unit,
        better: Better::Lower,
        must,
        aim,
        sides: None,
    };
    let mut rows = vec![row("size", size as f64 / 1e6, "MB", Some(4.0), Some(2.5))];

    let folder = tempfile::tempdir()?;
    let server = adit::start_server(folder.path())?;
    let device = Device::enrol(machine.command(program), folder.path(), &server, origin)?;
    let mut times_ms = Vec::new();
    for start in 0..options.starts {
        let (process, took) = device.start(server.ports[1])?;
        times_ms.push(took.as_secs_f64() * 1e3);
        if start + 1 == options.starts && machine.is_own() {
            std::thread::sleep(SETTLE);
            let mib = |name| Ok::<_, anyhow::Error>(status_kib(process.0.id(), name)? / 1024.0);
            let (resident, own) = (mib("VmRSS:")?, mib("RssAnon:")?);
            rows.push(row("resident", resident, "MiB", Some(8.0), Some(5.0)));
            rows.push(row("anonymous", own, "MiB", Some(2.0), Some(1.0)));
        }
    }
    let bound = |ms: f64| machine.is_own().then_some(ms);
    let start_ms = median(&times_ms);
    rows.push(row("first_byte", start_ms, "ms", bound(200.0), bound(50.0)));
    Ok(rows)
}

/// The processor that a program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Machine {
    X86_64,
    Aarch64,
}

impl Machine {
    /// As the head of its file says.
    fn of(program: &Path) -> anyhow::Result<Self> {
        let mut head = [0; 20];
        File::open(program)
            .and_then(|mut file| file.read_exact(&mut head))
            .with_context(|| program.display().to_string())?;
        Self::of_head(head).with_context(|| format!("{}: what is it?", program.display()))
    }

    fn of_head(head: [u8; 20]) -> anyhow::Result<Self> {
        ensure!(head.starts_with(b"\x7fELF"), "not ELF");
        match u16::from_le_bytes([head[18], head[19]]) {
            0x3e => Ok(Self::X86_64),
            0xb7 => Ok(Self::Aarch64),
            other => bail!("ELF machine {other}"),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    fn is_own(self) -> bool {
        self.name() == std::env::consts::ARCH
    }

    /// The program and what goes before it.
    fn command(self, program: &Path) -> Vec<PathBuf> {
        let emulator = (!self.is_own()).then(|| format!("qemu-{}", self.name()).into());
        emulator.into_iter().chain([program.to_owned()]).collect()
    }
}

/// An enrolled device with the origin's ports as its services.
struct Device {
    command: Vec<PathBuf>,
    configuration: PathBuf,
}

impl Device {
    fn enrol(
        command: Vec<PathBuf>,
        folder: &Path,
        server: &Child,
        origin: &Child,
    ) -> anyhow::Result<Self> {
        let device = Self {
            command,
            configuration: folder.join("agent.toml"),
        };
        let url = format!("https://localhost:{}", server.ports[0]);
        let output = device
            .program("enroll")
            .args(["--server", &url, "--name", "bench", "--ca-file"])
            .arg(folder.join("server.pem"))
            .args(["--key", &fs::read_to_string(folder.join("install-key"))?])
            .output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "enrolment: {told}");
        let label = told.split("label=\"").nth(1);
        let label = label.and_then(|rest| rest.split('"').next());
        let label = label.with_context(|| format!("no label in {told:?}"))?;
        fs::write(folder.join(adit::LABEL), label)?;

        let mut text = fs::read_to_string(&device.configuration)?;
        for (service, port) in adit::SERVICES.iter().zip(&origin.ports) {
            let (name, kind) = (service.0, service.1);
            let kind = serde_json::to_string(&kind)?;
            text += &format!("\n[[service]]\nname = \"{name}\"\nkind = {kind}\nport = {port}\n");
        }
        fs::write(&device.configuration, text)?;
        Ok(device)
    }

    fn program(&self, action: &str) -> Command {
        let mut command = Command::new(&self.command[0]);
        command
            .args(&self.command[1..])
            .arg(action)
            .arg("--config")
            .arg(&self.configuration)
            .stdin(Stdio::null());
        command
    }

    /// Starts it; the time from there to the first byte that its echo service gives back.
    fn start(&self, port: u16) -> anyhow::Result<(Running, Duration)> {
        let log = File::create(self.configuration.with_extension("log"))?;
        let start = Instant::now();
        let process = self
            .program("run")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("{:?} (Debian: qemu-user)", self.command))?;
        let running = Running(process);
        while let Err(error) = load::first_byte(port) {
            if start.elapsed() > READY_TIMEOUT {
                let log = fs::read_to_string(self.configuration.with_extension("log"))?;
                return Err(error.context(format!("it did not serve: {log}")));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok((running, start.elapsed()))
    }
}

/// Killed when dropped.
struct Running(Process);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_tells_its_processor() {
        let own = Machine::of(&std::env::current_exe().unwrap()).unwrap();
        assert!(own.is_own());
        assert_eq!(own.command(Path::new("agent")), [PathBuf::from("agent")]);
        assert!(Machine::of_head([0; 20]).is_err());
        let mut head = *b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\xb7\0";
        assert_eq!(Machine::of_head(head).unwrap(), Machine::Aarch64);
        head[18] = 0x28;
        assert!(Machine::of_head(head).is_err());
    }
}
