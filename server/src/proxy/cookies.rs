//! `Set-Cookie` lines of ours, for one device's host.

use http::HeaderValue;

use crate::http::ApiError;

/// Sets a cookie for this host alone, for `life_s` seconds.
///
/// # Errors
/// `value` is no cookie's value.
pub(super) fn set(name: &str, value: &str, life_s: i64) -> Result<HeaderValue, ApiError> {
    line(&format!("{name}={value}; Max-Age={life_s}"))
}

/// The same until the browser is closed.
///
/// # Errors
/// `value` is no cookie's value.
pub(super) fn set_for_session(name: &str, value: &str) -> Result<HeaderValue, ApiError> {
    line(&format!("{name}={value}"))
}

/// Makes the browser forget a cookie.
///
/// # Errors
/// None with a name of ours.
pub(super) fn clear(name: &str) -> Result<HeaderValue, ApiError> {
    line(&format!("{name}=; Max-Age=0"))
}

fn line(start: &str) -> Result<HeaderValue, ApiError> {
    let line = format!("{start}; Path=/; Secure; HttpOnly; SameSite=Lax");
    let mut line = HeaderValue::try_from(line).map_err(ApiError::internal)?;
    // Keeps the secret out of logs of headers.
    line.set_sensitive(true);
    Ok(line)
}
