//! The routes of devices' certificates.

use std::time::Duration;

use api::{DeviceCertificate, DeviceCertificates, DeviceId, ProblemCode};
use axum::Json;
use axum::extract::State;
use data_encoding::HEXLOWER;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::CertificateError;
use crate::access::{Action, Cause, Scope};
use crate::accounts::Caller;
use crate::http::{ApiError, PathInput, Problems};
use crate::state::AppState;

/// Longer than a device that is let in waits for its turn.
const CUT_AGAIN_AFTER: Duration = Duration::from_secs(15);

/// All of them.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(device_certificates))
        .routes(routes!(revoke_device_certificate))
}

/// The client certificates that a device has shown
#[utoipa::path(
    get, path = "/api/v1/devices/{id}/certificates", operation_id = "device_certificates",
    tag = "devices",
    params(("id" = DeviceId, Path)),
    responses((status = OK, body = DeviceCertificates), Problems),
)]
async fn device_certificates(
    State(state): State<AppState>,
    caller: Caller,
    PathInput(id): PathInput<DeviceId>,
) -> Result<Json<DeviceCertificates>, ApiError> {
    let scope = caller.may(Action::Read)?.scope();
    if state.devices.device(scope, id).is_none() {
        return Err(ApiError::new(ProblemCode::NotFound));
    }
    let items: Vec<DeviceCertificate> = state
        .certificates
        .of_device(scope, id)
        .await
        .map_err(ApiError::internal)?;
    Ok(Json(DeviceCertificates { items }))
}

/// Revoke a client certificate of a device
///
/// Its key is refused for good, the device's tunnel and everything open through it end.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/certificates/{certificate}/revoke",
    operation_id = "revoke_device_certificate", tag = "devices",
    params(("id" = DeviceId, Path), ("certificate" = String, Path)),
    responses((status = NO_CONTENT, description = "Revoked"), Problems),
)]
async fn revoke_device_certificate(
    State(state): State<AppState>,
    caller: Caller,
    PathInput((id, certificate)): PathInput<(DeviceId, String)>,
) -> Result<StatusCode, ApiError> {
    let scope = caller.may(Action::Administer)?.scope();
    let spki_sha256 = HEXLOWER
        .decode(certificate.as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| ApiError::new(ProblemCode::NotFound))?;
    match revoke(&state, scope, id, &spki_sha256).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(CertificateError::NoSuchCertificate) => Err(ApiError::new(ProblemCode::NotFound)),
        Err(error) => Err(ApiError::internal(error)),
    }
}

/// Revokes a certificate, and ends what its device has open.
///
/// # Errors
/// [`CertificateError`]
pub async fn revoke(
    state: &AppState,
    scope: Scope,
    device: DeviceId,
    spki_sha256: &[u8; 32],
) -> Result<(), CertificateError> {
    if state.devices.device(scope, device).is_none() {
        return Err(CertificateError::NoSuchCertificate);
    }
    let _severing = Severing { state, device };
    let certificates = &state.certificates;
    certificates.revoke(scope, device, spki_sha256).await
}

/// Ends what a device has open when dropped, so also when the client leaves before the answer.
struct Severing<'a> {
    state: &'a AppState,
    device: DeviceId,
}

impl Drop for Severing<'_> {
    fn drop(&mut self) {
        let (state, device) = (self.state, self.device);
        state.leases.revoke(Cause::CertificateRevoked(device));
        state.relay.disconnect(device);
        // One that was judged just before, and had to wait for its turn, is in only now.
        let (relay, soft) = (state.relay.clone(), state.lifecycle.soft().clone());
        state.lifecycle.spawn("cut-revoked", async move {
            tokio::select! {
                () = tokio::time::sleep(CUT_AGAIN_AFTER) => relay.disconnect(device),
                () = soft.cancelled() => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::Value;

    use super::*;
    use crate::http::ClientCertificate;
    use crate::testing::{TestServer, bearer};

    #[tokio::test]
    async fn what_a_device_showed_is_listed_and_revoked() {
        let server = TestServer::new().await;
        server.user("ada").await;
        let organization = server.organization().await;
        let device = server.enrol(organization, [1; 32], "Pump").await.device_id;
        let token = server.token("ada", api::TokenScope::Full, None).await;
        let shown = ClientCertificate {
            organization,
            device: device.to_string(),
            spki_sha256: [0xab; 32],
            subject: "CN=pump".into(),
            serial: "0f".into(),
            not_after: server.state.clock.now().plus_seconds(60),
        };
        let admit = async || {
            let certificates = &server.state.certificates;
            certificates.admit(device, organization, Some(&shown)).await
        };
        admit().await.unwrap();
        let path = format!("/api/v1/devices/{device}/certificates");
        let list = async || {
            let answer = server
                .call(Method::GET, &path, bearer(&token), Value::Null)
                .await;
            answer.json()["items"][0].clone()
        };
        let listed = list().await;
        let id = "ab".repeat(32);
        assert_eq!(listed["id"], id);
        assert_eq!(listed["subject"], "CN=pump");
        assert!(listed.get("revoked_at").is_none());
        let mut told = server.state.events.listen(organization);
        for (id, status) in [
            ("cd".repeat(32), StatusCode::NOT_FOUND),
            ("no".to_owned(), StatusCode::NOT_FOUND),
            (id, StatusCode::NO_CONTENT),
        ] {
            let revoke = format!("{path}/{id}/revoke");
            let answer = server
                .call(Method::POST, &revoke, bearer(&token), Value::Null)
                .await;
            assert_eq!(answer.status, status);
        }
        assert!(list().await["revoked_at"].is_i64());
        let event = told.try_recv().unwrap();
        let api::Event::DeviceChanged { device } = event else {
            panic!("{event:?}")
        };
        assert!(device.certificates_changed_at.is_some());
        assert!(matches!(admit().await, Err(CertificateError::Revoked)));
    }
}
