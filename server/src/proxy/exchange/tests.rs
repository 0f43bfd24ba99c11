//! Devices that answer late, wrongly or not at all, without a network.

use http_body_util::{BodyExt, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;

use super::*;

fn crossing() -> Crossing {
    Crossing {
        page_origin: "https://pump.devices.example".to_owned(),
        authority: "127.0.0.1:80".to_owned(),
        tls: false,
        peer: "203.0.113.9".parse().unwrap(),
    }
}

fn get(method: Method) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri("/x")
        .body(Body::empty())
        .unwrap()
}

/// What the device got and answered; it ends its side when `ends`.
async fn respond(device: &mut DuplexStream, until: &[u8], bytes: &[u8], ends: bool) -> String {
    let mut got = Vec::new();
    while !got.ends_with(until) {
        assert_ne!(device.read_buf(&mut got).await.unwrap(), 0);
    }
    // Whoever has seen enough may leave.
    let _ = device.write_all(bytes).await;
    if ends {
        let _ = device.shutdown().await;
    }
    String::from_utf8(got).unwrap().to_ascii_lowercase()
}

const HEAD_END: &[u8] = b"\r\n\r\n";
const BODY_END: &[u8] = b"0\r\n\r\n";

/// The answer when the device sends `bytes` and ends.
async fn answered(
    method: Method,
    bytes: &[u8],
) -> Result<(StatusCode, io::Result<Bytes>), Failure> {
    let (stream, mut device) = tokio::io::duplex(65_536);
    let lifecycle = Lifecycle::default();
    let browser = async {
        let answer = exchange(stream, get(method), &crossing(), &lifecycle).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await;
        Ok((
            status,
            body.map(|body| body.to_bytes()).map_err(io::Error::other),
        ))
    };
    let device = respond(&mut device, HEAD_END, bytes, true);
    let both = async { tokio::join!(browser, device).0 };
    tokio::time::timeout(Duration::from_secs(10), both)
        .await
        .unwrap()
}

/// The head of an answer of which `bytes` have come.
async fn begun(lifecycle: &Lifecycle, bytes: &[u8]) -> (Response<Body>, DuplexStream) {
    let (stream, mut device) = tokio::io::duplex(1024);
    let crossing = crossing();
    let (answer, _) = tokio::join!(
        exchange(stream, get(Method::GET), &crossing, lifecycle),
        respond(&mut device, HEAD_END, bytes, false)
    );
    (answer.unwrap(), device)
}

#[tokio::test]
async fn s21_s22_what_is_no_answer_is_none() {
    let many_fields: String = (0..200)
        .map(|number| format!("X-{number}: y\r\n"))
        .collect();
    let many_fields = format!("HTTP/1.1 200 OK\r\n{many_fields}\r\n");
    let long_field = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(100_000));
    for bytes in [
        "",
        "\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\r\nContent-Len",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 700 Odd\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-A: a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-A: a\rSet-Cookie: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-A : a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-A: a\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        &many_fields,
        &long_field,
    ] {
        let verdict = answered(Method::GET, bytes.as_bytes()).await;
        let shown = &bytes[..bytes.len().min(80)];
        assert!(
            matches!(verdict, Err(Failure::Broken)),
            "{shown:?}: {verdict:?}"
        );
    }
}

#[tokio::test]
async fn s22_a_body_that_is_not_whole_breaks() {
    for bytes in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloworld",
    ] {
        let (status, body) = answered(Method::GET, bytes.as_bytes()).await.unwrap();
        assert_eq!(status, StatusCode::OK);
        assert!(body.is_err(), "{bytes:?}: {body:?}");
    }
}

#[tokio::test]
async fn s22_what_follows_an_answer_goes_nowhere() {
    for (method, bytes, expected) in [
        (
            Method::GET,
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\nevil",
            "hello",
        ),
        (Method::GET, "HTTP/1.1 204 No Content\r\n\r\nevil", ""),
        (
            Method::GET,
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil",
            "",
        ),
        (
            Method::HEAD,
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
            "",
        ),
        (
            Method::GET,
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "ok",
        ),
        (
            Method::GET,
            "HTTP/1.0 200 OK\r\n\r\nto the end",
            "to the end",
        ),
    ] {
        let (_, body) = answered(method, bytes.as_bytes()).await.unwrap();
        assert_eq!(body.unwrap(), expected, "{bytes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_says_nothing_has_a_minute() {
    let (stream, device) = tokio::io::duplex(1024);
    let began = Instant::now();
    let verdict = exchange(stream, get(Method::GET), &crossing(), &Lifecycle::default()).await;
    assert!(matches!(verdict, Err(Failure::TimedOut)), "{verdict:?}");
    assert_eq!(began.elapsed().as_secs(), 60);
    assert_ended(device).await;
}

#[tokio::test(start_paused = true)]
async fn an_upload_takes_as_long_as_it_takes() {
    let (stream, mut device) = tokio::io::duplex(1024);
    let pieces = futures_util::stream::unfold(0, |count| async move {
        tokio::time::sleep(Duration::from_secs(50)).await;
        (count < 10).then(|| {
            (
                Ok::<_, io::Error>(Frame::data(Bytes::from_static(b"piece"))),
                count + 1,
            )
        })
    });
    let request = Request::post("/x")
        .body(Body::new(StreamBody::new(pieces)))
        .unwrap();
    let lifecycle = Lifecycle::default();
    let crossing = crossing();
    let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let (answer, got) = tokio::join!(
        exchange(stream, request, &crossing, &lifecycle),
        respond(&mut device, BODY_END, ok, false)
    );
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
    assert_eq!(got.matches("piece").count(), 10);
}

#[tokio::test]
async fn a_request_that_breaks_never_looks_whole_to_the_device() {
    let (stream, mut device) = tokio::io::duplex(1024);
    let pieces = futures_util::stream::iter([
        Ok(Frame::data(Bytes::from_static(b"piece"))),
        Err(io::Error::other("gone")),
    ]);
    let request = Request::post("/x")
        .body(Body::new(StreamBody::new(pieces)))
        .unwrap();
    let verdict = exchange(stream, request, &crossing(), &Lifecycle::default()).await;
    assert!(verdict.is_err());
    let mut got = Vec::new();
    device.read_to_end(&mut got).await.unwrap();
    assert!(
        !got.ends_with(b"0\r\n\r\n"),
        "{}",
        String::from_utf8_lossy(&got)
    );
}

#[tokio::test]
async fn trailers_go_neither_way() {
    let (stream, mut device) = tokio::io::duplex(1024);
    let trailers = http::HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static("t"))]);
    let pieces = futures_util::stream::iter([
        Ok::<_, io::Error>(Frame::data(Bytes::from_static(b"piece"))),
        Ok(Frame::trailers(trailers)),
    ]);
    let mut request = Request::post("/x")
        .body(Body::new(StreamBody::new(pieces)))
        .unwrap();
    request
        .headers_mut()
        .insert(header::TRAILER, HeaderValue::from_static("cookie"));
    let lifecycle = Lifecycle::default();
    let crossing = crossing();
    let ok = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: t\r\n\r\n";
    let (answer, got) = tokio::join!(
        exchange(stream, request, &crossing, &lifecycle),
        respond(&mut device, BODY_END, ok, false)
    );
    assert!(!got.contains("cookie"), "{got}");
    let body = answer.unwrap().into_body().collect().await.unwrap();
    assert!(body.trailers().is_none());
    assert_eq!(body.to_bytes(), "ok");
}

#[tokio::test]
async fn an_exchange_that_is_stopped_never_looks_whole() {
    let lifecycle = Lifecycle::default();
    let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let (answer, _device) = begun(&lifecycle, bytes).await;
    let mut body = answer.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    // As by the server's hard stop: the task is dropped where it stands.
    lifecycle.hard().cancel();
    assert!(body.frame().await.unwrap().is_err());
}

#[tokio::test]
async fn dropping_the_answer_ends_the_exchange() {
    let lifecycle = Lifecycle::default();
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
    let (answer, device) = begun(&lifecycle, bytes).await;
    drop(answer);
    assert_ended(device).await;
}

/// The device's connection ends, although the device does not.
async fn assert_ended(mut device: DuplexStream) {
    let mut rest = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(1), device.read_to_end(&mut rest)).await;
    assert!(read.is_ok(), "still there");
}
