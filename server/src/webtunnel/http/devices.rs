//! The routes of devices that have such an agent.

use api::{
    CreateWebTunnelDevice, DeviceId, DeviceProperties, ProblemCode, SetWebTunnelSecret,
    WebTunnelAgent, WebTunnelDeviceCreated, WebTunnelSecretSet,
};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use crate::access::Action;
use crate::accounts::Caller;
use crate::http::{ApiError, JsonInput, PathInput, Problems, created_once};
use crate::state::AppState;

use super::super::{NewAgent, WebTunnelError, configuration};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(device_properties))
        .routes(routes!(webtunnel_agent))
        .routes(routes!(create_webtunnel_device))
        .routes(routes!(set_webtunnel_device_secret))
}

/// What the agent of a device reports
///
/// Of agents that speak WebTunnel; others report none.
#[utoipa::path(
    get, path = "/api/v1/devices/{id}/properties", operation_id = "device_properties",
    tag = "webtunnel",
    params(("id" = DeviceId, Path)),
    responses((status = OK, body = DeviceProperties), Problems),
)]
async fn device_properties(
    State(state): State<AppState>,
    caller: Caller,
    PathInput(id): PathInput<DeviceId>,
) -> Result<Json<DeviceProperties>, ApiError> {
    let scope = caller.may(Action::Read)?.scope();
    if state.devices.device(scope, id).is_none() {
        return Err(ApiError::new(ProblemCode::NotFound));
    }
    let properties = state.webtunnel.properties(scope, id).await?;
    Ok(Json(DeviceProperties { properties }))
}

/// Which WebTunnel agent a device has
#[utoipa::path(
    get, path = "/api/v1/devices/{id}/webtunnel", operation_id = "webtunnel_agent",
    tag = "webtunnel",
    params(("id" = DeviceId, Path)),
    responses((status = OK, body = WebTunnelAgent), Problems),
)]
async fn webtunnel_agent(
    State(state): State<AppState>,
    caller: Caller,
    PathInput(id): PathInput<DeviceId>,
) -> Result<Json<WebTunnelAgent>, ApiError> {
    let scope = caller.may(Action::Read)?.scope();
    Ok(Json(state.webtunnel.agent_of(scope, id).await?))
}

/// Make a device for a WebTunnel agent
///
/// The answer is the only one that tells the secret, also in the file for the agent.
#[utoipa::path(
    post, path = "/api/v1/webtunnel/devices", operation_id = "create_webtunnel_device",
    tag = "webtunnel",
    request_body = CreateWebTunnelDevice,
    responses((status = CREATED, body = WebTunnelDeviceCreated), Problems),
)]
async fn create_webtunnel_device(
    State(state): State<AppState>,
    caller: Caller,
    JsonInput(input): JsonInput<CreateWebTunnelDevice>,
) -> Result<Response, ApiError> {
    let scope = caller.may(Action::Administer)?.scope();
    let name = input.name.filter(|name| !name.trim().is_empty());
    if let Some(detail) = name.as_deref().and_then(api::text::name_fault) {
        return Err(ApiError::invalid("name", detail));
    }
    configuration::check_ports(&input.ports)?;
    let agent = NewAgent {
        agent_id: input.agent_id,
        domain: input.domain,
        name: name.clone(),
        password: input.password.map(Zeroizing::new),
    };
    let made = state.webtunnel.create_agent(scope, agent).await?;
    let file = configuration::agent_file(&made, name.as_deref(), &input.ports, &state.config);
    let device = state.devices.device(scope, made.device);
    Ok(created_once(WebTunnelDeviceCreated {
        device: device.ok_or(WebTunnelError::NoSuchAgent)?,
        agent: WebTunnelAgent {
            agent_id: made.agent_id,
            domain: made.domain,
            has_own_secret: true,
        },
        secret: made.secret.map(|secret| secret.reveal().to_owned()),
        properties: file,
    }))
}

/// Set the secret of a device's WebTunnel agent
///
/// The one before opens nothing from now on, and neither does the domain's; a tunnel that is up
/// stays. The answer is the only one that tells a secret that was made.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/webtunnel/secret",
    operation_id = "set_webtunnel_device_secret", tag = "webtunnel",
    params(("id" = DeviceId, Path)),
    request_body = SetWebTunnelSecret,
    responses((status = CREATED, body = WebTunnelSecretSet), Problems),
)]
async fn set_webtunnel_device_secret(
    State(state): State<AppState>,
    caller: Caller,
    PathInput(id): PathInput<DeviceId>,
    JsonInput(input): JsonInput<SetWebTunnelSecret>,
) -> Result<Response, ApiError> {
    let scope = caller.may(Action::Administer)?.scope();
    let password = input.password.map(Zeroizing::new);
    let webtunnel = &state.webtunnel;
    let secret = webtunnel.set_agent_secret(scope, id, password).await?;
    let secret = secret.map(|secret| secret.reveal().to_owned());
    Ok(created_once(WebTunnelSecretSet { secret }))
}
