//! Another size is asked for the screen that the server has.

use remote_vnc::rfb::Event;

use crate::stub::{client, events, update};

#[test]
fn a_screen_is_named_as_the_server_names_it() {
    let mut client = client();
    client.resize(800, 500);
    assert_eq!(
        client.take_output(),
        [],
        "it has not said that it takes any"
    );
    assert_eq!(events(&mut client), [Event::ResizeRefused]);
    let mut body = vec![2, 0, 0, 0];
    for (number, flags) in [(0x0102_0304_u32, 0x0506_0708_u32), (9, 9)] {
        body.extend_from_slice(&number.to_be_bytes());
        body.extend_from_slice(&[0, 0, 0, 0, 0, 32, 0, 48]);
        body.extend_from_slice(&flags.to_be_bytes());
    }
    client.feed(&update([0, 0, 64, 48], -308, &body)).unwrap();
    client.resize(800, 500);
    #[rustfmt::skip]
    assert_eq!(client.take_output(), [
        251, 0, 3, 0x20, 1, 0xf4, 1, 0,
        1, 2, 3, 4, 0, 0, 0, 0, 3, 0x20, 1, 0xf4, 5, 6, 7, 8,
    ]);
}

#[test]
fn a_server_of_no_screen_gets_one() {
    let mut client = client();
    client.feed(&update([0, 0, 64, 48], -308, &[0; 4])).unwrap();
    client.resize(1, 2);
    #[rustfmt::skip]
    assert_eq!(client.take_output(), [
        251, 0, 0, 1, 0, 2, 1, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0,
    ]);
}
