//! `POST /api/v1/enrolments`: makes a device of a key.

use std::sync::Arc;

use api::{Enrol, Enrolled};
use http::{HeaderMap, HeaderValue, Method, header};
use rand::rngs::StdRng;
use tunnel::proof::Purpose;

use super::proof::Provable;
use super::{Server, ServerError};
use crate::config::Config;
use crate::key::DeviceKey;

/// Enrols the device of `key` at the configured server. With the same key again it is the same
/// device.
///
/// # Errors
/// [`ServerError`]; [`ServerError::Refused`] with `install_key_invalid` when the install key is
/// not (or no longer) good.
pub async fn enroll(
    config: &Config,
    key: Arc<DeviceKey>,
    request: &Enrol,
) -> Result<Enrolled, ServerError> {
    let server = Server::new(config, key, &mut rand::make_rng::<StdRng>())?;
    let body = serde_json::to_vec(request).map_err(|_| ServerError::Answer("no JSON"))?;
    let json = HeaderValue::from_static("application/json");
    let request = Provable {
        purpose: Purpose::Enrolment,
        method: Method::POST,
        path: "/api/v1/enrolments",
        protocols: "",
        headers: HeaderMap::from_iter([(header::CONTENT_TYPE, json)]),
        body: body.into(),
    };
    let (mut connection, answer) = server.prove(&request).await?;
    let body = connection.read_body(answer.into_body()).await?;
    serde_json::from_slice(&body).map_err(|_| ServerError::Answer("its answer is no enrolment"))
}
