//! The service on the wire: decode, act, encode. No rules here.

use mesh::Context;
use proto::auth::{self as pb, auth_service_server::AuthService};
use tonic::{Request, Response, Status};

mod convert;
pub(crate) mod events;

use crate::service::Auth;
use convert::{client, id, locale, seconds};

type Answer<T> = Result<Response<T>, Status>;

/// The service as tonic sees it.
#[derive(Clone)]
pub(crate) struct Api {
    auth: Auth,
}

impl Api {
    pub(crate) fn new(auth: Auth) -> Self {
        Self { auth }
    }
}

fn answer<T>(message: T) -> Answer<T> {
    Ok(Response::new(message))
}

#[tonic::async_trait]
impl AuthService for Api {
    async fn register(
        &self,
        request: Request<pb::RegisterRequest>,
    ) -> Answer<pb::SignedInResponse> {
        let form = request.into_inner();
        let fields = [
            form.phone.as_str(),
            &form.email,
            &form.password,
            &form.name,
            &form.locale,
            &form.referral_code,
        ];
        let client = client(form.client.as_ref());
        let signed_in = self.auth.register(fields, locale(), client).await?;
        answer(convert::signed_in(signed_in))
    }

    async fn login(&self, request: Request<pb::LoginRequest>) -> Answer<pb::SignedInResponse> {
        let form = request.into_inner();
        let client = client(form.client.as_ref());
        let signed_in = self.auth.login(&form.login, &form.password, client).await?;
        answer(convert::signed_in(signed_in))
    }

    async fn refresh(&self, request: Request<pb::RefreshRequest>) -> Answer<pb::SignedInResponse> {
        let form = request.into_inner();
        let client = client(form.client.as_ref());
        let signed_in = self.auth.refresh(&form.refresh_token, client).await?;
        answer(convert::signed_in(signed_in))
    }

    async fn logout(&self, _: Request<pb::LogoutRequest>) -> Answer<pb::LogoutResponse> {
        self.auth.logout(&Context::caller()).await?;
        answer(pb::LogoutResponse {})
    }

    async fn revoke_sessions(
        &self,
        _: Request<pb::RevokeSessionsRequest>,
    ) -> Answer<pb::RevokeSessionsResponse> {
        self.auth.revoke_sessions(&Context::caller()).await?;
        answer(pb::RevokeSessionsResponse {})
    }

    async fn list_sessions(
        &self,
        _: Request<pb::ListSessionsRequest>,
    ) -> Answer<pb::ListSessionsResponse> {
        let caller = Context::caller();
        let sessions = self.auth.sessions(&caller).await?.into_iter().map(|session| {
            let current = caller.session == Some(session.id);
            convert::session(session, current)
        });
        answer(pb::ListSessionsResponse { sessions: sessions.collect() })
    }

    async fn request_otp(
        &self,
        request: Request<pb::RequestOtpRequest>,
    ) -> Answer<pb::RequestOtpResponse> {
        let pause = self.auth.request_otp(&request.into_inner().phone, locale()).await?;
        answer(pb::RequestOtpResponse { retry_after: seconds(pause) })
    }

    async fn verify_otp(
        &self,
        request: Request<pb::VerifyOtpRequest>,
    ) -> Answer<pb::SignedInResponse> {
        let form = request.into_inner();
        let client = client(form.client.as_ref());
        let signed_in = self.auth.verify_otp(&form.phone, &form.code, locale(), client).await?;
        answer(convert::signed_in(signed_in))
    }

    async fn request_password_reset(
        &self,
        request: Request<pb::RequestPasswordResetRequest>,
    ) -> Answer<pb::RequestPasswordResetResponse> {
        self.auth.request_reset(&request.into_inner().login, locale()).await?;
        answer(pb::RequestPasswordResetResponse {})
    }

    async fn reset_password(
        &self,
        request: Request<pb::ResetPasswordRequest>,
    ) -> Answer<pb::ResetPasswordResponse> {
        let form = request.into_inner();
        self.auth.reset_password(&form.token, &form.password).await?;
        answer(pb::ResetPasswordResponse {})
    }

    async fn get_me(&self, _: Request<pb::GetMeRequest>) -> Answer<pb::GetMeResponse> {
        let user = self.auth.me(&Context::caller()).await?;
        answer(pb::GetMeResponse { user: Some(convert::user(user)) })
    }

    async fn update_me(
        &self,
        request: Request<pb::UpdateMeRequest>,
    ) -> Answer<pb::UpdateMeResponse> {
        let form = request.into_inner();
        let fields = [form.name.as_deref(), form.email.as_deref(), form.locale.as_deref()];
        let user = self.auth.change_me(&Context::caller(), fields).await?;
        answer(pb::UpdateMeResponse { user: Some(convert::user(user)) })
    }

    async fn get_keys(&self, _: Request<pb::GetKeysRequest>) -> Answer<pb::GetKeysResponse> {
        answer(pb::GetKeysResponse { jwks: self.auth.keys().await? })
    }

    async fn issue_ws_ticket(
        &self,
        _: Request<pb::IssueWsTicketRequest>,
    ) -> Answer<pb::IssueWsTicketResponse> {
        let (ticket, lifetime) = self.auth.ticket(&Context::caller()).await?;
        answer(pb::IssueWsTicketResponse { ticket, expires_in: seconds(lifetime) })
    }

    async fn authenticate_api_key(
        &self,
        request: Request<pb::AuthenticateApiKeyRequest>,
    ) -> Answer<pb::AuthenticateApiKeyResponse> {
        let secret = request.into_inner().key;
        let key = self.auth.authenticate_key(&Context::caller(), &secret).await?;
        answer(pb::AuthenticateApiKeyResponse {
            merchant_id: key.merchant.to_string(),
            scopes: key.scopes,
            key_id: key.id.to_string(),
        })
    }

    async fn create_admin(
        &self,
        request: Request<pb::CreateAdminRequest>,
    ) -> Answer<pb::CreateAdminResponse> {
        let form = request.into_inner();
        let fields = [form.login.as_str(), &form.password, &form.name];
        let user = self.auth.create_admin(&Context::caller(), fields).await?;
        answer(pb::CreateAdminResponse { user: Some(convert::user(user)) })
    }

    async fn list_users(
        &self,
        request: Request<pb::ListUsersRequest>,
    ) -> Answer<pb::ListUsersResponse> {
        let page = request.into_inner().page.unwrap_or_default();
        let (after, limit) = (convert::after(&page)?, convert::limit(&page));
        let caller = Context::caller();
        let (users, count) = self.auth.users(&caller, after, limit + 1, page.count).await?;
        let (users, page) = convert::page(users, limit, count, |user| user.id.to_string());
        let users = users.into_iter().map(convert::user).collect();
        answer(pb::ListUsersResponse { users, page: Some(page) })
    }

    async fn list_addresses(
        &self,
        _: Request<pb::ListAddressesRequest>,
    ) -> Answer<pb::ListAddressesResponse> {
        let addresses = self.auth.addresses(&Context::caller()).await?;
        let addresses = addresses.into_iter().map(convert::address).collect();
        answer(pb::ListAddressesResponse { addresses })
    }

    async fn put_address(
        &self,
        request: Request<pb::PutAddressRequest>,
    ) -> Answer<pb::PutAddressResponse> {
        let form = request.into_inner();
        let address = form.address.unwrap_or_default();
        let fields = [
            address.region.as_str(),
            &address.district,
            &address.street,
            &address.house,
            &address.landmark,
            &address.recipient,
            &address.phone,
        ];
        let known = match form.id.as_str() {
            "" => None,
            text => Some(id(text).ok_or(crate::Error::AddressNotFound)?),
        };
        let caller = Context::caller();
        let saved = self.auth.put_address(&caller, known, fields, form.is_default).await?;
        answer(pb::PutAddressResponse { address: Some(convert::address(saved)) })
    }

    async fn delete_address(
        &self,
        request: Request<pb::DeleteAddressRequest>,
    ) -> Answer<pb::DeleteAddressResponse> {
        self.auth.delete_address(&Context::caller(), id(&request.into_inner().id)).await?;
        answer(pb::DeleteAddressResponse {})
    }

    async fn apply_merchant(
        &self,
        request: Request<pb::ApplyMerchantRequest>,
    ) -> Answer<pb::ApplyMerchantResponse> {
        let form = request.into_inner();
        let fields = [
            form.name.as_str(),
            &form.legal_name,
            &form.tin,
            &form.pinfl,
            &form.phone,
            &form.email,
        ];
        let bank = form.bank.as_ref();
        let bank = bank.map(|bank| [bank.account.as_str(), &bank.mfo, &bank.name]);
        let merchant = self.auth.apply(&Context::caller(), fields, bank).await?;
        answer(pb::ApplyMerchantResponse { merchant: Some(convert::merchant(merchant)) })
    }

    async fn get_merchant(
        &self,
        request: Request<pb::GetMerchantRequest>,
    ) -> Answer<pb::GetMerchantResponse> {
        let known = id(&request.into_inner().id);
        let merchant = self.auth.merchant(&Context::caller(), known).await?;
        answer(pb::GetMerchantResponse { merchant: Some(convert::merchant(merchant)) })
    }

    async fn batch_get_merchants(
        &self,
        request: Request<pb::BatchGetMerchantsRequest>,
    ) -> Answer<pb::BatchGetMerchantsResponse> {
        let ids: Vec<_> = request.into_inner().ids.iter().filter_map(|text| id(text)).collect();
        let shown = if Context::caller().is_service() {
            convert::merchant
        } else {
            convert::public_merchant
        };
        let merchants = self.auth.merchants(&ids).await?.into_iter().map(shown).collect();
        answer(pb::BatchGetMerchantsResponse { merchants })
    }

    async fn list_merchants(
        &self,
        request: Request<pb::ListMerchantsRequest>,
    ) -> Answer<pb::ListMerchantsResponse> {
        let request = request.into_inner();
        let status = convert::parse_status(request.status());
        let page = request.page.unwrap_or_default();
        let limit = convert::limit(&page);
        let place = (convert::after(&page)?, limit + 1, page.count);
        let (merchants, count) =
            self.auth.list_merchants(&Context::caller(), status, place).await?;
        let (merchants, page) = convert::page(merchants, limit, count, |it| it.id.to_string());
        let merchants = merchants.into_iter().map(convert::merchant).collect();
        answer(pb::ListMerchantsResponse { merchants, page: Some(page) })
    }

    async fn decide_merchant(
        &self,
        request: Request<pb::DecideMerchantRequest>,
    ) -> Answer<pb::DecideMerchantResponse> {
        let form = request.into_inner();
        let status = convert::parse_status(form.status());
        let texts = [form.plan.as_str(), &form.reason];
        let merchant = self.auth.decide(&Context::caller(), id(&form.id), status, texts).await?;
        answer(pb::DecideMerchantResponse { merchant: Some(convert::merchant(merchant)) })
    }

    async fn list_staff(&self, _: Request<pb::ListStaffRequest>) -> Answer<pb::ListStaffResponse> {
        let staff = self.auth.staff(&Context::caller()).await?;
        answer(pb::ListStaffResponse { staff: staff.into_iter().map(convert::staff).collect() })
    }

    async fn add_staff(
        &self,
        request: Request<pb::AddStaffRequest>,
    ) -> Answer<pb::AddStaffResponse> {
        let form = request.into_inner();
        let member = self.auth.add_staff(&Context::caller(), &form.login, &form.role).await?;
        answer(pb::AddStaffResponse { member: Some(convert::staff(member)) })
    }

    async fn remove_staff(
        &self,
        request: Request<pb::RemoveStaffRequest>,
    ) -> Answer<pb::RemoveStaffResponse> {
        self.auth.remove_staff(&Context::caller(), id(&request.into_inner().id)).await?;
        answer(pb::RemoveStaffResponse {})
    }

    async fn create_api_key(
        &self,
        request: Request<pb::CreateApiKeyRequest>,
    ) -> Answer<pb::CreateApiKeyResponse> {
        let form = request.into_inner();
        let (made, key) =
            self.auth.create_key(&Context::caller(), &form.name, &form.scopes).await?;
        answer(pb::CreateApiKeyResponse { api_key: Some(convert::api_key(made)), key })
    }

    async fn list_api_keys(
        &self,
        _: Request<pb::ListApiKeysRequest>,
    ) -> Answer<pb::ListApiKeysResponse> {
        let keys = self.auth.api_keys(&Context::caller()).await?;
        let api_keys = keys.into_iter().map(convert::api_key).collect();
        answer(pb::ListApiKeysResponse { api_keys })
    }

    async fn delete_api_key(
        &self,
        request: Request<pb::DeleteApiKeyRequest>,
    ) -> Answer<pb::DeleteApiKeyResponse> {
        self.auth.delete_key(&Context::caller(), id(&request.into_inner().id)).await?;
        answer(pb::DeleteApiKeyResponse {})
    }
}
