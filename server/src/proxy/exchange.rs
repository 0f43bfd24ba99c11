//! One request and its answer over one stream to a device, both bodies streaming.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::lifecycle::Lifecycle;

use super::failure::Failure;
use super::policy::{Crossing, Way, to_browser, to_device};
use super::upload::{Progress, Upload};

/// From the last byte of the request that the device took to the end of its answer's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// For the device to end its side once the answer is over.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// Read buffer, and so the largest head of an answer.
const BUFFER_BYTES: usize = 64 * 1024;

/// Sends the request over `stream` and comes back with the head of the answer; the body follows
/// as the browser takes it. Dropping the future, or the body before its end, cuts the stream.
///
/// # Errors
/// [`Failure`]
pub(super) async fn exchange<S>(
    stream: S,
    request: Request<Body>,
    crossing: &Crossing,
    lifecycle: &Lifecycle,
) -> Result<Response<Body>, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let method = request.method().clone();
    let progress = Arc::new(Progress::default());
    let request = outgoing(request, crossing, Way::Exchange, Arc::clone(&progress));
    let (answer, tether) = send(stream, request, &progress, lifecycle).await?;
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        tracing::debug!("the device switched protocols unasked");
        return Err(Failure::Broken);
    }
    incoming(answer, tether, crossing, &method)
}

/// The request as the device gets it.
pub(super) fn outgoing(
    request: Request<Body>,
    crossing: &Crossing,
    way: Way,
    progress: Arc<Progress>,
) -> Request<Upload> {
    let (parts, body) = request.into_parts();
    let mut headers = to_device(&parts.headers, crossing, way);
    let is_empty = body.is_end_stream();
    if is_empty && parts.headers.contains_key(header::CONTENT_LENGTH) {
        // An empty POST must say so: small servers wait for a body otherwise.
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let mut out = Request::new(Upload::new(body, progress));
    *out.method_mut() = parts.method;
    *out.uri_mut() = origin_form(&parts.uri);
    *out.version_mut() = Version::HTTP_11;
    *out.headers_mut() = headers;
    out
}

fn origin_form(uri: &http::Uri) -> http::Uri {
    uri.path_and_query()
        .cloned()
        .map_or_else(http::Uri::default, http::Uri::from)
}

/// The answer as the browser gets it. Neither reason phrase nor extensions cross.
pub(super) fn incoming(
    answer: Response<Incoming>,
    tether: Tether,
    crossing: &Crossing,
    method: &Method,
) -> Result<Response<Body>, Failure> {
    let (parts, body) = answer.into_parts();
    let headers = to_browser(&parts, crossing, method).map_err(|error| {
        tracing::debug!(%error, "the device's answer is unfit");
        Failure::Broken
    })?;
    let mut out = Response::new(Body::new(Download::new(body, tether)));
    *out.status_mut() = parts.status;
    *out.headers_mut() = headers;
    Ok(out)
}

/// Sends the request and waits for the head of the answer.
pub(super) async fn send<S>(
    stream: S,
    request: Request<Upload>,
    progress: &Progress,
    lifecycle: &Lifecycle,
) -> Result<(Response<Incoming>, Tether), Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(BUFFER_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let (tether, far_end) = Tether::new();
    let driver = async {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "connection to the device ended");
        }
    };
    lifecycle.spawn("device-exchange", far_end.drive(driver));
    let answer = sender.send_request(request);
    tokio::pin!(answer);
    loop {
        let deadline = progress.last() + HEAD_TIMEOUT;
        tokio::select! {
            answer = &mut answer => return Ok((answer.map_err(broken)?, tether)),
            () = tokio::time::sleep_until(deadline) => {
                if progress.last() + HEAD_TIMEOUT <= deadline {
                    return Err(Failure::TimedOut);
                }
            }
        }
    }
}

fn broken(error: hyper::Error) -> Failure {
    tracing::debug!(%error, "exchange with the device broke");
    Failure::Broken
}

/// Holds the exchange's connection to the device: cut when dropped, unless it was let go.
pub(super) struct Tether {
    cut: DropGuard,
    over: CancellationToken,
}

/// The connection task's side of a [`Tether`].
struct FarEnd {
    cut: CancellationToken,
    over: CancellationToken,
}

impl Tether {
    fn new() -> (Self, FarEnd) {
        let cut = CancellationToken::new();
        let over = CancellationToken::new();
        let far_end = FarEnd {
            cut: cut.clone(),
            over: over.clone(),
        };
        (
            Self {
                cut: cut.drop_guard(),
                over,
            },
            far_end,
        )
    }

    /// The exchange is over: the connection may end in its own time.
    pub(super) fn let_go(self) {
        let _ = self.cut.disarm();
        self.over.cancel();
    }
}

impl FarEnd {
    async fn drive(self, driver: impl Future<Output = ()>) {
        tokio::pin!(driver);
        tokio::select! {
            biased;
            () = self.cut.cancelled() => return,
            () = &mut driver => return,
            () = self.over.cancelled() => {}
        }
        // The device has had its time when this runs out; dropping cuts the stream.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, driver).await;
    }
}

/// The body of an answer on its way to the browser. Trailers stay behind. One whose connection is
/// dropped in the middle ends in an error, of hyper's making.
struct Download {
    body: Incoming,
    tether: Option<Tether>,
}

impl Download {
    fn new(body: Incoming, tether: Tether) -> Self {
        let mut download = Self {
            body,
            tether: Some(tether),
        };
        if download.body.is_end_stream() {
            download.end();
        }
        download
    }

    fn end(&mut self) {
        if let Some(tether) = self.tether.take() {
            tether.let_go();
        }
    }
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) if frame.is_data() => Some(Ok(frame)),
            Some(Err(error)) => Some(Err(io::Error::other(error))),
            // Trailers, or the end.
            Some(Ok(_)) | None => {
                self.end();
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.tether.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
