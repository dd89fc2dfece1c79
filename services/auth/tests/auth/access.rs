//! Every call refuses whom it must refuse, and the platform's own calls do what they say.

use fault::Code;
use ids::{MerchantId, UserId};
use mesh::{Caller, Kind, StaffRole};
use proto::{auth as pb, value::PageRequest};

use crate::platform::{PASSWORD, Platform, fields, reason, settings};

/// Callers of every kind that belong to nothing that exists.
struct Strangers {
    guest: Caller,
    user: Caller,
    key: Caller,
    operator: Caller,
    staff: Caller,
    admin: Caller,
    service: Caller,
}

impl Strangers {
    fn new() -> Self {
        let user = || Caller::user(UserId::new());
        let merchant = MerchantId::new();
        Self {
            guest: Caller::guest(),
            user: user(),
            key: Caller {
                kind: Kind::ApiKey,
                merchant: Some((merchant, StaffRole::Operator)),
                scopes: vec!["orders:write".to_owned()],
                ..user()
            },
            operator: Caller { merchant: Some((merchant, StaffRole::Operator)), ..user() },
            staff: Caller { merchant: Some((merchant, StaffRole::Admin)), ..user() },
            admin: Caller { roles: vec!["admin".to_owned()], ..user() },
            service: Caller::service("test"),
        }
    }
}

impl Platform {
    /// 401 or 403 when the caller is refused, 0 for every other answer.
    async fn told(&self, caller: &Caller, call: Call) -> u16 {
        match self.lab.act(caller.clone(), call).await.err().map(|status| reason(status).0) {
            Some(Code::Unauthenticated) => 401,
            Some(Code::Forbidden) => 403,
            _ => 0,
        }
    }
}

type Call = std::pin::Pin<Box<dyn Future<Output = Result<(), tonic::Status>>>>;

/// Makes a call as each of the strangers and compares what they are told; `-` is anything but a refusal of the caller.
macro_rules! refuses {
    ($platform:ident, $($call:ident($request:expr): $guest:tt $user:tt $key:tt $operator:tt $staff:tt $admin:tt $service:tt;)+) => {
        let strangers = Strangers::new();
        $(
            refuses!(@one $platform, $call($request),
                (strangers.guest, $guest) (strangers.user, $user) (strangers.key, $key)
                (strangers.operator, $operator) (strangers.staff, $staff)
                (strangers.admin, $admin) (strangers.service, $service));
        )+
    };
    (@one $platform:ident, $call:ident($request:expr), $(($caller:expr, $expected:tt))+) => {
        for (caller, expected) in [$((&$caller, refuses!(@code $expected))),+] {
            // In a box: all these calls together would not fit on the stack.
            let mut client = $platform.client();
            let call = Box::pin(async move { client.$call($request).await.map(drop) });
            let outcome = $platform.told(caller, call).await;
            assert_eq!(outcome, expected, "{} as {caller:?}", stringify!($call));
        }
    };
    (@code -) => { 0 };
    (@code $code:literal) => { $code };
}

#[tokio::test]
async fn every_call_refuses_whom_it_must() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        #[rustfmt::skip]
        refuses! { platform,
            //                                                        guest user key operator staff admin service
            register(pb::RegisterRequest::default()):                   -   -   -   -   -   -   -;
            login(pb::LoginRequest::default()):                         -   -   -   -   -   -   -;
            refresh(pb::RefreshRequest::default()):                     401 401 401 401 401 401 401;
            logout(pb::LogoutRequest {}):                               401 -   403 -   -   -   401;
            revoke_sessions(pb::RevokeSessionsRequest {}):              401 -   403 -   -   -   401;
            list_sessions(pb::ListSessionsRequest {}):                  401 -   403 -   -   -   401;
            request_otp(pb::RequestOtpRequest::default()):              -   -   -   -   -   -   -;
            verify_otp(pb::VerifyOtpRequest::default()):                -   -   -   -   -   -   -;
            request_password_reset(pb::RequestPasswordResetRequest::default()): - - -   -   -   -   -;
            reset_password(pb::ResetPasswordRequest::default()):        -   -   -   -   -   -   -;
            get_me(pb::GetMeRequest {}):                                401 -   403 -   -   -   401;
            update_me(pb::UpdateMeRequest::default()):                  401 -   403 -   -   -   401;
            get_keys(pb::GetKeysRequest {}):                            -   -   -   -   -   -   -;
            issue_ws_ticket(pb::IssueWsTicketRequest {}):               401 -   403 -   -   -   401;
            authenticate_api_key(pb::AuthenticateApiKeyRequest::default()): 403 403 403 403 403 403 401;
            create_admin(pb::CreateAdminRequest::default()):            403 403 403 403 403 403 -;
            list_users(pb::ListUsersRequest::default()):                401 403 403 403 403 -   403;
            list_addresses(pb::ListAddressesRequest {}):                401 -   403 -   -   -   401;
            put_address(pb::PutAddressRequest::default()):              401 -   403 -   -   -   401;
            delete_address(pb::DeleteAddressRequest::default()):        401 -   403 -   -   -   401;
            apply_merchant(pb::ApplyMerchantRequest::default()):        401 -   403 -   -   -   401;
            get_merchant(pb::GetMerchantRequest::default()):            -   -   -   -   -   -   -;
            batch_get_merchants(pb::BatchGetMerchantsRequest::default()): - -   -   -   -   -   -;
            list_merchants(pb::ListMerchantsRequest::default()):        401 403 403 403 403 -   403;
            decide_merchant(pb::DecideMerchantRequest::default()):      401 403 403 403 403 -   -;
            list_staff(pb::ListStaffRequest {}):                        401 403 403 403 403 403 403;
            add_staff(pb::AddStaffRequest::default()):                  401 403 403 403 403 403 403;
            remove_staff(pb::RemoveStaffRequest::default()):            401 403 403 403 403 403 403;
            create_api_key(pb::CreateApiKeyRequest::default()):         401 403 403 403 403 403 403;
            list_api_keys(pb::ListApiKeysRequest {}):                   401 403 403 403 403 403 403;
            delete_api_key(pb::DeleteApiKeyRequest::default()):         401 403 403 403 403 403 403;
        }
        platform.stop().await;
    }
}

#[tokio::test]
async fn a_merchant_is_shown_to_its_own_people() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        let (id, owner) = platform.merchant("901111111").await;
        let strangers = Strangers::new();
        let mut client = platform.client();
        let mut get = async |caller: Caller| {
            let call = client.get_merchant(pb::GetMerchantRequest { id: id.clone() });
            platform.lab.act(caller, call).await
        };
        let key = Caller { merchant: owner.merchant, user: None, ..strangers.key.clone() };
        for caller in [owner, key, strangers.admin, strangers.service] {
            let merchant = get(caller).await.unwrap().into_inner().merchant.unwrap();
            assert_eq!(merchant.tin, "123456789");
        }
        for caller in [strangers.guest, strangers.user, strangers.key, strangers.staff] {
            let hidden = get(caller).await.unwrap_err();
            assert_eq!(reason(hidden), (Code::NotFound, "MERCHANT_NOT_FOUND".to_owned()));
        }
        platform.stop().await;
    }
}

#[tokio::test]
async fn an_admin_is_made_by_the_platform_however_often_it_is_told() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        let user = platform.register("901234567").await.user.unwrap();
        let mut client = platform.client();
        let request = |login: &str, password: &str| pb::CreateAdminRequest {
            login: login.to_owned(),
            password: password.to_owned(),
            name: "Root".to_owned(),
        };
        for password in ["another password", "a third password"] {
            let call = client.create_admin(request("901234567", password));
            let made = platform.lab.as_service(call).await.unwrap().into_inner().user.unwrap();
            assert_eq!((made.id, made.roles), (user.id.clone(), vec!["admin".to_owned()]));
        }
        assert!(platform.login("901234567", PASSWORD).await.is_err());
        let signed_in = platform.login("901234567", "a third password").await.unwrap();
        let caller = platform.caller(&signed_in).await;
        assert!(caller.is_admin());
        let wrong = platform.lab.as_service(client.create_admin(request("root", "short"))).await;
        assert_eq!(fields(wrong.unwrap_err()), ["login", "password"]);
        platform.stop().await;
    }
}

#[tokio::test]
async fn the_platform_owner_reads_page_by_page() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        let admin = platform.admin().await;
        for number in 0..3 {
            let signed_in = platform.register(&format!("90{number:07}")).await;
            platform.apply(&platform.caller(&signed_in).await).await.unwrap();
        }
        let mut client = platform.client();
        let page = |after: String| Some(PageRequest { limit: 3, after, count: true });
        let users = async |after: String| {
            let call =
                platform.client().list_users(pb::ListUsersRequest { page: page(after) }).await;
            call.map(tonic::Response::into_inner)
        };
        let first = platform.lab.act(admin.clone(), users(String::new())).await.unwrap();
        let info = first.page.unwrap();
        assert_eq!((first.users.len(), info.count), (3, Some(4)));
        let rest = platform.lab.act(admin.clone(), users(info.next)).await.unwrap();
        assert_eq!((rest.users.len(), rest.page.unwrap().next.as_str()), (1, ""));
        assert_eq!(rest.users[0].email, "root@example.uz");
        let bad = platform.lab.act(admin.clone(), users("x".to_owned())).await.unwrap_err();
        assert_eq!(fields(bad), ["after"]);

        let list = |status: pb::MerchantStatus| pb::ListMerchantsRequest {
            status: status.into(),
            page: page(String::new()),
        };
        for (status, count) in [
            (pb::MerchantStatus::Unspecified, 3),
            (pb::MerchantStatus::Pending, 3),
            (pb::MerchantStatus::Active, 0),
        ] {
            let call = client.list_merchants(list(status));
            let found = platform.lab.act(admin.clone(), call).await.unwrap().into_inner();
            assert_eq!(found.merchants.len(), count);
            assert_eq!(found.page.unwrap().count, Some(u64::try_from(count).unwrap()));
        }
        platform.stop().await;
    }
}
