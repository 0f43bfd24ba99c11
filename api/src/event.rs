//! What changed, as `GET /api/v1/events` tells it (server-sent events).

use serde::{Deserialize, Serialize};

use crate::{Device, DeviceId};

/// One event; its `data` line is this as JSON, its `event` line the variant's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A device is new or differs; this is all of it.
    DeviceChanged { device: Box<Device> },
    /// A device is gone.
    DeviceRemoved { device_id: DeviceId },
    /// Some events were lost on the way: fetch anew what is shown.
    Resync,
}
