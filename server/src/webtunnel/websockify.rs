//! `/my-devices/websockify?port=N` at a device's host: a browser's viewer (noVNC) speaks to a port
//! of the device, one WebSocket for one connection, raw bytes in binary messages.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use ::http::{HeaderMap, Request, header};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::access::{Lease, Principal, Subject};
use crate::accounts::{AccountsError, DEVICE_COOKIE, DeviceSignIn, Presented, presented};
use crate::http::WebSocketOffer;
use crate::proxy::DeviceHost;
use crate::state::AppState;

use super::carry::UPGRADE_TIMEOUT;
use super::client::{Asked, authenticate, lease, peer_of, target};
use super::phrase::Phrase;

const PATH: &str = "/my-devices/websockify";
/// What noVNC offers, if it offers one.
const PROTOCOL: &str = "binary";
const MESSAGE_MAX_BYTES: usize = 64 << 10;
/// Read of the device at once, and so the largest message to a browser.
const READ_BYTES: usize = 16 << 10;
/// A browser answers a PING by itself.
const PING_AFTER: Duration = Duration::from_secs(60);
const GONE_AFTER: Duration = Duration::from_secs(130);
/// For the second half of the close handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether a request at a device's host is for this and not for the device.
#[must_use]
pub fn is_websockify(request: &Request<Body>) -> bool {
    request.uri().path() == PATH && request.headers().contains_key(header::UPGRADE)
}

/// Answers a browser's viewer.
pub async fn websockify(state: AppState, host: DeviceHost, request: Request<Body>) -> Response {
    accept(&state, &host, request)
        .await
        .unwrap_or_else(Phrase::answer)
}

async fn accept(
    state: &AppState,
    host: &DeviceHost,
    request: Request<Body>,
) -> Result<Response, Phrase> {
    let headers = request.headers();
    let viewer = Viewer::of(state, host, (headers, peer_of(&request))).await?;
    let query = request.uri().query().unwrap_or_default();
    let mut ports = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "port");
    let port = match (ports.next(), ports.next()) {
        (Some((_, port)), None) => port.parse().ok().filter(|port: &u16| *port > 0),
        _ => None,
    };
    let port = port.ok_or(Phrase::NoPort)?;
    let (device, target) = target(state, viewer.principal(), host, port)?;
    if !viewer.is_for(device) {
        return Err(Phrase::NoDevice);
    }
    let offer = WebSocketOffer::optional(headers, PROTOCOL).map_err(|_| Phrase::NotWebTunnel)?;
    let answer = offer.answer();
    let lease = viewer.lease(state, host, device).await?;
    let asked = Asked {
        principal: viewer.into_principal(),
        device,
        port,
        target,
    };
    let (stream, upgrade) = asked.open_under(state, request, lease).await?;
    state.lifecycle.spawn("websockify", async move {
        let ended = carry(upgrade, stream).await;
        let ended = ended.err().map(|error| error.to_string());
        tracing::info!(%device, port, ended, "a viewer has left");
    });
    Ok(answer)
}

/// Who looks.
enum Viewer {
    /// By the cookie of this host, and with its secret.
    AtHost(DeviceSignIn, String),
    /// By a field that no browser adds by itself.
    ByField(Principal),
}

impl Viewer {
    /// Cookies come along from every page of the site: only the device's own pages may use them
    /// (SECURITY S07). A page of another origin has no business here with anything else either.
    async fn of(
        state: &AppState,
        host: &DeviceHost,
        (headers, peer): (&HeaderMap, IpAddr),
    ) -> Result<Self, Phrase> {
        let own = state.config.public_url.at_host(&host.host);
        let origin = origin(headers, &own)?;
        if headers.contains_key(header::AUTHORIZATION) {
            let principal = authenticate(state, headers, &header::AUTHORIZATION, peer).await?;
            return Ok(Self::ByField(principal));
        }
        if origin == Page::Unsaid {
            return Err(Phrase::NoCredential);
        }
        let Presented::One(secret) = presented(headers, DEVICE_COOKIE) else {
            return Err(Phrase::NoCredential);
        };
        let found = sign_in(state, host, secret).await?;
        let found = found.ok_or(Phrase::NoCredential)?;
        Ok(Self::AtHost(found, secret.to_owned()))
    }

    const fn principal(&self) -> &Principal {
        match self {
            Self::AtHost(sign_in, _) => &sign_in.principal,
            Self::ByField(principal) => principal,
        }
    }

    fn into_principal(self) -> Principal {
        match self {
            Self::AtHost(sign_in, _) => sign_in.principal,
            Self::ByField(principal) => principal,
        }
    }

    fn is_for(&self, device: api::DeviceId) -> bool {
        match self {
            Self::AtHost(sign_in, _) => sign_in.device == device,
            Self::ByField(_) => true,
        }
    }

    /// A lease, and proof that the right to it did not end while it was issued.
    async fn lease(
        &self,
        state: &AppState,
        host: &DeviceHost,
        device: api::DeviceId,
    ) -> Result<Lease, Phrase> {
        match self {
            Self::ByField(principal) => lease(state, principal, device).await,
            Self::AtHost(known, secret) => {
                let lease = state
                    .leases
                    .issue(Subject::new(&known.principal, Some(device)));
                if sign_in(state, host, secret).await?.as_ref() == Some(known) {
                    Ok(lease)
                } else {
                    Err(Phrase::of_account(AccountsError::Ended))
                }
            }
        }
    }
}

async fn sign_in(
    state: &AppState,
    host: &DeviceHost,
    secret: &str,
) -> Result<Option<DeviceSignIn>, Phrase> {
    let found = state.accounts.device_sign_in(secret, &host.host).await;
    found.map_err(|_| Phrase::Failed)
}

#[derive(PartialEq, Eq)]
enum Page {
    /// No page, or none that says so.
    Unsaid,
    Own,
}

fn origin(headers: &HeaderMap, own: &str) -> Result<Page, Phrase> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => Ok(Page::Unsaid),
        (Some(origin), None) if origin == own => Ok(Page::Own),
        _ => Err(Phrase::Browser),
    }
}

async fn carry<S>(upgrade: OnUpgrade, stream: S) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let upgraded = timeout(UPGRADE_TIMEOUT, upgrade).await?;
    let upgraded = TokioIo::new(upgraded.map_err(io::Error::other)?);
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_MAX_BYTES))
        .max_frame_size(Some(MESSAGE_MAX_BYTES))
        .read_buffer_size(READ_BYTES)
        // Each message goes out at once.
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MESSAGE_MAX_BYTES);
    let socket = WebSocketStream::from_raw_socket(upgraded, Role::Server, Some(config)).await;
    let (mut to_browser, mut from_browser) = socket.split();
    let (mut from_device, mut to_device) = tokio::io::split(stream);
    let (heard, mut last_heard) = tokio::sync::watch::channel(Instant::now());
    let up = async {
        while let Some(message) = from_browser.next().await {
            heard.send_replace(Instant::now());
            match message {
                Ok(Message::Binary(bytes)) => {
                    to_device.write_all(&bytes).await?;
                    to_device.flush().await?;
                }
                Ok(Message::Close(_)) | Err(Error::ConnectionClosed) => break,
                Ok(Message::Text(_)) => return Err(io::Error::other("a text message")),
                Ok(_) => {}
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        to_device.shutdown().await
    };
    let down = async {
        let mut buffer = vec![0; READ_BYTES];
        let mut ping_at = Instant::now() + PING_AFTER;
        loop {
            let gone_at = *last_heard.borrow_and_update() + GONE_AFTER;
            let message = tokio::select! {
                read = from_device.read(&mut buffer) => match read? {
                    0 => break,
                    read => Message::Binary(Bytes::copy_from_slice(&buffer[..read])),
                },
                () = sleep_until(ping_at) => {
                    ping_at = Instant::now() + PING_AFTER;
                    Message::Ping(Bytes::from_static(b"?"))
                }
                () = sleep_until(gone_at) => {
                    if last_heard.has_changed().unwrap_or(false) {
                        continue;
                    }
                    return Err(io::ErrorKind::TimedOut.into());
                }
            };
            // A browser that takes nothing is cut by the front.
            to_browser.send(message).await.map_err(io::Error::other)?;
        }
        to_browser.close().await.map_err(io::Error::other)
    };
    tokio::pin!(up, down);
    // A viewer has no half: when one side is done, so is the other, but for its last words.
    tokio::select! {
        ended = &mut up => {
            ended?;
            timeout(CLOSE_TIMEOUT, down).await?
        }
        ended = &mut down => {
            ended?;
            timeout(CLOSE_TIMEOUT, up).await?
        }
    }
}
