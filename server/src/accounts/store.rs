//! The SQL of accounts.

use api::{
    ApiToken, ApiTokenId, DeviceId, Me, OrganizationId, SignInId, Timestamp, TokenScope, UserId,
};
use sqlx::{FromRow, SqliteConnection, SqlitePool};
use uuid::Uuid;

use crate::access::{Principal, Scope, SecretHash, Via};

use super::DeviceSignIn;
use super::sign_ins::Horizon;

type Connection = SqliteConnection;

// Users and organizations.

/// The oldest organization; `fresh` becomes it if there is none.
pub(super) async fn default_organization(
    write: &mut Connection,
    fresh: OrganizationId,
    name: &str,
    now: Timestamp,
) -> sqlx::Result<OrganizationId> {
    let oldest = "SELECT id FROM organizations ORDER BY created_at, id LIMIT 1";
    if let Some(id) = sqlx::query_scalar(oldest)
        .fetch_optional(&mut *write)
        .await?
    {
        return Ok(OrganizationId(id));
    }
    insert_organization(write, fresh, name, now).await?;
    Ok(fresh)
}

pub(super) async fn insert_organization(
    write: &mut Connection,
    id: OrganizationId,
    name: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO organizations (id, name, created_at) VALUES ($1, $2, $3)")
        .bind(id.0)
        .bind(name)
        .bind(now.0)
        .execute(write)
        .await
        .map(drop)
}

/// Whether the name was free.
pub(super) async fn insert_user(
    write: &mut Connection,
    id: UserId,
    username: &str,
    password_hash: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO users (id, username, password_hash, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (username) DO NOTHING",
    )
    .bind(id.0)
    .bind(username)
    .bind(password_hash)
    .bind(now.0)
    .execute(write)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn insert_member(
    write: &mut Connection,
    user: UserId,
    organization: OrganizationId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO members (user_id, organization_id, created_at) VALUES ($1, $2, $3)")
        .bind(user.0)
        .bind(organization.0)
        .bind(now.0)
        .execute(write)
        .await
        .map(drop)
}

pub(super) async fn has_organization(
    read: &mut Connection,
    id: OrganizationId,
) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM organizations WHERE id = $1)")
        .bind(id.0)
        .fetch_one(read)
        .await
}

/// Who was given the password; `None` when there is no such user.
pub(super) async fn set_password(
    write: &mut Connection,
    username: &str,
    password_hash: &str,
) -> sqlx::Result<Option<UserId>> {
    let id =
        sqlx::query_scalar("UPDATE users SET password_hash = $2 WHERE username = $1 RETURNING id")
            .bind(username)
            .bind(password_hash)
            .fetch_optional(write)
            .await?;
    Ok(id.map(UserId))
}

pub(super) async fn delete_sign_ins_of(
    write: &mut Connection,
    user: UserId,
) -> sqlx::Result<Vec<SignInId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar("DELETE FROM sign_ins WHERE user_id = $1 RETURNING id")
        .bind(user.0)
        .fetch_all(write)
        .await?;
    Ok(ids.into_iter().map(SignInId).collect())
}

#[derive(FromRow)]
struct UserRow {
    user_id: Uuid,
    username: String,
    organization_id: Uuid,
    organization: String,
    password_hash: String,
}

impl UserRow {
    fn into_me(self) -> (Me, String) {
        let me = Me {
            user_id: UserId(self.user_id),
            username: self.username,
            organization_id: OrganizationId(self.organization_id),
            organization: self.organization,
        };
        (me, self.password_hash)
    }
}

/// A user, in the organization it joined first, and its password hash.
pub(super) async fn user_to_sign_in(
    read: &SqlitePool,
    username: &str,
) -> sqlx::Result<Option<(Me, String)>> {
    let row: Option<UserRow> = sqlx::query_as(
        "SELECT u.id AS user_id, u.username, u.password_hash,
                o.id AS organization_id, o.name AS organization
         FROM users u
         JOIN members m ON m.user_id = u.id
         JOIN organizations o ON o.id = m.organization_id
         WHERE u.username = $1
         ORDER BY m.created_at, o.id LIMIT 1",
    )
    .bind(username)
    .fetch_optional(read)
    .await?;
    Ok(row.map(UserRow::into_me))
}

/// The name of the caller's organization.
pub(super) async fn organization_name(read: &SqlitePool, scope: Scope) -> sqlx::Result<String> {
    sqlx::query_scalar("SELECT name FROM organizations WHERE id = $1")
        .bind(scope.organization().0)
        .fetch_one(read)
        .await
}

// Sign-ins.

pub(super) async fn insert_sign_in(
    write: &mut Connection,
    id: SignInId,
    (user, organization): (UserId, OrganizationId),
    hash: SecretHash,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO sign_ins
            (id, user_id, organization_id, secret_hash, created_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $5)",
    )
    .bind(id.0)
    .bind(user.0)
    .bind(organization.0)
    .bind(hash.as_bytes())
    .bind(now.0)
    .execute(write)
    .await
    .map(drop)
}

#[derive(FromRow)]
struct SignInRow {
    id: Uuid,
    user_id: Uuid,
    username: String,
    organization_id: Uuid,
    last_used_at: i64,
}

impl SignInRow {
    fn into_principal(self) -> (Principal, Timestamp) {
        let principal = Principal {
            user: UserId(self.user_id),
            username: self.username,
            organization: OrganizationId(self.organization_id),
            via: Via::SignIn(SignInId(self.id)),
        };
        (principal, Timestamp(self.last_used_at))
    }
}

/// Whose sign-in this is, and when it was last used.
pub(super) async fn sign_in(
    read: &SqlitePool,
    hash: SecretHash,
    ended: Horizon,
) -> sqlx::Result<Option<(Principal, Timestamp)>> {
    let row: Option<SignInRow> = sqlx::query_as(
        "SELECT s.id, s.user_id, u.username, s.organization_id, s.last_used_at
         FROM sign_ins s JOIN users u ON u.id = s.user_id
         WHERE s.secret_hash = $1 AND s.created_at > $2 AND s.last_used_at > $3",
    )
    .bind(hash.as_bytes())
    .bind(ended.made.0)
    .bind(ended.used.0)
    .fetch_optional(read)
    .await?;
    Ok(row.map(SignInRow::into_principal))
}

/// Whose sign-in this is, if it has not ended.
pub(super) async fn sign_in_of_id(
    read: &SqlitePool,
    id: SignInId,
    ended: Horizon,
) -> sqlx::Result<Option<Principal>> {
    let row: Option<SignInRow> = sqlx::query_as(
        "SELECT s.id, s.user_id, u.username, s.organization_id, s.last_used_at
         FROM sign_ins s JOIN users u ON u.id = s.user_id
         WHERE s.id = $1 AND s.created_at > $2 AND s.last_used_at > $3",
    )
    .bind(id.0)
    .bind(ended.made.0)
    .bind(ended.used.0)
    .fetch_optional(read)
    .await?;
    Ok(row.map(|row| row.into_principal().0))
}

pub(super) async fn touch_sign_in(
    write: &mut Connection,
    id: SignInId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE sign_ins SET last_used_at = $2 WHERE id = $1")
        .bind(id.0)
        .bind(now.0)
        .execute(write)
        .await
        .map(drop)
}

pub(super) async fn delete_sign_in(write: &mut Connection, id: SignInId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM sign_ins WHERE id = $1")
        .bind(id.0)
        .execute(write)
        .await
        .map(drop)
}

pub(super) async fn delete_sign_in_by_hash(
    write: &mut Connection,
    hash: SecretHash,
) -> sqlx::Result<Option<SignInId>> {
    let id = sqlx::query_scalar("DELETE FROM sign_ins WHERE secret_hash = $1 RETURNING id")
        .bind(hash.as_bytes())
        .fetch_optional(write)
        .await?;
    Ok(id.map(SignInId))
}

pub(super) async fn delete_ended_sign_ins(
    write: &mut Connection,
    ended: Horizon,
) -> sqlx::Result<Vec<SignInId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "DELETE FROM sign_ins WHERE created_at <= $1 OR last_used_at <= $2 RETURNING id",
    )
    .bind(ended.made.0)
    .bind(ended.used.0)
    .fetch_all(write)
    .await?;
    Ok(ids.into_iter().map(SignInId).collect())
}

// Sign-ins at device origins.

pub(super) struct NewDeviceSignIn<'a> {
    pub(super) id: Uuid,
    pub(super) parent: SignInId,
    pub(super) device: DeviceId,
    pub(super) host: &'a str,
    pub(super) hash: SecretHash,
    pub(super) created_at: Timestamp,
}

/// Whether the parent lives and its organization owns the device; else nothing is made.
pub(super) async fn insert_device_sign_in(
    write: &mut Connection,
    new: &NewDeviceSignIn<'_>,
    ended: Horizon,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO device_sign_ins (id, sign_in_id, device_id, host, secret_hash, created_at)
         SELECT $1, s.id, d.id, $4, $5, $6
         FROM sign_ins s JOIN devices d ON d.organization_id = s.organization_id
         WHERE s.id = $2 AND d.id = $3 AND s.created_at > $7 AND s.last_used_at > $8",
    )
    .bind(new.id)
    .bind(new.parent.0)
    .bind(new.device.0)
    .bind(new.host)
    .bind(new.hash.as_bytes())
    .bind(new.created_at.0)
    .bind(ended.made.0)
    .bind(ended.used.0)
    .execute(write)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes all but the newest.
pub(super) async fn trim_device_sign_ins(
    write: &mut Connection,
    parent: SignInId,
    host: &str,
    keep: u32,
) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM device_sign_ins
         WHERE sign_in_id = $1 AND host = $2 AND id NOT IN (
            SELECT id FROM device_sign_ins WHERE sign_in_id = $1 AND host = $2
            ORDER BY created_at DESC, id DESC LIMIT $3)",
    )
    .bind(parent.0)
    .bind(host)
    .bind(i64::from(keep))
    .execute(write)
    .await
    .map(drop)
}

#[derive(FromRow)]
struct DeviceSignInRow {
    device_id: Uuid,
    #[sqlx(flatten)]
    parent: SignInRow,
}

/// Whose device sign-in this is, and when its parent was last used.
pub(super) async fn device_sign_in(
    read: &SqlitePool,
    hash: SecretHash,
    host: &str,
    ended: Horizon,
) -> sqlx::Result<Option<(DeviceSignIn, Timestamp)>> {
    let row: Option<DeviceSignInRow> = sqlx::query_as(
        "SELECT x.device_id, s.id, s.user_id, u.username, s.organization_id, s.last_used_at
         FROM device_sign_ins x
         JOIN sign_ins s ON s.id = x.sign_in_id
         JOIN devices d ON d.id = x.device_id AND d.organization_id = s.organization_id
         JOIN users u ON u.id = s.user_id
         WHERE x.secret_hash = $1 AND x.host = $2 AND s.created_at > $3 AND s.last_used_at > $4",
    )
    .bind(hash.as_bytes())
    .bind(host)
    .bind(ended.made.0)
    .bind(ended.used.0)
    .fetch_optional(read)
    .await?;
    Ok(row.map(|row| {
        let (principal, last_used) = row.parent.into_principal();
        (
            DeviceSignIn {
                principal,
                device: DeviceId(row.device_id),
            },
            last_used,
        )
    }))
}

/// The devices whose sign-ins were deleted.
pub(super) async fn delete_device_sign_ins(
    write: &mut Connection,
    parent: SignInId,
    host: &str,
) -> sqlx::Result<Vec<DeviceId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "DELETE FROM device_sign_ins WHERE sign_in_id = $1 AND host = $2 RETURNING device_id",
    )
    .bind(parent.0)
    .bind(host)
    .fetch_all(write)
    .await?;
    Ok(ids.into_iter().map(DeviceId).collect())
}

// API tokens.

pub(super) async fn insert_token(
    write: &mut Connection,
    (user, organization): (UserId, OrganizationId),
    token: &ApiToken,
    hash: SecretHash,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO api_tokens
            (id, user_id, organization_id, name, scope, secret_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(token.id.0)
    .bind(user.0)
    .bind(organization.0)
    .bind(&token.name)
    .bind(scope_text(token.scope))
    .bind(hash.as_bytes())
    .bind(token.created_at.0)
    .bind(token.expires_at.map(|at| at.0))
    .execute(write)
    .await
    .map(drop)
}

#[derive(FromRow)]
struct TokenRow {
    id: Uuid,
    name: String,
    scope: String,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
}

impl TokenRow {
    fn into_token(self) -> sqlx::Result<ApiToken> {
        Ok(ApiToken {
            id: ApiTokenId(self.id),
            name: self.name,
            scope: parse_scope(&self.scope)?,
            created_at: Timestamp(self.created_at),
            expires_at: self.expires_at.map(Timestamp),
            last_used_at: self.last_used_at.map(Timestamp),
        })
    }
}

/// The tokens of a user, newest first.
pub(super) async fn tokens(
    read: &SqlitePool,
    scope: Scope,
    user: UserId,
) -> sqlx::Result<Vec<ApiToken>> {
    let rows: Vec<TokenRow> = sqlx::query_as(
        "SELECT id, name, scope, created_at, expires_at, last_used_at FROM api_tokens
         WHERE organization_id = $1 AND user_id = $2 ORDER BY created_at DESC, id DESC",
    )
    .bind(scope.organization().0)
    .bind(user.0)
    .fetch_all(read)
    .await?;
    rows.into_iter().map(TokenRow::into_token).collect()
}

pub(super) async fn delete_token(
    write: &mut Connection,
    scope: Scope,
    user: UserId,
    id: ApiTokenId,
) -> sqlx::Result<Option<ApiToken>> {
    let row: Option<TokenRow> = sqlx::query_as(
        "DELETE FROM api_tokens WHERE organization_id = $1 AND user_id = $2 AND id = $3
         RETURNING id, name, scope, created_at, expires_at, last_used_at",
    )
    .bind(scope.organization().0)
    .bind(user.0)
    .bind(id.0)
    .fetch_optional(write)
    .await?;
    row.map(TokenRow::into_token).transpose()
}

#[derive(FromRow)]
struct TokenPrincipalRow {
    id: Uuid,
    scope: String,
    user_id: Uuid,
    username: String,
    organization_id: Uuid,
    last_used_at: Option<i64>,
}

impl TokenPrincipalRow {
    fn into_principal(self) -> sqlx::Result<(Principal, Option<Timestamp>)> {
        let principal = Principal {
            user: UserId(self.user_id),
            username: self.username,
            organization: OrganizationId(self.organization_id),
            via: Via::ApiToken(ApiTokenId(self.id), parse_scope(&self.scope)?),
        };
        Ok((principal, self.last_used_at.map(Timestamp)))
    }
}

/// Whose token this is, and when it was last used.
pub(super) async fn token_principal(
    read: &SqlitePool,
    hash: SecretHash,
    now: Timestamp,
) -> sqlx::Result<Option<(Principal, Option<Timestamp>)>> {
    let row: Option<TokenPrincipalRow> = sqlx::query_as(
        "SELECT t.id, t.scope, t.user_id, u.username, t.organization_id, t.last_used_at
         FROM api_tokens t JOIN users u ON u.id = t.user_id
         WHERE t.secret_hash = $1 AND (t.expires_at IS NULL OR t.expires_at > $2)",
    )
    .bind(hash.as_bytes())
    .bind(now.0)
    .fetch_optional(read)
    .await?;
    row.map(TokenPrincipalRow::into_principal).transpose()
}

/// When a token ends; `None`: never.
pub(super) async fn token_expiry(
    read: &SqlitePool,
    id: ApiTokenId,
) -> sqlx::Result<Option<Timestamp>> {
    let expiry: Option<i64> = sqlx::query_scalar("SELECT expires_at FROM api_tokens WHERE id = $1")
        .bind(id.0)
        .fetch_one(read)
        .await?;
    Ok(expiry.map(Timestamp))
}

/// Whose token this is, if it has not ended.
pub(super) async fn token_of_id(
    read: &SqlitePool,
    id: ApiTokenId,
    now: Timestamp,
) -> sqlx::Result<Option<Principal>> {
    let row: Option<TokenPrincipalRow> = sqlx::query_as(
        "SELECT t.id, t.scope, t.user_id, u.username, t.organization_id, t.last_used_at
         FROM api_tokens t JOIN users u ON u.id = t.user_id
         WHERE t.id = $1 AND (t.expires_at IS NULL OR t.expires_at > $2)",
    )
    .bind(id.0)
    .bind(now.0)
    .fetch_optional(read)
    .await?;
    let principal = row.map(TokenPrincipalRow::into_principal).transpose()?;
    Ok(principal.map(|(principal, _)| principal))
}

pub(super) async fn touch_token(
    write: &mut Connection,
    id: ApiTokenId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE api_tokens SET last_used_at = $2 WHERE id = $1")
        .bind(id.0)
        .bind(now.0)
        .execute(write)
        .await
        .map(drop)
}

const fn scope_text(scope: TokenScope) -> &'static str {
    match scope {
        TokenScope::Read => "read",
        TokenScope::Full => "full",
    }
}

fn parse_scope(text: &str) -> sqlx::Result<TokenScope> {
    match text {
        "read" => Ok(TokenScope::Read),
        "full" => Ok(TokenScope::Full),
        _ => Err(sqlx::Error::Decode(
            "an API token has an unknown scope".into(),
        )),
    }
}
