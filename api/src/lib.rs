//! The types of Adit's REST API, one truth for server, app, agent and CLI.
//!
//! Conventions: ids are UUIDv7; times are UTC microseconds ([`Timestamp`]); lists are [`Page`]s
//! with an opaque cursor; errors are [`Problem`]s (RFC 9457) with a stable [`ProblemCode`].
//! Inputs refuse unknown fields, outputs may gain fields at any time.

mod account;
mod certificate;
mod device;
mod enrolment;
mod event;
mod id;
mod page;
mod problem;
mod properties;
pub mod text;
mod time;
mod usage;
mod webtunnel;

pub use account::{ApiToken, ApiTokenCreated, CreateApiToken, Me, SignIn, TokenScope};
pub use certificate::{DeviceCertificate, DeviceCertificates};
pub use device::{
    AgentKind, Attention, Device, DeviceQuery, DeviceState, LaunchIntent, Service, ServiceKind,
    UpdateDevice, UpdateService,
};
pub use enrolment::{CreateInstallKey, Enrol, Enrolled, InstallKey, InstallKeyCreated};
pub use event::Event;
pub use id::{ApiTokenId, DeviceId, InstallKeyId, OrganizationId, SignInId, UserId};
pub use page::Page;
pub use problem::{Problem, ProblemCode};
pub use properties::DeviceProperties;
pub use time::Timestamp;
pub use usage::{DeviceUsage, Purpose, Transfer, UsageDay, UsageQuery, UserUsage};
pub use webtunnel::{
    AddWebTunnelDomain, CreateWebTunnelDevice, SetWebTunnelSecret, UpdateWebTunnelDomain,
    WebTunnelAgent, WebTunnelDeviceCreated, WebTunnelDomain, WebTunnelPorts, WebTunnelSecretSet,
};
