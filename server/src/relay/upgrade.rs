//! `GET /tunnel`: an agent proves its key and becomes a tunnel.

use std::sync::Arc;

use api::ProblemCode;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use hyper::upgrade::OnUpgrade;
use tunnel::TUNNEL_PROTOCOL;
use tunnel::proof::Purpose;

use super::Relay;
use super::admitted::NotAdmitted;
use super::counts::Reject;
use super::serve::{Newcomer, ProvenDevice};
use crate::certificates::CertificateError;
use crate::http::{ApiError, ClientCertificate, PeerAddr, WebSocketOffer};
use crate::state::AppState;

/// Open a device's tunnel
///
/// WebSocket, sub-protocol `adit.tunnel.v1`. Without `Authorization` the answer is a 401 with the
/// nonce to sign.
#[utoipa::path(
    get,
    path = "/tunnel",
    tag = "devices",
    responses(
        (status = 101, description = "The tunnel is open"),
        (status = 401, description = "Proof wanted, or not accepted", body = api::Problem),
        (status = 403, description = "The device is disabled", body = api::Problem),
        (status = 409, description = "Another agent has the same key", body = api::Problem),
        (status = 426, description = "The sub-protocols spoken here", body = api::Problem),
        (status = 503, description = "Full or stopping", body = api::Problem),
    )
)]
pub(super) async fn tunnel(State(state): State<AppState>, request: Request) -> Response {
    accept(&state, request).await.unwrap_or_else(|error| {
        let names_dialects = error.code() == ProblemCode::UnsupportedProtocol;
        let mut response = error.into_response();
        if names_dialects {
            let headers = response.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(
                header::SEC_WEBSOCKET_PROTOCOL,
                HeaderValue::from_static(TUNNEL_PROTOCOL),
            );
        }
        response
    })
}

async fn accept(state: &AppState, mut request: Request) -> Result<Response, ApiError> {
    let relay = &state.relay;
    let headers = request.headers();
    if headers.contains_key(header::ORIGIN) {
        return Err(ApiError::new(ProblemCode::CrossOrigin).detail("No browser belongs here."));
    }
    // Before the proof, which costs the more.
    if relay.0.draining.is_cancelled() {
        relay.0.counts.rejected(Reject::Stopping);
        return Err(come_back(relay, NotAdmitted::Stopping));
    }
    let offer = WebSocketOffer::of(headers, TUNNEL_PROTOCOL)?;
    // The signature is checked before the key is looked up: unknown and wrong take the same time.
    let proven = relay
        .0
        .prover
        .check(Purpose::Tunnel, offer.protocols(), headers)
        .inspect_err(|_| {
            // Without one the nonce was asked for.
            if headers.contains_key(header::AUTHORIZATION) {
                relay.0.counts.rejected(Reject::Proof);
            }
        })?;
    let device = relay.0.devices.by_key(&proven.key).ok_or_else(|| {
        relay.0.counts.rejected(Reject::Proof);
        relay.0.prover.refusal()
    })?;
    let certificate = request.extensions().get::<Arc<ClientCertificate>>();
    if let Some(certificate) = certificate
        && certificate.device != device.id.to_string()
        && certificate.device != device.label
    {
        relay.0.counts.rejected(Reject::Proof);
        return Err(relay.0.prover.refusal());
    }
    let judged = state
        .certificates
        .admit(device.id, device.organization, certificate.map(Arc::as_ref))
        .await;
    match judged {
        Ok(()) => {}
        Err(CertificateError::Database(error)) => return Err(ApiError::internal(error)),
        Err(error) => {
            tracing::warn!(device = %device.id, %error, "a device was refused by its certificate");
            relay.0.counts.rejected(Reject::Proof);
            return Err(relay.0.prover.refusal());
        }
    }
    let permit = relay.place_for(device.id, &proven.instance).await;
    let permit = permit.map_err(|why| come_back(relay, why))?;
    let answer = offer.answer();
    let address = request
        .extensions()
        .get::<PeerAddr>()
        .map(|peer| peer.0.ip().to_string())
        .unwrap_or_default();
    let upgrade = request
        .extensions_mut()
        .remove::<OnUpgrade>()
        .ok_or_else(|| ApiError::internal("the connection cannot be upgraded"))?;
    let (key, instance) = (proven.key, proven.instance);
    relay.welcome(Newcomer {
        proven: ProvenDevice {
            device: device.id,
            key,
            instance,
            address,
        },
        upgrade,
        permit,
    });
    Ok(answer)
}

/// Not for good: the agent is told when to come back, each another time, or comes back by itself.
fn come_back(relay: &Relay, why: NotAdmitted) -> ApiError {
    match why {
        NotAdmitted::Duplicate => ApiError::new(ProblemCode::Conflict).detail(
            "Another agent that has this device's key is connected, and the two kept replacing \
             each other. Give one of them a key of its own: enrol it anew.",
        ),
        NotAdmitted::Disabled => ApiError::new(ProblemCode::DeviceDisabled)
            .detail("It is let in again when somebody enables it on its page."),
        NotAdmitted::Stopping => {
            ApiError::new(ProblemCode::Unavailable).retry_after(relay.come_back_after_s())
        }
        NotAdmitted::Full => {
            ApiError::new(ProblemCode::Busy).retry_after(relay.come_back_after_s())
        }
        NotAdmitted::Busy => ApiError::new(ProblemCode::Busy).retry_after(relay.turn_s()),
    }
}
