//! API tokens: for programs that act for a user.

use api::{ApiToken, ApiTokenCreated, ApiTokenId, CreateApiToken, OrganizationId, UserId};

use crate::access::{Cause, Class, Principal, Secret, SecretHash, Via};
use crate::db::new_id;

use super::sign_ins::TOUCH_EVERY_S;
use super::users::username_key;
use super::{Accounts, AccountsError, store};

impl Accounts {
    /// Makes a token for the user of this name, for the command line.
    ///
    /// # Errors
    /// When the input is not acceptable, there is no such user, or the database fails.
    pub async fn create_api_token_for(
        &self,
        username: &str,
        input: CreateApiToken,
    ) -> Result<ApiTokenCreated, AccountsError> {
        let user = store::user_to_sign_in(self.0.db.reader(), &username_key(username)).await?;
        let (me, _) = user.ok_or(AccountsError::NoSuchUser)?;
        self.insert_token((me.user_id, me.organization_id), input)
            .await
    }

    /// Makes a token for the caller. A token cannot make one that outlives it: who found one must
    /// not keep its rights by it.
    pub(super) async fn create_token(
        &self,
        principal: &Principal,
        input: CreateApiToken,
    ) -> Result<ApiTokenCreated, AccountsError> {
        if let Via::ApiToken(own, _) = principal.via {
            let ends = store::token_expiry(self.0.db.reader(), own).await?;
            let asked = input
                .expires_in_s
                .map(|seconds| later(self.0.clock.now(), seconds));
            if ends.is_some_and(|ends| asked.is_none_or(|asked| asked > ends)) {
                return Err(AccountsError::Outlives);
            }
        }
        self.insert_token((principal.user, principal.organization), input)
            .await
    }

    pub(super) async fn insert_token(
        &self,
        owner: (UserId, OrganizationId),
        input: CreateApiToken,
    ) -> Result<ApiTokenCreated, AccountsError> {
        if let Some(detail) = api::text::name_fault(&input.name) {
            return Err(AccountsError::Invalid {
                field: "name",
                detail,
            });
        }
        if input.expires_in_s == Some(0) {
            let detail = "It must be at least 1.";
            return Err(AccountsError::Invalid {
                field: "expires_in_s",
                detail,
            });
        }
        let now = self.0.clock.now();
        let secret = Secret::generate(Class::ApiToken);
        let token = ApiToken {
            id: ApiTokenId(new_id(now)),
            name: input.name.trim().to_owned(),
            scope: input.scope,
            created_at: now,
            expires_at: input.expires_in_s.map(|seconds| later(now, seconds)),
            last_used_at: None,
        };
        let mut write = self.0.db.write().await?;
        store::insert_token(&mut write, owner, &token, secret.hash()).await?;
        write.commit().await?;
        tracing::info!(user = %owner.0, token = %token.id, "API token made");
        Ok(ApiTokenCreated {
            token,
            secret: secret.reveal().to_owned(),
        })
    }

    /// The caller's own tokens, newest first.
    pub(super) async fn tokens(
        &self,
        principal: &Principal,
    ) -> Result<Vec<ApiToken>, AccountsError> {
        Ok(store::tokens(self.0.db.reader(), principal.scope(), principal.user).await?)
    }

    /// Ends one of the caller's own tokens, and every stream open under it.
    pub(super) async fn delete_token(
        &self,
        principal: &Principal,
        id: ApiTokenId,
    ) -> Result<(), AccountsError> {
        let mut write = self.0.db.write().await?;
        let scope = principal.scope();
        let deleted = store::delete_token(&mut write, scope, principal.user, id).await?;
        let token = deleted.ok_or(AccountsError::NoSuchToken)?;
        let _ending = Ending {
            accounts: self,
            via: Via::ApiToken(token.id, token.scope),
        };
        write.commit().await?;
        tracing::info!(user = %principal.user, token = %id, "API token deleted");
        Ok(())
    }

    /// The principal of a bearer token, if it lives.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bearer(&self, presented: &str) -> Result<Option<Principal>, AccountsError> {
        let Some(hash) = SecretHash::of(Class::ApiToken, presented) else {
            return Ok(None);
        };
        let now = self.0.clock.now();
        let found = store::token_principal(self.0.db.reader(), hash, now).await?;
        let Some((principal, last_used)) = found else {
            return Ok(None);
        };
        let stale = last_used.is_none_or(|used| now.seconds_since(used) >= TOUCH_EVERY_S);
        if let (Via::ApiToken(id, _), true) = (principal.via, stale) {
            let mut write = self.0.db.write().await?;
            store::touch_token(&mut write, id, now).await?;
            write.commit().await?;
        }
        Ok(Some(principal))
    }
}

fn later(now: api::Timestamp, seconds: u64) -> api::Timestamp {
    now.plus_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// Takes the token's streams back when dropped, so also when the client leaves before the answer.
struct Ending<'a> {
    accounts: &'a Accounts,
    via: Via,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.accounts.0.leases.revoke(Cause::Ended(self.via));
    }
}
