//! A visitor of a device page: what a browser would have after sign-in and hand-off.

use anyhow::Context;
use api::{DeviceId, SignIn};
use axum::body::Body;
use http::{Request, header};
use server::AppState;
use server::access::{Principal, Scope, Via};
use server::accounts::DEVICE_COOKIE;
use tower::ServiceExt;
use zeroize::Zeroizing;

const USERNAME: &str = "bench";

/// The `Host` and `Cookie` of a visit to the page `service` of a device, a line each.
pub(crate) async fn visit(
    state: &AppState,
    visitor: &Principal,
    device: DeviceId,
    service: &str,
) -> anyhow::Result<String> {
    let scope = Scope::of(visitor.organization);
    let device = state.devices.device(scope, device);
    let device = device.context("the device is gone")?;
    let page = device.services.iter().find(|each| each.name == service);
    let url = page
        .and_then(|page| page.url.as_deref())
        .context("the service has no page")?;
    let authority = url
        .parse::<http::Uri>()?
        .authority()
        .context("a whole URL")?
        .clone();

    let Via::SignIn(parent) = visitor.via else {
        anyhow::bail!("a token visits no page");
    };
    let secret = state
        .accounts
        .create_device_sign_in(parent, device.id, authority.host())
        .await?;
    Ok(format!(
        "Host: {authority}\r\nCookie: {DEVICE_COOKIE}={secret}\r\n"
    ))
}

/// Signs in as a browser does, but without the public port.
///
/// A person of the database: the rights of who is not there are cut at the next review.
pub(crate) async fn sign_in(state: &AppState) -> anyhow::Result<Principal> {
    let password = uuid::Uuid::new_v4().to_string();
    state
        .accounts
        .create_admin(USERNAME, Zeroizing::new(password.clone()))
        .await?;
    let input = SignIn {
        username: USERNAME.into(),
        password,
    };
    let request = Request::post("/api/v1/sign-in")
        .header(header::CONTENT_TYPE, "application/json")
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(serde_json::to_vec(&input)?))?;
    let answer = server::http::manager(state.clone())
        .oneshot(request)
        .await?;
    let cookie = answer
        .headers()
        .get(header::SET_COOKIE)
        .context("not signed in")?;
    let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
    let headers = [(header::COOKIE, pair.parse()?)].into_iter().collect();
    state
        .accounts
        .signed_in(&headers)
        .await?
        .context("not signed in")
}
