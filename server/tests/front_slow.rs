//! slowhttptest against the program (SECURITY S35): every one of its attacks is over soon, and
//! others are served meanwhile. One test for each mode, so that they run side by side.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod front_fixture;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use front_fixture::programs::{Running, program};
use tokio::time::Instant;

/// Attacking connections.
const CONNECTIONS: usize = 200;
/// From the start of an attack to the end of its last connection.
const OVER_WITHIN: Duration = Duration::from_secs(15);
/// For a request from somebody else meanwhile; the machine is busy with the attack and the tests.
const SERVED_WITHIN: Duration = Duration::from_secs(2);

/// The program, until this is dropped.
struct Server {
    process: Child,
    address: SocketAddr,
    /// Requests of others than [`Self::serve_another`] that are answered or refused.
    attacks: Arc<AtomicUsize>,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_adit-server"))
            .env_clear()
            .envs(environment.iter().copied())
            .args(["serve", "--listen", "127.0.0.1:0", "--public-url"])
            .args(["http://adit.localhost:8080", "--device-domain"])
            .args(["adit.localhost", "--data-dir"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("serving") {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "it has ended");
        }
        let (_, address) = line.split_once("address=").unwrap();
        let address = address.split(' ').next().unwrap().parse().unwrap();
        // Also lest a full pipe stop the server.
        let attacks = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&attacks);
        thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if line.contains("request_id=") && !line.contains("/healthz") {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self {
            process,
            address,
            attacks,
            _folder: folder,
        }
    }

    /// How many sockets the process holds; what its peer sees may differ.
    fn sockets(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.process.id());
        let links = std::fs::read_dir(folder).unwrap().flatten();
        let targets = links.filter_map(|link| std::fs::read_link(link.path()).ok());
        targets
            .filter(|target| target.to_string_lossy().starts_with("socket:"))
            .count()
    }

    /// Somebody else's request, on a connection of its own; how long it took.
    fn serve_another(&self) -> Duration {
        let began = Instant::now();
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(OVER_WITHIN)).unwrap();
        socket
            .write_all(
                b"GET /healthz HTTP/1.1\r\nHost: adit.localhost:8080\r\nConnection: close\r\n\r\n",
            )
            .unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        began.elapsed()
    }

    /// Attacks with this mode and waits until all of it has come and gone.
    fn survives(&self, mode: &[&str]) {
        let before = self.sockets();
        let began = Instant::now();
        let count = CONNECTIONS.to_string();
        // As its proxy: the name in the URL is not looked up.
        let _attack = Running::start(
            Command::new(program("slowhttptest"))
                .args(["-c", &count, "-r", &count, "-l", "60", "-p", "5", "-v", "0"])
                .args(["-d", &self.address.to_string()])
                .args(mode),
        );
        let mut slowest = Duration::ZERO;
        loop {
            slowest = slowest.max(self.serve_another());
            // Our own, just answered, may still be on its way out.
            let held = self.sockets().saturating_sub(before + 1);
            let attacks = self.attacks.load(Ordering::Relaxed);
            if attacks >= CONNECTIONS && held == 0 {
                break;
            }
            assert!(
                began.elapsed() < OVER_WITHIN,
                "{attacks} requests; {held} connections are still there"
            );
            thread::sleep(Duration::from_millis(20));
        }
        assert!(slowest < SERVED_WITHIN, "{slowest:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The largest answer that the server has without an app and without anybody being signed in.
const PAGE: &str = "http://adit.localhost:8080/api/v1/openapi.json";
const SIGN_IN: &str = "http://adit.localhost:8080/api/v1/sign-in";

#[test]
fn s35_slowhttptest_headers() {
    Server::start(&[]).survives(&["-H", "-i", "5", "-u", PAGE]);
}

#[test]
fn s35_slowhttptest_body() {
    let json = "application/json";
    Server::start(&[]).survives(&["-B", "-i", "3", "-f", json, "-u", SIGN_IN]);
}

#[test]
fn s35_slowhttptest_range() {
    Server::start(&[]).survives(&["-R", "-t", "GET", "-u", PAGE]);
}

/// Whoever reads an answer slowly has no more time than who asks for nothing: what an answer of
/// this size needs, the system takes over at once.
#[test]
fn s35_slowhttptest_read() {
    let server = Server::start(&[("ADIT_SERVER_TIMERS__KEEP_ALIVE_MS", "10000")]);
    server.survives(&[
        "-X", "-k", "3", "-w", "1", "-y", "512", "-n", "5", "-z", "32", "-u", PAGE,
    ]);
}
