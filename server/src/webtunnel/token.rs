//! `/my-devices/api/token`: a token for name and password, as `remote-login` and the gateway ask
//! for it, and with a one-time code where there is one. None is ever logged: the log has no query, and no body.

use std::time::Duration;

use ::http::{HeaderName, HeaderValue, Method, Request, header};
use api::text::cleaned;
use api::{CreateApiToken, ProblemCode, TokenScope};
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::accounts::AccountsError;
use crate::http::ApiError;
use crate::state::AppState;

use super::client::peer_of;
use super::phrase::Phrase;

/// Where it is asked for.
pub(super) const TOKEN_PATH: &str = "/my-devices/api/token";

const AUTHENTICATE: HeaderName = HeaderName::from_static("x-authenticate");
const BODY_MAX_BYTES: usize = 8 << 10;
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
const NAME_MAX_CHARS: usize = 40;
const LIFE_S: u64 = 24 * 3600;

/// What is asked with.
#[derive(Default)]
struct Login {
    username: String,
    password: Zeroizing<String>,
    application: String,
    totp: Option<Zeroizing<String>>,
}

impl Login {
    /// Of a query, or of a form's body: the same form.
    fn of(form: &[u8]) -> Self {
        let mut login = Self::default();
        for (name, value) in form_urlencoded::parse(form) {
            match &*name {
                "username" => login.username = value.into_owned(),
                "password" => login.password = Zeroizing::new(value.into_owned()),
                "totp" => login.totp = Some(Zeroizing::new(value.into_owned())),
                "application" => login.application = value.into_owned(),
                _ => {}
            }
        }
        login
    }
}

#[derive(Serialize)]
struct Token {
    token: String,
    /// Seconds since 1970.
    expires: i64,
}

/// Answers who asks for a token.
pub(super) async fn serve(state: AppState, request: Request<Body>) -> Response {
    let mut response = match issue(&state, request).await {
        Ok(token) => Json(token).into_response(),
        Err(error) => error,
    };
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

async fn issue(state: &AppState, request: Request<Body>) -> Result<Token, Response> {
    let refuse = |code| ApiError::new(code).into_response();
    if request.headers().contains_key(header::ORIGIN) {
        return Err(refuse(ProblemCode::CrossOrigin));
    }
    let peer = peer_of(&request);
    let form = match *request.method() {
        Method::GET => {
            let query = request.uri().query().unwrap_or_default();
            Zeroizing::new(query.as_bytes().to_vec())
        }
        Method::POST => {
            let body = timeout(BODY_TIMEOUT, to_bytes(request.into_body(), BODY_MAX_BYTES)).await;
            let body = body.map_err(|_| refuse(ProblemCode::BadRequest))?;
            let body = body.map_err(|_| refuse(ProblemCode::TooLarge))?;
            Zeroizing::new(body.to_vec())
        }
        _ => return Err(refuse(ProblemCode::MethodNotAllowed)),
    };
    let login = Login::of(&form);
    // A form's empty field is none.
    let code = login.totp.as_ref().map(|code| code.trim());
    let code = code.filter(|code| !code.is_empty());
    let name = cleaned(&login.application, NAME_MAX_CHARS);
    let input = CreateApiToken {
        name: if name.is_empty() {
            "WebTunnelLogin".to_owned()
        } else {
            name
        },
        scope: TokenScope::Full,
        expires_in_s: Some(LIFE_S),
    };
    let issued = state
        .accounts
        .token_for_password(&login.username, (login.password, code), peer, input)
        .await
        .map_err(refused)?;
    let expires = issued.token.expires_at.map_or(0, |at| at.0 / 1_000_000);
    Ok(Token {
        token: issued.secret,
        expires,
    })
}

/// `remote-login` asks its user for a code where it is told to, and comes again.
fn refused(error: AccountsError) -> Response {
    let is_wanted = matches!(error, AccountsError::SecondFactorWanted);
    let mut response = Phrase::of_account(error).answer();
    if is_wanted {
        let headers = response.headers_mut();
        headers.insert(AUTHENTICATE, HeaderValue::from_static("TOTP"));
    }
    response
}
