//! The one function that decides. Pure: no clock, no database.

use api::TokenScope;

use super::{Principal, Via};

/// What a caller wants to do inside its organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// See devices, services, events.
    Read,
    /// Open a stream to a service of a device.
    Connect,
    /// Rename, delete, make keys and tokens.
    Administer,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allow,
    Deny,
}

/// Decides. Members of an organization may do everything in it; a token narrows its user.
/// Records of other organizations never get here: queries are scoped.
#[must_use]
pub fn decide(principal: &Principal, action: Action) -> Decision {
    match (principal.via, action) {
        (Via::SignIn(_) | Via::ApiToken(_, TokenScope::Full), _) | (_, Action::Read) => {
            Decision::Allow
        }
        (Via::ApiToken(_, TokenScope::Read), Action::Connect | Action::Administer) => {
            Decision::Deny
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::{ApiTokenId, OrganizationId, SignInId, UserId};
    use uuid::Uuid;

    fn principal(via: Via) -> Principal {
        Principal {
            user: UserId(Uuid::nil()),
            username: "ada".into(),
            organization: OrganizationId(Uuid::nil()),
            via,
        }
    }

    #[test]
    fn table() {
        use Action::{Administer, Connect, Read};
        use Decision::{Allow, Deny};
        let sign_in = Via::SignIn(SignInId(Uuid::nil()));
        let full = Via::ApiToken(ApiTokenId(Uuid::nil()), TokenScope::Full);
        let read = Via::ApiToken(ApiTokenId(Uuid::nil()), TokenScope::Read);
        for (via, action, expected) in [
            (sign_in, Read, Allow),
            (sign_in, Connect, Allow),
            (sign_in, Administer, Allow),
            (full, Read, Allow),
            (full, Connect, Allow),
            (full, Administer, Allow),
            (read, Read, Allow),
            (read, Connect, Deny),
            (read, Administer, Deny),
        ] {
            assert_eq!(
                decide(&principal(via), action),
                expected,
                "{via:?} {action:?}"
            );
        }
    }
}
