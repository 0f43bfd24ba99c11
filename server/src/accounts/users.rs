//! Users and the organization they belong to, as the command line makes them.

use api::{OrganizationId, UserId};
use zeroize::Zeroizing;

use crate::db::new_id;

use super::sign_ins::Ending;
use super::{Accounts, AccountsError, passwords, store};

const USERNAME_MAX_CHARS: usize = 64;
/// Of the organization that is made when there is none.
pub(crate) const DEFAULT_ORGANIZATION: &str = "Default";

impl Accounts {
    /// Makes a user, member of the default organization. There is no user before the first call,
    /// and no default password.
    ///
    /// # Errors
    /// When name or password is not acceptable, the name is taken, or the database fails.
    pub async fn create_admin(
        &self,
        username: &str,
        password: Zeroizing<String>,
    ) -> Result<UserId, AccountsError> {
        self.create_user(None, username, password).await
    }

    /// Makes a user, member of an organization that is there.
    ///
    /// # Errors
    /// As of [`Self::create_admin`], and when there is no such organization.
    pub async fn create_member(
        &self,
        organization: OrganizationId,
        username: &str,
        password: Zeroizing<String>,
    ) -> Result<UserId, AccountsError> {
        self.create_user(Some(organization), username, password)
            .await
    }

    async fn create_user(
        &self,
        organization: Option<OrganizationId>,
        username: &str,
        password: Zeroizing<String>,
    ) -> Result<UserId, AccountsError> {
        let username = checked_username(username)?;
        passwords::check_new(&username, &password)?;
        let hash = self.0.passwords.hash(password).await?;
        let now = self.0.clock.now();
        let user = UserId(new_id(now));
        let mut write = self.0.db.write().await?;
        let organization = match organization {
            Some(id) if store::has_organization(&mut write, id).await? => id,
            Some(_) => {
                return Err(AccountsError::Invalid {
                    field: "organization",
                    detail: "There is none of this id.",
                });
            }
            None => {
                let fresh = OrganizationId(new_id(now));
                store::default_organization(&mut write, fresh, DEFAULT_ORGANIZATION, now).await?
            }
        };
        if !store::insert_user(&mut write, user, &username, &hash, now).await? {
            return Err(AccountsError::UserExists);
        }
        store::insert_member(&mut write, user, organization, now).await?;
        write.commit().await?;
        tracing::info!(user = %user, username, "user made");
        Ok(user)
    }

    /// Gives a user another password, and ends its sign-ins; also for the command line. A server
    /// that runs sees that they have ended when it looks at them the next time. API tokens stay.
    ///
    /// # Errors
    /// When the password is not acceptable, there is no such user, or the database fails.
    pub async fn set_password(
        &self,
        username: &str,
        password: Zeroizing<String>,
    ) -> Result<(), AccountsError> {
        let username = username_key(username);
        passwords::check_new(&username, &password)?;
        let hash = self.0.passwords.hash(password).await?;
        let mut write = self.0.db.write().await?;
        let user = store::set_password(&mut write, &username, &hash).await?;
        let user = user.ok_or(AccountsError::NoSuchUser)?;
        let _ending = Ending {
            accounts: self,
            sign_ins: store::delete_sign_ins_of(&mut write, user).await?,
        };
        write.commit().await?;
        tracing::info!(%user, username, "password replaced");
        Ok(())
    }

    /// The organization that everything belongs to as long as there is no other; made if there is
    /// none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn default_organization(&self) -> Result<OrganizationId, AccountsError> {
        let now = self.0.clock.now();
        let mut write = self.0.db.write().await?;
        let fresh = OrganizationId(new_id(now));
        let organization =
            store::default_organization(&mut write, fresh, DEFAULT_ORGANIZATION, now).await?;
        write.commit().await?;
        Ok(organization)
    }
}

/// The form in which user names are stored and compared.
pub(super) fn username_key(username: &str) -> String {
    username.trim().to_lowercase()
}

/// The name of a new user as it is kept.
///
/// # Errors
/// It cannot be one.
pub(crate) fn checked_username(username: &str) -> Result<String, AccountsError> {
    let username = username_key(username);
    let good = (1..=USERNAME_MAX_CHARS).contains(&username.len())
        && username
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-@+".contains(&b));
    if !good {
        return Err(AccountsError::Invalid {
            field: "username",
            detail: "It needs 1 to 64 letters, digits or any of . _ - @ +",
        });
    }
    Ok(username)
}

#[cfg(test)]
impl Accounts {
    /// A user who is member of an organization of its own.
    pub(crate) async fn create_stranger(&self, username: &str) -> OrganizationId {
        let now = self.0.clock.now();
        let (user, organization) = (UserId(new_id(now)), OrganizationId(new_id(now)));
        let mut write = self.0.db.write().await.unwrap();
        store::insert_organization(&mut write, organization, "Others", now)
            .await
            .unwrap();
        store::insert_user(&mut write, user, username, "no hash", now)
            .await
            .unwrap();
        store::insert_member(&mut write, user, organization, now)
            .await
            .unwrap();
        write.commit().await.unwrap();
        organization
    }
}

#[cfg(test)]
mod tests {
    use ::http::{HeaderMap, Method, StatusCode, header};
    use serde_json::json;

    use super::super::NO_PASSWORD;
    use super::*;
    use crate::testing::{NOBODY, PASSWORD, TestServer};

    #[tokio::test]
    async fn s39_a_user_without_a_password_is_let_in_by_none_and_a_new_one_ends_sign_ins() {
        let server = TestServer::new().await;
        let accounts = &server.state.accounts;
        let now = server.state.clock.now();
        let organization = server.organization().await;
        let mut write = server.db.write().await.unwrap();
        let bob = UserId(new_id(now));
        store::insert_user(&mut write, bob, "bob", NO_PASSWORD, now)
            .await
            .unwrap();
        store::insert_member(&mut write, bob, organization, now)
            .await
            .unwrap();
        write.commit().await.unwrap();
        for password in ["", PASSWORD, NO_PASSWORD] {
            let input = json!({ "username": "bob", "password": password });
            let answer = server
                .call(Method::POST, "/api/v1/sign-in", NOBODY, input)
                .await;
            assert_ne!(answer.status, StatusCode::OK, "{password}");
        }
        let password = || PASSWORD.to_owned().into();
        accounts.set_password("Bob ", password()).await.unwrap();
        let cookie = server.cookie("bob").await;
        let headers = HeaderMap::from_iter([(header::COOKIE, cookie.parse().unwrap())]);
        let own = accounts.signed_in(&headers).await.unwrap().unwrap().via;
        assert!(accounts.principal(own).await.unwrap().is_some());
        accounts.set_password("bob", password()).await.unwrap();
        assert!(accounts.principal(own).await.unwrap().is_none());
        let nobody = accounts.set_password("nobody", password()).await;
        assert!(matches!(nobody, Err(AccountsError::NoSuchUser)));
        let short = accounts
            .set_password("bob", "short".to_owned().into())
            .await;
        assert!(matches!(short, Err(AccountsError::Invalid { .. })));
    }

    #[tokio::test]
    async fn a_user_is_made_in_the_organization_that_was_named() {
        let server = TestServer::new().await;
        let accounts = &server.state.accounts;
        let others = accounts.create_stranger("eve").await;
        let password = || PASSWORD.to_owned().into();
        accounts
            .create_member(others, "bob", password())
            .await
            .unwrap();
        let (bob, _) = store::user_to_sign_in(server.db.reader(), "bob")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(bob.organization_id, others);
        let nowhere = OrganizationId(uuid::Uuid::nil());
        let refused = accounts.create_member(nowhere, "carol", password()).await;
        assert!(matches!(refused, Err(AccountsError::Invalid { .. })));
    }
}
