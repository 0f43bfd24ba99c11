//! What an OPEN asks for (PROTOCOL section 4).

use serde::{Deserialize, Serialize};

/// The target of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A service that the agent's own configuration offers, by name.
    Service(String),
    /// An address behind a gateway; only inside the allow-list of the agent's configuration.
    Tcp {
        /// Name or address.
        host: String,
        /// TCP port.
        port: u16,
    },
    /// Something that the other end serves itself.
    Internal(String),
}
