//! Accounts, passwords, tokens.

use fault::{Code, Fault};
use mesh::Caller;
use proto::auth as pb;

use crate::platform::{PASSWORD, Platform, denied, fields, reason, settings};

#[tokio::test]
async fn a_person_registers_and_signs_in_by_either_login() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        let request = pb::RegisterRequest {
            phone: "90 123-45-67".to_owned(),
            email: "Ali@Example.uz".to_owned(),
            password: PASSWORD.to_owned(),
            name: " Ali ".to_owned(),
            client: Some(pb::Client { ip: "10.0.0.7".to_owned(), user_agent: "curl".to_owned() }),
            ..pb::RegisterRequest::default()
        };
        let mut client = platform.client();
        let made = client.register(request.clone());
        let made = platform.lab.act(Caller::guest(), made).await.unwrap().into_inner();
        let user = made.user.clone().unwrap();
        assert_eq!((user.phone.as_str(), user.email.as_str()), ("+998901234567", "ali@example.uz"));
        assert_eq!((user.name.as_str(), user.locale.as_str()), ("Ali", "uz"));
        assert!(user.roles.is_empty() && !user.phone_verified);

        let tokens = made.tokens.clone().unwrap();
        assert_eq!(tokens.expires_in, 900);
        let claims = platform.claims(&tokens.access_token, "ultramarket").await;
        assert_eq!((claims.iss.as_str(), claims.sub), ("ultramarket", user.id.clone()));
        assert_eq!(claims.exp - claims.iat, 900);
        assert_eq!(claims.iat, testkit::START.millis() / 1000);
        assert!(claims.mer.is_none() && claims.mrole.is_none());

        for login in ["+998901234567", "8 90 123 45 67", "ALI@example.uz"] {
            let signed_in = platform.login(login, PASSWORD).await.unwrap();
            assert_eq!(signed_in.user.unwrap().id, user.id);
        }
        let caller = platform.caller(&made).await;
        let mut client = platform.client();
        let sessions = client.list_sessions(pb::ListSessionsRequest {});
        let sessions = platform.lab.act(caller, sessions).await.unwrap().into_inner().sessions;
        assert_eq!(sessions.len(), 4);
        let current: Vec<_> = sessions.iter().filter(|session| session.current).collect();
        assert_eq!((current.len(), current[0].ip.as_str()), (1, "10.0.0.7"));

        let mut client = platform.client();
        let again = platform.lab.act(Caller::guest(), client.register(request)).await.unwrap_err();
        assert_eq!(reason(again), (Code::AlreadyExists, "LOGIN_TAKEN".to_owned()));
        platform.stop().await;
    }
}

#[tokio::test]
async fn all_wrong_fields_are_told_at_once() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        let mut client = platform.client();
        let request = pb::RegisterRequest {
            phone: "12".to_owned(),
            email: "nobody".to_owned(),
            password: "password".to_owned(),
            locale: "de".to_owned(),
            ..pb::RegisterRequest::default()
        };
        let refused = platform.lab.act(Caller::guest(), client.register(request)).await;
        let told = fields(refused.unwrap_err());
        assert_eq!(told, ["phone", "email", "password", "name", "locale"]);
        let empty = platform.login("", "").await.unwrap_err();
        assert_eq!(fields(empty), ["login", "password"]);
        platform.stop().await;
    }
}

#[tokio::test]
async fn an_unknown_login_is_answered_as_a_wrong_password_is() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        platform.register("901234567").await;
        let mut answers = Vec::new();
        for login in ["901234567", "907654321", "nobody@example.uz", "root"] {
            let fault = Fault::from(platform.login(login, "wrong password").await.unwrap_err());
            assert_eq!(fault.code, Code::Unauthenticated);
            answers.push((fault.reason, fault.message, fault.metadata));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(answers[0].0, "INVALID_CREDENTIALS");
        platform.stop().await;
    }
}

#[tokio::test]
async fn ten_failures_lock_a_login_for_a_while() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        platform.register("901234567").await;
        // What nobody has is locked just so: a lock tells nothing.
        for login in ["+998 90 123 45 67", "nobody@example.uz"] {
            for _ in 0..10 {
                let wrong = platform.login(login, "wrong password").await.unwrap_err();
                assert_eq!(reason(wrong), denied("INVALID_CREDENTIALS"));
            }
            let locked = Fault::from(platform.login(login, PASSWORD).await.unwrap_err());
            assert_eq!(
                (locked.code, locked.reason.as_ref()),
                (Code::Exhausted, "TOO_MANY_ATTEMPTS")
            );
            assert_eq!(locked.retry_after.unwrap().as_secs(), 15 * 60);
        }
        platform.register("907654321").await;
        assert!(platform.login("907654321", PASSWORD).await.is_ok(), "others are not locked");
        platform.advance(15 * 60);
        assert!(platform.login("901234567", PASSWORD).await.is_ok());
        platform.stop().await;
    }
}

#[tokio::test]
async fn many_tries_at_once_do_not_come_before_the_count() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        platform.register("901234567").await;
        let tries = (0..40).map(|_| platform.login("901234567", "wrong password"));
        let answers = futures::future::join_all(tries).await;
        let tried = answers.into_iter().filter(|answer| {
            let fault = Fault::from(answer.as_ref().unwrap_err().clone());
            fault.reason == "INVALID_CREDENTIALS"
        });
        let cores = std::thread::available_parallelism().unwrap().get();
        assert!(tried.count() < 10 + cores, "at most what was under way at the tenth failure");
        platform.stop().await;
    }
}

#[tokio::test]
async fn a_refresh_token_is_good_once() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        let first = platform.register("901234567").await.tokens.unwrap();
        platform.advance(60);
        let second = platform.refresh(&first.refresh_token).await.unwrap();
        assert_eq!(second.user.as_ref().unwrap().phone, "+998901234567");
        let second = second.tokens.unwrap();
        assert_ne!(second.refresh_token, first.refresh_token);
        let (old, new) = (
            platform.claims(&first.access_token, "ultramarket").await,
            platform.claims(&second.access_token, "ultramarket").await,
        );
        assert_eq!((new.sid, new.iat), (old.sid, old.iat + 60));
        let third = platform.refresh(&second.refresh_token).await.unwrap().tokens.unwrap();

        let reused = platform.refresh(&first.refresh_token).await.unwrap_err();
        assert_eq!(reason(reused), denied("REFRESH_TOKEN_REUSED"));
        let newest = platform.refresh(&third.refresh_token).await.unwrap_err();
        assert_eq!(reason(newest), denied("REFRESH_TOKEN_INVALID"));
        for nonsense in ["", "rt_nonsense"] {
            let refused = platform.refresh(nonsense).await.unwrap_err();
            assert_eq!(reason(refused), denied("REFRESH_TOKEN_INVALID"));
        }

        let other = platform.login("901234567", PASSWORD).await.unwrap().tokens.unwrap();
        platform.advance(30 * 86_400);
        let late = platform.refresh(&other.refresh_token).await.unwrap_err();
        assert_eq!(reason(late), denied("REFRESH_TOKEN_INVALID"));
        platform.stop().await;
    }
}

#[tokio::test]
async fn who_signs_out_stays_out() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        let first = platform.register("901234567").await;
        let second = platform.login("901234567", PASSWORD).await.unwrap();
        let third = platform.login("901234567", PASSWORD).await.unwrap();
        let token = |signed_in: &pb::SignedInResponse| {
            signed_in.tokens.as_ref().unwrap().refresh_token.clone()
        };
        let caller = platform.caller(&first).await;
        let mut client = platform.client();
        let ticket = client.issue_ws_ticket(pb::IssueWsTicketRequest {});
        let ticket = platform.lab.act(caller.clone(), ticket).await.unwrap().into_inner();
        assert_eq!(ticket.expires_in, 60);
        let claims = platform.claims(&ticket.ticket, "ws").await;
        assert_eq!((claims.sub, claims.exp - claims.iat), (caller.user.unwrap().to_string(), 60));

        let logout = client.logout(pb::LogoutRequest {});
        platform.lab.act(caller.clone(), logout).await.unwrap();
        let ticket = client.issue_ws_ticket(pb::IssueWsTicketRequest {});
        let refused = platform.lab.act(caller, ticket).await.unwrap_err();
        assert_eq!(reason(refused), denied("SESSION_ENDED"));
        assert!(platform.refresh(&token(&first)).await.is_err());
        let second = platform.refresh(&token(&second)).await.unwrap();

        let caller = platform.caller(&second).await;
        let revoke = client.revoke_sessions(pb::RevokeSessionsRequest {});
        platform.lab.act(caller, revoke).await.unwrap();
        assert!(platform.refresh(&token(&second)).await.is_err());
        assert!(platform.refresh(&token(&third)).await.is_err());
        platform.stop().await;
    }
}

#[tokio::test]
async fn keys_outlive_the_process() {
    let folder = testkit::Folder::new("auth-keys");
    let mut seen = Vec::new();
    for _ in 0..2 {
        let address = format!("sqlite:{}", folder.path().join("auth.db").display());
        let lab = testkit::Lab::new(testkit::Wiring::Local)
            .role(mesh::Role::Auth, |host, mesh, _| {
                let config = crate::platform::config(address);
                Box::pin(async move { auth::mount(host, config, mesh).await })
            })
            .start()
            .await;
        let mut client = lab.mesh.auth();
        let keys = lab.act(Caller::guest(), client.get_keys(pb::GetKeysRequest {})).await.unwrap();
        seen.push(keys.into_inner().jwks);
        lab.stop().await;
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn an_account_is_changed_by_its_owner() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        let signed_in = platform.register("901234567").await;
        let caller = platform.caller(&signed_in).await;
        let mut client = platform.client();
        let request = pb::UpdateMeRequest {
            name: Some("Vali".to_owned()),
            email: Some("vali@example.uz".to_owned()),
            locale: Some("uz-Cyrl".to_owned()),
        };
        platform.lab.act(caller.clone(), client.update_me(request)).await.unwrap();
        let me = client.get_me(pb::GetMeRequest {});
        let me = platform.lab.act(caller.clone(), me).await.unwrap().into_inner().user.unwrap();
        assert_eq!((me.name.as_str(), me.locale.as_str()), ("Vali", "uz-Cyrl"));
        assert!(platform.login("vali@example.uz", PASSWORD).await.is_ok());
        let request = pb::UpdateMeRequest {
            name: Some(String::new()),
            locale: Some("xx".to_owned()),
            ..pb::UpdateMeRequest::default()
        };
        let refused = platform.lab.act(caller, client.update_me(request)).await.unwrap_err();
        assert_eq!(fields(refused), ["name", "locale"]);
        platform.stop().await;
    }
}

#[tokio::test]
async fn addresses_are_the_callers_own() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        let own = platform.caller(&platform.register("901234567").await).await;
        let other = platform.caller(&platform.register("907654321").await).await;
        let address = proto::value::Address {
            region: "1726".to_owned(),
            district: "1726273".to_owned(),
            street: "Navoiy".to_owned(),
            recipient: "Ali".to_owned(),
            phone: "90 123 45 67".to_owned(),
            ..proto::value::Address::default()
        };
        let mut client = platform.client();
        let put = |id: &str| pb::PutAddressRequest {
            id: id.to_owned(),
            address: Some(address.clone()),
            is_default: true,
        };
        let made = platform.lab.act(own.clone(), client.put_address(put(""))).await.unwrap();
        let made = made.into_inner().address.unwrap();
        assert_eq!(made.address.as_ref().unwrap().phone, "+998901234567");
        let foreign = platform.lab.act(other.clone(), client.put_address(put(&made.id))).await;
        assert_eq!(reason(foreign.unwrap_err()), (Code::NotFound, "ADDRESS_NOT_FOUND".to_owned()));
        let delete = client.delete_address(pb::DeleteAddressRequest { id: made.id.clone() });
        let foreign = platform.lab.act(other, delete).await.unwrap_err();
        assert_eq!(reason(foreign).0, Code::NotFound);
        let list = client.list_addresses(pb::ListAddressesRequest {});
        let listed = platform.lab.act(own.clone(), list).await.unwrap().into_inner().addresses;
        assert_eq!(listed, [made]);
        let empty = pb::PutAddressRequest::default();
        let refused = platform.lab.act(own, client.put_address(empty)).await.unwrap_err();
        assert_eq!(fields(refused)[0], "address.region");
        platform.stop().await;
    }
}
