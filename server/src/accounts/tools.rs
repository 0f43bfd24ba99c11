//! Tools that send a user's password with every connection: the first time it is checked the slow
//! way, and makes a sign-in; from then on it is known for as long as that lives.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, MutexGuard, PoisonError};

use api::{ApiTokenCreated, CreateApiToken};
use ring::hmac;
use zeroize::Zeroizing;

use crate::access::{Principal, Via};
use crate::db::random;

use super::users::username_key;
use super::{Accounts, AccountsError};

/// Users with such a tool at work; beyond it all are checked anew.
const KNOWN_MAX: usize = 1024;

/// What was checked, by a key that is gone with the process.
pub(super) struct Tools {
    key: hmac::Key,
    known: HashMap<[u8; 32], Via>,
    /// A tool opens several connections at once: the first one's check is for all of them.
    checking: HashMap<[u8; 32], Arc<Turn>>,
}

type Turn = tokio::sync::Mutex<()>;

impl Default for Tools {
    fn default() -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &random::<32>()),
            known: HashMap::new(),
            checking: HashMap::new(),
        }
    }
}

impl Tools {
    /// No user name holds a byte of zero.
    fn tag(&self, username: &str, password: &str) -> [u8; 32] {
        let message = Zeroizing::new([username.as_bytes(), &[0], password.as_bytes()].concat());
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(&self.key, &message).as_ref());
        tag
    }
}

impl Accounts {
    /// Who sends this name and password with a connection of a tool.
    ///
    /// # Errors
    /// When they are wrong, were tried too often, too many are being checked, or the database
    /// fails.
    pub async fn of_password(
        &self,
        username: &str,
        password: Zeroizing<String>,
        peer: IpAddr,
    ) -> Result<Principal, AccountsError> {
        let tag = self.tools().tag(&username_key(username), &password);
        if let Some(principal) = self.known(tag).await? {
            return Ok(principal);
        }
        let checking = Checking::new(self, tag);
        let _turn = checking.turn.lock().await;
        if let Some(principal) = self.known(tag).await? {
            return Ok(principal);
        }
        let me = self.check_password(username, password, None, peer).await?;
        let (_, id) = self.begin_sign_in(&me, None).await?;
        let via = Via::SignIn(id);
        tracing::info!(user = %me.user_id, sign_in = %id, %peer, "signed in by a tool");
        let principal = self.principal(via).await?;
        let principal = principal.ok_or(AccountsError::Ended)?;
        let mut tools = self.tools();
        if tools.known.len() >= KNOWN_MAX {
            tools.known.clear();
        }
        tools.known.insert(tag, via);
        Ok(principal)
    }

    async fn known(&self, tag: [u8; 32]) -> Result<Option<Principal>, AccountsError> {
        let known = self.tools().known.get(&tag).copied();
        match known {
            Some(via) => {
                let principal = self.principal(via).await?;
                if let Some(principal) = &principal {
                    // It may be newer than the check of the password.
                    self.check_second_factor(principal.user, None).await?;
                }
                Ok(principal)
            }
            None => Ok(None),
        }
    }

    /// A token for who has this password, and the `code` of a second factor where there is one.
    ///
    /// # Errors
    /// As of [`Self::of_password`], and when the input is not acceptable.
    pub async fn token_for_password(
        &self,
        username: &str,
        (password, code): (Zeroizing<String>, Option<&str>),
        peer: IpAddr,
        input: CreateApiToken,
    ) -> Result<ApiTokenCreated, AccountsError> {
        let me = self.check_password(username, password, code, peer).await?;
        self.insert_token((me.user_id, me.organization_id), input)
            .await
    }

    fn tools(&self) -> MutexGuard<'_, Tools> {
        self.0.tools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that waits for a check, or does it; the last one of them clears up.
struct Checking<'a> {
    accounts: &'a Accounts,
    tag: [u8; 32],
    turn: Arc<Turn>,
}

impl<'a> Checking<'a> {
    fn new(accounts: &'a Accounts, tag: [u8; 32]) -> Self {
        let turn = Arc::clone(accounts.tools().checking.entry(tag).or_default());
        Self {
            accounts,
            tag,
            turn,
        }
    }
}

impl Drop for Checking<'_> {
    fn drop(&mut self) {
        let mut tools = self.accounts.tools();
        // The map's and this one's.
        if Arc::strong_count(&self.turn) <= 2 {
            tools.checking.remove(&self.tag);
        }
    }
}
