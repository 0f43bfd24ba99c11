//! S43: the clipboard is nobody's until people want it shared, and then costs what it must.

use remote_vnc::rfb::{Client, Event};

use crate::stub::{client, events, zlib};

const TEXT: u32 = 1;
const CAPS: u32 = 1 << 24;
const REQUEST: u32 = 1 << 25;
const PEEK: u32 = 1 << 26;
const NOTIFY: u32 = 1 << 27;
const PROVIDE: u32 = 1 << 28;

/// An extended message of either end: they differ by the first byte.
fn message(kind: u8, flags: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0, 0, 0];
    bytes.extend_from_slice(&(-(4 + body.len() as i32)).to_be_bytes());
    bytes.extend_from_slice(&flags.to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fn say(client: &mut Client, flags: u32, body: &[u8]) -> Vec<u8> {
    client.feed(&message(3, flags, body)).unwrap();
    client.take_output()
}

/// Of a server that speaks the extended messages.
fn extended() -> Client {
    let mut client = client();
    assert!(!say(&mut client, CAPS | TEXT, &[0; 4]).is_empty());
    client
}

fn provided() -> Vec<u8> {
    zlib(b"\0\0\0\x07theirs\0")
}

fn cut_text() -> Vec<u8> {
    vec![3, 0, 0, 0, 0, 0, 0, 2, b'h', b'i']
}

#[test]
fn s43_the_clipboard_is_off_until_people_want_it() {
    let mut client = extended();
    client.set_clipboard("secret");
    assert_eq!(client.take_output(), [], "not offered");
    assert_eq!(say(&mut client, REQUEST | TEXT, &[]), [], "not provided");
    assert_eq!(say(&mut client, PEEK, &[]), [], "not even told of");
    assert_eq!(say(&mut client, NOTIFY | TEXT, &[]), [], "not asked for");
    assert_eq!(say(&mut client, PROVIDE | TEXT, &provided()), []);
    client.feed(&cut_text()).unwrap();
    assert_eq!(events(&mut client), [], "and not told");
    // What was copied before is not shared by what comes later.
    client.set_clipboard_enabled(true);
    let _ = client.take_output();
    assert_eq!(say(&mut client, REQUEST | TEXT, &[]), []);
}

#[test]
fn s43_the_old_message_is_off_too() {
    let mut client = client();
    client.set_clipboard("secret");
    client.feed(&cut_text()).unwrap();
    assert_eq!(
        (client.take_output(), events(&mut client)),
        (vec![], vec![])
    );
    client.set_clipboard_enabled(true);
    client.set_clipboard("open");
    client.feed(&cut_text()).unwrap();
    assert_eq!(client.take_output(), b"\x06\0\0\0\0\0\0\x04open");
    assert_eq!(events(&mut client), [Event::Clipboard("hi".to_owned())]);
}

#[test]
fn once_it_is_on_both_ends_share() {
    let mut client = extended();
    say(&mut client, NOTIFY | TEXT, &[]);
    client.set_clipboard_enabled(true);
    let asked = message(6, REQUEST | TEXT, &[]);
    assert_eq!(
        client.take_output(),
        asked,
        "what waited there is asked for"
    );
    say(&mut client, PROVIDE | TEXT, &provided());
    assert_eq!(events(&mut client), [Event::Clipboard("theirs".to_owned())]);
    assert_eq!(say(&mut client, NOTIFY | TEXT, &[]), asked);
    client.set_clipboard("ours");
    assert_eq!(client.take_output(), message(6, NOTIFY | TEXT, &[]));
    let answer = say(&mut client, REQUEST | TEXT, &[]);
    assert_eq!(answer[8..12], (PROVIDE | TEXT).to_be_bytes());
}

#[test]
fn s43_off_again_is_off() {
    let mut client = extended();
    client.set_clipboard_enabled(true);
    client.set_clipboard("secret");
    let _ = client.take_output();
    client.set_clipboard_enabled(false);
    assert_eq!(client.take_output(), message(6, NOTIFY, &[]), "taken back");
    assert_eq!(say(&mut client, REQUEST | TEXT, &[]), []);
    client.set_clipboard_enabled(true);
    assert_eq!(say(&mut client, REQUEST | TEXT, &[]), [], "and forgotten");
}

/// 600 bytes made 43 MB once.
#[test]
fn s43_an_offer_is_answered_once() {
    let mut client = extended();
    client.set_clipboard_enabled(true);
    // Nothing that packs well.
    let mut noise = 1_u32;
    let text = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b' ' + (noise >> 24) as u8 % 95)
    });
    let text = text.take(1 << 20).collect::<String>();
    for _ in 0..2 {
        client.set_clipboard(&text);
        let _ = client.take_output();
        let flood = [
            message(3, REQUEST | TEXT, &[]),
            message(3, PEEK, &[]),
            message(3, REQUEST | TEXT, &[]),
        ];
        client.feed(&flood.concat().repeat(20)).unwrap();
        let length = client.take_output().len();
        assert!((800_000..1 << 20).contains(&length), "one text: {length}");
    }
}
