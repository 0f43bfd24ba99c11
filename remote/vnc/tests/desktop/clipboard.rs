//! Text goes both ways.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use remote_vnc::rfb::Event;

use crate::desktop::{Desktop, SOON};
use crate::viewer::Viewer;

const TEXT: &str = "Grüße aus Halle 3\nzweite Zeile: 5 €";

/// TigerVNC leaves X's clipboard to a program of its own.
struct Bridge(std::process::Child);

impl Bridge {
    fn start(desktop: &Desktop) -> Self {
        let process = Command::new("vncconfig")
            .args(["-display", &desktop.display, "-nowin"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(
            process.unwrap_or_else(|error| {
                panic!("vncconfig: {error}; `cargo xtask setup` installs it")
            }),
        )
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program that has copied something.
struct Copy(std::process::Child);

impl Copy {
    fn start(desktop: &Desktop, text: &str) -> Self {
        let mut copy = xclip(desktop)
            .arg("-quiet")
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("xclip: {error}; `cargo xtask setup` installs it"));
        let mut input = copy.stdin.take().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        Self(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn xclip(desktop: &Desktop) -> Command {
    let mut command = Command::new("xclip");
    command.args(["-display", &desktop.display, "-selection", "clipboard"]);
    command
}

#[test]
fn what_is_copied_there_arrives_here() {
    let desktop = Desktop::start();
    let _bridge = Bridge::start(&desktop);
    let mut viewer = Viewer::new(desktop.dial());
    viewer.client.set_clipboard_enabled(true);
    viewer.until("a picture", |viewer| viewer.saw(&Event::UpdateEnd));
    let _copy = Copy::start(&desktop, TEXT);
    viewer.until("the text", |viewer| {
        viewer.saw(&Event::Clipboard(TEXT.to_owned()))
    });
}

#[test]
fn what_is_copied_here_can_be_pasted_there() {
    let desktop = Desktop::start();
    let _bridge = Bridge::start(&desktop);
    let mut viewer = Viewer::new(desktop.dial());
    viewer.client.set_clipboard_enabled(true);
    viewer.until("a picture", |viewer| viewer.saw(&Event::UpdateEnd));
    // The server's own messages about clipboards come first.
    viewer.for_a_while(Duration::from_millis(300));
    viewer.client.set_clipboard(TEXT);
    pasted(&desktop, &mut viewer, TEXT);
    // Each offer is answered once, and what people paste a second time is still there.
    pasted(&desktop, &mut viewer, TEXT);
    viewer.client.set_clipboard("another");
    pasted(&desktop, &mut viewer, "another");
}

/// What is copied before people want it shared stays where it is, and what is copied after it goes.
#[test]
fn s43_nothing_is_shared_unasked() {
    let desktop = Desktop::start();
    let _bridge = Bridge::start(&desktop);
    let mut viewer = Viewer::new(desktop.dial());
    viewer.until("a picture", |viewer| viewer.saw(&Event::UpdateEnd));
    viewer.for_a_while(Duration::from_millis(300));
    let before = viewer.sent_bytes;
    viewer.client.set_clipboard("secret");
    let copy = Copy::start(&desktop, TEXT);
    viewer.for_a_while(Duration::from_secs(1));
    assert!(!viewer.saw(&Event::Clipboard(TEXT.to_owned())));
    // Requests of updates aside, of ten bytes each.
    let updates = viewer
        .events
        .iter()
        .filter(|event| **event == Event::UpdateEnd);
    assert!(
        viewer.sent_bytes - before <= updates.count() * 10,
        "not a word of ours"
    );
    viewer.client.set_clipboard_enabled(true);
    viewer.until("the text that waited", |viewer| {
        viewer.saw(&Event::Clipboard(TEXT.to_owned()))
    });
    drop(copy);
}

/// Pastes until the text is there.
fn pasted(desktop: &Desktop, viewer: &mut Viewer, text: &str) {
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < SOON, "it does not arrive");
        let mut paste = xclip(desktop)
            .arg("-o")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("xclip: {error}; `cargo xtask setup` installs it"));
        while paste.try_wait().unwrap().is_none() {
            viewer.step().unwrap();
            if began.elapsed() > SOON {
                paste.kill().unwrap();
            }
        }
        let output = paste.wait_with_output().unwrap();
        if String::from_utf8_lossy(&output.stdout).replace('\r', "") == text {
            return;
        }
        viewer.for_a_while(Duration::from_millis(50));
    }
}
