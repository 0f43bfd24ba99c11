//! What can go wrong with devices.

/// Why something about a device was not done.
#[derive(Debug, thiserror::Error)]
pub enum DevicesError {
    #[error("there is no such device")]
    NoSuchDevice,
    #[error("the device has no such service")]
    NoSuchService,
    #[error("there is no such install key")]
    NoSuchInstallKey,
    /// Unknown, used up, expired and revoked are one answer.
    #[error("the install key is not valid")]
    InstallKeyInvalid,
    #[error("{field} is not acceptable: {detail}")]
    Invalid {
        field: &'static str,
        detail: &'static str,
    },
    /// Chance alone does not bring this about.
    #[error("no free label was found")]
    NoLabel,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}
