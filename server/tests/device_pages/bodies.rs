//! Bodies large, slow, cut and abandoned.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use ring::digest::{Context, SHA256, digest};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::device::{Seen, pattern};
use crate::harness::{Place, fetch, soon, text};

const MIB: u64 = 1024 * 1024;

/// Length and SHA-256 of a body, read as it comes.
async fn digested(answer: Response<Incoming>) -> (u64, Vec<u8>) {
    let (parts, mut body) = answer.into_parts();
    let (mut length, mut hash) = (0, Context::new(&SHA256));
    while let Some(frame) = soon("a piece of a body", body.frame()).await {
        let data = frame.unwrap().into_data().unwrap();
        length += data.len() as u64;
        hash.update(&data);
    }
    drop(parts);
    (length, hash.finish().as_ref().to_vec())
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}

#[tokio::test]
async fn a_hundred_megabytes_come_whole_and_stay_nowhere() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.visiting(&device).await;
    // Warm, so that buffers made once do not count.
    digested(
        browser
            .fetch(&format!("{}/big?{}", place.page(&device), 4 * MIB))
            .await,
    )
    .await;
    let before = resident_bytes();
    let answer = browser
        .fetch(&format!("{}/big?{}", place.page(&device), 100 * MIB))
        .await;
    assert_eq!(
        answer.headers()[header::CONTENT_LENGTH],
        (100 * MIB).to_string()
    );
    let (length, hash) = digested(answer).await;
    assert_eq!(length, 100 * MIB);
    let mut expected = Context::new(&SHA256);
    for offset in (0..100 * MIB).step_by(65_536) {
        expected.update(&pattern(offset, 65_536));
    }
    assert_eq!(hash, expected.finish().as_ref());
    let grown = resident_bytes().saturating_sub(before);
    // Client, server, agent and device together, windows and all.
    assert!(grown < 32 * MIB, "{} MiB more", grown / MIB);
}

#[tokio::test]
async fn a_browser_that_does_not_read_stops_the_device() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.visiting(&device).await;
    let answer = browser
        .fetch(&format!("{}/big?{}", place.page(&device), 400 * MIB))
        .await;
    // The page of another tab is not held up by it.
    let page = soon("another page", browser.fetch(&place.page(&device))).await;
    assert_eq!(page.status(), StatusCode::OK);
    soon("a standstill", async {
        let mut before = None;
        loop {
            let sent = Some(device.web.sent.load(Ordering::SeqCst));
            if sent == before && sent > Some(0) {
                break;
            }
            before = sent;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
    .await;
    // Sockets, windows and buffers on the way, far from the 400 MiB there are.
    let sent = device.web.sent.load(Ordering::SeqCst);
    assert!(sent < 32 * MIB, "{} MiB", sent / MIB);
    drop(answer);
}

#[tokio::test]
async fn fifty_megabytes_go_up_to_a_slow_reader() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.visiting(&device).await;
    let before = resident_bytes();
    let pieces = (0..50 * MIB)
        .step_by(65_536)
        .map(|offset| Ok::<_, std::io::Error>(Frame::data(Bytes::from(pattern(offset, 65_536)))));
    let body = StreamBody::new(futures_util::stream::iter(pieces));
    let request = fetch(Method::PUT, &format!("{}/upload?slow", place.page(&device)))
        .header(header::CONTENT_LENGTH, 50 * MIB)
        .body(body)
        .unwrap();
    let answer = text(browser.send(request).await).await;
    let mut expected = Context::new(&SHA256);
    for offset in (0..50 * MIB).step_by(65_536) {
        expected.update(&pattern(offset, 65_536));
    }
    let expected = data_encoding::HEXLOWER.encode(expected.finish().as_ref());
    assert_eq!(answer, format!("{} {expected}", 50 * MIB));
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 32 * MIB, "{} MiB more", grown / MIB);
}

#[tokio::test]
async fn a_range_is_the_devices_to_cut() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.visiting(&device).await;
    let request = fetch(Method::GET, &format!("{}/range", place.page(&device)))
        .header(header::RANGE, "bytes=1000-1999");
    let answer = browser.send(request.body(Full::default()).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(
        answer.headers()[header::CONTENT_RANGE],
        "bytes 1000-1999/1000000"
    );
    let (length, hash) = digested(answer).await;
    assert_eq!(length, 1000);
    assert_eq!(hash, digest(&SHA256, &pattern(1000, 1000)).as_ref());
}

#[tokio::test]
async fn events_come_at_once() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.visiting(&device).await;
    let mut answer = browser.fetch(&format!("{}/sse", place.page(&device))).await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
    // The device says no more: what has come must be through without it.
    let frame = soon("the first event", answer.body_mut().frame())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(frame.into_data().unwrap(), "data: 1\n\n");
}

#[tokio::test]
async fn s22_an_answer_cut_in_the_middle_never_looks_whole() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.visiting(&device).await;
    for path in ["/cut-length", "/cut-chunked", "/cut-reset"] {
        let answer = browser
            .fetch(&format!("{}{path}", place.page(&device)))
            .await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let (parts, body) = answer.into_parts();
        let ended = soon("the end", body.collect()).await;
        assert!(ended.is_err(), "{path}: {ended:?}");
        drop(parts);
    }
}

#[tokio::test]
async fn a_closed_tab_is_closed_at_the_device_within_a_second() {
    let place = Place::start().await;
    let mut device = place.device().await;
    let mut browser = place.visiting(&device).await;
    // While the device answers, while it sends nothing, and while it is sent to.
    for path in ["/big?1000000000", "/sse"] {
        let answer = browser
            .fetch(&format!("{}{path}", place.page(&device)))
            .await;
        drop(answer);
        assert_left(&mut device.web.seen, path).await;
    }
    let mut hanging = browser.clone();
    let url = format!("{}/hang", place.page(&device));
    let before = device.web.requests();
    let waiting = crate::harness::spawn(async move { hanging.fetch(&url).await.status() });
    soon("the request", async {
        while device.web.requests() == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    waiting.abort();
    assert_left(&mut device.web.seen, "/hang").await;
    let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(Frame::data(
        Bytes::from_static(b"x"),
    ))]);
    let body = StreamBody::new(pieces.chain(futures_util::stream::pending()));
    let request = fetch(Method::PUT, &format!("{}/upload", place.page(&device)))
        .header(header::CONTENT_LENGTH, 1000)
        .body(body)
        .unwrap();
    let before = device.web.requests();
    let mut uploading = browser.clone();
    let uploading = crate::harness::spawn(async move { uploading.send(request).await.status() });
    soon("the request", async {
        while device.web.requests() == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    uploading.abort();
    assert_left(&mut device.web.seen, "/upload").await;
}

async fn assert_left(seen: &mut tokio::sync::mpsc::Receiver<Seen>, what: &str) {
    let began = Instant::now();
    assert_eq!(soon(what, seen.recv()).await, Some(Seen::Left));
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{what}: {:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn s34_signing_out_cuts_downloads_within_a_second() {
    let place = Place::start().await;
    let mut device = place.device().await;
    let mut browser = place.visiting(&device).await;
    let mut silent = browser.fetch(&format!("{}/sse", place.page(&device))).await;
    let mut running = browser
        .fetch(&format!("{}/big?1000000000", place.page(&device)))
        .await;
    let unread = browser
        .fetch(&format!("{}/big?1000000000", place.page(&device)))
        .await;
    assert!(silent.body_mut().frame().await.unwrap().is_ok());
    assert!(running.body_mut().frame().await.unwrap().is_ok());
    let sign_out = format!("{}/api/v1/sign-out", place.manager());
    let answer = browser.post(&sign_out, "application/json", "").await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let began = Instant::now();
    for what in ["one", "two", "three"] {
        assert_left(&mut device.web.seen, what).await;
    }
    for mut answer in [silent, running] {
        let broken = soon("the end", async {
            loop {
                match answer.body_mut().frame().await {
                    Some(Ok(_)) => {}
                    Some(Err(_)) => return true,
                    None => return false,
                }
            }
        });
        assert!(broken.await, "it looked whole");
    }
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    drop(unread);
    assert_eq!(
        browser.fetch(&place.page(&device)).await.status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn s34_signing_out_cuts_a_browser_that_does_not_read() {
    let place = Place::start().await;
    let mut device = place.device().await;
    let mut browser = place.visiting(&device).await;
    let host = format!("{}.adit.localhost", device.enrolled.label);
    let request = format!(
        "GET /big?1000000000 HTTP/1.1\r\nHost: {host}:{}\r\nCookie: {}\r\n\r\n",
        place.port,
        browser.cookie_line(&host).unwrap()
    );
    let mut connection = browser.connect().await;
    connection.write_all(request.as_bytes()).await.unwrap();
    soon("the answer", connection.readable()).await.unwrap();
    let sign_out = format!("{}/api/v1/sign-out", place.manager());
    let answer = browser.post(&sign_out, "application/json", "").await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let began = Instant::now();
    assert_left(&mut device.web.seen, "/big").await;
    // A reset is known without reading; a proper end would wait behind what was sent.
    soon("the reset", async {
        while connection.take_error().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}
