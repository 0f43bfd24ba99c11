//! WebSockets to devices: raw bytes only after the device's own, right 101 (SECURITY S17).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use data_encoding::BASE64;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use tokio::io::{AsyncRead, AsyncWrite};
use tunnel::driver::{Broken, Plain, splice_until_one_ends};

use crate::lifecycle::Lifecycle;

use super::exchange;
use super::failure::Failure;
use super::policy::{Crossing, Way, to_browser};
use super::upload::Progress;

/// What RFC 6455 has both ends hash with the key.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// For the front to hand over its connection after our 101.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);
/// For the second half of the close handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether the request asks for a WebSocket.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

/// Judges a request for a WebSocket at a device's host.
///
/// # Errors
/// [`Failure::CrossOrigin`], [`Failure::BadUpgrade`]
pub(super) fn check(request: &Request<Body>, page_origin: &str) -> Result<(), Failure> {
    let headers = request.headers();
    // Cookies come along from every page of the site: only its own may speak to the device
    // (SECURITY S08).
    if only(headers, header::ORIGIN).is_none_or(|origin| origin != page_origin) {
        return Err(Failure::CrossOrigin);
    }
    let is_websocket = only(headers, header::UPGRADE)
        .is_some_and(|upgrade| upgrade.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let key = only(headers, header::SEC_WEBSOCKET_KEY)
        .and_then(|key| BASE64.decode(key.as_bytes()).ok())
        .is_some_and(|key| key.len() == 16);
    let version = only(headers, header::SEC_WEBSOCKET_VERSION).is_some_and(|value| value == "13");
    if request.method() == Method::GET && is_websocket && key && version {
        Ok(())
    } else {
        Err(Failure::BadUpgrade)
    }
}

fn only(headers: &HeaderMap, name: header::HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// Asks the device and, when it agrees, joins both ends. Any other answer stays HTTP.
///
/// # Errors
/// [`Failure`]
pub(super) async fn open<S>(
    stream: S,
    mut request: Request<Body>,
    crossing: &Crossing,
    lifecycle: &Lifecycle,
) -> Result<Response<Body>, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let browser = hyper::upgrade::on(&mut request);
    let expected = only(request.headers(), header::SEC_WEBSOCKET_KEY).map(accept);
    *request.body_mut() = Body::empty();
    let progress = Arc::new(Progress::default());
    let request = exchange::outgoing(request, crossing, Way::WebSocket, Arc::clone(&progress));
    let (mut answer, tether) = exchange::send(stream, request, &progress, lifecycle).await?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return exchange::incoming(answer, tether, crossing, &Method::GET);
    }
    let agreed = only(answer.headers(), header::SEC_WEBSOCKET_ACCEPT);
    let is_right =
        expected.is_some_and(|expected| agreed.is_some_and(|agreed| *agreed == expected));
    let is_websocket = only(answer.headers(), header::UPGRADE)
        .is_some_and(|upgrade| upgrade.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if !is_right || !is_websocket {
        tracing::debug!("the device agreed to another upgrade than it was asked for");
        return Err(Failure::Broken);
    }
    let device = hyper::upgrade::on(&mut answer);
    let (parts, _) = answer.into_parts();
    let mut headers = to_browser(&parts, crossing, &Method::GET).map_err(|_| Failure::Broken)?;
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    lifecycle.spawn("device-websocket", async move {
        // Held until the connection has changed hands: dropped, it would cut it.
        let joined = join(browser, device).await;
        drop(tether);
        if let Err(error) = joined {
            tracing::debug!(%error, "WebSocket to the device broke");
        }
    });
    let mut out = Response::new(Body::empty());
    *out.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *out.headers_mut() = headers;
    Ok(out)
}

/// `Sec-WebSocket-Accept` for a key.
fn accept(key: &HeaderValue) -> String {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    context.update(key.as_bytes());
    context.update(GUID);
    BASE64.encode(context.finish().as_ref())
}

async fn join(browser: OnUpgrade, device: OnUpgrade) -> io::Result<()> {
    let both = async { tokio::try_join!(browser, device) };
    let (browser, device) = tokio::time::timeout(UPGRADE_TIMEOUT, both)
        .await?
        .map_err(io::Error::other)?;
    let (mut browser, mut device) = (
        Plain::new(TokioIo::new(browser)),
        Plain::new(TokioIo::new(device)),
    );
    // Silence ends nothing. Who breaks off breaks both.
    let ended = splice_until_one_ends(&mut browser, &mut device, CLOSE_TIMEOUT).await;
    ended.map_err(|(Broken::Near(error) | Broken::Far(error))| error)
}
