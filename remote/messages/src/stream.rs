//! Why a module's stream to its service did not come about, or ended early.

use serde::{Deserialize, Serialize};

/// The codes of `adit.stream.v1` (docs/protocol.md), and what a browser sees before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamFault {
    /// The device has no tunnel.
    Offline,
    /// The device was lost a moment ago and is expected back.
    Reconnecting,
    /// Nobody is signed in, or the sign-in has ended.
    NotSignedIn,
    /// Signed in, but not allowed.
    NotAllowed,
    /// There is no such device or service.
    NotFound,
    /// The device's own configuration does not offer it.
    NotOffered,
    /// Nothing listens at the service's port.
    Refused,
    /// The service's host cannot be reached from the device.
    Unreachable,
    /// The service, or the device, did not answer in time.
    TimedOut,
    /// The device carries all it can.
    Busy,
    /// The right to the stream was taken back while it lived.
    Revoked,
    /// The service closed the connection, or it broke.
    Broken,
    /// The server goes away for a moment.
    Draining,
    /// The connection to the server was lost, or none came about.
    Lost,
    /// Something else; a fault of ours.
    Internal,
}
