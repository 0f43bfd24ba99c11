//! The picture arrives, in every encoding.

use std::time::Duration;

use remote_vnc::rfb::{Event, Quality};

use crate::desktop::{Desktop, HEIGHT, WIDTH};
use crate::viewer::{Socket, Viewer};

const RAW: i32 = 0;
const COPY_RECT: i32 = 1;
const RRE: i32 = 2;
const HEXTILE: i32 = 5;
const ZLIB: i32 = 6;
const TIGHT: i32 = 7;
const ZRLE: i32 = 16;

/// Of everything a bit: flat parts, text of two colours, few colours, many, noise.
fn picture(seed: u32) -> Vec<u8> {
    let mut noise = seed | 1;
    let mut next = move || {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        noise
    };
    let mut pixels = Vec::new();
    for y in 0..u32::from(HEIGHT) {
        for x in 0..u32::from(WIDTH) {
            let [blue, green, red] = match (x / 128, y / 100) {
                (0, _) => [200, 40, (seed * 9) as u8],
                (1, _) => {
                    if (x * 7 + y * 3 + seed) % 11 < 3 {
                        [0, 0, 0]
                    } else {
                        [255, 255, 240]
                    }
                }
                (2, row) => {
                    let step = ((x / 4 + y / 4 + seed) % (5 + row * 6)) as u8;
                    [step * 9, 255 - step * 5, step * 3]
                }
                (3, _) => [(x + seed) as u8, y as u8, (x + y) as u8],
                _ => {
                    let [one, two, three, _] = next().to_le_bytes();
                    [one, two, three]
                }
            };
            pixels.extend_from_slice(&[blue, green, red, 0]);
        }
    }
    pixels
}

/// The picture is right, and came in this encoding: a server that does not speak it sends another.
fn arrives(desktop: &Desktop, socket: impl Socket + 'static, encoding: i32) {
    desktop.draw(0, 0, WIDTH, &picture(1));
    let mut viewer = Viewer::with(socket, |client| {
        client.set_quality(Quality::Lossless);
        client.limit_encodings(&[encoding]);
    });
    let truth = desktop.truth();
    viewer.until("the first picture", |viewer| viewer.pixels() == truth);
    // And what changes after it.
    for seed in 2..5 {
        let part = &picture(seed)[..usize::from(WIDTH) * 4 * 77];
        desktop.draw(0, i16::try_from(seed).unwrap() * 20, WIDTH, part);
        let truth = desktop.truth();
        viewer.until("the change", |viewer| viewer.pixels() == truth);
    }
    let came = viewer.client.rectangles_of(encoding);
    assert!(came > 0, "nothing came in encoding {encoding}");
}

fn arrives_in(encoding: i32) {
    let desktop = Desktop::start();
    arrives(&desktop, desktop.dial(), encoding);
}

#[test]
fn raw() {
    arrives_in(RAW);
}

#[test]
fn rre() {
    arrives_in(RRE);
}

#[test]
fn hextile() {
    arrives_in(HEXTILE);
}

#[test]
fn zrle() {
    arrives_in(ZRLE);
}

#[test]
fn tight_lossless() {
    arrives_in(TIGHT);
}

#[test]
fn of_x11vnc() {
    let desktop = Desktop::start();
    // TRLE it does not speak, nor does TigerVNC: tests/hostile/trle.rs.
    for encoding in [RAW, RRE, HEXTILE, ZLIB, ZRLE, TIGHT] {
        let server = desktop.x11vnc(&[]);
        arrives(&desktop, server.dial(), encoding);
    }
}

#[test]
fn a_moved_part_is_copied() {
    let desktop = Desktop::start();
    desktop.draw(0, 0, WIDTH, &picture(1));
    let mut viewer = Viewer::with(desktop.dial(), |client| {
        client.limit_encodings(&[COPY_RECT, RAW]);
        client.set_quality(Quality::Lossless);
    });
    let truth = desktop.truth();
    viewer.until("the first picture", |viewer| viewer.pixels() == truth);
    for (from, to) in [
        ((10, 10), (200, 60)),
        ((200, 60), (210, 50)),
        ((210, 50), (190, 55)),
    ] {
        desktop.copy_area(from, to, (300, 200));
        let truth = desktop.truth();
        viewer.until("the copy", |viewer| viewer.pixels() == truth);
    }
    assert!(viewer.client.rectangles_of(COPY_RECT) > 0);
}

#[test]
fn jpeg_is_close() {
    let desktop = Desktop::start();
    // Smooth, as photographs are: noise is what JPEG leaves out.
    let pixels: Vec<u8> = (0..u32::from(HEIGHT))
        .flat_map(|y| {
            (0..u32::from(WIDTH)).flat_map(move |x| {
                let wave = |a: f64| (127.0 + 120.0 * a.sin()) as u8;
                let (x, y) = (f64::from(x), f64::from(y));
                [wave(x / 60.0), wave(y / 45.0), wave((x + y) / 80.0), 0]
            })
        })
        .collect();
    desktop.draw(0, 0, WIDTH, &pixels);
    let mut viewer = Viewer::with(desktop.dial(), |client| {
        client.limit_encodings(&[TIGHT]);
        client.set_quality(Quality::High);
    });
    let truth = desktop.truth();
    viewer.until("a picture that is close", |viewer| {
        let differences = viewer.pixels();
        let differences = differences.iter().zip(&truth).map(|(a, b)| a.abs_diff(*b));
        let (sum, count, most) = differences.fold((0_u64, 0_u64, 0), |(sum, count, most), one| {
            (sum + u64::from(one), count + 1, most.max(one))
        });
        most < 40 && sum < count * 2
    });
    assert!(viewer.pixels() != truth, "it was JPEG");
    assert!(viewer.client.rectangles_of(TIGHT) > 0);
}

/// Every pixel is opaque, whatever the server leaves in the padding.
#[test]
fn pixels_are_opaque() {
    let desktop = Desktop::start();
    desktop.draw(0, 0, WIDTH, &picture(1));
    let mut viewer = Viewer::new(desktop.dial());
    let count = usize::from(WIDTH) * usize::from(HEIGHT);
    viewer.until("a picture", |viewer| {
        viewer.events.contains(&Event::UpdateEnd)
    });
    let alphas = viewer.pixels();
    let alphas = alphas
        .iter()
        .skip(3)
        .step_by(4)
        .filter(|alpha| **alpha == 255);
    assert_eq!(alphas.count(), count);
}

/// An idle device costs nothing: one request waits, and that is all.
#[test]
fn a_desktop_at_rest_is_silent() {
    const REST: Duration = Duration::from_secs(30);
    let desktop = Desktop::start();
    desktop.draw(0, 0, WIDTH, &picture(1));
    let mut viewer = Viewer::new(desktop.dial());
    viewer.until("the picture", |viewer| viewer.saw(&Event::UpdateEnd));
    // TigerVNC sends some of what came as JPEG again without loss, and then it rests.
    viewer.until("the rest", |viewer| {
        let before = viewer.received_bytes;
        viewer.for_a_while(Duration::from_secs(3));
        viewer.received_bytes == before
    });
    let before = (viewer.sent_bytes, viewer.received_bytes);
    viewer.for_a_while(REST);
    assert_eq!((viewer.sent_bytes, viewer.received_bytes), before);
    // It is not that nothing works any more.
    desktop.draw(0, 0, WIDTH, &picture(9));
    viewer.until("another update", |viewer| {
        (viewer.sent_bytes, viewer.received_bytes) > before
    });
}
