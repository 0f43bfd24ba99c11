//! Who is asking.

use std::hash::{Hash, Hasher};

use api::{ApiTokenId, OrganizationId, SignInId, TokenScope, UserId};

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub user: UserId,
    pub username: String,
    pub organization: OrganizationId,
    pub via: Via,
}

/// How the caller was authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    SignIn(SignInId),
    ApiToken(ApiTokenId, TokenScope),
}

/// Equal ones are of one id.
impl Hash for Via {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::SignIn(id) => id.hash(state),
            Self::ApiToken(id, _) => id.hash(state),
        }
    }
}

/// The organization that a query may see. Every store function of owned records takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    organization: OrganizationId,
}

impl Scope {
    /// For code that acts for an organization without a caller: the command line, a proven device.
    #[must_use]
    pub const fn of(organization: OrganizationId) -> Self {
        Self { organization }
    }

    #[must_use]
    pub const fn organization(&self) -> OrganizationId {
        self.organization
    }
}

impl Principal {
    /// What this caller's queries may see.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        Scope::of(self.organization)
    }
}
