//! Pages that misbehave, to see what a person is shown then.

use std::io;

use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

/// Never answers.
pub(super) async fn hang() {
    std::future::pending::<()>().await;
}

/// Promises 1000 bytes, sends 27, and closes.
pub(super) async fn break_off() -> Response {
    let begin = stream::iter([Ok(Bytes::from_static(b"This answer breaks off here"))]);
    // In a later poll, so that what came before is on its way.
    let fault = stream::once(async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        Err(io::Error::other("on purpose"))
    });
    (
        [(CONTENT_LENGTH, "1000")],
        Body::from_stream(begin.chain(fault)),
    )
        .into_response()
}
