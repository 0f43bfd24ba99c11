//! Users, sign-in, API tokens, and sign-ins at device origins.

use api::{DeviceId, SignInId};
use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::access::Principal;
use crate::http::ApiError;
use crate::state::AppState;

/// Accounts; cheap to clone.
#[derive(Clone)]
pub struct Accounts;

/// The manager's cookie.
pub const SIGN_IN_COOKIE: &str = "__Host-adit_session";
/// A device origin's cookie: opens that origin alone.
pub const DEVICE_COOKIE: &str = "__Host-adit_device";
/// The hand-off's cookie at a device origin.
pub const STATE_COOKIE: &str = "__Host-adit_state";

/// Extracts the caller from cookie or bearer token; refuses when there is none.
/// A request with a bearer token is judged by it and its cookies are ignored.
pub struct Caller(pub Principal);

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, _: &AppState) -> Result<Self, Self::Rejection> {
        todo!()
    }
}

/// A device origin's sign-in, as its cookie proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceSignIn {
    pub principal: Principal,
    pub device: DeviceId,
}

impl Accounts {
    /// The living sign-in of a cookie header at the manager's origin, if any.
    ///
    /// # Errors
    /// [`ApiError`] when the database fails.
    pub async fn signed_in(&self, _headers: &http::HeaderMap) -> Result<Option<Principal>, ApiError> {
        todo!()
    }

    /// A new sign-in for one device origin, child of the principal's sign-in: it dies with it.
    /// `host` is the device's host name; the secret goes into [`DEVICE_COOKIE`].
    ///
    /// # Errors
    /// [`ApiError`] when the parent has ended or the database fails.
    pub async fn create_device_sign_in(
        &self,
        _parent: SignInId,
        _device: DeviceId,
        _host: &str,
    ) -> Result<String, ApiError> {
        todo!()
    }

    /// Whom a [`DEVICE_COOKIE`] secret belongs to, at exactly this host.
    ///
    /// # Errors
    /// [`ApiError`] when the database fails.
    pub async fn device_sign_in(
        &self,
        _secret: &str,
        _host: &str,
    ) -> Result<Option<DeviceSignIn>, ApiError> {
        todo!()
    }

    /// Ends every device sign-in of this sign-in at this host (a code came twice).
    ///
    /// # Errors
    /// [`ApiError`] when the database fails.
    pub async fn end_device_sign_ins(&self, _parent: SignInId, _host: &str) -> Result<(), ApiError> {
        todo!()
    }
}
