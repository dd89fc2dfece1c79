//! One-time codes and forgotten passwords.

use fault::{Code, Fault};
use mesh::{Caller, Context};
use proto::auth as pb;

use crate::platform::{PASSWORD, Platform, denied, fields, reason, settings};

impl Platform {
    async fn request_otp(&self, phone: &str) -> Result<pb::RequestOtpResponse, tonic::Status> {
        let mut client = self.client();
        let request = pb::RequestOtpRequest { phone: phone.to_owned() };
        let context = Context { locale: "ru".into(), ..Context::new(Caller::guest()) };
        Ok(context.scope(client.request_otp(request)).await?.into_inner())
    }

    async fn verify_otp(
        &self,
        phone: &str,
        code: &str,
    ) -> Result<pb::SignedInResponse, tonic::Status> {
        let mut client = self.client();
        let request = pb::VerifyOtpRequest {
            phone: phone.to_owned(),
            code: code.to_owned(),
            ..pb::VerifyOtpRequest::default()
        };
        Ok(self.lab.act(Caller::guest(), client.verify_otp(request)).await?.into_inner())
    }

    async fn forgot(&self, login: &str) -> Result<(), tonic::Status> {
        let mut client = self.client();
        let request = pb::RequestPasswordResetRequest { login: login.to_owned() };
        let call = client.request_password_reset(request);
        self.lab.act(Caller::guest(), call).await.map(drop)
    }

    async fn reset(&self, token: &str, password: &str) -> Result<(), tonic::Status> {
        let mut client = self.client();
        let (token, password) = (token.to_owned(), password.to_owned());
        let call = client.reset_password(pb::ResetPasswordRequest { token, password });
        self.lab.act(Caller::guest(), call).await.map(drop)
    }
}

#[tokio::test]
async fn a_code_signs_in_and_makes_the_account_once() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        let asked = platform.request_otp("90 123 45 67").await.unwrap();
        assert_eq!(asked.retry_after, 60);
        let text = platform.notification.message("+998901234567", 1).await;
        assert_eq!((text.channel.as_str(), text.template.as_str()), ("sms", "otp_code"));
        assert_eq!(text.locale, "ru");
        let made = platform.verify_otp("+998901234567", &text.values["code"]).await.unwrap();
        let user = made.user.unwrap();
        assert!(user.phone_verified);
        let used = platform.verify_otp("+998901234567", &text.values["code"]).await;
        assert_eq!(reason(used.unwrap_err()), denied("OTP_INVALID"));

        let soon = Fault::from(platform.request_otp("901234567").await.unwrap_err());
        assert_eq!((soon.code, soon.retry_after.unwrap().as_secs()), (Code::Exhausted, 60));
        platform.advance(60);
        platform.request_otp("901234567").await.unwrap();
        let text = platform.notification.message("+998901234567", 2).await;
        let again = platform.verify_otp("901234567", &text.values["code"]).await.unwrap();
        assert_eq!(again.user.unwrap().id, user.id);
        assert!(platform.order.kinds().is_empty(), "texts are not for the order service");
        platform.stop().await;
    }
}

#[tokio::test]
async fn five_wrong_tries_end_a_code() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        platform.request_otp("901234567").await.unwrap();
        let right = platform.notification.message("+998901234567", 1).await.values["code"].clone();
        let wrong = if right == "000000" { "000001" } else { "000000" };
        for _ in 0..5 {
            let refused = platform.verify_otp("901234567", wrong).await.unwrap_err();
            assert_eq!(reason(refused), denied("OTP_INVALID"));
        }
        let dead = platform.verify_otp("901234567", &right).await.unwrap_err();
        assert_eq!(reason(dead), (Code::Exhausted, "TOO_MANY_ATTEMPTS".to_owned()));
        let nonsense = platform.verify_otp("12", "12a").await.unwrap_err();
        assert_eq!(fields(nonsense), ["phone", "code"]);
        platform.stop().await;
    }
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew() {
    for setting in settings() {
        let platform = Platform::new(setting).await;
        let before = platform.register("901234567").await.tokens.unwrap();
        for _ in 0..10 {
            assert!(platform.login("901234567", "forgotten it").await.is_err());
        }
        for login in ["nobody@example.uz", "907654321", "root", "901234567"] {
            platform.forgot(login).await.unwrap();
        }
        let text = platform.notification.message("+998901234567", 1).await;
        assert_eq!((text.channel.as_str(), text.template.as_str()), ("sms", "password_reset"));
        assert_eq!(platform.notification.kinds(), ["user.message"], "nobody else is written to");
        let token = &text.values["token"];

        let weak = platform.reset(token, "short").await.unwrap_err();
        assert_eq!(fields(weak), ["password"]);
        let wrong = platform.reset("pr_wrong", "another password").await.unwrap_err();
        assert_eq!(reason(wrong), (Code::Invalid, "RESET_TOKEN_INVALID".to_owned()));
        platform.reset(token, "another password").await.unwrap();
        assert!(platform.reset(token, "a third password").await.is_err(), "good once");

        assert!(platform.refresh(&before.refresh_token).await.is_err(), "sessions are ended");
        let old = platform.login("901234567", PASSWORD).await.unwrap_err();
        assert_eq!(reason(old), denied("INVALID_CREDENTIALS"), "the lock is lifted");
        assert!(platform.login("901234567", "another password").await.is_ok());
        platform.stop().await;
    }
}
