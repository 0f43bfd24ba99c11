//! Every route of the manager's origin, on one page.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use api::{Problem, ProblemCode};

use super::ApiError;
use super::body::InTime;
use super::origin::refuse_cross_origin;
use crate::config::Config;
use crate::state::AppState;
use crate::{
    accounts, certificates, devices, events, proxy, relay, sessions, usage, web, webtunnel,
};

/// For the database to answer whether it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// The head of the API's description; paths and schemas come from the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Adit",
        description = "Secure remote access and management of devices. \
                       Errors are problems (RFC 9457) with a stable `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(Problem, ProblemCode))
)]
struct Description;

/// Everything at the manager's origin.
pub fn manager(state: AppState) -> Router {
    let (features, description) = OpenApiRouter::with_openapi(Description::openapi())
        .merge(accounts::routes())
        .merge(devices::routes())
        .merge(events::routes())
        .merge(relay::routes())
        .merge(sessions::routes())
        .merge(proxy::routes())
        .merge(certificates::routes())
        .merge(usage::routes())
        .merge(webtunnel::routes())
        .split_for_parts();
    let description = description.to_json().map(Bytes::from).unwrap_or_default();
    let routes = features
        .route("/healthz", get(healthy))
        .route("/readyz", get(ready))
        .route(
            "/api/v1/openapi.json",
            get(async move || json(description.clone())),
        )
        .fallback(web::serve)
        .method_not_allowed_fallback(method_not_allowed);
    let config = std::sync::Arc::clone(&state.config);
    with_rules(routes.with_state(state), &config)
}

/// The manager's rules around `routes`. In order: origin, time to begin an answer, time and size of
/// the body.
pub fn with_rules(routes: Router, config: &Config) -> Router {
    let own = HeaderValue::from_str(config.public_url.as_str());
    // Parsed of ASCII letters alone; an origin that matches nothing is the safe way to be wrong.
    let own = own.unwrap_or(HeaderValue::from_static("null"));
    let limit = Duration::from_millis(config.timers.answer_ms);
    let body_limit = Duration::from_millis(config.timers.api_body_ms);
    routes
        .layer(DefaultBodyLimit::max(config.limits.api_body_bytes))
        .layer(middleware::map_request(move |request: Request| {
            let timed = request.map(|body| Body::new(InTime::new(body, body_limit)));
            std::future::ready(timed)
        }))
        .layer(middleware::from_fn_with_state(limit, in_time))
        .layer(middleware::from_fn_with_state(own, refuse_cross_origin))
}

async fn in_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::new(ProblemCode::Busy)
            .retry_after(5)
            .into_response(),
    }
}

async fn method_not_allowed() -> ApiError {
    ApiError::new(ProblemCode::MethodNotAllowed)
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// The process runs.
async fn healthy() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// New work is welcome.
async fn ready(State(state): State<AppState>) -> Response {
    if state.lifecycle.soft().is_cancelled() {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(Health { status: "stopping" }),
        )
            .into_response();
    }
    // Almost nothing can be done without it, and who balances load should know.
    match tokio::time::timeout(PING_TIMEOUT, state.db.ping()).await {
        Ok(Ok(())) => Json(Health { status: "ok" }).into_response(),
        _ => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(Health { status: "database" }),
        )
            .into_response(),
    }
}

fn json(body: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::testing::TestServer;

    async fn readiness(server: &TestServer) -> (StatusCode, String) {
        let request = Request::get("/readyz").body(Body::empty()).unwrap();
        let routes = manager(server.state.clone());
        let response = routes.oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readiness_tells_what_is_missing() {
        let server = TestServer::new().await;
        let (status, body) = readiness(&server).await;
        assert_eq!(
            (status, body.as_str()),
            (StatusCode::OK, r#"{"status":"ok"}"#)
        );
        // The one connection is busy: the answer is waited for, but not for long.
        let write = server.db.write().await.unwrap();
        let started = tokio::time::Instant::now();
        let (status, body) = readiness(&server).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(body, r#"{"status":"database"}"#);
        assert!(started.elapsed() < Duration::from_secs(3));
        drop(write);
        assert_eq!(readiness(&server).await.0, StatusCode::OK);
        server.db.close().await;
        assert_eq!(readiness(&server).await.1, r#"{"status":"database"}"#);
        server.state.lifecycle.stop();
        assert_eq!(readiness(&server).await.1, r#"{"status":"stopping"}"#);
    }
}
