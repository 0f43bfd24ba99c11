//! What the agent of a device reports beside services.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Properties by name: texts that the device made, to be shown as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceProperties {
    pub properties: BTreeMap<String, String>,
}
