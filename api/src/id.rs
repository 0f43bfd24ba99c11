//! Identifiers, one type per thing, so that none can stand in for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id!(
    /// A device.
    DeviceId
);
id!(
    /// An organization: owns devices and members.
    OrganizationId
);
id!(
    /// A user.
    UserId
);
id!(
    /// A sign-in: what a user has after signing in, until sign-out or expiry.
    SignInId
);
id!(
    /// An API token's record (never its secret).
    ApiTokenId
);
id!(
    /// An install key's record (never its secret).
    InstallKeyId
);
