//! S43: servers that lie. Whatever comes, the client answers with an error and not with a panic,
//! and holds no more memory than the screen it was told of.

#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

mod clipboard;
mod flood;
mod jpeg;
mod size;
mod stub;
mod trle;

use proptest::prelude::*;
use remote_vnc::rfb::{Client, Error};

use crate::stub::{client, events, greeting, picture, sized, update, zlib};

/// Of every encoding one that is right.
fn good() -> Vec<Vec<u8>> {
    let rect = [0, 0, 16, 16];
    let raw = vec![7; 16 * 16 * 4];
    let mut tight = vec![0];
    let packed = zlib(&[9; 16 * 16 * 3]);
    // Seven bits, and the rest.
    tight.extend_from_slice(&[packed.len() as u8 | 128, (packed.len() >> 7) as u8]);
    if packed.len() < 128 {
        tight = vec![0, packed.len() as u8];
    }
    tight.extend_from_slice(&packed);
    vec![
        update(rect, 0, &raw),
        update(rect, 1, &[0, 3, 0, 4]),
        update(
            rect,
            2,
            &[0, 0, 0, 1, 1, 2, 3, 0, 9, 9, 9, 0, 0, 1, 0, 1, 0, 4, 0, 4],
        ),
        update(rect, 5, &[2 | 4 | 8, 1, 2, 3, 0, 4, 5, 6, 0, 1, 0x11, 0x22]),
        update(rect, 6, &sized(&zlib(&raw))),
        update(rect, 7, &[0x80, 1, 2, 3]),
        update(rect, 7, &tight),
        update(rect, 15, &[1, 1, 2, 3]),
        update(rect, 15, &[128, 1, 2, 3, 255, 0]),
        update(
            rect,
            16,
            &sized(&zlib(&[
                2, 1, 2, 3, 4, 5, 6, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
                0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
                0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
            ])),
        ),
        vec![2],
        vec![3, 0, 0, 0, 0, 0, 0, 2, b'h', b'i'],
        update([0, 0, 32, 32], -223, &[]),
        update([0, 0, 0, 0], -261, &[4]),
        update(
            [0, 0, 2, 2],
            -239,
            &[1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 0xff, 0xff],
        ),
    ]
}

#[test]
fn what_is_right_is_taken_in_any_pieces() {
    for bytes in good() {
        let mut whole = client();
        whole.set_clipboard_enabled(true);
        whole.feed(&bytes).unwrap();
        let told = events(&mut whole);
        assert!(!told.is_empty(), "{:?}", &bytes[..bytes.len().min(16)]);
        let mut pieces = client();
        pieces.set_clipboard_enabled(true);
        for byte in &bytes {
            pieces.feed(&[*byte]).unwrap();
        }
        assert_eq!(told, events(&mut pieces));
        let (one, other) = (picture(&mut whole), picture(&mut pieces));
        assert!(one == other, "the same picture");
    }
}

/// RRE: so many parts of 16x16 on a black ground.
fn whole_parts(count: u8) -> Vec<u8> {
    let mut body = vec![0, 0, 0, count, 0, 0, 0, 0];
    for part in 0..count {
        body.extend_from_slice(&[part, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 16]);
    }
    body
}

/// On a slow line a picture grows, and does not wait for its last row.
#[test]
fn whole_rows_of_a_raw_picture_can_be_drawn_before_its_end() {
    let mut client = client();
    client.with_screen(|screen| screen.take_dirty());
    let bytes = update([0, 0, 16, 16], 0, &[7; 16 * 16 * 4]);
    let (some, rest) = bytes.split_at(bytes.len() - 16 * 4 * 9 - 1);
    let rows = |client: &mut Client| {
        let dirty = client.with_screen(|screen| screen.take_dirty());
        let rows = dirty.iter().map(|rect| (rect.y, rect.height));
        rows.collect::<Vec<_>>()
    };
    client.feed(some).unwrap();
    assert!(client.is_updating());
    assert_eq!(rows(&mut client), [(0, 6)]);
    client.feed(rest).unwrap();
    assert_eq!(rows(&mut client), [(6, 10)]);
}

/// Overlapping parts are strange, and no lie yet.
#[test]
fn parts_may_paint_a_rectangle_four_times() {
    let mut client = client();
    let bytes = update([0, 0, 16, 16], 2, &whole_parts(4));
    client.feed(&bytes).unwrap();
    assert_eq!(picture(&mut client)[..4], [3, 0, 0, 255]);
    assert_eq!(client.rectangles_of(2), 1);
}

#[test]
fn s43_lies_are_errors() {
    let bomb = zlib(&vec![0; 8 << 20]);
    for (what, bytes) in [
        ("beyond the screen", update([60, 0, 16, 16], 0, &[])),
        (
            "far beyond",
            update([u16::MAX, u16::MAX, u16::MAX, u16::MAX], 0, &[]),
        ),
        (
            "copied from beyond",
            update([0, 0, 16, 16], 1, &[0, 60, 0, 0]),
        ),
        (
            "a huge screen",
            update([0, 0, u16::MAX, u16::MAX], -223, &[]),
        ),
        ("a huge pointer", update([0, 0, 4096, 4096], -239, &[])),
        ("an unknown encoding", update([0, 0, 1, 1], 77, &[])),
        ("an unknown message", vec![99]),
        ("a zlib bomb", update([0, 0, 16, 16], 6, &sized(&bomb))),
        ("a ZRLE bomb", update([0, 0, 16, 16], 16, &sized(&bomb))),
        (
            "no zlib",
            update([0, 0, 16, 16], 6, &sized(b"this is not zlib")),
        ),
        (
            "a part beyond",
            update(
                [0, 0, 16, 16],
                2,
                &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 0, 15, 0, 9, 0, 9],
            ),
        ),
        (
            "more parts than pixels",
            update([0, 0, 2, 2], 2, &[0, 0, 0, 5, 0, 0, 0, 0]),
        ),
        (
            "parts painted over and over",
            update([0, 0, 16, 16], 2, &whole_parts(5)),
        ),
        (
            "a tile's part beyond",
            update([0, 0, 8, 8], 5, &[8, 1, 0x77, 0xff]),
        ),
        (
            "a run too long",
            update([0, 0, 4, 4], 15, &[128, 1, 2, 3, 255, 255, 0]),
        ),
        ("a palette of nothing", update([0, 0, 4, 4], 15, &[129])),
        (
            "a colour of no palette",
            update([0, 0, 4, 4], 15, &[130, 1, 1, 1, 2, 2, 2, 5]),
        ),
        ("a kind of tile", update([0, 0, 4, 4], 15, &[50])),
        ("no JPEG", update([0, 0, 16, 16], 7, &[0x90, 4, 1, 2, 3, 4])),
        ("a kind of Tight", update([0, 0, 16, 16], 7, &[0xf0])),
        ("a huge clipboard", vec![3, 0, 0, 0, 0x80, 0, 0, 0]),
        ("a huge fence", vec![248, 0, 0, 0, 0, 0, 0, 0, 255]),
    ] {
        let mut client = client();
        let error = client.feed(&bytes);
        assert!(error.is_err(), "{what}");
        assert_eq!(client.feed(&[0]), error, "it stays ended: {what}");
    }
}

#[test]
fn s43_greetings_that_lie_are_errors() {
    for (greeting, expected) in [
        (b"HTTP/1.1 400".to_vec(), Error::NotRfb),
        (b"SSH-2.0-Open".to_vec(), Error::NotRfb),
        (greeting(u16::MAX, u16::MAX), Error::TooLarge("the screen")),
        (
            b"RFB 003.008\n\0\0\0\0\x04busy".to_vec(),
            Error::Refused("busy".to_owned()),
        ),
    ] {
        assert_eq!(Client::new().feed(&greeting), Err(expected));
    }
}

#[test]
fn every_version_is_answered_with_one_that_is_spoken() {
    for (offered, answer) in [
        ("RFB 003.003\n", "RFB 003.003\n"),
        ("RFB 003.007\n", "RFB 003.007\n"),
        ("RFB 003.008\n", "RFB 003.008\n"),
        ("RFB 003.889\n", "RFB 003.008\n"),
        ("RFB 004.001\n", "RFB 003.008\n"),
        ("RFB 005.000\n", "RFB 003.008\n"),
        ("RFB 003.005\n", "RFB 003.003\n"),
    ] {
        let mut client = Client::new();
        client.feed(offered.as_bytes()).unwrap();
        assert_eq!(client.take_output(), answer.as_bytes());
    }
}

#[test]
fn a_stream_that_ends_is_an_end() {
    for bytes in good() {
        for length in [0, 1, bytes.len() / 2, bytes.len()] {
            let mut client = client();
            client.feed(&bytes[..length]).unwrap();
            assert_eq!(client.end(), Err(Error::Ended));
        }
    }
}

proptest! {
    #[test]
    fn s43_random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = Client::new().feed(&bytes);
        let _ = client().feed(&bytes);
    }

    #[test]
    fn s43_changed_bytes_never_panic(
        order in proptest::collection::vec(0_usize..15, 1..8),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in 1_usize..200,
    ) {
        let good = good();
        let mut bytes: Vec<u8> = order.iter().flat_map(|number| good[*number].clone()).collect();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let mut client = client();
        client.set_clipboard_enabled(cut % 2 == 0);
        for piece in bytes.chunks(cut) {
            if client.feed(piece).is_err() {
                break;
            }
        }
        let (width, height) = client.with_screen(|screen| screen.size());
        let held = client.with_screen(|screen| screen.pixels().len());
        prop_assert_eq!(held, usize::from(width) * usize::from(height) * 4);
    }
}
