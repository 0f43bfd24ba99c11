//! Servers that send much, or want much sent.

use remote_vnc::rfb::{Error, Event};

use crate::stub::{client, events, update};

/// Answers that wait to be taken: one text of the clipboard beside much that is small.
const MAX_ANSWERS_BYTES: usize = (1 << 20) + (256 << 10);
const MAX_WAITING_BYTES: usize = 8 << 20;

/// A fence that wants an answer of the same length.
fn fence(number: u32) -> Vec<u8> {
    let mut bytes = vec![248, 0, 0, 0, 0x80, 0, 0, 1, 64];
    bytes.extend_from_slice(&number.to_be_bytes());
    bytes.resize(9 + 64, 7);
    bytes
}

#[test]
fn s43_answers_that_nobody_takes_do_not_pile_up() {
    const COUNT: u32 = 100_000;
    let mut client = client();
    let mut answered = 0;
    for number in 0..COUNT {
        client.feed(&fence(number)).unwrap();
        if number % 50_000 == 49_999 {
            assert!(client.is_stalled());
            // To take it lets it go on, until all are answered.
            while client.is_stalled() {
                let output = client.take_output();
                assert!(output.len() <= MAX_ANSWERS_BYTES + 73, "{}", output.len());
                answered += output.len();
            }
            answered += client.take_output().len();
        }
    }
    assert_eq!(answered, COUNT as usize * 73, "each has its answer");
    // And nobody hangs.
    client
        .feed(&update([0, 0, 1, 1], 7, &[0x80, 1, 2, 3]))
        .unwrap();
    assert_eq!(events(&mut client), [Event::UpdateEnd]);
}

#[test]
fn s43_who_sends_on_without_taking_answers_is_cut_off() {
    let mut client = client();
    let fences = (0..1000).flat_map(fence).collect::<Vec<_>>();
    let mut fed = 0;
    let error = loop {
        match client.feed(&fences) {
            Ok(()) => fed += fences.len(),
            Err(error) => break error,
        }
        assert!(fed < 2 * MAX_WAITING_BYTES, "held without end");
    };
    assert_eq!(error, Error::TooLarge("what the server sends unasked"));
    assert_eq!(client.outcome(), Err(error));
    assert!(!client.is_stalled(), "it waits for nothing any more");
}

#[test]
fn s43_nothing_piles_up_behind_the_question_for_a_password() {
    let mut client = remote_vnc::rfb::Client::new();
    client.feed(b"RFB 003.008\n\x01\x02").unwrap();
    client.feed(&[0; 16]).unwrap();
    assert_eq!(events(&mut client), [Event::PasswordWanted]);
    let mut fed = 0;
    while client.feed(&[0; 1 << 16]).is_ok() {
        fed += 1 << 16;
        assert!(fed < 2 * MAX_WAITING_BYTES, "held without end");
    }
}

/// What people do goes out, whatever the server does.
#[test]
fn keys_are_sent_beside_answers_that_wait() {
    let mut client = client();
    for number in 0..20_000 {
        client.feed(&fence(number)).unwrap();
    }
    assert!(client.is_stalled());
    client.key(0x61, true);
    let output = client.take_output();
    assert!(output.ends_with(&[4, 1, 0, 0, 0, 0, 0, 0x61]));
}

#[test]
fn s36_what_must_be_known_is_told_whatever_else_happens() {
    let mut client = client();
    for _ in 0..300 {
        client.feed(&[2]).unwrap();
    }
    for side in 1..=300_u16 {
        let mut cursor = vec![side as u8; 4];
        cursor.push(0x80);
        client.feed(&update([0, 0, 1, 1], -239, &cursor)).unwrap();
        client.feed(&update([0, 0, side, 32], -223, &[])).unwrap();
    }
    let told = events(&mut client);
    assert_eq!(told.len(), 4, "{told:?}");
    let resized = Event::Resized {
        width: 300,
        height: 32,
    };
    assert_eq!(told[0], Event::Bell);
    assert!(matches!(&told[1], Event::Cursor(cursor) if cursor.pixels[0] == 300_u16 as u8));
    assert_eq!(told[2..], [resized, Event::UpdateEnd]);
}
