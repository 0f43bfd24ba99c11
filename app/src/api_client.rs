//! The REST API's client: the one place that knows its addresses.

use api::{
    ApiToken, ApiTokenCreated, ApiTokenId, CreateApiToken, CreateInstallKey, Device,
    DeviceCertificates, DeviceId, DeviceQuery, DeviceUsage, InstallKey, InstallKeyCreated,
    InstallKeyId, LaunchIntent, Me, Page, Problem, ProblemCode, SignIn, UpdateDevice,
    UpdateService,
};
use gloo_net::http::{Method, Request, RequestBuilder, Response};
use leptos::prelude::{Set, expect_context, provide_context};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast;

use crate::state::Session;

mod webtunnel;

/// Where the event stream is.
pub(crate) const EVENTS: &str = "/api/v1/events";

/// How long any answer may take.
const TIMEOUT_MS: u32 = 20_000;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApiError {
    /// No connection to the server.
    #[error("the server cannot be reached")]
    Unreachable,
    /// No answer within the timeout.
    #[error("the server did not answer in time")]
    TimedOut,
    /// The server says no.
    #[error("{}", problem.title)]
    Problem {
        problem: Box<Problem>,
        /// From `Retry-After`.
        retry_after_s: Option<u32>,
    },
    /// An answer that is not of this API.
    #[error("an unexpected answer with status {status}")]
    Unexpected { status: u16 },
}

impl ApiError {
    /// The problem's code, if the server told one.
    pub(crate) fn code(&self) -> Option<ProblemCode> {
        match self {
            Self::Problem { problem, .. } => Some(problem.code),
            _ => None,
        }
    }
}

pub(crate) type Answer<T> = Result<T, ApiError>;

/// The client; tells the session when a sign-in has ended.
#[derive(Clone, Copy)]
pub(crate) struct ApiClient {
    session: Session,
}

impl ApiClient {
    /// Makes the client known to all components below.
    pub(crate) fn provide(session: Session) {
        provide_context(Self { session });
    }

    /// The client of this app.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    pub(crate) async fn sign_in(self, sign_in: &SignIn) -> Answer<Me> {
        // Here 401 means wrong credentials, not the end of a session.
        let request = request(Method::POST, "/api/v1/sign-in");
        read(send(request, Some(sign_in)).await?).await
    }

    pub(crate) async fn sign_out(self) -> Answer<()> {
        self.command(Method::POST, "/api/v1/sign-out").await
    }

    pub(crate) async fn me(self) -> Answer<Me> {
        self.fetch("/api/v1/me").await
    }

    pub(crate) async fn devices(self, query: &DeviceQuery) -> Answer<Page<Device>> {
        let limit = query.limit.map(|limit| limit.to_string());
        let parameters = [
            ("search", query.search.as_deref()),
            ("cursor", query.cursor.as_deref()),
            ("limit", limit.as_deref()),
        ];
        let given = parameters
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let request = request(Method::GET, "/api/v1/devices").query(given);
        self.answer(send(request, None::<&()>).await).await
    }

    pub(crate) async fn device(self, id: DeviceId) -> Answer<Device> {
        self.fetch(&format!("/api/v1/devices/{id}")).await
    }

    /// The last 30 days.
    pub(crate) async fn device_usage(self, id: DeviceId) -> Answer<DeviceUsage> {
        self.fetch(&format!("/api/v1/devices/{id}/usage")).await
    }

    /// The client certificates that it has shown.
    pub(crate) async fn device_certificates(self, id: DeviceId) -> Answer<DeviceCertificates> {
        let path = format!("/api/v1/devices/{id}/certificates");
        self.fetch(&path).await
    }

    pub(crate) async fn revoke_device_certificate(
        self,
        id: DeviceId,
        certificate: &str,
    ) -> Answer<()> {
        let path = format!("/api/v1/devices/{id}/certificates/{certificate}/revoke");
        self.command(Method::POST, &path).await
    }

    pub(crate) async fn rename_device(self, id: DeviceId, name: &str) -> Answer<()> {
        let change = UpdateDevice {
            name: Some(name.to_owned()),
            ..UpdateDevice::default()
        };
        let path = format!("/api/v1/devices/{id}");
        self.change(&path, &change).await
    }

    pub(crate) async fn disable_device(self, id: DeviceId, disabled: bool) -> Answer<()> {
        let change = UpdateDevice {
            disabled: Some(disabled),
            ..UpdateDevice::default()
        };
        let path = format!("/api/v1/devices/{id}");
        self.change(&path, &change).await
    }

    pub(crate) async fn delete_device(self, id: DeviceId) -> Answer<()> {
        let path = format!("/api/v1/devices/{id}");
        self.command(Method::DELETE, &path).await
    }

    pub(crate) async fn update_service(
        self,
        id: DeviceId,
        service: &str,
        change: &UpdateService,
    ) -> Answer<()> {
        let path = service_path(id, service);
        self.change(&path, change).await
    }

    pub(crate) async fn launch(self, id: DeviceId, service: &str) -> Answer<LaunchIntent> {
        let path = format!("{}/launch", service_path(id, service));
        let request = request(Method::POST, &path);
        self.answer(send(request, None::<&()>).await).await
    }

    pub(crate) async fn install_keys(self) -> Answer<Page<InstallKey>> {
        self.fetch("/api/v1/install-keys").await
    }

    pub(crate) async fn create_install_key(
        self,
        key: &CreateInstallKey,
    ) -> Answer<InstallKeyCreated> {
        self.submit(Method::POST, "/api/v1/install-keys", key).await
    }

    pub(crate) async fn delete_install_key(self, id: InstallKeyId) -> Answer<()> {
        let path = format!("/api/v1/install-keys/{id}");
        self.command(Method::DELETE, &path).await
    }

    pub(crate) async fn api_tokens(self) -> Answer<Page<ApiToken>> {
        self.fetch("/api/v1/api-tokens").await
    }

    pub(crate) async fn create_api_token(self, token: &CreateApiToken) -> Answer<ApiTokenCreated> {
        self.submit(Method::POST, "/api/v1/api-tokens", token).await
    }

    pub(crate) async fn delete_api_token(self, id: ApiTokenId) -> Answer<()> {
        let path = format!("/api/v1/api-tokens/{id}");
        self.command(Method::DELETE, &path).await
    }

    async fn fetch<T: DeserializeOwned>(self, path: &str) -> Answer<T> {
        let sent = send(request(Method::GET, path), None::<&()>).await;
        self.answer(sent).await
    }

    async fn submit<T: DeserializeOwned>(
        self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Answer<T> {
        let sent = send(request(method, path), Some(body)).await;
        self.answer(sent).await
    }

    /// Changes a record; the event that follows tells all pages how it is now.
    async fn change(self, path: &str, change: &impl Serialize) -> Answer<()> {
        let sent = send(request(Method::PATCH, path), Some(change)).await;
        self.note(sent).map(drop)
    }

    /// A request whose answer has no body that matters.
    async fn command(self, method: Method, path: &str) -> Answer<()> {
        let sent = send(request(method, path), None::<&()>).await;
        self.note(sent).map(drop)
    }

    async fn answer<T: DeserializeOwned>(self, sent: Answer<Response>) -> Answer<T> {
        read(self.note(sent)?).await
    }

    /// Ends the session when the server knows the sign-in no longer.
    fn note(self, sent: Answer<Response>) -> Answer<Response> {
        if let Err(error) = &sent
            && error.code() == Some(ProblemCode::NotSignedIn)
        {
            self.session.set(crate::state::SignedIn::No);
        }
        sent
    }
}

/// Service names are `[a-z0-9-]`: nothing to encode.
fn service_path(id: DeviceId, service: &str) -> String {
    format!("/api/v1/devices/{id}/services/{service}")
}

fn request(method: Method, path: &str) -> RequestBuilder {
    RequestBuilder::new(path)
        .method(method)
        .header("Accept", "application/json, application/problem+json")
}

/// Sends and gives the answer if it is a success.
async fn send(request: RequestBuilder, body: Option<&impl Serialize>) -> Answer<Response> {
    let timeout = web_sys::AbortSignal::timeout_with_u32(TIMEOUT_MS);
    let request = request.abort_signal(Some(&timeout));
    let request: Result<Request, _> = match body {
        Some(body) => request.json(body),
        None => request.build(),
    };
    let request = request.map_err(|_| ApiError::Unexpected { status: 0 })?;
    let response = request.send().await.map_err(|error| no_answer(&error))?;
    if response.ok() {
        return Ok(response);
    }
    let retry_after = response.headers().get("retry-after");
    let text = response.text().await.unwrap_or_default();
    Err(refusal(response.status(), &text, retry_after.as_deref()))
}

async fn read<T: DeserializeOwned>(response: Response) -> Answer<T> {
    let status = response.status();
    let text = response.text().await.map_err(|error| no_answer(&error))?;
    serde_json::from_str(&text).map_err(|_| ApiError::Unexpected { status })
}

fn no_answer(error: &gloo_net::Error) -> ApiError {
    match error {
        gloo_net::Error::JsError(error) if error.name == "TimeoutError" => ApiError::TimedOut,
        _ => ApiError::Unreachable,
    }
}

/// Reads an error answer.
fn refusal(status: u16, body: &str, retry_after: Option<&str>) -> ApiError {
    match serde_json::from_str::<Problem>(body) {
        Ok(problem) => ApiError::Problem {
            problem: Box::new(problem),
            retry_after_s: retry_after.and_then(|seconds| seconds.trim().parse().ok()),
        },
        // A proxy in between answers for a server that is away.
        Err(_) if matches!(status, 502..=504) => ApiError::Unreachable,
        Err(_) => ApiError::Unexpected { status },
    }
}

/// Where a module's stream to a service begins.
pub(crate) fn stream_url(id: DeviceId, service: &str) -> String {
    let origin = origin();
    // `https:` becomes `wss:`, `http:` becomes `ws:`.
    let socket = origin
        .strip_prefix("http")
        .map_or_else(String::new, |rest| format!("ws{rest}"));
    format!("{socket}{}/stream", service_path(id, service))
}

/// The address of this server as the browser sees it.
pub(crate) fn origin() -> String {
    let window = js_sys::global().dyn_into::<web_sys::Window>();
    window
        .ok()
        .and_then(|window| window.location().origin().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_keeps_its_code_and_the_wait() {
        let body = r#"{"code":"too_many_attempts","status":429,"title":"Too many attempts"}"#;
        let error = refusal(429, body, Some(" 17 "));
        assert_eq!(error.code(), Some(ProblemCode::TooManyAttempts));
        assert!(matches!(
            error,
            ApiError::Problem {
                retry_after_s: Some(17),
                ..
            }
        ));
    }

    #[test]
    fn what_is_no_problem_goes_by_its_status() {
        assert_eq!(refusal(502, "<html>", None), ApiError::Unreachable);
        assert_eq!(refusal(404, "", None), ApiError::Unexpected { status: 404 });
        let unknown = r#"{"code":"from_the_future","status":418,"title":"x"}"#;
        assert_eq!(
            refusal(418, unknown, None),
            ApiError::Unexpected { status: 418 }
        );
    }
}
