//! An agent's `POST` at the apex: who it is, what it reports, the 101.

use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use api::{DeviceId, UpdateDevice};
use axum::body::Body;
use axum::response::Response;
use hyper::upgrade::OnUpgrade;
use tunnel::webtunnel::AGENT_PROTOCOL;

use crate::access::Scope;
use crate::certificates::CertificateError;
use crate::config::Config;
use crate::http::{ClientCertificate, PeerAddr, WebSocketOffer};
use crate::relay::WebTunnelAgent;
use crate::state::AppState;

use super::check::Verdict;
use super::credential::Credential;
use super::properties;
use super::refusal::Refusal;
use super::report::AgentReport;
use super::{Properties, WebTunnel};

const KEEP_ALIVE: &str = "x-webtunnel-keepalive";
/// An agent that does not negotiate has a time of its own, 300 s or what somebody chose: rather a
/// device that seems to be online than one that is cut for being quiet.
const UNKNOWN_KEEP_ALIVE: Duration = Duration::from_secs(3600);

/// When a peer is asked for signs of life, and when it is missed.
#[derive(Clone, Copy)]
pub(super) struct KeepAlive {
    /// `None`: it does not negotiate.
    told_s: Option<u32>,
}

impl KeepAlive {
    /// Of whoever sends these fields.
    pub(super) fn of(state: &AppState, headers: &HeaderMap) -> Self {
        let seconds = state.config.timers.webtunnel_keep_alive_s();
        Self {
            told_s: headers.contains_key(KEEP_ALIVE).then_some(seconds),
        }
    }

    /// Puts it into a 101.
    pub(super) fn tell(self, answer: &mut Response) {
        if let Some(seconds) = self.told_s {
            let seconds = HeaderValue::from(seconds);
            answer.headers_mut().insert(KEEP_ALIVE, seconds);
        }
    }

    pub(super) fn time(self) -> Duration {
        self.told_s.map_or(UNKNOWN_KEEP_ALIVE, |seconds| {
            Duration::from_secs(seconds.into())
        })
    }

    /// So long without a sign of life, and it is gone.
    pub(super) fn silence(self) -> Duration {
        self.time() * 2 + Duration::from_secs(10)
    }
}

/// Whether a WebSocket is asked for.
pub(super) fn is_asked(request: &Request<Body>) -> bool {
    request.headers().contains_key(header::UPGRADE)
}

/// Answers an agent.
pub(super) async fn serve(state: AppState, request: Request<Body>) -> Response {
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
    // Before it is asked who it is: the other server may be the only one that knows.
    if let Some(elsewhere) = elsewhere(&state.config, request.uri()) {
        return Ok(elsewhere);
    }
    let certificate = request.extensions().get::<Arc<ClientCertificate>>();
    let certificate = certificate.map(Arc::as_ref);
    let (device, agent_id) = authenticate(state, headers, certificate).await?;
    let admitted = state.relay.admit(device).await;
    let admitted = admitted.map_err(Refusal::NotAdmitted)?;

    let properties = properties::of_request(headers);
    let AgentReport {
        version,
        info,
        start_path,
    } = AgentReport::of(headers, &properties);
    let offer = WebSocketOffer::of(headers, AGENT_PROTOCOL).map_err(|_| Refusal::NotWebTunnel)?;
    let mut answer = offer.answer();
    let keep_alive = KeepAlive::of(state, headers);
    keep_alive.tell(&mut answer);
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
        start_path,
        keep_alive: keep_alive.time(),
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

/// The way to another server or path, for whoever has not gone it yet. The front has judged the
/// host: it is the device domain, at our port.
fn elsewhere(config: &Config, asked: &Uri) -> Option<Response> {
    let redirect = config.webtunnel.redirect.as_ref()?;
    let is_here = redirect.origin().is_none_or(|origin| {
        origin.host() == config.device_domain.as_str() && origin.port() == config.public_url.port()
    });
    let target = asked.path_and_query().map_or("/", |target| target.as_str());
    if is_here && target == redirect.target() {
        return None;
    }
    let mut response = Response::new(Body::empty());
    // Agents follow no other status.
    *response.status_mut() = StatusCode::FOUND;
    let location = HeaderValue::from_str(redirect.as_str()).ok()?;
    response.headers_mut().insert(header::LOCATION, location);
    Some(response)
}

async fn authenticate(
    state: &AppState,
    headers: &HeaderMap,
    certificate: Option<&ClientCertificate>,
) -> Result<(DeviceId, String), Refusal> {
    let credential = Credential::of(headers);
    let webtunnel = &state.webtunnel;
    let (agent_id, verdict) = match (certificate, credential) {
        (None, Some(credential)) => {
            let verdict = webtunnel.check(&credential).await;
            (credential.agent_id, verdict)
        }
        (Some(certificate), Some(credential)) => {
            let verdict = if credential.agent_id == certificate.device {
                webtunnel.check_certified(&credential).await
            } else {
                Ok(Verdict::Wrong)
            };
            (credential.agent_id, verdict)
        }
        (Some(certificate), None) if !headers.contains_key(header::AUTHORIZATION) => (
            certificate.device.clone(),
            webtunnel.named_by(certificate).await,
        ),
        (_, None) => return Err(Refusal::NoCredential),
    };
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "an agent could not be checked");
        Refusal::Failed
    };
    let refusal = match verdict.map_err(|error| failed(&error))? {
        Verdict::Device(device) => {
            let owner = state.devices.identity(device).ok_or(Refusal::Wrong)?;
            let certificates = &state.certificates;
            match certificates
                .admit(device, owner.organization, certificate)
                .await
            {
                Ok(()) => return Ok((device, agent_id)),
                Err(CertificateError::Database(error)) => return Err(failed(&error)),
                Err(error) => {
                    tracing::warn!(%device, %error, "a device was refused by its certificate");
                    Refusal::Certificate
                }
            }
        }
        Verdict::NoDomain => Refusal::NoDomain,
        Verdict::Wrong => Refusal::Wrong,
        Verdict::Busy => return Err(Refusal::Busy),
        Verdict::Crowded => return Err(Refusal::Crowded),
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
            ..UpdateDevice::default()
        };
        let scope = Scope::of(known.organization);
        devices.update(scope, device, input).await.map(drop)
    }
}
