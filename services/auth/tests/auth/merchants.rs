//! From the application to the merchant's people and keys.

use fault::Code;
use ids::MerchantId;
use mesh::{Caller, StaffRole};
use proto::{auth as pb, event::event::Data};

use crate::platform::{PASSWORD, Platform, denied, fields, reason, settings};

fn missing(what: &str) -> (Code, String) {
    (Code::NotFound, format!("{what}_NOT_FOUND"))
}

impl Platform {
    async fn get(&self, caller: &Caller, id: &str) -> Result<pb::Merchant, tonic::Status> {
        let mut client = self.client();
        let call = client.get_merchant(pb::GetMerchantRequest { id: id.to_owned() });
        let answer = self.lab.act(caller.clone(), call).await?;
        Ok(answer.into_inner().merchant.unwrap())
    }

    async fn add_staff(
        &self,
        caller: &Caller,
        login: &str,
        role: &str,
    ) -> Result<pb::StaffMember, tonic::Status> {
        let mut client = self.client();
        let (login, role) = (login.to_owned(), role.to_owned());
        let call = client.add_staff(pb::AddStaffRequest { login, role });
        let answer = self.lab.act(caller.clone(), call).await?;
        Ok(answer.into_inner().member.unwrap())
    }

    async fn list_staff(&self, caller: &Caller) -> Result<Vec<pb::StaffMember>, tonic::Status> {
        let mut client = self.client();
        let call = client.list_staff(pb::ListStaffRequest {});
        Ok(self.lab.act(caller.clone(), call).await?.into_inner().staff)
    }

    async fn remove_staff(&self, caller: &Caller, id: &str) -> Result<(), tonic::Status> {
        let mut client = self.client();
        let call = client.remove_staff(pb::RemoveStaffRequest { id: id.to_owned() });
        self.lab.act(caller.clone(), call).await.map(drop)
    }

    async fn create_key(
        &self,
        caller: &Caller,
        scopes: &[&str],
    ) -> Result<pb::CreateApiKeyResponse, tonic::Status> {
        let mut client = self.client();
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let call =
            client.create_api_key(pb::CreateApiKeyRequest { name: "ERP".to_owned(), scopes });
        Ok(self.lab.act(caller.clone(), call).await?.into_inner())
    }

    async fn open(&self, key: &str) -> Result<pb::AuthenticateApiKeyResponse, tonic::Status> {
        let mut client = self.client();
        let call =
            client.authenticate_api_key(pb::AuthenticateApiKeyRequest { key: key.to_owned() });
        Ok(self.lab.as_service(call).await?.into_inner())
    }
}

#[tokio::test]
async fn an_application_becomes_a_merchant_in_the_next_token() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        let admin = platform.admin().await;
        let signed_in = platform.register("901234567").await;
        let owner = platform.caller(&signed_in).await;
        let merchant = platform.apply(&owner).await.unwrap();
        assert_eq!(merchant.status(), pb::MerchantStatus::Pending);
        assert_eq!((merchant.plan.as_str(), merchant.version), ("", 1));
        let twice = platform.apply(&owner).await.unwrap_err();
        assert_eq!(reason(twice), (Code::AlreadyExists, "APPLICATION_EXISTS".to_owned()));
        assert_eq!(platform.get(&owner, &merchant.id).await.unwrap(), merchant);

        let by_owner = platform.decide(&owner, &merchant.id, pb::MerchantStatus::Active).await;
        assert_eq!(reason(by_owner.unwrap_err()).0, Code::Forbidden);
        let active =
            platform.decide(&admin, &merchant.id, pb::MerchantStatus::Active).await.unwrap();
        assert_eq!((active.status(), active.plan.as_str()), (pb::MerchantStatus::Active, "basic"));

        let refresh = &signed_in.tokens.as_ref().unwrap().refresh_token;
        let next = platform.refresh(refresh).await.unwrap();
        let user = next.user.clone().unwrap();
        assert_eq!(
            (user.roles, user.merchant_role.as_str()),
            (vec!["merchant".to_owned()], "admin")
        );
        let claims =
            platform.claims(&next.tokens.as_ref().unwrap().access_token, "ultramarket").await;
        assert_eq!(claims.roles, ["merchant"]);
        assert_eq!(
            (claims.mer, claims.mrole.as_deref()),
            (Some(merchant.id.clone()), Some("admin"))
        );

        for seen in [&platform.order, &platform.notification] {
            testkit::eventually("both are told", || async {
                seen.newest("merchant.approved").is_some()
            })
            .await;
            assert_eq!(seen.kinds(), ["merchant.applied", "merchant.approved"]);
            let event = seen.newest("merchant.approved").unwrap();
            assert_eq!((event.subject, event.version), (merchant.id.clone(), 2));
            let Some(Data::Merchant(told)) = event.data else { unreachable!("a merchant") };
            assert_eq!(told.merchant.unwrap(), active);
        }

        let suspended =
            platform.decide(&admin, &merchant.id, pb::MerchantStatus::Suspended).await.unwrap();
        assert_eq!(suspended.reject_reason, "because");
        let after = platform.login("901234567", PASSWORD).await.unwrap();
        assert!(after.user.unwrap().merchant_id.is_empty(), "nobody works for a suspended one");
        let illegal = platform.decide(&admin, &merchant.id, pb::MerchantStatus::Rejected).await;
        let conflict = (Code::Conflict, "MERCHANT_STATUS_CONFLICT".to_owned());
        assert_eq!(reason(illegal.unwrap_err()), conflict);
        platform.stop().await;
    }
}

#[tokio::test]
async fn a_decision_says_what_and_why() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        let service = Caller::service("test");
        let owner = platform.caller(&platform.register("901234567").await).await;
        let id = platform.apply(&owner).await.unwrap().id;
        let mut client = platform.client();
        let request = |status: pb::MerchantStatus, plan: &str| pb::DecideMerchantRequest {
            id: id.clone(),
            status: status.into(),
            plan: plan.to_owned(),
            reason: String::new(),
        };
        for (status, plan, field) in [
            (pb::MerchantStatus::Unspecified, "", "status"),
            (pb::MerchantStatus::Pending, "", "status"),
            (pb::MerchantStatus::Active, "", "plan"),
            (pb::MerchantStatus::Active, "gold", "plan"),
            (pb::MerchantStatus::Rejected, "", "reason"),
        ] {
            let call = client.decide_merchant(request(status, plan));
            let refused = platform.lab.act(service.clone(), call).await.unwrap_err();
            assert_eq!(fields(refused), [field]);
        }
        let unknown = MerchantId::new().to_string();
        let refused = platform.decide(&service, &unknown, pb::MerchantStatus::Active).await;
        assert_eq!(reason(refused.unwrap_err()), missing("MERCHANT"));
        let rejected = platform.decide(&service, &id, pb::MerchantStatus::Rejected).await.unwrap();
        assert_eq!(rejected.reject_reason, "because");
        platform.apply(&owner).await.unwrap();
        let form = pb::ApplyMerchantRequest { tin: "12".to_owned(), ..Default::default() };
        let refused = platform.lab.act(owner, client.apply_merchant(form)).await.unwrap_err();
        assert_eq!(fields(refused), ["name", "legal_name", "tin", "phone", "email"]);
        platform.stop().await;
    }
}

#[tokio::test]
async fn merchants_do_not_see_each_other() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        let (a, owner_a) = platform.merchant("901111111").await;
        let (b, owner_b) = platform.merchant("902222222").await;
        platform.register("903333333").await;
        let member = platform.add_staff(&owner_b, "903333333", "operator").await.unwrap();
        let made = platform.create_key(&owner_b, &["orders:read"]).await.unwrap();
        let key_b = made.api_key.unwrap();

        assert!(platform.get(&owner_a, &a).await.is_ok());
        assert_eq!(reason(platform.get(&owner_a, &b).await.unwrap_err()), missing("MERCHANT"));
        let staff = platform.list_staff(&owner_a).await.unwrap();
        assert_eq!(staff.iter().map(|it| it.login.as_str()).collect::<Vec<_>>(), ["+998901111111"]);
        let removed = platform.remove_staff(&owner_a, &member.id).await.unwrap_err();
        assert_eq!(reason(removed), missing("STAFF"));
        let taken = platform.add_staff(&owner_a, "903333333", "viewer").await.unwrap_err();
        assert_eq!(reason(taken), (Code::Conflict, "STAFF_ELSEWHERE".to_owned()));
        let mut client = platform.client();
        let delete = client.delete_api_key(pb::DeleteApiKeyRequest { id: key_b.id.clone() });
        let deleted = platform.lab.act(owner_a.clone(), delete).await.unwrap_err();
        assert_eq!(reason(deleted), missing("API_KEY"));
        let list = client.list_api_keys(pb::ListApiKeysRequest {});
        let keys = platform.lab.act(owner_a.clone(), list).await.unwrap().into_inner().api_keys;
        assert!(keys.is_empty());
        assert_eq!(platform.list_staff(&owner_b).await.unwrap().len(), 2);

        // Names are for everybody, numbers and accounts are not.
        let ids = vec![a.clone(), b.clone(), MerchantId::new().to_string()];
        let batch = pb::BatchGetMerchantsRequest { ids };
        let shown = platform.lab.act(owner_a.clone(), client.batch_get_merchants(batch.clone()));
        let shown = shown.await.unwrap().into_inner().merchants;
        assert_eq!(shown.len(), 2);
        assert!(
            shown.iter().all(|it| it.name == "Anor" && it.tin.is_empty() && it.phone.is_empty())
        );
        let whole = platform.lab.as_service(client.batch_get_merchants(batch)).await.unwrap();
        assert!(whole.into_inner().merchants.iter().all(|it| it.tin == "123456789"));
        let many = vec![a; 101];
        let refused = client.batch_get_merchants(pb::BatchGetMerchantsRequest { ids: many });
        assert_eq!(fields(platform.lab.act(owner_a, refused).await.unwrap_err()), ["ids"]);
        platform.stop().await;
    }
}

#[tokio::test]
async fn a_staff_is_led_by_its_administrators() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        let (merchant, owner) = platform.merchant("901111111").await;
        platform.register("902222222").await;
        let wrong = platform.add_staff(&owner, "x", "king").await.unwrap_err();
        assert_eq!(fields(wrong), ["login", "role"]);
        let nobody = platform.add_staff(&owner, "909999999", "admin").await.unwrap_err();
        assert_eq!(reason(nobody), missing("USER"));
        let member = platform.add_staff(&owner, "902222222", "admin").await.unwrap();
        let twice = platform.add_staff(&owner, "902222222", "admin").await.unwrap_err();
        assert_eq!(reason(twice), (Code::AlreadyExists, "STAFF_EXISTS".to_owned()));

        let signed_in = platform.login("902222222", PASSWORD).await.unwrap();
        let colleague = platform.caller(&signed_in).await;
        assert_eq!(colleague.merchant, Some((merchant.parse().unwrap(), StaffRole::Admin)));
        let staff = platform.list_staff(&colleague).await.unwrap();
        let stays = platform.remove_staff(&colleague, &staff[0].id).await.unwrap_err();
        assert_eq!(reason(stays), (Code::Conflict, "OWNER_STAYS".to_owned()));

        platform.remove_staff(&owner, &member.id).await.unwrap();
        // The token still says admin, the staff does not.
        let dismissed = platform.create_key(&colleague, &["orders:read"]).await.unwrap_err();
        assert_eq!(reason(dismissed).0, Code::Forbidden);
        let token = signed_in.tokens.unwrap().refresh_token;
        let next = platform.refresh(&token).await.unwrap();
        assert!(next.user.unwrap().merchant_role.is_empty());
        platform.stop().await;
    }
}

#[tokio::test]
async fn a_key_stands_for_its_merchant() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        let (merchant, owner) = platform.merchant("901111111").await;
        let wrong = platform.create_key(&owner, &["everything"]).await.unwrap_err();
        assert_eq!(fields(wrong), ["scopes"]);
        let made = platform.create_key(&owner, &["products:write", "orders:read"]).await.unwrap();
        let key = made.api_key.unwrap();
        assert!(made.key.starts_with(&key.hint) && made.key.starts_with("sk_"));
        assert!(key.hint.len() < 12);

        let opened = platform.open(&made.key).await.unwrap();
        assert_eq!(
            (opened.merchant_id.as_str(), opened.key_id),
            (merchant.as_str(), key.id.clone())
        );
        assert_eq!(opened.scopes, ["products:write", "orders:read"]);
        let mut client = platform.client();
        let list = client.list_api_keys(pb::ListApiKeysRequest {});
        let keys = platform.lab.act(owner.clone(), list).await.unwrap().into_inner().api_keys;
        assert_eq!(keys[0].last_used_at_ms, testkit::START.millis());
        for wrong in ["", "sk_", "sk_wrong"] {
            let refused = platform.open(wrong).await.unwrap_err();
            assert_eq!(reason(refused), denied("API_KEY_INVALID"));
        }
        let delete = client.delete_api_key(pb::DeleteApiKeyRequest { id: key.id });
        platform.lab.act(owner, delete).await.unwrap();
        assert_eq!(reason(platform.open(&made.key).await.unwrap_err()), denied("API_KEY_INVALID"));
        platform.stop().await;
    }
}
