//! What every store of accounts promises, whichever it is.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use auth::{
    domain::{
        Client, Email, Event, Locale, Login, Message, NewUser, PasswordHash, Phone, User, Values,
    },
    store::{self, AuthStore, NewSession},
};
use clock::Timestamp;
use ids::{SessionId, UserId};
use mesh::Role;
use outbox::Draft;
use testkit::{Folder, FreshDatabase};

#[path = "contract/accounts.rs"]
mod accounts;
#[path = "contract/merchants.rs"]
mod merchants;
#[path = "contract/races.rs"]
mod races;
#[path = "contract/sessions.rs"]
mod sessions;
#[path = "contract/tenancy.rs"]
mod tenancy;

use accounts::{
    a_login_belongs_to_one_account, addresses_have_one_default_and_one_owner,
    an_account_is_found_by_either_login, an_admin_is_made_once,
    of_many_registrations_of_a_phone_one_wins, users_are_paged_newest_first,
};
use merchants::{
    a_decision_is_written_with_all_that_follows, a_person_works_for_one_merchant,
    an_owner_has_one_merchant_at_a_time, keys_open_what_is_active_and_note_their_use,
    merchants_are_paged_by_status,
};
use sessions::{
    a_code_is_good_once_for_a_while, a_code_proves_the_phone_of_an_account,
    a_reset_is_sent_to_accounts_only_and_works_once,
    a_token_is_good_once_and_twice_ends_its_session, codes_are_sent_now_and_then,
    failures_are_counted_until_a_success, of_many_swaps_of_a_token_one_wins,
    sessions_end_by_time_and_by_word, the_first_signing_key_stays,
    what_has_run_out_is_forgotten_in_batches,
};

const NOW: Timestamp = testkit::START;
const MINUTE: Duration = Duration::from_mins(1);

fn later(minutes: u32) -> Timestamp {
    NOW.plus(MINUTE * minutes)
}

/// Events as these tests see them: the kind and nothing else.
fn encode(event: &Event, at: Timestamp) -> Draft {
    let kind = match event {
        Event::MerchantApplied(_) => "merchant.applied",
        Event::MerchantApproved(_) => "merchant.approved",
        Event::MerchantRejected(_) => "merchant.rejected",
        Event::MerchantSuspended(_) => "merchant.suspended",
        Event::Message(_) => "user.message",
    };
    let data = proto::event::event::Data::Message(proto::event::UserMessage::default());
    Draft::new(kind, "subject", 1, at, data).to(&[Role::Notification])
}

async fn sent(store: &dyn AuthStore) -> Vec<String> {
    let parcels = store.outbox().claim(Role::Notification, later(9999), 100).await.unwrap();
    parcels.into_iter().map(|parcel| parcel.kind).collect()
}

fn phone(number: u32) -> Phone {
    Phone::parse(&format!("90{number:07}")).unwrap()
}

fn person(number: u32) -> NewUser {
    NewUser {
        id: UserId::new(),
        phone: Some(phone(number)),
        email: Email::parse(&format!("a{number}@example.uz")),
        name: "Ali".to_owned(),
        locale: Locale::Ru,
        referral_code: "NAVRUZ".to_owned(),
        phone_verified: false,
        password: Some(PasswordHash::new("$argon2id$v=19$one".to_owned())),
        at: NOW,
    }
}

fn session(refresh: u8, at: Timestamp) -> NewSession {
    let client = Client::new("10.0.0.1", "browser");
    let expires_at = at.plus(MINUTE * 60);
    NewSession { id: SessionId::new(), refresh: [refresh; 32], client, at, expires_at }
}

async fn account(store: &dyn AuthStore, number: u32) -> User {
    let token = u8::try_from(200 + number).unwrap();
    store.register(person(number), session(token, NOW)).await.unwrap()
}

fn message(to: &Phone) -> Message {
    let values = Values(vec![("code", "123456".to_owned())]);
    let to = Login::Phone(to.clone());
    Message { user: None, to, template: "otp_code", values, locale: Locale::Uz }
}

/// Lists every promise once for an adapter.
macro_rules! contract {
    ($adapter:ident, $open:expr) => {
        mod $adapter {
            contract!(@each $open,
                an_account_is_found_by_either_login,
                a_login_belongs_to_one_account,
                of_many_registrations_of_a_phone_one_wins,
                an_admin_is_made_once,
                users_are_paged_newest_first,
                addresses_have_one_default_and_one_owner,
                a_token_is_good_once_and_twice_ends_its_session,
                of_many_swaps_of_a_token_one_wins,
                sessions_end_by_time_and_by_word,
                failures_are_counted_until_a_success,
                codes_are_sent_now_and_then,
                a_code_is_good_once_for_a_while,
                a_code_proves_the_phone_of_an_account,
                a_reset_is_sent_to_accounts_only_and_works_once,
                an_owner_has_one_merchant_at_a_time,
                a_decision_is_written_with_all_that_follows,
                merchants_are_paged_by_status,
                a_person_works_for_one_merchant,
                keys_open_what_is_active_and_note_their_use,
                the_first_signing_key_stays,
                what_has_run_out_is_forgotten_in_batches,
            );
        }
    };
    (@each $open:expr, $($promise:ident,)+) => {
        $(
            #[tokio::test]
            async fn $promise() {
                let Some((store, place)) = $open().await else { return };
                super::$promise(store.as_ref()).await;
                store.close().await;
                drop(place);
            }
        )+
    };
}

async fn sqlite() -> Option<(Arc<dyn AuthStore>, Folder)> {
    let folder = Folder::new("auth");
    let address = format!("sqlite:{}", folder.path().join("auth.db").display());
    store::migrate(&address).await.unwrap();
    Some((store::open(&address, encode).await.unwrap(), folder))
}

async fn postgres() -> Option<(Arc<dyn AuthStore>, FreshDatabase)> {
    let fresh = FreshDatabase::create().await?;
    store::migrate(&fresh.address).await.unwrap();
    Some((store::open(&fresh.address, encode).await.unwrap(), fresh))
}

contract!(embedded, super::sqlite);
contract!(production, super::postgres);

#[tokio::test]
async fn an_unknown_scheme_is_refused_with_the_key() {
    let opened = store::open("file:users", encode).await.err().unwrap();
    let migrated = store::migrate("file:users").await.err().unwrap();
    for error in [opened.to_string(), migrated.to_string()] {
        assert!(error.contains("auth.store"), "{error}");
    }
}
