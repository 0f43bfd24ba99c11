//! TRLE: neither TigerVNC nor x11vnc sends it. Its tiles are those of ZRLE, each of 16x16, so another
//! project's ZRLE encoder makes them, tile by tile; what only TRLE has is made by hand.

use std::io::Read;

use flate2::read::ZlibDecoder;
use remote_vnc::rfb::Client;
use rfb_encodings::{PixelFormat, zrle};

use crate::stub::{HEIGHT, WIDTH, client, picture, update};

const TRLE: i32 = 15;
const SIDE: u16 = 16;

/// A tile by the other encoder.
fn tile(pixels: &[u8], width: u16, height: u16) -> Vec<u8> {
    let packed = zrle::encode_zrle(pixels, width, height, &PixelFormat::rgba32(), 6).unwrap();
    let mut bytes = Vec::new();
    // After its length.
    ZlibDecoder::new(&packed[4..])
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

/// Every kind of tile: of one colour, of two, of a few, of many, in runs, and noise.
fn pixel(x: u16, y: u16, seed: u32) -> [u8; 4] {
    let place = u32::from(x) * 48_271 + u32::from(y) * 69_621 + seed;
    let noise = place.wrapping_mul(2_654_435_761) >> 8;
    let number = match (x / SIDE + y / SIDE * 4 + seed as u16) % 8 {
        0 => 7,
        1 => noise % 2,
        2 => noise % 4,
        3 => noise % 13,
        4 => u32::from(y % SIDE) * 3,
        5 => noise,
        6 => u32::from(x / 5 + y / 3) % 40,
        _ => u32::from(x % SIDE) / 7 * 5,
    };
    let [one, two, three, _] = number.wrapping_mul(0x9e37_79b1).to_le_bytes();
    [one, two, three, 255]
}

fn part(left: u16, top: u16, width: u16, height: u16, seed: u32) -> Vec<u8> {
    let rows = (top..top + height).flat_map(|y| (left..left + width).map(move |x| (x, y)));
    rows.flat_map(|(x, y)| pixel(x, y, seed)).collect()
}

#[test]
fn another_projects_tiles_arrive() {
    let mut client = client();
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 0..8 {
        // Not a whole number of tiles either way.
        let (width, height) = (WIDTH - 3, HEIGHT - 5);
        let mut body = Vec::new();
        for y in (0..height).step_by(SIDE.into()) {
            for x in (0..width).step_by(SIDE.into()) {
                let (across, down) = (SIDE.min(width - x), SIDE.min(height - y));
                let bytes = tile(&part(x, y, across, down, seed), across, down);
                kinds.insert(bytes[0]);
                body.extend_from_slice(&bytes);
            }
        }
        let bytes = update([0, 0, width, height], TRLE, &body);
        // In pieces: tiles are read again when more has come.
        for piece in bytes.chunks(11) {
            client.feed(piece).unwrap();
        }
        let arrived = picture(&mut client);
        for y in 0..height {
            let start = usize::from(y) * usize::from(WIDTH) * 4;
            let row = &arrived[start..start + usize::from(width) * 4];
            assert!(
                row == part(0, y, width, 1, seed),
                "row {y} of picture {seed}"
            );
        }
    }
    assert_eq!(client.rectangles_of(TRLE), 8);
    // Raw, one colour, packed, runs, and runs of a palette.
    let has = |kind: std::ops::RangeInclusive<u8>| kinds.range(kind).next().is_some();
    assert!(has(0..=0) && has(1..=1) && has(2..=16), "{kinds:?}");
    assert!(has(128..=128) && has(130..=255), "{kinds:?}");
}

fn one_row(client: &mut Client) -> Vec<u8> {
    picture(client)[..32 * 4]
        .chunks(4)
        .map(|pixel| pixel[0])
        .collect()
}

/// What no ZRLE encoder makes: the palette of the tile before, packed (127) and in runs (129).
#[test]
fn a_palette_is_used_again() {
    let colours = [10, 10, 10, 20, 20, 20, 30, 30, 30];
    for again in [
        // Of three colours: two bits a pixel.
        [vec![127], vec![0b00_01_10_00; 4]].concat(),
        // A run of 15 and one of 1.
        vec![129, 0x80 | 1, 14, 2],
    ] {
        let mut first = vec![3];
        first.extend_from_slice(&colours);
        first.extend_from_slice(&[0b10_10_10_10; 4]);
        let expected = if again[0] == 127 {
            [10, 20, 30, 10].repeat(4)
        } else {
            [[20; 15].as_slice(), &[30]].concat()
        };
        let mut client = client();
        let bytes = update([0, 0, 32, 1], TRLE, &[first, again].concat());
        client.feed(&bytes).unwrap();
        assert_eq!(one_row(&mut client), [vec![30; 16], expected].concat());
    }
}
