//! The listener: `GET /metrics`, and nothing else.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::registry::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::{Access, text};
use crate::lifecycle::Lifecycle;

/// At a time; who comes beyond waits in the system's queue. One Prometheus needs one.
const CONNECTIONS: usize = 8;
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// For the whole of a connection: one request and its answer.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);
const BUFFER_BYTES: usize = 16 * 1024;
/// After an error that another try will not mend at once: no descriptors, no memory.
const PAUSE: Duration = Duration::from_millis(100);
/// OpenMetrics' text, which Prometheus reads since 2.5.
const CONTENT_TYPE: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Answers until the soft stop. A task of its own for each connection.
pub(crate) async fn serve(
    listener: TcpListener,
    registry: Registry,
    access: Access,
    lifecycle: Lifecycle,
) {
    let source = Arc::new((registry, access));
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = lifecycle.soft().cancelled() => return,
            next = next => next,
        };
        match accepted {
            Ok((socket, _)) => {
                let source = Arc::clone(&source);
                lifecycle.spawn("metrics-connection", async move {
                    let _place = place;
                    let _ = timeout(CONNECTION_TIMEOUT, connection(socket, source)).await;
                });
            }
            Err(error) => {
                tracing::debug!(%error, "metrics: cannot accept");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(socket: TcpStream, source: Arc<(Registry, Access)>) {
    let service = service_fn(|request| {
        let (registry, access) = &*source;
        std::future::ready(Ok::<_, Infallible>(answer(&request, registry, access)))
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(BUFFER_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(socket), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "metrics: connection ended");
    }
}

fn answer(
    request: &Request<Incoming>,
    registry: &Registry,
    access: &Access,
) -> Response<Full<Bytes>> {
    if let Err(status) = access.check(request.headers()) {
        return refusal(status);
    }
    if request.uri().path() != "/metrics" {
        return refusal(StatusCode::NOT_FOUND);
    }
    if request.method() != Method::GET {
        return refusal(StatusCode::METHOD_NOT_ALLOWED);
    }
    let Ok(text) = text(registry) else {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = Response::new(Full::from(text));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, CONTENT_TYPE);
    response
}

fn refusal(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
