//! Keys and the pointer arrive as they were meant.

use std::process::{Command, Stdio};
use std::time::Duration;

use remote_vnc::rfb::{Buttons, Event, Keyboard, Press};
use x11rb::connection::Connection;
use x11rb::protocol::Event as XEvent;
use x11rb::protocol::xproto::{ConnectionExt, CreateWindowAux, EventMask, InputFocus, WindowClass};
use x11rb::wrapper::ConnectionExt as _;

use crate::desktop::{Desktop, HEIGHT, WIDTH};
use crate::viewer::Viewer;

/// Of many alphabets. The first letter is one that the keymap has: until a key of it went down,
/// TigerVNC forgets a letter that it has added as soon as it adds another.
const LETTERS: &str = "A: €äößñŁ→жőğλ";

/// A window over all that hears everything.
fn window(desktop: &Desktop) -> u32 {
    let window = desktop.x.generate_id().unwrap();
    let aux = CreateWindowAux::new()
        .override_redirect(1)
        .event_mask(EventMask::KEY_PRESS | EventMask::BUTTON_PRESS | EventMask::POINTER_MOTION);
    let x = &desktop.x;
    x.create_window(
        24,
        window,
        desktop.root,
        0,
        0,
        WIDTH,
        HEIGHT,
        0,
        WindowClass::INPUT_OUTPUT,
        0,
        &aux,
    )
    .unwrap();
    x.map_window(window).unwrap();
    x.sync().unwrap();
    x.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)
        .unwrap();
    x.sync().unwrap();
    window
}

/// The keysym that a key press means, by the keyboard as the server has it now.
fn meaning(desktop: &Desktop, keycode: u8, state: u16) -> u32 {
    let mapping = desktop
        .x
        .get_keyboard_mapping(keycode, 1)
        .unwrap()
        .reply()
        .unwrap();
    let shift = usize::from(state & 1);
    // Group 1 is columns 0 and 1, the third level 4 and 5.
    let level = if state & 0x80 != 0 { 4 } else { 0 };
    mapping.keysyms.get(level + shift).copied().unwrap_or(0)
}

fn typed(layout: &str, text: &str, mut send: impl FnMut(&mut Viewer)) {
    let desktop = Desktop::start();
    let set = Command::new("setxkbmap")
        .args(["-display", &desktop.display, layout])
        .status()
        .unwrap_or_else(|error| panic!("setxkbmap: {error}; `cargo xtask setup` installs it"));
    assert!(set.success());
    window(&desktop);
    let mut viewer = Viewer::new(desktop.dial());
    viewer.until("a picture", |viewer| viewer.saw(&Event::UpdateEnd));
    send(&mut viewer);
    let mut arrived = String::new();
    viewer.until(text, |_| {
        while let Some(event) = desktop.x.poll_for_event().unwrap() {
            if let XEvent::KeyPress(press) = event {
                let keysym = meaning(&desktop, press.detail, u16::from(press.state));
                let letter = xkeysym::Keysym::new(keysym).key_char();
                arrived.extend(letter);
            }
        }
        arrived == text
    });
}

#[test]
fn text_arrives_whatever_the_layout() {
    for layout in ["us", "de"] {
        let text = "Grüße, 5 € für {@}~\\|";
        typed(layout, text, |viewer| {
            for (keysym, down) in Keyboard::text(text) {
                viewer.client.key(keysym, down);
            }
        });
    }
}

/// In a program, by all of the server's and the program's own ways, as people would see it.
#[test]
fn text_arrives_in_a_program() {
    let desktop = Desktop::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("typed");
    let mut xterm = Command::new("xterm")
        .args([
            "-display",
            &desktop.display,
            "-u8",
            "-geometry",
            "100x30+0+0",
            "-e",
        ])
        .args([
            "sh",
            "-c",
            "stty -icanon; echo ready > \"$0.ready\"; exec cat > \"$0\"",
        ])
        .arg(&file)
        .env("LC_ALL", "C.UTF-8")
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("xterm: {error}; `cargo xtask setup` installs it"));
    let mut viewer = Viewer::new(desktop.dial());
    viewer.until("a picture", |viewer| viewer.saw(&Event::UpdateEnd));
    // Without a window manager, who has the pointer has the keys.
    viewer.client.pointer(100, 100, Buttons(0));
    let ready = file.with_extension("ready");
    viewer.until("the program", |_| ready.exists());
    viewer.for_a_while(Duration::from_millis(300));
    // Letter by letter, as people type: a program asks the server anew what its keys mean when one
    // was added, and one that hurries ahead of the answer is lost.
    let mut expected = String::new();
    for letters in LETTERS.chars().map(String::from).chain(["\r\n".to_owned()]) {
        for (keysym, down) in Keyboard::text(&letters) {
            viewer.client.key(keysym, down);
        }
        expected += &letters.replace('\r', "");
        viewer.until(&format!("{expected:?}"), |_| {
            std::fs::read_to_string(&file).is_ok_and(|typed| typed == expected)
        });
    }
    xterm.kill().unwrap();
    xterm.wait().unwrap();
}

#[test]
fn letters_of_other_alphabets_arrive() {
    typed("us", LETTERS, |viewer| {
        for (keysym, down) in Keyboard::text(LETTERS) {
            viewer.client.key(keysym, down);
        }
    });
}

#[test]
fn altgr_arrives() {
    typed("de", "@", |viewer| {
        let mut keyboard = Keyboard::default();
        let press = |key, code, location| Press {
            key,
            code,
            location,
        };
        // As Windows tells it.
        let mut events = keyboard.down(press("Control", "ControlLeft", 1));
        events.extend(keyboard.down(press("AltGraph", "AltRight", 2)));
        events.extend(keyboard.down(press("@", "KeyQ", 0)));
        events.extend(keyboard.up("KeyQ"));
        events.extend(keyboard.release_all());
        for (keysym, down) in events {
            viewer.client.key(keysym, down);
        }
    });
}

#[test]
fn the_pointer_and_its_wheel_arrive() {
    let desktop = Desktop::start();
    window(&desktop);
    let mut viewer = Viewer::new(desktop.dial());
    viewer.until("a picture", |viewer| viewer.saw(&Event::UpdateEnd));
    let mut expected = Vec::new();
    for (button, number) in [
        (Buttons::LEFT, 1),
        (Buttons::MIDDLE, 2),
        (Buttons::RIGHT, 3),
        (Buttons::WHEEL_UP, 4),
        (Buttons::WHEEL_DOWN, 5),
        (Buttons::WHEEL_LEFT, 6),
        (Buttons::WHEEL_RIGHT, 7),
    ] {
        viewer.client.pointer(123, 45, Buttons(button));
        viewer.client.pointer(123, 45, Buttons(0));
        expected.push((number, 123, 45));
    }
    let mut arrived = Vec::new();
    viewer.until("the buttons", |_| {
        while let Some(event) = desktop.x.poll_for_event().unwrap() {
            if let XEvent::ButtonPress(press) = event {
                arrived.push((press.detail, press.event_x, press.event_y));
            }
        }
        arrived == expected
    });
}
