//! Sign-ins: what a user has in a browser, from sign-in to sign-out or expiry.

use std::net::IpAddr;
use std::sync::PoisonError;

use api::{Me, SignIn, SignInId, Timestamp};
use http::HeaderMap;
use zeroize::Zeroizing;

use crate::access::{Cause, Class, Principal, Secret, SecretHash, Via};
use crate::db::new_id;
use crate::http::ApiError;

use super::users::username_key;
use super::{Accounts, AccountsError, Presented, SIGN_IN_COOKIE, presented, store};

/// After this a user signs in anew, however busy.
pub(super) const LONGEST_S: i64 = 30 * 24 * 3600;
/// After this without a request.
const IDLE_S: i64 = 7 * 24 * 3600;
/// `last_used_at` is written at most this often.
pub(super) const TOUCH_EVERY_S: i64 = 5 * 60;

/// Where a sign-in has ended, given the time.
#[derive(Clone, Copy)]
pub(super) struct Horizon {
    /// Those made at this time or before have ended.
    pub(super) made: Timestamp,
    /// Those last used at this time or before have ended.
    pub(super) used: Timestamp,
}

impl Horizon {
    pub(super) const fn at(now: Timestamp) -> Self {
        Self {
            made: now.plus_seconds(-LONGEST_S),
            used: now.plus_seconds(-IDLE_S),
        }
    }
}

impl Accounts {
    /// Checks a password and makes a sign-in. One that the browser had before is ended: a secret
    /// from before a sign-in, planted or not, opens nothing after it.
    pub(super) async fn sign_in(
        &self,
        input: SignIn,
        peer: IpAddr,
        before: Option<SecretHash>,
    ) -> Result<(Secret, Me), AccountsError> {
        let password = Zeroizing::new(input.password);
        let me = self
            .check_password(&input.username, password, None, peer)
            .await?;
        let (secret, id) = self.begin_sign_in(&me, before).await?;
        tracing::info!(user = %me.user_id, sign_in = %id, %peer, "signed in");
        Ok((secret, me))
    }

    /// Whose password it is, with the `code` of a second factor where the user has one. So many
    /// tries of a name and of an address, and no more; a code that is wrong or missing is one.
    pub(super) async fn check_password(
        &self,
        username: &str,
        password: Zeroizing<String>,
        code: Option<&str>,
        peer: IpAddr,
    ) -> Result<Me, AccountsError> {
        let username = username_key(username);
        let ticket = self
            .attempts()
            .begin(&username, peer, self.0.clock.now())
            .map_err(|retry_after_s| {
                self.count_failure("too_many_attempts");
                AccountsError::TooManyAttempts { retry_after_s }
            })?;

        let user = store::user_to_sign_in(self.0.db.reader(), &username).await?;
        let (me, stored) = user.map_or((None, None), |(me, hash)| (Some(me), Some(hash)));
        let verified = self.0.passwords.verify(password, stored).await?;
        let (Some(me), true) = (me, verified) else {
            // Unknown names are not logged: people type passwords into the wrong field.
            tracing::info!(%peer, "sign-in refused");
            self.count_failure("credentials");
            return Err(AccountsError::WrongCredentials);
        };
        if let Err(error) = self.check_second_factor(me.user_id, code).await {
            tracing::info!(user = %me.user_id, %peer, "sign-in refused: second factor");
            self.count_failure("credentials");
            return Err(error);
        }
        self.attempts().succeeded(ticket, self.0.clock.now());
        Ok(me)
    }

    /// Makes a sign-in of somebody whose password was checked.
    pub(super) async fn begin_sign_in(
        &self,
        me: &Me,
        before: Option<SecretHash>,
    ) -> Result<(Secret, SignInId), AccountsError> {
        let now = self.0.clock.now();
        let secret = Secret::generate(Class::SignIn);
        let id = SignInId(new_id(now));
        let mut write = self.0.db.write().await?;
        let mut ended = store::delete_ended_sign_ins(&mut write, Horizon::at(now)).await?;
        if let Some(before) = before {
            ended.extend(store::delete_sign_in_by_hash(&mut write, before).await?);
        }
        let owner = (me.user_id, me.organization_id);
        store::insert_sign_in(&mut write, id, owner, secret.hash(), now).await?;
        let ending = Ending {
            accounts: self,
            sign_ins: ended,
        };
        write.commit().await?;
        drop(ending);
        Ok((secret, id))
    }

    /// Ends a sign-in, its sign-ins at device origins, and every stream open under any of them.
    pub(super) async fn sign_out(&self, sign_in: SignInId) -> Result<(), AccountsError> {
        let mut write = self.0.db.write().await?;
        let _ending = Ending {
            accounts: self,
            sign_ins: vec![sign_in],
        };
        store::delete_sign_in(&mut write, sign_in).await?;
        write.commit().await?;
        tracing::info!(%sign_in, "signed out");
        Ok(())
    }

    /// The living sign-in of a cookie header at the manager's origin, if any.
    ///
    /// # Errors
    /// [`ApiError`] when the database fails.
    pub async fn signed_in(&self, headers: &HeaderMap) -> Result<Option<Principal>, ApiError> {
        let Presented::One(value) = presented(headers, SIGN_IN_COOKIE) else {
            return Ok(None);
        };
        let Some(hash) = SecretHash::of(Class::SignIn, value) else {
            return Ok(None);
        };
        let now = self.0.clock.now();
        let found = store::sign_in(self.0.db.reader(), hash, Horizon::at(now))
            .await
            .map_err(AccountsError::from)?;
        let Some((principal, last_used)) = found else {
            return Ok(None);
        };
        if let Via::SignIn(id) = principal.via {
            self.touch(id, last_used, now).await?;
        }
        Ok(Some(principal))
    }

    /// Whether what authenticated a caller some time ago would still do so. For streams, which
    /// outlive the request that opened them.
    ///
    /// # Errors
    /// When the database fails; who asks then ends the stream.
    pub async fn is_living(&self, via: Via) -> Result<bool, AccountsError> {
        Ok(self.principal(via).await?.is_some())
    }

    /// Whom this would authenticate now, from the database; `None` when it has ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn principal(&self, via: Via) -> Result<Option<Principal>, AccountsError> {
        let now = self.0.clock.now();
        let reader = self.0.db.reader();
        Ok(match via {
            Via::SignIn(id) => store::sign_in_of_id(reader, id, Horizon::at(now)).await?,
            Via::ApiToken(id, _) => store::token_of_id(reader, id, now).await?,
        })
    }

    /// Prolongs a sign-in, writing at most every few minutes.
    pub(super) async fn touch(
        &self,
        id: SignInId,
        last_used: Timestamp,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        if now.seconds_since(last_used) >= TOUCH_EVERY_S {
            let mut write = self.0.db.write().await?;
            store::touch_sign_in(&mut write, id, now).await?;
            write.commit().await?;
        }
        Ok(())
    }

    pub(super) fn attempts(&self) -> std::sync::MutexGuard<'_, super::Attempts> {
        self.0
            .attempts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sign-ins whose rows are about to go. Takes their streams back when dropped, so also when the
/// client leaves before the answer: the database may finish what nobody waits for.
pub(super) struct Ending<'a> {
    pub(super) accounts: &'a Accounts,
    pub(super) sign_ins: Vec<SignInId>,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        for sign_in in &self.sign_ins {
            self.accounts.device_cache().forget_parent(*sign_in);
            // What a sign-in has is equal by its id alone.
            self.accounts
                .0
                .leases
                .revoke(Cause::Ended(Via::SignIn(*sign_in)));
        }
    }
}
