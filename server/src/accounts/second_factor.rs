//! What a user has to show beside the password. Nobody has anything yet: this is where it is asked
//! for, in one place for every way of showing a password.

use std::sync::{Arc, PoisonError};

use api::{Timestamp, UserId};
use futures_util::future::{BoxFuture, FutureExt};

use super::{Accounts, AccountsError};

/// Who has a second factor, and whether a code is right.
pub trait SecondFactor: Send + Sync {
    /// Judges a code of somebody whose password was right; `None`: none was given. A code that
    /// was right must not be right again: it may have been seen on its way.
    ///
    /// # Errors
    /// When it cannot be known; nobody is let in then.
    fn judge<'a>(
        &'a self,
        user: UserId,
        code: Option<&'a str>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Verdict, AccountsError>>;
}

/// Whether a password is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is no second factor.
    NotNeeded,
    Right,
    /// There is one, and no code was given.
    Wanted,
    Wrong,
}

/// Nobody has one.
pub(super) struct Nobody;

impl SecondFactor for Nobody {
    fn judge<'a>(
        &'a self,
        _user: UserId,
        _code: Option<&'a str>,
        _now: Timestamp,
    ) -> BoxFuture<'a, Result<Verdict, AccountsError>> {
        std::future::ready(Ok(Verdict::NotNeeded)).boxed()
    }
}

impl Accounts {
    /// From now on this judges second factors.
    pub fn ask_second_factor(&self, second_factor: Arc<dyn SecondFactor>) {
        let known = &self.0.second_factor;
        *known.write().unwrap_or_else(PoisonError::into_inner) = second_factor;
    }

    /// # Errors
    /// [`AccountsError::SecondFactorWanted`]; [`AccountsError::WrongCredentials`] for a wrong code:
    /// whoever guesses learns nothing of the password.
    pub(super) async fn check_second_factor(
        &self,
        user: UserId,
        code: Option<&str>,
    ) -> Result<(), AccountsError> {
        let known = &self.0.second_factor;
        let second_factor = Arc::clone(&known.read().unwrap_or_else(PoisonError::into_inner));
        let now = self.0.clock.now();
        match second_factor.judge(user, code, now).await? {
            Verdict::NotNeeded | Verdict::Right => Ok(()),
            Verdict::Wanted => Err(AccountsError::SecondFactorWanted),
            Verdict::Wrong => Err(AccountsError::WrongCredentials),
        }
    }
}
