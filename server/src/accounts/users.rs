//! Users and the organization they belong to, as the command line makes them.

use api::{OrganizationId, UserId};
use zeroize::Zeroizing;

use crate::db::new_id;

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
        let username = checked_username(username)?;
        passwords::check_new(&username, &password)?;
        let hash = self.0.passwords.hash(password).await?;
        let now = self.0.clock.now();
        let user = UserId(new_id(now));
        let mut write = self.0.db.write().await?;
        let fresh = OrganizationId(new_id(now));
        let organization =
            store::default_organization(&mut write, fresh, DEFAULT_ORGANIZATION, now).await?;
        if !store::insert_user(&mut write, user, &username, &hash, now).await? {
            return Err(AccountsError::UserExists);
        }
        store::insert_member(&mut write, user, organization, now).await?;
        write.commit().await?;
        tracing::info!(user = %user, username, "user made");
        Ok(user)
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
