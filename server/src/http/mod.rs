//! The public port: accept loop, strict request rules, host routing, middleware, problems.
//!
//! A connection's bytes go through `gate` (which lets whole heads pass that `head` has judged),
//! then hyper, then [`Front`] (host, peer, extensions), then the manager's `router` or a device.

mod accept;
mod answer;
mod body;
mod caps;
mod chunks;
mod client_certificate;
mod connection;
mod counts;
mod deadline;
mod front;
mod gate;
mod head;
mod headers;
mod host;
mod input;
mod link;
mod origin;
mod output;
mod peer;
mod problem;
mod problems;
mod refusal;
mod request_id;
mod router;
mod tls;
mod websocket;
mod webtunnel;

pub use client_certificate::ClientCertificate;
pub use front::{DeviceService, Front, WebTunnelService};
pub use headers::content_security_policy;
pub use host::{HostError, Hosts, Site};
pub use input::{JsonInput, PathInput, QueryInput};
pub use link::ConnectionGuard;
pub use origin::check_ws_origin;
pub use output::created_once;
pub use peer::PeerAddr;
pub use problem::ApiError;
pub use problems::{ProblemSchemas, Problems};
pub use request_id::RequestId;
pub use router::{manager, with_rules};
pub use tls::{Certificate, TlsError};
pub use websocket::WebSocketOffer;
pub use webtunnel::refusal as webtunnel_refusal;
