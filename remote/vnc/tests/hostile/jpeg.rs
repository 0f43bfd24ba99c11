//! JPEGs: whoever decodes them is another, and may take his time.

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use remote_vnc::rfb::{Client, Error, Event, Jpeg};

use crate::stub::{HEIGHT, WIDTH, client, events, picture};

const RED: [u8; 3] = [255, 0, 0];
const BLUE: [u8; 3] = [0, 0, 255];

fn encoded(width: u16, height: u16) -> Vec<u8> {
    let pixels = vec![99; usize::from(width) * usize::from(height) * 3];
    let mut bytes = Vec::new();
    let (width, height) = (width.into(), height.into());
    JpegEncoder::new_with_quality(&mut bytes, 90)
        .encode(&pixels, width, height, ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

fn rectangle(rect: [u16; 4], encoding: i32, body: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = rect.into_iter().flat_map(u16::to_be_bytes).collect();
    bytes.extend_from_slice(&encoding.to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fn tight(rect: [u16; 4], jpeg: &[u8]) -> Vec<u8> {
    let length = jpeg.len();
    let mut body = vec![
        0x90,
        (length & 127) as u8 | 128,
        (length >> 7 & 127) as u8 | 128,
        (length >> 14) as u8,
    ];
    body.extend_from_slice(jpeg);
    rectangle(rect, 7, &body)
}

fn update(rectangles: &[Vec<u8>]) -> Vec<u8> {
    let count = u16::try_from(rectangles.len()).unwrap().to_be_bytes();
    let mut bytes = vec![0, 0];
    bytes.extend_from_slice(&count);
    bytes.extend(rectangles.concat());
    bytes
}

fn put(client: &mut Client, jpeg: &Jpeg, [red, green, blue]: [u8; 3]) {
    let count = usize::from(jpeg.width) * usize::from(jpeg.height);
    let pixels = [red, green, blue, 0].repeat(count);
    client.put_jpeg(jpeg.number, Some(&pixels)).unwrap();
}

fn pixel(client: &mut Client, x: u16, y: u16) -> [u8; 4] {
    let start = (usize::from(y) * usize::from(WIDTH) + usize::from(x)) * 4;
    picture(client)[start..start + 4].try_into().unwrap()
}

#[test]
fn an_update_ends_when_all_of_them_are_there_in_whatever_order() {
    let mut client = client();
    let jpeg = encoded(16, 16);
    client
        .feed(&update(&[
            tight([0, 0, 16, 16], &jpeg),
            tight([16, 0, 16, 16], &jpeg),
        ]))
        .unwrap();
    let jpegs = client.take_jpegs();
    assert_eq!(jpegs.len(), 2, "both at once");
    put(&mut client, &jpegs[1], BLUE);
    assert_eq!(events(&mut client), []);
    put(&mut client, &jpegs[0], RED);
    assert_eq!(events(&mut client), [Event::UpdateEnd]);
    assert_eq!(pixel(&mut client, 0, 0), [255, 0, 0, 255]);
    assert_eq!(pixel(&mut client, 31, 15), [0, 0, 255, 255]);
}

/// Neither is drawn over by what came before it, nor copied before it is there.
#[test]
fn what_comes_later_is_drawn_later() {
    let mut client = client();
    let fill = |rect| rectangle(rect, 7, &[0x80, 1, 2, 3]);
    client
        .feed(&update(&[
            tight([0, 0, 16, 16], &encoded(16, 16)),
            fill([32, 32, 4, 4]),
            rectangle([40, 0, 8, 8], 1, &[0, 8, 0, 8]),
            fill([8, 8, 4, 4]),
        ]))
        .unwrap();
    assert_eq!(pixel(&mut client, 33, 33), [1, 2, 3, 255], "it is apart");
    assert!(client.is_stalled());
    let jpegs = client.take_jpegs();
    put(&mut client, &jpegs[0], RED);
    assert!(!client.is_stalled());
    assert_eq!(pixel(&mut client, 40, 0), [255, 0, 0, 255], "copied");
    assert_eq!(pixel(&mut client, 9, 9), [1, 2, 3, 255], "drawn over");
    assert_eq!(events(&mut client), [Event::UpdateEnd]);
}

#[test]
fn another_size_waits_for_what_is_to_be_drawn_on_the_old_one() {
    let mut client = client();
    client
        .feed(&update(&[
            tight([WIDTH - 16, HEIGHT - 16, 16, 16], &encoded(16, 16)),
            rectangle([0, 0, 8, 8], -223, &[]),
        ]))
        .unwrap();
    let jpegs = client.take_jpegs();
    put(&mut client, &jpegs[0], RED);
    assert_eq!(client.with_screen(|screen| screen.size()), (8, 8));
}

#[test]
fn s43_a_jpeg_of_another_size_is_never_decoded() {
    for (rect, jpeg) in [
        ([0, 0, 16, 16], encoded(17, 16)),
        ([0, 0, 0, 0], encoded(1, 1)),
        // The size stands in its header, whatever is behind.
        ([0, 0, 16, 16], {
            let mut jpeg = encoded(16, 16);
            let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
            jpeg[frame + 5..frame + 9].fill(0xff);
            jpeg
        }),
    ] {
        let mut client = client();
        let error = client.feed(&update(&[tight(rect, &jpeg)])).unwrap_err();
        assert!(matches!(error, Error::Malformed(_)), "{error}");
        assert!(client.take_jpegs().is_empty());
    }
}

#[test]
fn s43_a_jpeg_that_cannot_be_decoded_ends_it() {
    for pixels in [None, Some(vec![0; 7])] {
        let mut client = client();
        let jpeg = tight([0, 0, 16, 16], &encoded(16, 16));
        client.feed(&update(&[jpeg])).unwrap();
        let number = client.take_jpegs()[0].number;
        let outcome = client.put_jpeg(number, pixels.as_deref());
        assert_eq!(
            outcome,
            Err(Error::Malformed("a JPEG cannot be read")),
            "{pixels:?}"
        );
        assert_eq!(client.outcome(), outcome);
    }
}

/// Rectangles of a pixel, each with a megabyte behind its picture.
#[test]
fn s43_jpegs_that_wait_are_few_bytes() {
    const BYTES: usize = 1 << 20;
    let mut client = client();
    let mut jpeg = encoded(1, 1);
    jpeg.resize(BYTES, 0);
    let rectangles: Vec<_> = (0..WIDTH).map(|x| tight([x, 0, 1, 1], &jpeg)).collect();
    let (mut most, mut seen) = (0, 0);
    let mut left = &update(&rectangles)[..];
    while seen < rectangles.len() {
        if !client.is_stalled() && !left.is_empty() {
            let (now, rest) = left.split_at(left.len().min(64 << 10));
            client.feed(now).unwrap();
            left = rest;
            continue;
        }
        let jpegs = client.take_jpegs();
        most = most.max(jpegs.len());
        seen += jpegs.len();
        for jpeg in &jpegs {
            put(&mut client, jpeg, RED);
        }
    }
    assert!((2..=9).contains(&most), "{most}");
    assert_eq!(events(&mut client), [Event::UpdateEnd]);
}
