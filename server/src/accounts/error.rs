//! What can go wrong with accounts.

/// Why something about an account was not done.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The same for an unknown user and a wrong password.
    #[error("user name or password is wrong")]
    WrongCredentials,
    /// The password alone is not enough, and was right.
    #[error("a second factor is wanted")]
    SecondFactorWanted,
    #[error("too many attempts")]
    TooManyAttempts { retry_after_s: u32 },
    #[error("too many passwords are being checked")]
    Busy,
    #[error("{field} is not acceptable: {detail}")]
    Invalid {
        field: &'static str,
        detail: &'static str,
    },
    #[error("there is a user of this name already")]
    UserExists,
    #[error("there is no user of this name")]
    NoSuchUser,
    #[error("there is no such token")]
    NoSuchToken,
    #[error("a token cannot make one that outlives it")]
    Outlives,
    #[error("the sign-in has ended")]
    Ended,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// What is stored is no password hash, or the machine has no memory to make one.
    #[error("a password could not be hashed")]
    Hash(#[from] argon2::password_hash::Error),
    #[error("the thread that hashes passwords is gone")]
    Thread(#[from] tokio::task::JoinError),
}
