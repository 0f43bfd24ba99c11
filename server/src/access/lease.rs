//! Leases: the right to a stream, and the way to take it back while the stream lives.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::{DeviceId, OrganizationId, SignInId, UserId};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Action, Principal, Via};

/// Whose right it is, to what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    pub user: UserId,
    pub organization: OrganizationId,
    pub via: Via,
    /// `None`: not about one device (the event stream).
    pub device: Option<DeviceId>,
}

impl Subject {
    /// The right of `principal` to something on `device`.
    #[must_use]
    pub fn new(principal: &Principal, device: Option<DeviceId>) -> Self {
        Self {
            user: principal.user,
            organization: principal.organization,
            via: principal.via,
            device,
        }
    }

    /// What the right is to.
    #[must_use]
    pub const fn action(&self) -> Action {
        match self.device {
            Some(_) => Action::Connect,
            None => Action::Read,
        }
    }
}

/// What ended a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A sign-in or a token has ended.
    Ended(Via),
    /// What a sign-in opened at a device's origin has ended, the sign-in itself has not.
    DeviceSignInEnded(SignInId, DeviceId),
    /// A device was deleted.
    DeviceDeleted(DeviceId),
    /// A device is kept out.
    DeviceDisabled(DeviceId),
    /// A device's client certificate was revoked.
    CertificateRevoked(DeviceId),
    /// The server stops.
    Shutdown,
}

impl Cause {
    fn concerns(&self, subject: &Subject) -> bool {
        match self {
            Self::Ended(via) => match (via, &subject.via) {
                (Via::SignIn(ended), Via::SignIn(held)) => ended == held,
                (Via::ApiToken(ended, _), Via::ApiToken(held, _)) => ended == held,
                _ => false,
            },
            Self::DeviceSignInEnded(sign_in, device) => {
                subject.via == Via::SignIn(*sign_in) && subject.device == Some(*device)
            }
            Self::DeviceDeleted(device)
            | Self::DeviceDisabled(device)
            | Self::CertificateRevoked(device) => subject.device == Some(*device),
            Self::Shutdown => true,
        }
    }
}

/// All living leases; cheap to clone.
#[derive(Clone, Default)]
pub struct Leases(Arc<Shared>);

#[derive(Default)]
struct Shared {
    table: Mutex<Table>,
    /// The last one was dropped.
    emptied: Notify,
}

#[derive(Default)]
struct Table {
    next: u64,
    living: HashMap<u64, Living>,
}

struct Living {
    subject: Subject,
    token: CancellationToken,
    issued_at: Instant,
    /// When whoever decides was last asked and did not say no.
    confirmed_at: Instant,
}

impl Leases {
    /// A new lease; it lives until dropped.
    pub fn issue(&self, subject: Subject) -> Lease {
        let token = CancellationToken::new();
        let now = Instant::now();
        let mut table = self.0.table();
        let number = table.next;
        table.next += 1;
        table.living.insert(
            number,
            Living {
                subject: subject.clone(),
                token: token.clone(),
                issued_at: now,
                confirmed_at: now,
            },
        );
        drop(table);
        Lease {
            subject,
            token,
            number,
            shared: Arc::clone(&self.0),
        }
    }

    /// Cancels every lease that `cause` concerns, now. Tells how many.
    pub fn revoke(&self, cause: Cause) -> usize {
        self.cancel(|living| cause.concerns(&living.subject))
    }

    /// All rights that are held now, each once.
    pub(super) fn held(&self) -> HashSet<Subject> {
        let table = self.0.table();
        let held = table.living.values().filter(|it| !it.token.is_cancelled());
        held.map(|living| living.subject.clone()).collect()
    }

    /// Of `asked`, those in `ended` have ended; the others were in force at `asked_at`. Tells how
    /// many leases were cancelled.
    pub(super) fn confirm(
        &self,
        asked: &HashSet<Subject>,
        ended: &HashSet<Subject>,
        asked_at: Instant,
    ) -> usize {
        for living in self.0.table().living.values_mut() {
            if asked.contains(&living.subject) && !ended.contains(&living.subject) {
                living.confirmed_at = living.confirmed_at.max(asked_at);
            }
        }
        self.cancel(|living| ended.contains(&living.subject))
    }

    /// Cancels those that nobody confirmed for longer than this.
    pub(super) fn end_unconfirmed(&self, longer_than: Duration, now: Instant) -> usize {
        self.cancel(|it| now.saturating_duration_since(it.confirmed_at) > longer_than)
    }

    /// Cancels those that are this old.
    pub(super) fn end_older(&self, longest: Duration, now: Instant) -> usize {
        self.cancel(|living| now.saturating_duration_since(living.issued_at) >= longest)
    }

    /// Completes when there is none.
    pub(super) async fn none_left(&self) {
        // One waiter: the permit of a notification that came too early is found in the next turn.
        while !self.0.table().living.is_empty() {
            self.0.emptied.notified().await;
        }
    }

    fn cancel(&self, concerns: impl Fn(&Living) -> bool) -> usize {
        let concerned: Vec<CancellationToken> = {
            let table = self.0.table();
            let living = table.living.values();
            let living = living.filter(|it| !it.token.is_cancelled() && concerns(it));
            living.map(|it| it.token.clone()).collect()
        };
        // Outside the lock: waking may run code that drops a lease.
        for token in &concerned {
            token.cancel();
        }
        concerned.len()
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one stream. Whoever carries the stream ends it when [`Lease::cancelled`] completes.
#[must_use]
pub struct Lease {
    subject: Subject,
    token: CancellationToken,
    number: u64,
    shared: Arc<Shared>,
}

impl Lease {
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The token, for those that must hear of the end from elsewhere.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Completes when the right has been taken back.
    pub async fn cancelled(&self) {
        self.token.cancelled().await;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut table = self.shared.table();
        table.living.remove(&self.number);
        if table.living.is_empty() {
            self.shared.emptied.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn subject(sign_in: u128, device: u128) -> Subject {
        Subject {
            user: UserId(Uuid::nil()),
            organization: OrganizationId(Uuid::nil()),
            via: Via::SignIn(SignInId(Uuid::from_u128(sign_in))),
            device: Some(DeviceId(Uuid::from_u128(device))),
        }
    }

    #[test]
    fn a_cause_cancels_what_it_concerns_and_nothing_else() {
        let leases = Leases::default();
        let one = leases.issue(subject(1, 10));
        let two = leases.issue(subject(2, 10));
        let three = leases.issue(subject(1, 11));
        let ended = Cause::Ended(Via::SignIn(SignInId(Uuid::from_u128(1))));
        assert_eq!(leases.revoke(ended), 2);
        assert!(one.token().is_cancelled() && three.token().is_cancelled());
        assert!(!two.token().is_cancelled());
        assert_eq!(
            leases.revoke(Cause::DeviceDeleted(DeviceId(Uuid::from_u128(10)))),
            1,
            "one of the two had ended before"
        );
        assert!(two.token().is_cancelled());
    }

    #[test]
    fn a_dropped_lease_is_forgotten() {
        let leases = Leases::default();
        drop(leases.issue(subject(1, 10)));
        assert_eq!(leases.revoke(Cause::Shutdown), 0);
    }
}
