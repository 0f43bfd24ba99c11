//! The routes of domains.

use api::{
    AddWebTunnelDomain, Page, SetWebTunnelSecret, UpdateWebTunnelDomain, WebTunnelDomain,
    WebTunnelSecretSet,
};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::access::Action;
use crate::accounts::Caller;
use crate::http::{ApiError, JsonInput, PathInput, Problems, created_once};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_webtunnel_domains, add_webtunnel_domain))
        .routes(routes!(update_webtunnel_domain, delete_webtunnel_domain))
        .routes(routes!(
            set_webtunnel_domain_secret,
            delete_webtunnel_domain_secret
        ))
}

/// The domains of WebTunnel agents, the oldest first
#[utoipa::path(
    get, path = "/api/v1/webtunnel/domains", operation_id = "list_webtunnel_domains",
    tag = "webtunnel",
    responses((status = OK, body = Page<WebTunnelDomain>), Problems),
)]
async fn list_webtunnel_domains(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<Page<WebTunnelDomain>>, ApiError> {
    let scope = caller.may(Action::Administer)?.scope();
    Ok(Json(Page::whole(state.webtunnel.domains(scope).await?)))
}

/// Take a domain that a fleet has already
#[utoipa::path(
    post, path = "/api/v1/webtunnel/domains", operation_id = "add_webtunnel_domain",
    tag = "webtunnel",
    request_body = AddWebTunnelDomain,
    responses((status = CREATED, body = WebTunnelDomain), Problems),
)]
async fn add_webtunnel_domain(
    State(state): State<AppState>,
    caller: Caller,
    JsonInput(input): JsonInput<AddWebTunnelDomain>,
) -> Result<(StatusCode, Json<WebTunnelDomain>), ApiError> {
    let scope = caller.may(Action::Administer)?.scope();
    let domain = state.webtunnel.add_domain(scope, input.domain).await?;
    Ok((StatusCode::CREATED, Json(domain)))
}

/// Let devices register themselves, or no longer
#[utoipa::path(
    patch, path = "/api/v1/webtunnel/domains/{domain}",
    operation_id = "update_webtunnel_domain", tag = "webtunnel",
    params(("domain" = Uuid, Path)),
    request_body = UpdateWebTunnelDomain,
    responses((status = OK, body = WebTunnelDomain), Problems),
)]
async fn update_webtunnel_domain(
    State(state): State<AppState>,
    caller: Caller,
    PathInput(domain): PathInput<Uuid>,
    JsonInput(input): JsonInput<UpdateWebTunnelDomain>,
) -> Result<Json<WebTunnelDomain>, ApiError> {
    let scope = caller.may(Action::Administer)?.scope();
    let webtunnel = &state.webtunnel;
    Ok(Json(webtunnel.update_domain(scope, domain, input).await?))
}

/// Delete a domain that has no devices
#[utoipa::path(
    delete, path = "/api/v1/webtunnel/domains/{domain}",
    operation_id = "delete_webtunnel_domain", tag = "webtunnel",
    params(("domain" = Uuid, Path)),
    responses((status = NO_CONTENT, description = "Deleted"), Problems),
)]
async fn delete_webtunnel_domain(
    State(state): State<AppState>,
    caller: Caller,
    PathInput(domain): PathInput<Uuid>,
) -> Result<StatusCode, ApiError> {
    let scope = caller.may(Action::Administer)?.scope();
    state.webtunnel.delete_domain(scope, domain).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Set a domain's secret
///
/// It opens devices that have none of their own. The one before opens nothing from now on. The
/// answer is the only one that tells a secret that was made.
#[utoipa::path(
    post, path = "/api/v1/webtunnel/domains/{domain}/secret",
    operation_id = "set_webtunnel_domain_secret", tag = "webtunnel",
    params(("domain" = Uuid, Path)),
    request_body = SetWebTunnelSecret,
    responses((status = CREATED, body = WebTunnelSecretSet), Problems),
)]
async fn set_webtunnel_domain_secret(
    State(state): State<AppState>,
    caller: Caller,
    PathInput(domain): PathInput<Uuid>,
    JsonInput(input): JsonInput<SetWebTunnelSecret>,
) -> Result<Response, ApiError> {
    let scope = caller.may(Action::Administer)?.scope();
    let password = input.password.map(Zeroizing::new);
    let webtunnel = &state.webtunnel;
    let secret = webtunnel.set_domain_secret(scope, domain, password).await?;
    let secret = secret.map(|secret| secret.reveal().to_owned());
    Ok(created_once(WebTunnelSecretSet { secret }))
}

/// Take a domain's secret away
///
/// Devices that have no other are let in no more; those that are connected stay until they come
/// anew.
#[utoipa::path(
    delete, path = "/api/v1/webtunnel/domains/{domain}/secret",
    operation_id = "delete_webtunnel_domain_secret", tag = "webtunnel",
    params(("domain" = Uuid, Path)),
    responses((status = NO_CONTENT, description = "Taken away"), Problems),
)]
async fn delete_webtunnel_domain_secret(
    State(state): State<AppState>,
    caller: Caller,
    PathInput(domain): PathInput<Uuid>,
) -> Result<StatusCode, ApiError> {
    let scope = caller.may(Action::Administer)?.scope();
    state.webtunnel.remove_domain_secret(scope, domain).await?;
    Ok(StatusCode::NO_CONTENT)
}
