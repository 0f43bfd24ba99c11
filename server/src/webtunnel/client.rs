//! A tool's `POST` at a device's host: one WebSocket for one connection to a port of the device.
//! The 101 comes once the device is connected, so that a fault can be told by a status: the tool
//! shows its reason phrase, and nothing else.

use std::net::{IpAddr, Ipv4Addr};

use ::http::{HeaderMap, HeaderName, Method, Request, header};
use api::DeviceId;
use axum::body::Body;
use axum::response::Response;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tunnel::driver::{Plain, splice};
use tunnel::webtunnel::CLIENT_PROTOCOL;
use tunnel::wire::Target;

use crate::access::{Action, Decision, Lease, Principal, Subject, decide};
use crate::accounts::AccountsError;
use crate::http::{ConnectionGuard, PeerAddr, WebSocketOffer};
use crate::proxy::DeviceHost;
use crate::relay::RelayStream;
use crate::state::AppState;

use super::carry;
use super::credential::basic;
use super::phrase::Phrase;
use super::upgrade::KeepAlive;

const REMOTE_PORT: &str = "x-webtunnel-remoteport";

/// Answers a tool.
pub(super) async fn serve(state: AppState, host: DeviceHost, request: Request<Body>) -> Response {
    let answered = if request.method() == Method::CONNECT {
        connect(&state, &host, request).await
    } else {
        accept(&state, &host, request).await
    };
    answered.unwrap_or_else(Phrase::answer)
}

/// `CONNECT device:port`: raw bytes after the 200, with an end for each side.
async fn connect(
    state: &AppState,
    host: &DeviceHost,
    request: Request<Body>,
) -> Result<Response, Phrase> {
    let port = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok()?.rsplit_once(':')?.1.parse().ok());
    let from = (request.headers(), peer_of(&request));
    let asked = Asked::of(state, host, from, &header::PROXY_AUTHORIZATION, port).await?;
    let (mut stream, upgrade) = asked.open(state, request).await?;
    let Asked { device, port, .. } = asked;
    state.lifecycle.spawn("webtunnel-connect", async move {
        let Ok(Ok(upgraded)) = timeout(carry::UPGRADE_TIMEOUT, upgrade).await else {
            return;
        };
        let ended = splice(&mut Plain::new(TokioIo::new(upgraded)), &mut stream).await;
        let ended = ended.err().map(|error| format!("{error:?}"));
        tracing::info!(%device, port, ended, "a tool has left");
    });
    Ok(Response::new(Body::empty()))
}

async fn accept(
    state: &AppState,
    host: &DeviceHost,
    request: Request<Body>,
) -> Result<Response, Phrase> {
    let headers = request.headers();
    let port = headers
        .get(REMOTE_PORT)
        .and_then(|port| port.to_str().ok()?.trim().parse().ok());
    let from = (headers, peer_of(&request));
    let asked = Asked::of(state, host, from, &header::AUTHORIZATION, port).await?;
    let keep_alive = KeepAlive::of(state, headers);
    let offer = WebSocketOffer::of(headers, CLIENT_PROTOCOL).map_err(|_| Phrase::NotWebTunnel)?;
    let mut answer = offer.answer();
    keep_alive.tell(&mut answer);

    let (stream, upgrade) = asked.open(state, request).await?;
    let Asked { device, port, .. } = asked;
    state.lifecycle.spawn("webtunnel-client", async move {
        let ended = carry::carry(upgrade, stream, keep_alive.silence()).await;
        let ended = ended.err().map(|error| error.to_string());
        tracing::info!(%device, port, ended, "a tool has left");
    });
    Ok(answer)
}

/// Only a request that did not come through the public port has no address.
pub(super) fn peer_of(request: &Request<Body>) -> IpAddr {
    let peer = request.extensions().get::<PeerAddr>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip())
}

/// A connection that somebody who may has asked for.
pub(super) struct Asked {
    pub(super) principal: Principal,
    pub(super) device: DeviceId,
    pub(super) port: u16,
    pub(super) target: Target,
}

impl Asked {
    async fn of(
        state: &AppState,
        host: &DeviceHost,
        (headers, peer): (&HeaderMap, IpAddr),
        credential: &HeaderName,
        port: Option<u16>,
    ) -> Result<Self, Phrase> {
        if headers.contains_key(header::ORIGIN) {
            return Err(Phrase::Browser);
        }
        let principal = authenticate(state, headers, credential, peer).await?;
        let port = port.filter(|port| *port > 0).ok_or(Phrase::NoPort)?;
        let (device, target) = target(state, &principal, host, port)?;
        Ok(Self {
            principal,
            device,
            port,
            target,
        })
    }

    /// The stream to the device, under a lease that cuts the tool's connection, too.
    async fn open(
        &self,
        state: &AppState,
        request: Request<Body>,
    ) -> Result<(RelayStream, OnUpgrade), Phrase> {
        let lease = lease(state, &self.principal, self.device).await?;
        self.open_under(state, request, lease).await
    }

    /// The same under a lease that is there already.
    pub(super) async fn open_under(
        &self,
        state: &AppState,
        mut request: Request<Body>,
        lease: Lease,
    ) -> Result<(RelayStream, OnUpgrade), Phrase> {
        let revoked = lease.token().clone();
        let opened = state.relay.open(self.device, self.target.clone(), lease);
        let stream = opened.await.map_err(Phrase::of_open)?;
        let extensions = request.extensions_mut();
        if let Some(guard) = extensions.get::<ConnectionGuard>() {
            guard.cut_with(revoked);
        }
        let upgrade = extensions.remove::<OnUpgrade>();
        let upgrade = upgrade.ok_or(Phrase::NotWebTunnel)?;
        let (user, device, port) = (self.principal.user, self.device, self.port);
        tracing::info!(%user, %device, port, "a tool is connected");
        Ok((stream, upgrade))
    }
}

/// By token or by password; a token may stand in a password's place.
pub(super) async fn authenticate(
    state: &AppState,
    headers: &HeaderMap,
    field: &HeaderName,
    peer: IpAddr,
) -> Result<Principal, Phrase> {
    let accounts = &state.accounts;
    let mut lines = headers.get_all(field).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(Phrase::NoCredential);
    };
    let bearer = line.to_str().ok().and_then(|line| {
        let (scheme, token) = line.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    });
    if let Some(token) = bearer {
        let principal = accounts.bearer(token.trim()).await;
        return principal.map_err(Phrase::of_account)?.ok_or(Phrase::Token);
    }
    let (username, password) = basic(headers, field).ok_or(Phrase::NoCredential)?;
    let by_token = accounts.bearer(&password).await;
    if let Some(principal) = by_token.map_err(Phrase::of_account)? {
        return Ok(principal);
    }
    accounts
        .of_password(&username, password, peer)
        .await
        .map_err(Phrase::of_account)
}

/// The device of this host, and what to ask it for. Who may not know it gets the same answer as
/// where there is none.
pub(super) fn target(
    state: &AppState,
    principal: &Principal,
    host: &DeviceHost,
    port: u16,
) -> Result<(DeviceId, Target), Phrase> {
    if decide(principal, Action::Connect) != Decision::Allow {
        return Err(Phrase::NotAllowed);
    }
    let found = state.devices.at_port(&host.label, port);
    let (device, service) = found
        .filter(|(device, _)| device.organization == principal.organization)
        .filter(|_| host.service.is_none())
        .ok_or(Phrase::NoDevice)?;
    let target = match service {
        Some(service) => Target::Service(service),
        None => Target::Tcp {
            host: "127.0.0.1".to_owned(),
            port,
        },
    };
    Ok((device.id, target))
}

/// A lease, and proof that the right to it did not end while it was issued.
pub(super) async fn lease(
    state: &AppState,
    principal: &Principal,
    device: DeviceId,
) -> Result<Lease, Phrase> {
    let lease = state.leases.issue(Subject::new(principal, Some(device)));
    match state.accounts.is_living(principal.via).await {
        Ok(true) => Ok(lease),
        Ok(false) => Err(Phrase::of_account(AccountsError::Ended)),
        Err(error) => Err(Phrase::of_account(error)),
    }
}
