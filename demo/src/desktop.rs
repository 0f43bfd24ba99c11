//! A real TigerVNC desktop with a few windows for each demo device.

use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, UnixStream};
use tokio::process::Child;
use tokio::task::JoinSet;

use crate::program::Program;

const READY_WITHIN: Duration = Duration::from_secs(20);

/// What is on every desktop: program and arguments.
const WINDOWS: [&[&str]; 4] = [
    &["xsetroot", "-solid", "#24506b"],
    &[
        "xterm",
        "-geometry",
        "92x26+32+40",
        "-fg",
        "#dfe5ec",
        "-bg",
        "#11151b",
    ],
    &["xclock", "-geometry", "180x180-40+40", "-update", "1"],
    &["xeyes", "-geometry", "180x120-40+260"],
];

/// A desktop that runs; dropped, it is gone.
pub(crate) struct Desktop {
    listener: TcpListener,
    socket: PathBuf,
    programs: Vec<Child>,
}

impl Desktop {
    /// Starts the X server, which chooses a display that is free, and the windows on it. Its port
    /// is ours: TigerVNC takes a socket file, so that no port has to be guessed for it.
    ///
    /// # Errors
    /// Something is not installed or did not start.
    pub(crate) async fn start(
        folder: &Path,
        log: &Path,
        name: &str,
        password: Option<&str>,
    ) -> Result<Self> {
        let socket = folder.join("vnc.sock");
        let mut words: Vec<&OsStr> = [
            "-displayfd",
            "1",
            "-rfbport",
            "-1",
            "-nolisten",
            "tcp",
            "-geometry",
            "1280x720",
            "-depth",
            "24",
            "-AlwaysShared",
            "-desktop",
            name,
            "-rfbunixpath",
        ]
        .map(OsStr::new)
        .into();
        words.push(socket.as_os_str());
        let password_file = folder.join("vnc-password");
        match password {
            None => words.extend(["-SecurityTypes", "None"].map(OsStr::new)),
            Some(password) => {
                let scrambled = Program::of_the_system("tigervncpasswd")?
                    .ask_bytes(&[OsStr::new("-f")], &format!("{password}\n"))
                    .await?;
                fs::write(&password_file, scrambled)?;
                words.extend(["-SecurityTypes", "VncAuth", "-PasswordFile"].map(OsStr::new));
                words.push(password_file.as_os_str());
            }
        }
        let mut server = Program::of_the_system("Xvnc")?.start_piped(&words, log)?;
        let display = display(&mut server)
            .await
            .with_context(|| format!("no desktop; see {}", log.display()))?;
        let mut programs = vec![server];
        for window in WINDOWS {
            let words: Vec<&OsStr> = window[1..].iter().map(OsStr::new).collect();
            let program = Program::of_the_system(window[0])?;
            programs.push(program.start_at(&words, &[("DISPLAY", &display)], log)?);
        }
        Ok(Self {
            listener: TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?,
            socket,
            programs,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system does not tell.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves until it is dropped.
    pub(crate) async fn serve(self) {
        // With us they end.
        let _programs = self.programs;
        let mut connections = JoinSet::new();
        while let Ok((mut viewer, _)) = self.listener.accept().await {
            let socket = self.socket.clone();
            connections.spawn(async move {
                if let Ok(mut desktop) = UnixStream::connect(&socket).await {
                    let _ = copy_bidirectional(&mut viewer, &mut desktop).await;
                }
            });
            while connections.try_join_next().is_some() {}
        }
    }
}

/// `:7` of the `7` that the X server prints once it takes connections.
async fn display(server: &mut Child) -> Result<String> {
    let output = server.stdout.take().context("no output to read")?;
    let mut line = String::new();
    let mut reader = BufReader::new(output);
    let read = tokio::time::timeout(READY_WITHIN, reader.read_line(&mut line)).await;
    match read {
        Ok(Ok(_)) if !line.trim().is_empty() => Ok(format!(":{}", line.trim())),
        _ => bail!("the X server did not start"),
    }
}
