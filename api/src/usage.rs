//! How much data went to and from a device.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, UserId};

/// Bytes both ways between the server and a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Transfer {
    pub to_device_bytes: u64,
    pub from_device_bytes: u64,
}

impl Transfer {
    /// Both ways together; saturates.
    #[must_use]
    pub const fn sum_bytes(self) -> u64 {
        self.to_device_bytes.saturating_add(self.from_device_bytes)
    }

    /// This and the other; saturates.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            to_device_bytes: self.to_device_bytes.saturating_add(other.to_device_bytes),
            from_device_bytes: self
                .from_device_bytes
                .saturating_add(other.from_device_bytes),
        }
    }

    /// This without the other; nothing where that is more.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self {
            to_device_bytes: self.to_device_bytes.saturating_sub(other.to_device_bytes),
            from_device_bytes: self
                .from_device_bytes
                .saturating_sub(other.from_device_bytes),
        }
    }
}

/// What data went for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Streams that were opened for somebody.
    Session,
    /// Streams that the server opened for itself.
    Management,
    /// The tunnel: keeping it alive, and what it puts around the bytes of streams.
    Idle,
}

/// `GET /api/v1/devices/{id}/usage`. Counted is what the tunnel carries, without TLS and TCP; the
/// last minutes of `idle` may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceUsage {
    /// As many as were asked for, oldest first; the last is today.
    pub days: Vec<UsageDay>,
    /// For whom sessions were on these days together, the most first.
    pub users: Vec<UserUsage>,
}

/// What one person's sessions carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserUsage {
    pub user_id: UserId,
    /// `None`: the account is deleted.
    pub username: Option<String>,
    pub session: Transfer,
}

/// A day, in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageDay {
    /// Its first moment.
    pub begins_at: Timestamp,
    pub session: Transfer,
    pub management: Transfer,
    pub idle: Transfer,
}

impl UsageDay {
    /// What it says of one purpose.
    pub const fn of_mut(&mut self, purpose: Purpose) -> &mut Transfer {
        match purpose {
            Purpose::Session => &mut self.session,
            Purpose::Management => &mut self.management,
            Purpose::Idle => &mut self.idle,
        }
    }

    /// All purposes together.
    #[must_use]
    pub const fn total(&self) -> Transfer {
        self.session.plus(self.management).plus(self.idle)
    }
}

/// The query of `GET /api/v1/devices/{id}/usage`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[serde(deny_unknown_fields, default)]
pub struct UsageQuery {
    /// 1 to 400; 30 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}
