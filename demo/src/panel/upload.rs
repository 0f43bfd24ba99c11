//! Taking a file of any size: it is counted and hashed, and kept nowhere.

use axum::Json;
use axum::extract::Multipart;
use axum::http::StatusCode;
use data_encoding::HEXLOWER;
use ring::digest::{Context, SHA256};
use serde_json::{Value, json};

pub(super) async fn receive(mut form: Multipart) -> Result<Json<Value>, StatusCode> {
    let mut field = match form.next_field().await {
        Ok(Some(field)) => field,
        Ok(None) | Err(_) => return Err(StatusCode::BAD_REQUEST),
    };
    let name = field.file_name().unwrap_or_default().to_owned();
    let mut digest = Context::new(&SHA256);
    let mut size_bytes = 0;
    while let Some(chunk) = field.chunk().await.map_err(|_| StatusCode::BAD_REQUEST)? {
        size_bytes += chunk.len();
        digest.update(&chunk);
    }
    let sha256 = HEXLOWER.encode(digest.finish().as_ref());
    Ok(Json(
        json!({"name": name, "size_bytes": size_bytes, "sha256": sha256}),
    ))
}
