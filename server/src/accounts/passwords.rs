//! Passwords: the rule for new ones, and argon2id behind a gate.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::db::random;

use super::AccountsError;

/// The second of the equal choices in OWASP's Password Storage Cheat Sheet.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes at a time; each takes [`MEMORY_KIB`] and a core.
const AT_A_TIME: usize = 2;
/// Hashes at a time and waiting. Beyond it the answer is `busy`.
const WAITING_MAX: usize = 64;

const MIN_CHARS: usize = 10;
const MAX_BYTES: usize = 1024;

/// Random bytes in place of a hash, with the parameters above, so no password is known for it. Who
/// gives the name of no user waits as long as for a real one. It is also what is recorded of a user
/// who has no password yet.
pub(crate) const NO_PASSWORD: &str = "$argon2id$v=19$m=19456,t=2,p=1$7GsrIj+mxy0EdrtqyQs57w\
                      $dYf4ulAJPbgZ7/NPlGlQWhUhKRxB58VGw9NFL+3YbY0";

/// Hashes and checks passwords, a few at a time.
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    #[cfg(test)]
    verified: std::sync::atomic::AtomicUsize,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            running: Arc::new(Semaphore::new(AT_A_TIME)),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            #[cfg(test)]
            verified: Default::default(),
        }
    }
}

impl Passwords {
    /// Of which one is hashed at a time: for what must never take the machine from others.
    #[must_use]
    pub fn one_at_a_time() -> Self {
        Self {
            running: Arc::new(Semaphore::new(1)),
            ..Self::default()
        }
    }

    /// The hash of a new password, in PHC form.
    ///
    /// # Errors
    /// [`AccountsError::Busy`] when too many wait, and when hashing fails.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, AccountsError> {
        self.gated(move || {
            let salt: [u8; 16] = random();
            let hash = argon2()?.hash_password_with_salt(password.as_bytes(), &salt)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether the password is the one of `stored`. Without a stored hash it never is, and takes
    /// the same time.
    ///
    /// # Errors
    /// [`AccountsError::Busy`] when too many wait, and when hashing fails.
    pub async fn verify(
        &self,
        password: Zeroizing<String>,
        stored: Option<String>,
    ) -> Result<bool, AccountsError> {
        #[cfg(test)]
        self.verified
            .fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.gated(move || {
            let hash = PasswordHash::new(stored.as_deref().unwrap_or(NO_PASSWORD))
                .map_err(|_| password_hash::Error::EncodingInvalid)?;
            match argon2()?.verify_password(password.as_bytes(), &hash) {
                Ok(()) => Ok(stored.is_some()),
                Err(password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// How many passwords were checked.
    #[cfg(test)]
    pub(crate) fn verified(&self) -> usize {
        self.verified.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// The permits go with the work: it runs to its end even if nobody waits for it any more.
    async fn gated<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> password_hash::Result<T> + Send + 'static,
    ) -> Result<T, AccountsError> {
        let busy = |_| AccountsError::Busy;
        let place = Arc::clone(&self.waiting)
            .try_acquire_owned()
            .map_err(busy)?;
        let turn = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_| AccountsError::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let _permits = (place, turn);
            work()
        });
        Ok(done.await??)
    }
}

fn argon2() -> password_hash::Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The rule for a new password.
pub(super) fn check_new(username: &str, password: &str) -> Result<(), AccountsError> {
    let invalid = |detail| {
        Err(AccountsError::Invalid {
            field: "password",
            detail,
        })
    };
    if password.chars().count() < MIN_CHARS {
        invalid("It needs 10 characters or more.")
    } else if password.len() > MAX_BYTES {
        invalid("It may have 1024 bytes at most.")
    } else if password.to_lowercase() == username.to_lowercase() {
        invalid("It must not be the user name.")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_for_new_passwords() {
        for (username, password, good) in [
            ("ada", "ninechars", false),
            ("ada", "ten chars!", true),
            ("ada", "zehn Zeichen, ä", true),
            ("lovelace_ada", "lovelace_ada", false),
            ("lovelace_ada", "LOVELACE_ADA", false),
        ] {
            assert_eq!(
                check_new(username, password).is_ok(),
                good,
                "{username} {password}"
            );
        }
        assert!(check_new("ada", &"x".repeat(1025)).is_err());
    }

    #[tokio::test]
    async fn a_hash_verifies_its_password_alone() {
        let passwords = Passwords::default();
        let hash = passwords
            .hash("correct horse".to_owned().into())
            .await
            .unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let verify = |text: &str, hash: Option<&String>| {
            passwords.verify(text.to_owned().into(), hash.cloned())
        };
        assert!(verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!verify("correct horse ", Some(&hash)).await.unwrap());
        assert!(!verify("correct horse", None).await.unwrap());
    }

    /// The dummy costs what a real hash costs, or its time tells who exists.
    #[test]
    fn s39_the_hash_of_nobody_has_todays_parameters() {
        let nobody = PasswordHash::new(NO_PASSWORD).unwrap();
        let params = Params::try_from(&nobody).unwrap();
        assert_eq!(
            (params.m_cost(), params.t_cost(), params.p_cost()),
            (19456, PASSES, LANES)
        );
        assert_eq!(nobody.hash.unwrap().len(), Params::DEFAULT_OUTPUT_LEN);
        assert_eq!(nobody.salt.unwrap().len(), 16);
    }

    #[tokio::test]
    async fn s39_beyond_the_gate_the_answer_is_busy() {
        let passwords = Passwords::default();
        let _all = passwords
            .waiting
            .try_acquire_many(WAITING_MAX as u32)
            .unwrap();
        let refused = passwords.hash("correct horse".to_owned().into()).await;
        assert!(matches!(refused, Err(AccountsError::Busy)));
    }
}
