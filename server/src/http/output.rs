//! Output that several API handlers have in common.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// 201 with what was made. It holds a secret that is told this once: nobody may store it.
pub fn created_once(created: impl Serialize) -> Response {
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::CREATED, no_store, Json(created)).into_response()
}
