//! Bytes through channels: many, at once, and their ends.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode, header};
use http_body_util::{BodyExt, Full};
use ring::digest::{SHA256, digest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::device::pattern;
use crate::harness::{fetch, text};
use crate::place::{Scene, counting};
use crate::waiting::{soon, spawn};

const MB: usize = 1_000_000;

/// Items 3, 4 and 9: the stub ends at the first frame that would kill the agent.
#[tokio::test]
async fn w06_item_03_04_09_thirty_megabytes_each_way() {
    let scene = Scene::new().await;
    let stub = scene.connect().await;
    let mut browser = scene.visiting().await;
    let url = format!("{}/big?{}", scene.page(), 30 * MB);
    let answer = browser.fetch(&url).await;
    let (parts, body) = answer.into_parts();
    let body = soon("30 MB", body.collect()).await.unwrap().to_bytes();
    drop(parts);
    let expected = pattern(0, 30 * MB);
    assert_eq!(body.len(), expected.len());
    assert_eq!(
        digest(&SHA256, &body).as_ref(),
        digest(&SHA256, &expected).as_ref()
    );

    let request = fetch(Method::POST, &format!("{}/upload", scene.page()))
        .header(header::ORIGIN, scene.page())
        .body(Full::new(Bytes::from(expected.clone())))
        .unwrap();
    let answer = browser.send(request).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let hash = data_encoding::HEXLOWER.encode(digest(&SHA256, &expected).as_ref());
    assert_eq!(text(answer).await, format!("{} {hash}", 30 * MB));
    let seen = &stub.seen;
    assert_eq!(seen.count(&seen.largest_message), 2052);
    assert!(stub.is_running());
}

#[tokio::test]
async fn w05_sixty_channels_at_once() {
    let scene = Scene::new().await;
    let stub = scene.connect().await;
    let browser = scene.visiting().await;
    let fetches = (0..60).map(|_| {
        let mut browser = browser.clone();
        let url = format!("{}/big?{}", scene.page(), 300_000);
        spawn(async move {
            let answer = browser.fetch(&url).await;
            let (parts, body) = answer.into_parts();
            let body = soon("a body", body.collect()).await.unwrap().to_bytes();
            drop(parts);
            body == pattern(0, 300_000)
        })
    });
    for fetched in fetches.collect::<Vec<_>>() {
        assert!(fetched.await.unwrap());
    }
    let seen = &stub.seen;
    assert!(seen.count(&seen.opens) >= 60 && stub.is_running());
}

#[tokio::test]
async fn w07_item_11_a_side_that_has_ended_goes_on_hearing() {
    let mut scene = Scene::new().await;
    let port = counting().await;
    scene.settings.ports.push(port);
    let stub = scene.connect().await;
    let mut stream = scene.open(port).await.unwrap();
    stream.write_all(&vec![1; 100_000]).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    soon("the answer", stream.read_to_string(&mut answer))
        .await
        .unwrap();
    assert_eq!(answer, "100000 bytes");
    assert!(stub.is_running());
}

/// A service that speaks, ends its side at once, and counts what still comes.
#[tokio::test]
async fn item_11_what_the_device_ends_is_ended_before_the_agent_forgets_it() {
    let mut scene = Scene::new().await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let device = spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        connection.write_all(b"bye").await.unwrap();
        connection.shutdown().await.unwrap();
        let mut all = Vec::new();
        connection.read_to_end(&mut all).await.unwrap();
        all
    });
    scene.settings.ports.push(port);
    let stub = scene.connect().await;
    let mut stream = scene.open(port).await.unwrap();
    let mut said = String::new();
    soon("the end", stream.read_to_string(&mut said))
        .await
        .unwrap();
    assert_eq!(said, "bye");
    stream.write_all(b"late").await.unwrap();
    // This end says nothing more, and is ended in time all the same.
    let heard = soon("the device's end", device).await.unwrap();
    assert_eq!(heard, b"late");
    let seen = &stub.seen;
    assert_eq!(seen.count(&seen.unknown), 0, "nothing came too late");
    assert!(stream.write_all(&[0; 10]).await.is_err());
}

#[tokio::test]
async fn w08_what_does_not_answer_is_told() {
    let mut scene = Scene::new().await;
    let closed = {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        listener.local_addr().unwrap().port()
    };
    // The web server's port is not forwarded any more; another one is, where nobody is.
    scene.settings.ports = vec![closed];
    let stub = scene.connect().await;
    let mut browser = scene.visiting().await;
    let answer = browser.fetch(&scene.page()).await;
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    assert!(text(answer).await.contains("service_not_offered"));
    let refused = scene.open(closed).await.err().unwrap();
    assert!(refused.to_string().contains("refused"), "{refused}");
    assert!(stub.is_running());
}

/// Item 12: there is no credit, so one who does not read holds all up, and is cut.
#[tokio::test]
async fn item_12_who_does_not_read_is_cut_when_others_wait() {
    let scene = Scene::new().await;
    let stub = scene.connect().await;
    let mut browser = scene.visiting().await;
    let url = format!("{}/big?{}", scene.page(), 200 * MB);
    let stalled = browser.fetch(&url).await;
    assert_eq!(stalled.status(), StatusCode::OK);
    // Nothing is read of it. What fits on the way goes, and then nothing.
    let sent = &scene.web.sent;
    let mut last = 0;
    // A pause on a busy machine is no stall yet.
    let mut looks_alike = 0;
    soon("the stall", async {
        while looks_alike < 4 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = sent.load(std::sync::atomic::Ordering::SeqCst);
            looks_alike = if now == last && now > 0 {
                looks_alike + 1
            } else {
                0
            };
            last = now;
        }
    })
    .await;
    assert!(last < 100 * MB as u64, "{last} bytes");
    let answer = browser.fetch(&format!("{}/hello", scene.page())).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(text(answer).await.starts_with("GET /hello"));
    let seen = &stub.seen;
    assert_eq!(seen.count(&seen.errors), 1, "the one that stalled");
    drop(stalled);
}
