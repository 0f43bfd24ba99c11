//! What a server says, made by hand.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use remote_vnc::rfb::{Client, Event};

pub(crate) const WIDTH: u16 = 64;
pub(crate) const HEIGHT: u16 = 48;

/// What a server says up to the first update, with no password.
pub(crate) fn greeting(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"RFB 003.008\n".to_vec();
    bytes.extend_from_slice(&[1, 1]);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&width.to_be_bytes());
    bytes.extend_from_slice(&height.to_be_bytes());
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend_from_slice(&4_u32.to_be_bytes());
    bytes.extend_from_slice(b"stub");
    bytes
}

pub(crate) fn client() -> Client {
    let mut client = Client::new();
    client.feed(&greeting(WIDTH, HEIGHT)).unwrap();
    while client.poll_event().is_some() {}
    let _ = client.take_output();
    client
}

/// An update of one rectangle.
pub(crate) fn update(rect: [u16; 4], encoding: i32, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 1];
    for number in rect {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(&encoding.to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

pub(crate) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

pub(crate) fn sized(packed: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(packed.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(packed);
    bytes
}

pub(crate) fn picture(client: &mut Client) -> Vec<u8> {
    client.with_screen(|screen| screen.pixels().to_vec())
}

pub(crate) fn events(client: &mut Client) -> Vec<Event> {
    std::iter::from_fn(|| client.poll_event()).collect()
}
