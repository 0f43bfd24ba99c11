//! The routes of devices.

use api::{
    CreateInstallKey, Device, DeviceId, DeviceQuery, InstallKey, InstallKeyCreated, InstallKeyId,
    Page, ProblemCode, UpdateDevice, UpdateService,
};
use axum::Json;
use axum::extract::{FromRef, State};
use axum::response::Response;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Action, Cause};
use crate::accounts::Caller;
use crate::http::{ApiError, JsonInput, PathInput, Problems, QueryInput, created_once};
use crate::state::AppState;

use super::{Devices, DevicesError};

/// All of them.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_devices))
        .routes(routes!(device, update_device, delete_device))
        .routes(routes!(update_service))
        .routes(routes!(list_install_keys, create_install_key))
        .routes(routes!(delete_install_key))
}

/// Devices, in the order of their names
#[utoipa::path(
    get, path = "/api/v1/devices", operation_id = "list_devices", tag = "devices",
    params(DeviceQuery),
    responses((status = OK, body = Page<Device>), Problems),
)]
async fn list_devices(
    State(devices): State<Devices>,
    caller: Caller,
    QueryInput(query): QueryInput<DeviceQuery>,
) -> Result<Json<Page<Device>>, ApiError> {
    let principal = caller.may(Action::Read)?;
    Ok(Json(devices.list(principal.scope(), query).await?))
}

/// One device
#[utoipa::path(
    get, path = "/api/v1/devices/{id}", operation_id = "device", tag = "devices",
    params(("id" = DeviceId, Path)),
    responses((status = OK, body = Device), Problems),
)]
async fn device(
    State(devices): State<Devices>,
    caller: Caller,
    PathInput(id): PathInput<DeviceId>,
) -> Result<Json<Device>, ApiError> {
    let principal = caller.may(Action::Read)?;
    let device = devices
        .device(principal.scope(), id)
        .ok_or(DevicesError::NoSuchDevice)?;
    Ok(Json(device))
}

/// Rename a device, or keep it out
///
/// A disabled device's tunnel and everything open through it end, and it is refused until it is
/// enabled again.
#[utoipa::path(
    patch, path = "/api/v1/devices/{id}", operation_id = "update_device", tag = "devices",
    params(("id" = DeviceId, Path)),
    request_body = UpdateDevice,
    responses((status = OK, body = Device), Problems),
)]
async fn update_device(
    State(state): State<AppState>,
    caller: Caller,
    PathInput(id): PathInput<DeviceId>,
    JsonInput(input): JsonInput<UpdateDevice>,
) -> Result<Json<Device>, ApiError> {
    let scope = caller.may(Action::Administer)?.scope();
    let devices = state.devices.clone();
    devices
        .device(scope, id)
        .ok_or(DevicesError::NoSuchDevice)?;
    let disables = input.disabled == Some(true);
    let _severing = disables.then(|| Severing {
        state,
        id,
        cause: Cause::DeviceDisabled(id),
    });
    Ok(Json(devices.update(scope, id, input).await?))
}

/// Delete a device
///
/// Its tunnel and everything open through it end. Its address is never given to another device.
#[utoipa::path(
    delete, path = "/api/v1/devices/{id}", operation_id = "delete_device", tag = "devices",
    params(("id" = DeviceId, Path)),
    responses((status = NO_CONTENT, description = "Deleted"), Problems),
)]
async fn delete_device(
    State(state): State<AppState>,
    caller: Caller,
    PathInput(id): PathInput<DeviceId>,
) -> Result<StatusCode, ApiError> {
    let principal = caller.may(Action::Administer)?;
    state
        .devices
        .device(principal.scope(), id)
        .ok_or(DevicesError::NoSuchDevice)?;
    let devices = state.devices.clone();
    let _severing = Severing {
        state,
        id,
        cause: Cause::DeviceDeleted(id),
    };
    devices.delete(principal.scope(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends what a deleted or disabled device has open when dropped, so also when the client leaves
/// before the answer.
struct Severing {
    state: AppState,
    id: DeviceId,
    cause: Cause,
}

impl Drop for Severing {
    fn drop(&mut self) {
        if self.cause == Cause::DeviceDeleted(self.id) {
            self.state.accounts.forget_device(self.id);
        } else if !self.state.devices.is_disabled(self.id) {
            // It was not: refused, or the client left before it was written.
            return;
        }
        self.state.leases.revoke(self.cause);
        self.state.relay.disconnect(self.id);
    }
}

/// Change how a service is shown
#[utoipa::path(
    patch, path = "/api/v1/devices/{id}/services/{service}", operation_id = "update_service",
    tag = "devices",
    params(("id" = DeviceId, Path), ("service" = String, Path)),
    request_body = UpdateService,
    responses((status = OK, body = Device), Problems),
)]
async fn update_service(
    State(devices): State<Devices>,
    caller: Caller,
    PathInput((id, service)): PathInput<(DeviceId, String)>,
    JsonInput(input): JsonInput<UpdateService>,
) -> Result<Json<Device>, ApiError> {
    let principal = caller.may(Action::Administer)?;
    Ok(Json(
        devices
            .update_service(principal.scope(), id, &service, input)
            .await?,
    ))
}

/// Install keys, newest first
#[utoipa::path(
    get, path = "/api/v1/install-keys", operation_id = "list_install_keys", tag = "devices",
    responses((status = OK, body = Page<InstallKey>), Problems),
)]
async fn list_install_keys(
    State(devices): State<Devices>,
    caller: Caller,
) -> Result<Json<Page<InstallKey>>, ApiError> {
    let principal = caller.may(Action::Administer)?;
    Ok(Json(Page::whole(
        devices.install_keys(principal.scope()).await?,
    )))
}

/// Make an install key
///
/// The answer is the only one that tells the secret.
#[utoipa::path(
    post, path = "/api/v1/install-keys", operation_id = "create_install_key", tag = "devices",
    request_body = CreateInstallKey,
    responses((status = CREATED, body = InstallKeyCreated), Problems),
)]
async fn create_install_key(
    State(devices): State<Devices>,
    caller: Caller,
    JsonInput(input): JsonInput<CreateInstallKey>,
) -> Result<Response, ApiError> {
    let principal = caller.may(Action::Administer)?;
    Ok(created_once(
        devices.create_install_key(principal.scope(), input).await?,
    ))
}

/// Delete an install key
///
/// It enrols nothing any more; devices that it enrolled stay.
#[utoipa::path(
    delete, path = "/api/v1/install-keys/{id}", operation_id = "delete_install_key",
    tag = "devices",
    params(("id" = InstallKeyId, Path)),
    responses((status = NO_CONTENT, description = "Deleted"), Problems),
)]
async fn delete_install_key(
    State(devices): State<Devices>,
    caller: Caller,
    PathInput(id): PathInput<InstallKeyId>,
) -> Result<StatusCode, ApiError> {
    let principal = caller.may(Action::Administer)?;
    devices.delete_install_key(principal.scope(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl FromRef<AppState> for Devices {
    fn from_ref(state: &AppState) -> Self {
        state.devices.clone()
    }
}

impl From<DevicesError> for ApiError {
    fn from(error: DevicesError) -> Self {
        use DevicesError as E;
        match error {
            E::NoSuchDevice | E::NoSuchService | E::NoSuchInstallKey => {
                Self::new(ProblemCode::NotFound)
            }
            E::InstallKeyInvalid => Self::new(ProblemCode::InstallKeyInvalid),
            E::Invalid { field, detail } => Self::invalid(field, detail),
            E::NoLabel | E::Database(_) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use crate::access::{Subject, Via};
    use crate::testing::{TestServer, bearer};

    #[tokio::test]
    async fn s34_what_is_refused_cuts_nothing_and_what_disables_does() {
        let server = TestServer::new().await;
        server.user("ada").await;
        let organization = server.organization().await;
        let token = server.token("ada", api::TokenScope::Full, None).await;
        let id = server.enrol(organization, [1; 32], "Pump").await.device_id;
        let subject = Subject {
            user: api::UserId(uuid::Uuid::nil()),
            organization,
            via: Via::SignIn(api::SignInId(uuid::Uuid::nil())),
            device: Some(id),
        };
        let lease = server.state.leases.issue(subject);
        let path = format!("/api/v1/devices/{id}");
        for (input, status, is_cut) in [
            (json!({"name": "", "disabled": true}), 422, false),
            (json!({"name": "Pump 7", "disabled": false}), 200, false),
            (json!({"disabled": true}), 200, true),
        ] {
            let answer = server
                .call(Method::PATCH, &path, bearer(&token), input.clone())
                .await;
            assert_eq!(answer.status.as_u16(), status, "{input}");
            assert_eq!(lease.token().is_cancelled(), is_cut, "{input}");
        }
    }
}
