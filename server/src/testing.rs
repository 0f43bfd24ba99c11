//! What tests of several features share: a whole server's state, on a database in memory.

use std::sync::Arc;

use api::{CreateApiToken, OrganizationId, Timestamp, TokenScope, UserId};
use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{Leases, Scope};
use crate::accounts::{Accounts, SIGN_IN_COOKIE};
use crate::certificates::Certificates;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::devices::Devices;
use crate::events::Events;
use crate::lifecycle::Lifecycle;
use crate::proxy::Proxy;
use crate::relay::Relay;
use crate::sessions::Sessions;
use crate::state::AppState;
use crate::usage::Usage;
use crate::webtunnel::WebTunnel;

pub(crate) const START: Timestamp = Timestamp(1_800_000_000_000_000);
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A configuration of which the database is not used.
pub(crate) fn config(public_url: &str, device_domain: &str) -> Arc<Config> {
    let text = format!(
        "public_url = {public_url:?}\ndevice_domain = {device_domain:?}\n\
         listen.address = \"127.0.0.1:0\"\ndatabase.path = \"unused.db\"\n"
    );
    Arc::new(toml::from_str(&text).unwrap())
}

/// A server without ports.
pub(crate) struct TestServer {
    pub(crate) state: AppState,
    pub(crate) db: Db,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The stable code of a problem.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The secret in a `Set-Cookie` line for the manager's cookie.
    pub(crate) fn sign_in_cookie(&self) -> Option<String> {
        let lines = self.headers.get_all(header::SET_COOKIE);
        let prefix = format!("{SIGN_IN_COOKIE}=");
        lines.iter().find_map(|line| {
            let value = line.to_str().unwrap().strip_prefix(&prefix)?;
            Some(value.split(';').next().unwrap().to_owned())
        })
    }
}

impl TestServer {
    pub(crate) async fn new() -> Self {
        Self::with_db(Db::in_memory().await.unwrap(), Clock::manual(START)).await
    }

    pub(crate) async fn with_db(db: Db, clock: Clock) -> Self {
        let config = config("https://m.example", "devices.example");
        let lifecycle = Lifecycle::default();
        let leases = Leases::default();
        let events = Events::new();
        let accounts = Accounts::new(db.clone(), clock.clone(), leases.clone());
        let usage = Usage::new(db.clone(), clock.clone());
        let devices = Devices::load(
            db.clone(),
            clock.clone(),
            events.clone(),
            Arc::clone(&config),
            usage.clone(),
        )
        .await
        .unwrap();
        let relay = Relay::new(
            Arc::clone(&config),
            devices.clone(),
            usage.clone(),
            leases.clone(),
            clock.clone(),
            lifecycle.clone(),
            [7; 32],
        );
        let webtunnel = WebTunnel::new(db.clone(), clock.clone(), devices.clone());
        let proxy = Proxy::new(Arc::clone(&config), clock.clone());
        let certificates = Certificates::new(db.clone(), clock.clone(), devices.clone(), true);
        let state = AppState {
            certificates,
            config,
            clock,
            db: db.clone(),
            lifecycle,
            leases,
            events,
            accounts,
            devices,
            usage,
            relay,
            proxy,
            sessions: Sessions::default(),
            webtunnel,
        };
        Self { state, db }
    }

    /// The routes of this part, and their document.
    pub(crate) fn routes() -> OpenApiRouter<AppState> {
        OpenApiRouter::new()
            .merge(crate::accounts::routes())
            .merge(crate::devices::routes())
            .merge(crate::events::routes())
            .merge(crate::sessions::routes())
            .merge(crate::certificates::routes())
            .merge(crate::usage::routes())
            .merge(crate::webtunnel::routes())
    }

    pub(crate) fn router(&self) -> Router {
        Self::routes()
            .split_for_parts()
            .0
            .with_state(self.state.clone())
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }

    /// Sends JSON, or nothing for `Value::Null`, with this header.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        credential: (&'static str, &str),
        body: Value,
    ) -> Answer {
        self.send(request(method, path, credential, body)).await
    }

    /// A user of the default organization.
    pub(crate) async fn user(&self, username: &str) -> UserId {
        let password = PASSWORD.to_owned().into();
        self.state
            .accounts
            .create_admin(username, password)
            .await
            .unwrap()
    }

    /// Signs in; the whole cookie header.
    pub(crate) async fn cookie(&self, username: &str) -> String {
        let input = serde_json::json!({ "username": username, "password": PASSWORD });
        let answer = self
            .call(Method::POST, "/api/v1/sign-in", NOBODY, input)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        format!("{SIGN_IN_COOKIE}={}", answer.sign_in_cookie().unwrap())
    }

    /// An API token; the whole header.
    pub(crate) async fn token(
        &self,
        username: &str,
        scope: TokenScope,
        expires_in_s: Option<u64>,
    ) -> String {
        let input = CreateApiToken {
            name: "test".into(),
            scope,
            expires_in_s,
        };
        let created = self
            .state
            .accounts
            .create_api_token_for(username, input)
            .await
            .unwrap();
        format!("Bearer {}", created.secret)
    }

    pub(crate) async fn organization(&self) -> OrganizationId {
        self.state.accounts.default_organization().await.unwrap()
    }

    /// Enrols a device with an install key of the organization.
    pub(crate) async fn enrol(
        &self,
        organization: OrganizationId,
        key: [u8; 32],
        name: &str,
    ) -> api::Enrolled {
        let input = api::CreateInstallKey {
            name: "test".into(),
            ..Default::default()
        };
        let scope = Scope::of(organization);
        let install_key = self
            .state
            .devices
            .create_install_key(scope, input)
            .await
            .unwrap()
            .secret;
        let input = api::Enrol {
            install_key,
            name: name.into(),
        };
        self.state.devices.enrol(key, input).await.unwrap()
    }
}

/// No credential.
pub(crate) const NOBODY: (&str, &str) = ("x-none", "");

pub(crate) fn cookie(value: &str) -> (&'static str, &str) {
    ("cookie", value)
}

pub(crate) fn bearer(value: &str) -> (&'static str, &str) {
    ("authorization", value)
}

pub(crate) fn request(
    method: Method,
    path: &str,
    (name, value): (&'static str, &str),
    body: Value,
) -> Request<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(name, value);
    match body {
        Value::Null => request.body(Body::empty()),
        body => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string())),
    }
    .unwrap()
}
