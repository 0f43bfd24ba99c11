//! An agent's `POST` at the apex: who it is, what it reports, the 101.

use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, Request, header};
use api::{DeviceId, UpdateDevice};
use axum::body::Body;
use axum::response::Response;
use hyper::upgrade::OnUpgrade;
use tunnel::webtunnel::AGENT_PROTOCOL;

use crate::access::Scope;
use crate::http::{PeerAddr, WebSocketOffer};
use crate::proxy::DeviceHost;
use crate::relay::WebTunnelAgent;
use crate::state::AppState;

use super::agents::Verdict;
use super::credential::Credential;
use super::properties;
use super::refusal::Refusal;
use super::report::AgentReport;
use super::{Properties, WebTunnel};

const KEEP_ALIVE: &str = "x-webtunnel-keepalive";
/// An agent that does not negotiate has a time of its own, 300 s or what somebody chose: rather a
/// device that seems to be online than one that is cut for being quiet.
const UNKNOWN_KEEP_ALIVE: Duration = Duration::from_secs(3600);

/// Answers an agent.
pub async fn serve(state: AppState, host: Option<DeviceHost>, request: Request<Body>) -> Response {
    if host.is_some() {
        return Refusal::NotWebTunnel.answer();
    }
    match accept(&state, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.answer(),
    }
}

async fn accept(state: &AppState, mut request: Request<Body>) -> Result<Response, Refusal> {
    let headers = request.headers();
    if headers.contains_key(header::ORIGIN) {
        return Err(Refusal::Browser);
    }
    let (device, agent_id) = authenticate(state, headers).await?;
    let admitted = state.relay.admit(device).await;
    let admitted = admitted.map_err(Refusal::NotAdmitted)?;

    let properties = properties::of_request(headers);
    let AgentReport { version, info } = AgentReport::of(headers, &properties);
    let offer = WebSocketOffer::of(headers, AGENT_PROTOCOL).map_err(|_| Refusal::NotWebTunnel)?;
    let mut answer = offer.answer();
    let negotiates = headers.contains_key(KEEP_ALIVE);
    let keep_alive_s = state.config.timers.webtunnel_keep_alive_s();
    let ours = Duration::from_secs(keep_alive_s.into());
    if negotiates {
        let seconds = HeaderValue::from(keep_alive_s);
        answer.headers_mut().insert(KEEP_ALIVE, seconds);
    }
    let address = request
        .extensions()
        .get::<PeerAddr>()
        .map(|peer| peer.0.ip().to_string())
        .unwrap_or_default();
    let upgrade = request
        .extensions_mut()
        .remove::<OnUpgrade>()
        .ok_or(Refusal::NotWebTunnel)?;
    let webtunnel = state.webtunnel.clone();
    let agent = WebTunnelAgent {
        device,
        address,
        version,
        info,
        keep_alive: if negotiates { ours } else { UNKNOWN_KEEP_ALIVE },
        upgrade,
        watch: Box::new(move |tunnel, epoch| {
            Box::pin(async move {
                take_name(&webtunnel, device, &agent_id, &properties).await;
                webtunnel.follow(device, epoch, properties, tunnel).await;
            })
        }),
    };
    state.relay.welcome_webtunnel(agent, admitted);
    Ok(answer)
}

async fn authenticate(
    state: &AppState,
    headers: &HeaderMap,
) -> Result<(DeviceId, String), Refusal> {
    let credential = Credential::of(headers).ok_or(Refusal::NoCredential)?;
    let verdict = state.webtunnel.check(&credential).await.map_err(|error| {
        tracing::error!(%error, "an agent could not be checked");
        Refusal::Failed
    })?;
    let refusal = match verdict {
        Verdict::Device(device) => return Ok((device, credential.agent_id)),
        Verdict::NoDomain => Refusal::NoDomain,
        Verdict::Wrong => Refusal::Wrong,
        Verdict::Busy => return Err(Refusal::Busy),
    };
    state.relay.count_wrong_secret();
    Err(refusal)
}

/// The name that an agent reports is its device's as long as nobody has given it one.
async fn take_name(
    webtunnel: &WebTunnel,
    device: DeviceId,
    agent_id: &str,
    properties: &Properties,
) {
    let Some(name) = properties.get("name") else {
        return;
    };
    if let Err(error) = webtunnel.name_unnamed(device, agent_id, name).await {
        tracing::warn!(%device, %error, "the name of a device was not written");
    }
}

impl WebTunnel {
    async fn name_unnamed(
        &self,
        device: DeviceId,
        agent_id: &str,
        name: &str,
    ) -> Result<(), crate::devices::DevicesError> {
        let devices = &self.0.devices;
        let Some(known) = devices.identity(device) else {
            return Ok(());
        };
        if known.name != agent_id || api::text::name_fault(name).is_some() {
            return Ok(());
        }
        let input = UpdateDevice {
            name: Some(name.to_owned()),
        };
        let scope = Scope::of(known.organization);
        devices.update(scope, device, input).await.map(drop)
    }
}
