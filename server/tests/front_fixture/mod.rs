//! A front with small answers behind it, on a port of its own, and a client that sends raw bytes.
#![expect(dead_code, reason = "each test file uses what it needs")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what fails here fails the test"
)]

pub(crate) mod byte_table;
pub(crate) mod programs;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use futures_util::stream;
use http::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use server::config::{Config, Tls};
use server::http::{Certificate, ConnectionGuard, DeviceService, Front, with_rules};
use server::lifecycle::{Lifecycle, Outcome};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

pub(crate) const HOST: &str = "adit.test";
pub(crate) const DEVICE: &str = "dev1.d.test";
pub(crate) const WEBSOCKET: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
/// Longer than anything here takes, shorter than anybody would wait.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

pub(crate) struct Fixture {
    pub(crate) address: SocketAddr,
    pub(crate) lifecycle: Lifecycle,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// What cuts `/endless` and upgraded connections.
    pub(crate) lease: CancellationToken,
    outcome: tokio::task::JoinHandle<Outcome>,
}

/// A request that reached a handler.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
}

pub(crate) fn config() -> Config {
    let mut config = Config::new("https://adit.test", "d.test").unwrap();
    config.timers.stop_grace_ms = 5_000;
    config
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(config()).await
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no lifecycle to own its server"
    )]
    pub(crate) async fn with(config: Config) -> Self {
        let lifecycle = Lifecycle::default();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let lease = CancellationToken::new();
        let routes = with_rules(routes(lease.clone()), &config);
        let at_devices = routes.clone();
        let noted = |routes: Router, seen: Arc<Mutex<Vec<Seen>>>| {
            routes.layer(axum::middleware::map_request(
                move |request: Request<Body>| {
                    seen.lock().unwrap().push(Seen {
                        uri: request.uri().to_string(),
                        headers: request.headers().clone(),
                    });
                    std::future::ready(request)
                },
            ))
        };
        let at_devices = noted(at_devices, Arc::clone(&seen));
        let devices: DeviceService = Arc::new(move |_, request| {
            let routes = at_devices.clone();
            Box::pin(async move {
                tower::ServiceExt::oneshot(routes, request)
                    .await
                    .unwrap_or_else(|never| match never {})
            })
        });
        let certificate = config
            .listen
            .tls
            .clone()
            .map(|tls| Certificate::load(tls).unwrap());
        let manager = noted(routes, Arc::clone(&seen));
        let front = Front::new(
            &config,
            certificate.as_ref(),
            manager,
            devices,
            lifecycle.clone(),
            1,
        )
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        lifecycle.spawn_essential("accept", Arc::new(front).run(listener));
        let owner = lifecycle.clone();
        let grace = config.timers.stop_grace();
        let outcome = tokio::spawn(async move { owner.run(grace).await });
        Self {
            address,
            lifecycle,
            seen,
            lease,
            outcome,
        }
    }

    /// How many requests reached a handler.
    pub(crate) fn reached(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// The requests that reached a handler, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `bytes`, and reads until the server closes.
    pub(crate) async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut socket = self.connect().await;
        // The server may answer and close before it has everything.
        let _ = socket.write_all(bytes.as_ref()).await;
        read_to_close(&mut socket).await
    }

    /// Status of the answer to a request with these fields, and the answer itself.
    pub(crate) async fn get(&self, path: &str, fields: &str) -> (u16, String) {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{fields}\r\n");
        let answer = self.exchange(request).await;
        (status(&answer), answer)
    }

    pub(crate) async fn ended(self) -> Outcome {
        tokio::time::timeout(LIMIT, self.outcome)
            .await
            .unwrap()
            .unwrap()
    }
}

pub(crate) async fn read_to_close(socket: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut answer = Vec::new();
    let mut space = [0; 16 * 1024];
    loop {
        match tokio::time::timeout(LIMIT, socket.read(&mut space)).await {
            Ok(Ok(read)) if read > 0 => answer.extend_from_slice(&space[..read]),
            Ok(_) => return String::from_utf8_lossy(&answer).into_owned(),
            Err(_) => panic!("still open after {answer:?}"),
        }
    }
}

/// Reads until `end` has come.
pub(crate) async fn read_until(socket: &mut (impl AsyncReadExt + Unpin), end: &str) -> String {
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains(end) {
        let byte = tokio::time::timeout(LIMIT, socket.read_u8()).await;
        answer.push(byte.unwrap_or_else(|_| panic!("only {answer:?}")).unwrap());
    }
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) fn status(answer: &str) -> u16 {
    answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0)
}

/// Statuses of all answers in what was read, in order.
pub(crate) fn statuses(answers: &str) -> Vec<u16> {
    answers
        .match_indices("HTTP/1.1 ")
        .map(|(at, _)| status(&answers[at..]))
        .collect()
}

fn routes(lease: CancellationToken) -> Router {
    let endless = lease.clone();
    Router::new()
        .route(
            "/",
            any(async |request: Request<Body>| format!("uri={}", request.uri())),
        )
        .route(
            "/fields",
            get(async |headers: HeaderMap| format!("{headers:?}")),
        )
        .route("/unread", post(async || "unread"))
        .route(
            "/body",
            post(async |body: Bytes| format!("{} bytes", body.len())),
        )
        .route(
            "/api/v1/json",
            post(async |Json(value): Json<serde_json::Value>| Json(value)),
        )
        .route("/api/v1/panic", get(panics))
        .route("/not-modified", get(async || StatusCode::NOT_MODIFIED))
        .route("/slowly", get(slowly))
        .route(
            "/endless",
            get(async move |guard| endless_body(guard, endless)),
        )
        .route(
            "/socket",
            get(async move |request: Request<Body>| echo(request, lease)),
        )
}

async fn panics() -> StatusCode {
    panic!("of hostile input")
}

/// Ten pieces, one each 20 ms.
async fn slowly() -> Body {
    Body::from_stream(stream::unfold(0, async |count| {
        tokio::time::sleep(Duration::from_millis(20)).await;
        (count < 10).then(|| {
            (
                Ok::<_, std::convert::Infallible>(Bytes::from("piece ")),
                count + 1,
            )
        })
    }))
}

fn endless_body(
    axum::Extension(guard): axum::Extension<ConnectionGuard>,
    lease: CancellationToken,
) -> Body {
    guard.cut_with(lease);
    let zeros = Bytes::from(vec![0; 64 * 1024]);
    Body::from_stream(stream::repeat_with(move || {
        Ok::<_, std::convert::Infallible>(zeros.clone())
    }))
}

/// Answers 101 and sends back what comes.
#[expect(clippy::disallowed_methods, reason = "a handler of a test")]
fn echo(mut request: Request<Body>, lease: CancellationToken) -> Response {
    if let Some(guard) = request.extensions().get::<ConnectionGuard>() {
        guard.cut_with(lease);
    }
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let socket = TokioIo::new(upgrade.await.unwrap());
        let (mut reader, mut writer) = tokio::io::split(socket);
        let _ = tokio::io::copy(&mut reader, &mut writer).await;
    });
    let fields = [("connection", "upgrade"), ("upgrade", "websocket")];
    (StatusCode::SWITCHING_PROTOCOLS, fields).into_response()
}

/// A certificate for the manager and all devices, in files of a folder that lives with it.
pub(crate) fn certificate() -> (tempfile::TempDir, Tls, rustls::RootCertStore) {
    let names = vec![HOST.to_owned(), "*.d.test".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls {
        certificate: folder.path().join("cert.pem"),
        key: folder.path().join("key.pem"),
    };
    std::fs::write(&tls.certificate, made.cert.pem()).unwrap();
    std::fs::write(&tls.key, made.signing_key.serialize_pem()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    (folder, tls, roots)
}
