//! The front as a whole: what answers at the public port, and what becomes of each request before
//! and after it is answered.

use std::future::Future;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header, uri::PathAndQuery};
use ipnet::IpNet;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tower::ServiceExt;

use api::ProblemCode;

use super::answer::{Answer, Entry};
use super::caps::Caps;
use super::client_certificate::ClientCertificate;
use super::counts::Counts;
use super::headers::secure;
use super::host::{HostError, Hosts, Site};
use super::link::Link;
use super::peer::{PeerAddr, strip_connection_named, strip_forwarded};
use super::problem::{self, ApiError};
use super::refusal::Refusal;
use super::request_id::{RequestId, RequestIds};
use super::tls::{Acceptor, Certificate, TlsError};
use super::webtunnel::{self, Asked};
use crate::config::{Config, Timers};
use crate::lifecycle::Lifecycle;
use crate::proxy::DeviceHost;
use crate::relay;
use crate::webtunnel::GATEWAY_PATHS;

/// What answers at devices' hosts.
pub type DeviceService = Arc<
    dyn Fn(DeviceHost, Request<Body>) -> Pin<Box<dyn Future<Output = Response> + Send>>
        + Send
        + Sync,
>;

/// What answers the agents and tools of others: at the apex (`None`) or at a device's host.
pub type WebTunnelService = Arc<
    dyn Fn(Option<DeviceHost>, Request<Body>) -> Pin<Box<dyn Future<Output = Response> + Send>>
        + Send
        + Sync,
>;

/// Everything the public port needs.
pub struct Front {
    hosts: Hosts,
    is_https: bool,
    trusted: Vec<IpNet>,
    timers: Arc<Timers>,
    caps: Arc<Caps>,
    counts: Arc<Counts>,
    acceptor: Option<Acceptor>,
    manager: axum::Router,
    devices: DeviceService,
    webtunnel: Option<WebTunnelService>,
    lifecycle: Lifecycle,
    ids: RequestIds,
}

/// Where a request comes from.
pub(super) struct Origination {
    pub(super) link: Arc<Link>,
    pub(super) socket: SocketAddr,
    /// `Some` on TLS: the name that was asked for, if one was.
    pub(super) sni: Option<Option<String>>,
    /// `Some` at the name for devices with certificates, and nowhere else.
    pub(super) certificate: Option<Arc<ClientCertificate>>,
}

impl Front {
    /// `seed` makes request ids differ from those of other runs.
    ///
    /// # Errors
    /// [`TlsError`] when the certificate cannot be used.
    pub fn new(
        config: &Config,
        certificate: Option<&Certificate>,
        manager: axum::Router,
        devices: DeviceService,
        lifecycle: Lifecycle,
        seed: u64,
    ) -> Result<Self, TlsError> {
        let trusted = config.listen.trusted_proxies.clone();
        Ok(Self {
            hosts: Hosts::new(
                config.public_url.clone(),
                config.other_agent_origins(),
                config.device_domain.clone(),
            ),
            is_https: config.public_url.is_https(),
            timers: Arc::new(config.timers.clone()),
            caps: Caps::new(config.limits.clone(), trusted.clone()),
            counts: Arc::default(),
            trusted,
            acceptor: certificate.map(Certificate::acceptor).transpose()?,
            manager,
            devices,
            webtunnel: None,
            lifecycle,
            ids: RequestIds::new(seed),
        })
    }

    /// Answers the agents and tools of others, too; otherwise they are refused.
    #[must_use]
    pub fn with_webtunnel(mut self, service: WebTunnelService) -> Self {
        self.webtunnel = Some(service);
        self
    }

    /// Accepts connections until the soft stop; each is served in a task of the lifecycle's.
    pub async fn run(self: Arc<Self>, listener: TcpListener) {
        super::accept::run(self, listener).await;
    }

    pub(super) const fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    pub(super) const fn timers(&self) -> &Arc<Timers> {
        &self.timers
    }

    pub(super) const fn caps(&self) -> &Arc<Caps> {
        &self.caps
    }

    pub(super) const fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// Shows what is counted here.
    pub fn register(&self, registry: &mut Registry) {
        self.counts.register(registry, Arc::clone(&self.caps));
    }

    pub(super) const fn acceptor(&self) -> Option<&Acceptor> {
        self.acceptor.as_ref()
    }

    /// Answers one request. In order: refusal by head, request id, host, peer, hop-by-hop fields,
    /// the answer itself, problem body, security headers, log line.
    pub(super) async fn answer(
        &self,
        from: &Origination,
        request: Request<hyper::body::Incoming>,
    ) -> Response<Answer> {
        let (answering, refusal) = from.link.answer();
        let id = self.ids.next();
        let mut entry = Entry::new(&id, from.socket, &request, &self.counts);
        let mut request = request.map(Body::new);
        let webtunnel = webtunnel::asked(&request);
        let site = match refusal {
            Some(refusal) => {
                entry.note_refusal(refusal);
                Err(refuse(refusal))
            }
            None => self
                .site(from, &request, webtunnel)
                .map_err(|error| match error {
                    Astray::Host(error) => refuse_host(error, &request),
                    Astray::Upgrade => {
                        entry.note_refusal(Refusal::Malformed("Upgrade"));
                        refuse(Refusal::Malformed("Upgrade"))
                    }
                }),
        };
        let response = match site {
            Err(response) => self.finish_own(response, &id, true),
            Ok(site) => {
                let peer = PeerAddr::of(from.socket, request.headers(), &self.trusted);
                entry.note_site(&site, peer);
                strip_forwarded(request.headers_mut());
                strip_connection_named(request.headers_mut());
                to_origin_form(request.uri_mut());
                let extensions = request.extensions_mut();
                extensions.insert(peer);
                extensions.insert(id.clone());
                extensions.insert(answering.guard(&self.lifecycle));
                if let Some(certificate) = &from.certificate {
                    extensions.insert(Arc::clone(certificate));
                }
                match site {
                    Site::Manager | Site::Agents => {
                        let is_api = is_api(request.uri().path());
                        let manager = self.manager.clone();
                        let answer = caught(async move {
                            manager
                                .oneshot(request)
                                .await
                                .unwrap_or_else(|never| match never {})
                        });
                        self.finish_own(answer.await, &id, is_api)
                    }
                    Site::Apex => self.webtunnel(None, request, &id).await,
                    Site::Device(host) if webtunnel.is_some() => {
                        self.webtunnel(Some(host), request, &id).await
                    }
                    Site::Device(host) => {
                        let response = caught((self.devices)(host, request)).await;
                        problem::complete(response, &id, false)
                    }
                }
            }
        };
        let switches = match webtunnel {
            Some(Asked::Connect) => response.status() == StatusCode::OK,
            _ => response.status() == StatusCode::SWITCHING_PROTOCOLS,
        };
        let response = if switches && !from.link.switch() {
            self.counts.refused_connection("upgraded");
            let full = ApiError::new(ProblemCode::Busy).retry_after(5);
            let full = match webtunnel {
                Some(_) => webtunnel::refusal(full, "The server is full."),
                None => full.into_response(),
            };
            problem::complete(full, &id, false)
        } else {
            response
        };
        entry.note_answer(response.status());
        response.map(|body| Answer::new(body, answering, entry))
    }

    async fn webtunnel(
        &self,
        host: Option<DeviceHost>,
        request: Request<Body>,
        id: &RequestId,
    ) -> Response {
        let Some(service) = &self.webtunnel else {
            return refuse(Refusal::Malformed("Upgrade"));
        };
        let is_connect = request.method() == Method::CONNECT;
        let response = caught(service(host, request)).await;
        let is_connected = is_connect && response.status() == StatusCode::OK;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS || is_connected {
            // Field by field what agents and tools expect, and nothing else.
            return problem::complete(response, id, false);
        }
        self.finish_own(response, id, true)
    }

    /// Whom a request is for. What asks for WebTunnel is for nobody else: agents at the apex,
    /// clients at a device's host.
    fn site(
        &self,
        from: &Origination,
        request: &Request<Body>,
        webtunnel: Option<Asked>,
    ) -> Result<Site, Astray> {
        let host = request
            .headers()
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let host = host.ok_or(Astray::Host(HostError::Malformed))?;
        let is_same_name = || match &from.sni {
            Some(name) => self.hosts.is_same_name(name.as_deref(), host),
            None => true,
        };
        let serves_webtunnel = self.webtunnel.is_some();
        if webtunnel == Some(Asked::Connect) {
            let handshake = from.sni.as_ref().map(Option::as_deref);
            let target = self.hosts.connect_target(host, handshake);
            let target = target.filter(|_| serves_webtunnel);
            let (host, _) = target.ok_or(Astray::Host(HostError::NotOurs))?;
            return Ok(Site::Device(host));
        }
        let is_theirs = webtunnel == Some(Asked::Agent)
            || (webtunnel.is_none() && request.uri().path().starts_with(GATEWAY_PATHS));
        if is_theirs && serves_webtunnel && self.hosts.is_apex(host) && is_same_name() {
            return Ok(Site::Apex);
        }
        let site = self.hosts.site(host).map_err(Astray::Host)?;
        let is_certified = from.certificate.is_some() && site == Site::Agents;
        if is_certified && webtunnel == Some(Asked::Agent) && serves_webtunnel && is_same_name() {
            return Ok(Site::Apex);
        }
        let is_ours = match site {
            Site::Agents => relay::AGENT_PATHS.contains(&request.uri().path()),
            _ => true,
        };
        if !is_ours || !is_same_name() {
            return Err(Astray::Host(HostError::NotOurs));
        }
        match (webtunnel, &site) {
            (None, _) => Ok(site),
            (Some(Asked::Client), Site::Device(_)) if serves_webtunnel => Ok(site),
            _ => Err(Astray::Upgrade),
        }
    }

    /// What every answer that is not a device's gets.
    fn finish_own(&self, response: Response, id: &RequestId, is_api: bool) -> Response {
        let mut response = problem::complete(response, id, is_api);
        secure(response.headers_mut(), self.is_https, is_api);
        response
    }
}

/// Why a request is for nobody.
enum Astray {
    Host(HostError),
    /// An upgrade that nobody answers at this host.
    Upgrade,
}

/// A panic is the end of its request, not of the connection's task.
async fn caught(answer: impl Future<Output = Response>) -> Response {
    AssertUnwindSafe(answer)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| ApiError::internal("a handler panicked").into_response())
}

fn is_api(path: &str) -> bool {
    path.starts_with("/api/")
}

/// `http://host/path` has become `/path` by the time anybody else looks: the authority was
/// compared with the Host, which is the one that counts.
fn to_origin_form(uri: &mut Uri) {
    if uri.authority().is_some() {
        let path = uri.path_and_query().cloned();
        *uri = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    }
}

fn refuse(refusal: Refusal) -> Response {
    let code = match refusal {
        Refusal::MethodRefused => ProblemCode::MethodNotAllowed,
        _ => ProblemCode::BadRequest,
    };
    let detail = match refusal {
        Refusal::HeadTooLarge => {
            "The head is too large. If cookies were the cause, they are gone now: try again."
        }
        _ => refusal.reason(),
    };
    let mut response = problem::with_status(code, refusal.status(), detail).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    match refusal.status() {
        // A page of a sibling host may have filled the cookie jar (SECURITY S03): the way out is
        // to empty it. Nothing that a link alone can bring about is answered so.
        StatusCode::BAD_REQUEST | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            headers.insert("clear-site-data", HeaderValue::from_static("\"cookies\""));
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            let allowed = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
            headers.insert(header::ALLOW, allowed);
        }
        _ => {}
    }
    response
}

fn refuse_host(error: HostError, request: &Request<Body>) -> Response {
    match error {
        HostError::Malformed => refuse(Refusal::Malformed("Host")),
        HostError::NotOurs => refuse(Refusal::Misdirected("Host")),
        HostError::NoDevice => {
            tracing::debug!(method = %request.method(), "no device can have this host");
            ApiError::new(ProblemCode::NotFound).into_response()
        }
    }
}
