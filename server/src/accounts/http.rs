//! The routes of accounts.

use std::net::{IpAddr, Ipv4Addr};

use api::{ApiToken, ApiTokenCreated, ApiTokenId, CreateApiToken, Me, Page, ProblemCode, SignIn};
use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Action, Class, SecretHash, Via};
use crate::http::{
    ApiError, JsonInput, PathInput, PeerAddr, ProblemSchemas, Problems, created_once,
};
use crate::state::AppState;

use super::sign_ins::LONGEST_S;
use super::{
    Accounts, AccountsError, Caller, Presented, SIGN_IN_COOKIE, cookies, presented, store,
};

/// All of them.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(ProblemSchemas::openapi())
        .routes(routes!(sign_in))
        .routes(routes!(sign_out))
        .routes(routes!(me))
        .routes(routes!(list_api_tokens, create_api_token))
        .routes(routes!(delete_api_token))
}

/// Sign in
#[utoipa::path(
    post, path = "/api/v1/sign-in", operation_id = "sign_in", tag = "accounts",
    request_body = SignIn,
    responses((status = OK, description = "Signed in; sets the cookie", body = Me), Problems),
)]
async fn sign_in(
    State(accounts): State<Accounts>,
    peer: Option<Extension<PeerAddr>>,
    headers: HeaderMap,
    JsonInput(input): JsonInput<SignIn>,
) -> Result<Response, ApiError> {
    // Only a request that did not come through the public port has no address: all such share one.
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.0.ip());
    let before = match presented(&headers, SIGN_IN_COOKIE) {
        Presented::One(value) => SecretHash::of(Class::SignIn, value),
        Presented::Nothing | Presented::Ambiguous => None,
    };
    let (secret, me) = accounts.sign_in(input, peer, before).await?;
    let mut response = Json(me).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    if let Some(line) = cookies::set(SIGN_IN_COOKIE, secret.reveal(), LONGEST_S) {
        headers.append(header::SET_COOKIE, line);
    }
    Ok(response)
}

/// Sign out
///
/// Ends the sign-in, its sign-ins at devices' pages, and everything open under them.
#[utoipa::path(
    post, path = "/api/v1/sign-out", operation_id = "sign_out", tag = "accounts",
    responses((status = NO_CONTENT, description = "Signed out; takes the cookie away"), Problems),
)]
async fn sign_out(State(accounts): State<Accounts>, caller: Caller) -> Result<Response, ApiError> {
    let Via::SignIn(sign_in) = caller.0.via else {
        return Err(ApiError::new(ProblemCode::NotAllowed)
            .detail("A token is not signed in. Delete it to end it."));
    };
    accounts.sign_out(sign_in).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    // What the app may have stored. Not `cache`: API answers are never stored, and browsers take
    // seconds for it. Not `cookies`: it reaches all of a registrable domain.
    headers.insert("clear-site-data", HeaderValue::from_static("\"storage\""));
    if let Some(line) = cookies::clear(SIGN_IN_COOKIE) {
        headers.append(header::SET_COOKIE, line);
    }
    Ok(response)
}

/// Who the caller is
#[utoipa::path(
    get, path = "/api/v1/me", operation_id = "me", tag = "accounts",
    responses((status = OK, body = Me), Problems),
)]
async fn me(State(accounts): State<Accounts>, caller: Caller) -> Result<Json<Me>, ApiError> {
    let principal = caller.may(Action::Read)?;
    let organization = store::organization_name(accounts.0.db.reader(), principal.scope())
        .await
        .map_err(AccountsError::from)?;
    Ok(Json(Me {
        user_id: principal.user,
        username: principal.username,
        organization_id: principal.organization,
        organization,
    }))
}

/// The caller's API tokens, newest first
#[utoipa::path(
    get, path = "/api/v1/api-tokens", operation_id = "list_api_tokens", tag = "accounts",
    responses((status = OK, body = Page<ApiToken>), Problems),
)]
async fn list_api_tokens(
    State(accounts): State<Accounts>,
    caller: Caller,
) -> Result<Json<Page<ApiToken>>, ApiError> {
    let principal = caller.may(Action::Administer)?;
    Ok(Json(Page::whole(accounts.tokens(&principal).await?)))
}

/// Make an API token
///
/// The answer is the only one that tells the secret.
#[utoipa::path(
    post, path = "/api/v1/api-tokens", operation_id = "create_api_token", tag = "accounts",
    request_body = CreateApiToken,
    responses((status = CREATED, body = ApiTokenCreated), Problems),
)]
async fn create_api_token(
    State(accounts): State<Accounts>,
    caller: Caller,
    JsonInput(input): JsonInput<CreateApiToken>,
) -> Result<Response, ApiError> {
    let principal = caller.may(Action::Administer)?;
    Ok(created_once(
        accounts.create_token(&principal, input).await?,
    ))
}

/// Delete an API token
#[utoipa::path(
    delete, path = "/api/v1/api-tokens/{id}", operation_id = "delete_api_token", tag = "accounts",
    params(("id" = ApiTokenId, Path)),
    responses((status = NO_CONTENT, description = "Deleted; what was open is closed"), Problems),
)]
async fn delete_api_token(
    State(accounts): State<Accounts>,
    caller: Caller,
    PathInput(id): PathInput<ApiTokenId>,
) -> Result<StatusCode, ApiError> {
    let principal = caller.may(Action::Administer)?;
    accounts.delete_token(&principal, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

impl axum::extract::FromRef<AppState> for Accounts {
    fn from_ref(state: &AppState) -> Self {
        state.accounts.clone()
    }
}

impl From<AccountsError> for ApiError {
    fn from(error: AccountsError) -> Self {
        use AccountsError as E;
        match error {
            E::WrongCredentials => Self::new(ProblemCode::WrongCredentials),
            E::SecondFactorWanted => {
                Self::new(ProblemCode::WrongCredentials).detail("A one-time code is wanted, too.")
            }
            E::TooManyAttempts { retry_after_s } => {
                Self::new(ProblemCode::TooManyAttempts).retry_after(retry_after_s)
            }
            E::Busy => Self::new(ProblemCode::Busy).retry_after(1),
            E::Invalid { field, detail } => Self::invalid(field, detail),
            E::UserExists => Self::new(ProblemCode::Conflict).detail("The user name is taken."),
            E::NoSuchUser | E::NoSuchToken => Self::new(ProblemCode::NotFound),
            E::Outlives => Self::new(ProblemCode::NotAllowed)
                .detail("A token cannot make one that outlives it."),
            E::Ended => Self::new(ProblemCode::NotSignedIn),
            E::Database(_) | E::Hash(_) | E::Thread(_) => Self::internal(error),
        }
    }
}
