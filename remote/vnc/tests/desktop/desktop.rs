//! A desktop: TigerVNC's X server on a display of its own, and a way to draw on it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt, CreateGCAux, ImageFormat};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

pub(crate) const WIDTH: u16 = 640;
pub(crate) const HEIGHT: u16 = 400;
/// For everything that must happen.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) struct Desktop {
    pub(crate) display: String,
    pub(crate) x: RustConnection,
    pub(crate) root: u32,
    context: u32,
    socket: PathBuf,
    server: Child,
    folder: TempDir,
    /// The server reads it at each sign-in.
    _password: Option<TempDir>,
}

impl Drop for Desktop {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Desktop {
    pub(crate) fn start() -> Self {
        Self::with(&["-SecurityTypes", "None"])
    }

    pub(crate) fn with_password(password: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        let mut scramble = Command::new("tigervncpasswd")
            .arg("-f")
            .stdin(Stdio::piped())
            .stdout(File::create(&file).unwrap())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("tigervncpasswd: {error}; `cargo xtask setup` installs it")
            });
        std::io::Write::write_all(
            scramble.stdin.as_mut().unwrap(),
            format!("{password}\n").as_bytes(),
        )
        .unwrap();
        assert!(scramble.wait().unwrap().success());
        let file = file.display().to_string();
        let mut desktop = Self::with(&["-SecurityTypes", "VncAuth", "-PasswordFile", &file]);
        desktop._password = Some(folder);
        desktop
    }

    fn with(words: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("vnc.sock");
        let mut server = Command::new("Xvnc")
            .args(["-displayfd", "1", "-rfbport", "-1", "-nolisten", "tcp"])
            .args(["-depth", "24", "-AlwaysShared", "-desktop", "Prüfstand"])
            .args(["-geometry", &format!("{WIDTH}x{HEIGHT}")])
            .args(["-FrameRate", "60", "-rfbunixpath"])
            .arg(&socket)
            .args(words)
            .stdout(Stdio::piped())
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("Xvnc: {error}; `cargo xtask setup` installs it"));
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut number)
            .unwrap();
        let display = format!(":{}", number.trim());
        let (x, screen) = RustConnection::connect(Some(&display)).unwrap_or_else(|error| {
            panic!(
                "{error}: {}",
                fs::read_to_string(folder.path().join("log")).unwrap_or_default()
            )
        });
        let root = x.setup().roots[screen].root;
        let context = x.generate_id().unwrap();
        x.create_gc(context, root, &CreateGCAux::new()).unwrap();
        Self {
            display,
            x,
            root,
            context,
            socket,
            server,
            folder,
            _password: None,
        }
    }

    pub(crate) fn dial(&self) -> UnixStream {
        UnixStream::connect(&self.socket).unwrap()
    }

    /// Draws: blue, green, red and padding for each pixel.
    pub(crate) fn draw(&self, left: i16, top: i16, width: u16, pixels: &[u8]) {
        // A request has a size limit.
        let row_bytes = usize::from(width) * 4;
        for (number, rows) in pixels.chunks(row_bytes * 32).enumerate() {
            let height = (rows.len() / row_bytes) as u16;
            self.x
                .put_image(
                    ImageFormat::Z_PIXMAP,
                    self.root,
                    self.context,
                    width,
                    height,
                    left,
                    top + (number * 32) as i16,
                    0,
                    24,
                    rows,
                )
                .unwrap();
        }
        self.x.sync().unwrap();
    }

    pub(crate) fn copy_area(&self, from: (i16, i16), to: (i16, i16), size: (u16, u16)) {
        self.x
            .copy_area(
                self.root,
                self.root,
                self.context,
                from.0,
                from.1,
                to.0,
                to.1,
                size.0,
                size.1,
            )
            .unwrap();
        self.x.sync().unwrap();
    }

    /// What is on the screen, as a client should have it.
    pub(crate) fn truth(&self) -> Vec<u8> {
        let image = self
            .x
            .get_image(
                ImageFormat::Z_PIXMAP,
                self.root,
                0,
                0,
                WIDTH,
                HEIGHT,
                u32::MAX,
            )
            .unwrap()
            .reply()
            .unwrap();
        let pixels = image.data.chunks_exact(4);
        pixels.flat_map(|p| [p[2], p[1], p[0], 255]).collect()
    }

    /// x11vnc on this display.
    pub(crate) fn x11vnc(&self, words: &[&str]) -> X11vnc {
        let port = {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            listener.local_addr().unwrap().port()
        };
        let process = Command::new("x11vnc")
            .args([
                "-display",
                &self.display,
                "-localhost",
                "-forever",
                "-shared",
            ])
            .args(["-quiet", "-nopw", "-noipv6", "-rfbport", &port.to_string()])
            // Shared memory of a killed x11vnc stays until the machine has none left.
            .arg("-noshm")
            .args(words)
            .env_remove("WAYLAND_DISPLAY")
            .stdout(Stdio::null())
            .stderr(File::create(self.folder.path().join("x11vnc.log")).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("x11vnc: {error}; `cargo xtask setup` installs it"));
        let server = X11vnc { port, process };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(began.elapsed() < SOON, "x11vnc did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

pub(crate) struct X11vnc {
    port: u16,
    process: Child,
}

impl X11vnc {
    pub(crate) fn dial(&self) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap()
    }
}

impl Drop for X11vnc {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
