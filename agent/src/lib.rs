//! adit-agent as a library: keeps one tunnel to the server and reaches the device's services.
//!
//! [`Agent::run`] connects, serves streams and connects again until it is told to stop;
//! [`enroll`] makes a device of a key. Only what the configuration offers can be reached: the
//! local file has the last word, whatever the server asks for.

mod agent;
mod change;
mod config;
mod dial;
mod host;
mod info;
mod keepalive;
mod key;
mod proxy;
mod reconnect;
mod server;
mod service;

pub use agent::Agent;
pub use config::{ClientCertificate, Config, ConfigError, Draft, Service, default_path};
pub use host::Host;
pub use info::host_name;
pub use key::{DeviceKey, KeyError};
pub use proxy::{Proxy, ProxyUrl, ProxyUrlError, ProxyVariableError};
pub use reconnect::{Advice, Reconnect};
pub use server::{ProxyError, Refusal, ServerError, ServerUrl, ServerUrlError, enroll};
