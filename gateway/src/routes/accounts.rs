//! Accounts: `/v1/auth`.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use clock::Timestamp;
use proto::auth as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    body::Body,
    info::Info,
    problem::Problem,
    reply::{Answer, List, Made, at, created, some},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .routes(routes!(list_sessions, revoke_sessions))
        .routes(routes!(request_otp))
        .routes(routes!(verify_otp))
        .routes(routes!(forgot_password))
        .routes(routes!(reset_password))
        .routes(routes!(me, update_me))
        .routes(routes!(keys))
}

/// A person with an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct User {
    id: String,
    phone: Option<String>,
    email: Option<String>,
    name: String,
    roles: Vec<String>,
    phone_verified: bool,
    locale: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<Membership>,
}

/// The merchant whose staff a user is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Membership {
    id: String,
    /// `admin`, `operator` or `viewer`.
    role: String,
}

impl From<pb::User> for User {
    fn from(user: pb::User) -> Self {
        let role = user.merchant_role;
        Self {
            id: user.id,
            phone: some(user.phone),
            email: some(user.email),
            name: user.name,
            roles: user.roles,
            phone_verified: user.phone_verified,
            locale: user.locale,
            created_at: at(user.created_at_ms),
            merchant: some(user.merchant_id).map(|id| Membership { id, role }),
        }
    }
}

/// An account and the tokens of a new session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedIn {
    user: User,
    access_token: String,
    refresh_token: String,
    token_type: &'static str,
    /// Seconds until the access token ends.
    expires_in: u32,
}

impl From<pb::SignedInResponse> for SignedIn {
    fn from(answer: pb::SignedInResponse) -> Self {
        let tokens = answer.tokens.unwrap_or_default();
        Self {
            user: answer.user.unwrap_or_default().into(),
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            token_type: "Bearer",
            expires_in: tokens.expires_in,
        }
    }
}

fn client(info: &Info) -> Option<pb::Client> {
    Some(pb::Client { ip: info.ip.to_string(), user_agent: info.user_agent.clone() })
}

/// A new account. Phone or e-mail address is required.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Register {
    phone: Option<String>,
    email: Option<String>,
    password: String,
    name: String,
    locale: Option<String>,
    referral_code: Option<String>,
}

/// Creates an account and signs it in.
#[utoipa::path(post, path = "/v1/auth/register", tag = "accounts", request_body = Register, responses((status = 201, body = SignedIn)))]
async fn register(
    State(app): State<App>,
    Extension(info): Extension<Arc<Info>>,
    Body(body): Body<Register>,
) -> Made<SignedIn> {
    let request = pb::RegisterRequest {
        phone: body.phone.unwrap_or_default(),
        email: body.email.unwrap_or_default(),
        password: body.password,
        name: body.name,
        locale: body.locale.unwrap_or_else(|| info.locale().as_str().to_owned()),
        referral_code: body.referral_code.unwrap_or_default(),
        client: client(&info),
    };
    let answer = app.mesh.auth().register(request).await?.into_inner();
    Ok(created(answer.into()))
}

/// A sign-in.
#[derive(Deserialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the contract names the field so")]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// Phone or e-mail address.
    login: String,
    password: String,
    totp: Option<String>,
}

/// Signs in.
#[utoipa::path(post, path = "/v1/auth/login", tag = "accounts", request_body = Login, responses((status = 200, body = SignedIn)))]
async fn login(
    State(app): State<App>,
    Extension(info): Extension<Arc<Info>>,
    Body(body): Body<Login>,
) -> Answer<SignedIn> {
    let request = pb::LoginRequest {
        login: body.login,
        password: body.password,
        totp: body.totp.unwrap_or_default(),
        client: client(&info),
    };
    Ok(Json(app.mesh.auth().login(request).await?.into_inner().into()))
}

/// A refresh token; usable once.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    refresh_token: String,
}

/// Swaps a refresh token for a new pair. A used one again ends the whole family of sessions.
#[utoipa::path(post, path = "/v1/auth/refresh", tag = "accounts", request_body = Refresh, responses((status = 200, body = SignedIn)))]
async fn refresh(
    State(app): State<App>,
    Extension(info): Extension<Arc<Info>>,
    Body(body): Body<Refresh>,
) -> Answer<SignedIn> {
    let request = pb::RefreshRequest { refresh_token: body.refresh_token, client: client(&info) };
    Ok(Json(app.mesh.auth().refresh(request).await?.into_inner().into()))
}

/// Ends the session.
#[utoipa::path(post, path = "/v1/auth/logout", tag = "accounts", responses((status = 204)))]
async fn logout(State(app): State<App>) -> Result<StatusCode, Problem> {
    app.mesh.auth().logout(pb::LogoutRequest {}).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A sign-in that has not ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    id: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_used_at: Timestamp,
    user_agent: String,
    ip: String,
    current: bool,
}

/// Where the account is signed in.
#[utoipa::path(get, path = "/v1/auth/sessions", tag = "accounts", responses((status = 200, body = List<Session>)))]
async fn list_sessions(State(app): State<App>) -> Answer<List<Session>> {
    let answer = app.mesh.auth().list_sessions(pb::ListSessionsRequest {}).await?.into_inner();
    Ok(List::all(answer.sessions, |session| Session {
        id: session.id,
        created_at: at(session.created_at_ms),
        last_used_at: at(session.last_used_at_ms),
        user_agent: session.user_agent,
        ip: session.ip,
        current: session.current,
    }))
}

/// Signs out everywhere.
#[utoipa::path(delete, path = "/v1/auth/sessions", tag = "accounts", responses((status = 204)))]
async fn revoke_sessions(State(app): State<App>) -> Result<StatusCode, Problem> {
    app.mesh.auth().revoke_sessions(pb::RevokeSessionsRequest {}).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where to send a code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OtpRequest {
    phone: String,
}

/// A code is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OtpSent {
    /// Seconds until another one may be asked for.
    retry_after: u32,
}

/// Sends a code by SMS.
#[utoipa::path(post, path = "/v1/auth/otp", tag = "accounts", request_body = OtpRequest, responses((status = 202, body = OtpSent)))]
async fn request_otp(State(app): State<App>, Body(body): Body<OtpRequest>) -> Made<OtpSent> {
    let request = pb::RequestOtpRequest { phone: body.phone };
    let answer = app.mesh.auth().request_otp(request).await?.into_inner();
    Ok((StatusCode::ACCEPTED, Json(OtpSent { retry_after: answer.retry_after })))
}

/// A code that came by SMS.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OtpVerify {
    phone: String,
    code: String,
}

/// Signs in with a code; creates the account when the phone is new.
#[utoipa::path(post, path = "/v1/auth/otp/verify", tag = "accounts", request_body = OtpVerify, responses((status = 200, body = SignedIn)))]
async fn verify_otp(
    State(app): State<App>,
    Extension(info): Extension<Arc<Info>>,
    Body(body): Body<OtpVerify>,
) -> Answer<SignedIn> {
    let request =
        pb::VerifyOtpRequest { phone: body.phone, code: body.code, client: client(&info) };
    Ok(Json(app.mesh.auth().verify_otp(request).await?.into_inner().into()))
}

/// Whose password was forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForgotPassword {
    login: String,
}

/// Sends a way to set a new password; answers the same for an unknown login.
#[utoipa::path(post, path = "/v1/auth/password/forgot", tag = "accounts", request_body = ForgotPassword, responses((status = 202)))]
async fn forgot_password(
    State(app): State<App>,
    Body(body): Body<ForgotPassword>,
) -> Result<StatusCode, Problem> {
    let request = pb::RequestPasswordResetRequest { login: body.login };
    app.mesh.auth().request_password_reset(request).await?;
    Ok(StatusCode::ACCEPTED)
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetPassword {
    token: String,
    password: String,
}

/// Sets a new password.
#[utoipa::path(post, path = "/v1/auth/password/reset", tag = "accounts", request_body = ResetPassword, responses((status = 204)))]
async fn reset_password(
    State(app): State<App>,
    Body(body): Body<ResetPassword>,
) -> Result<StatusCode, Problem> {
    let request = pb::ResetPasswordRequest { token: body.token, password: body.password };
    app.mesh.auth().reset_password(request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The own account.
#[utoipa::path(get, path = "/v1/auth/me", tag = "accounts", responses((status = 200, body = User)))]
async fn me(State(app): State<App>) -> Answer<User> {
    let answer = app.mesh.auth().get_me(pb::GetMeRequest {}).await?.into_inner();
    Ok(Json(answer.user.unwrap_or_default().into()))
}

/// What to change of the own account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateMe {
    name: Option<String>,
    email: Option<String>,
    locale: Option<String>,
}

/// Changes the own account.
#[utoipa::path(patch, path = "/v1/auth/me", tag = "accounts", request_body = UpdateMe, responses((status = 200, body = User)))]
async fn update_me(State(app): State<App>, Body(body): Body<UpdateMe>) -> Answer<User> {
    let request = pb::UpdateMeRequest { name: body.name, email: body.email, locale: body.locale };
    let answer = app.mesh.auth().update_me(request).await?.into_inner();
    Ok(Json(answer.user.unwrap_or_default().into()))
}

/// Public keys for access tokens (RFC 7517).
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "accounts", responses((status = 200, content_type = "application/json")))]
async fn keys(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    let keys = app.authentication.key_set().await?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    Ok((headers, keys.to_string()))
}
