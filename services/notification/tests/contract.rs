//! What every store of notifications promises, whichever it is.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use clock::Timestamp;
use ids::{EventId, MerchantId, NotificationId, UserId};
use mongo::FreshDatabase;
use notification::{
    domain::{Channel, Delivery, Effects, Message, Notification, Recipient},
    store::{self, Counts, NotificationStore, Outcome, Place},
};
use testkit::Folder;

#[path = "contract/two_processes.rs"]
mod two_processes;

const NOW: Timestamp = testkit::START;

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn someone() -> Recipient {
    Recipient::User(UserId::new())
}

fn entry(recipient: Recipient, at: Timestamp) -> Notification {
    Notification {
        id: NotificationId::new(),
        recipient,
        kind: "order.paid".to_owned(),
        title: "Тўлов".to_owned(),
        body: "…".to_owned(),
        at,
        read: false,
        data: "{}".to_owned(),
    }
}

fn text(address: &str, secret: bool) -> Delivery {
    Delivery {
        id: NotificationId::new(),
        channel: Channel::Sms,
        address: address.to_owned(),
        template: "otp-code".to_owned(),
        subject: "code".to_owned(),
        text: "424242".to_owned(),
        secret,
        attempts: 0,
        created_at: NOW,
    }
}

fn message(recipient: Recipient) -> Message {
    Message {
        id: EventId::new(),
        recipient,
        kind: "order.paid".to_owned(),
        at: NOW,
        data: r#"{"number":"1000001K"}"#.to_owned(),
    }
}

async fn write(store: &dyn NotificationStore, effects: Effects) {
    let events = vec![(EventId::new().to_string(), effects)];
    assert_eq!(store.apply(events, NOW).await.unwrap(), [true]);
}

async fn say(store: &dyn NotificationStore, recipient: Recipient, count: usize) -> Vec<Message> {
    let messages: Vec<Message> = (0..count).map(|_| message(recipient)).collect();
    write(store, Effects { messages: messages.clone(), ..Effects::default() }).await;
    messages
}

async fn an_event_takes_effect_once(store: &dyn NotificationStore) {
    let to = someone();
    let event = |id: &str| {
        let effects = Effects {
            notifications: vec![entry(to, NOW)],
            deliveries: vec![text("+998901234567", false)],
            messages: vec![message(to)],
        };
        (id.to_owned(), effects)
    };
    let batch = vec![event("evt_1"), event("evt_2"), event("evt_1")];
    assert_eq!(store.apply(batch, NOW).await.unwrap(), [true, true, false]);
    let batch = vec![event("evt_2"), event("evt_3")];
    assert_eq!(store.apply(batch, NOW).await.unwrap(), [false, true]);
    assert_eq!(store.count(&[to]).await.unwrap(), Counts { all: 3, unread: 3 });
    assert_eq!(store.messages(&[to], 0, 10).await.unwrap().len(), 3);
    assert_eq!(store.claim(NOW, later(30), 10).await.unwrap().len(), 3);
}

async fn events_of_a_batch_take_effect_in_order_or_not_at_all(store: &dyn NotificationStore) {
    let to = someone();
    let (first, second) = (message(to), message(to));
    let event = |id: &str, message: &Message| {
        let effects = Effects { messages: vec![message.clone()], ..Effects::default() };
        (id.to_owned(), effects)
    };
    // A message that is written already: the store refuses it, and all that came with it.
    let clash = vec![event("evt_1", &first), event("evt_2", &second), event("evt_3", &first)];
    assert!(store.apply(clash, NOW).await.is_err());
    assert!(store.messages(&[to], 0, 10).await.unwrap().is_empty());
    let batch = vec![event("evt_2", &second), event("evt_1", &first)];
    assert_eq!(store.apply(batch, NOW).await.unwrap(), [true, true]);
    let found = store.messages(&[to], 0, 10).await.unwrap();
    assert_eq!(found.into_iter().map(|(_, one)| one).collect::<Vec<_>>(), [second, first]);
}

async fn lists_are_paged_newest_first(store: &dyn NotificationStore) {
    let (user, merchant) = (someone(), Recipient::Merchant(MerchantId::new()));
    let mut entries = Vec::new();
    for second in 0..3 {
        entries.push(entry(user, later(second)));
        entries.push(entry(merchant, later(second)));
    }
    let stranger = entry(someone(), NOW);
    let mut notifications = entries.clone();
    notifications.push(stranger);
    write(store, Effects { notifications, ..Effects::default() }).await;
    entries.sort_by_key(|one| std::cmp::Reverse((one.at, one.id)));

    let audience = [user, merchant];
    let first = store.notifications(&audience, None, 4).await.unwrap();
    let last = first.last().unwrap();
    let place = Place { at: last.at, id: last.id };
    let rest = store.notifications(&audience, Some(place), 4).await.unwrap();
    let found: Vec<Notification> = first.into_iter().chain(rest).collect();
    assert_eq!(found, entries);
}

async fn only_own_notifications_are_marked(store: &dyn NotificationStore) {
    let (own, other) = (someone(), someone());
    let (one, two, foreign) = (entry(own, NOW), entry(own, NOW), entry(other, NOW));
    let ids = [one.id, foreign.id];
    write(store, Effects { notifications: vec![one, two, foreign], ..Effects::default() }).await;
    store.mark_read(&[own], &ids, NOW).await.unwrap();
    assert_eq!(store.count(&[own]).await.unwrap(), Counts { all: 2, unread: 1 });
    assert_eq!(store.count(&[other]).await.unwrap().unread, 1, "not theirs to read");
    store.mark_read(&[own], &[], NOW).await.unwrap();
    assert_eq!(store.count(&[own]).await.unwrap().unread, 0);
    assert_eq!(store.count(&[other]).await.unwrap().unread, 1);
    assert!(store.notifications(&[own], None, 5).await.unwrap().iter().all(|one| one.read));
}

async fn messages_are_resumed_without_gap_or_repeat(store: &dyn NotificationStore) {
    let (user, merchant) = (someone(), Recipient::Merchant(MerchantId::new()));
    let first = say(store, user, 2).await;
    say(store, someone(), 2).await;
    let second = say(store, merchant, 2).await;
    let audience = [user, merchant];
    let end = store.resume(&audience, None, 500).await.unwrap();
    assert!(store.messages(&audience, end, 10).await.unwrap().is_empty());

    let seen = first.first().unwrap().id;
    let place = store.resume(&audience, Some(seen), 500).await.unwrap();
    let found = store.messages(&audience, place, 10).await.unwrap();
    let expected: Vec<Message> = first.into_iter().skip(1).chain(second).collect();
    assert_eq!(found.iter().map(|(_, one)| one.clone()).collect::<Vec<_>>(), expected);
    // In pages, too.
    let (place, _) = found.first().unwrap();
    let rest = store.messages(&audience, *place, 1).await.unwrap();
    assert_eq!(rest.first().unwrap().1, *expected.get(1).unwrap());
}

async fn a_replay_is_bounded_to_the_newest(store: &dyn NotificationStore) {
    let user = someone();
    let said = say(store, user, 10).await;
    // A message that is forgotten: everything kept is newer.
    for last in [EventId::new(), said.first().unwrap().id] {
        let place = store.resume(&[user], Some(last), 4).await.unwrap();
        let found = store.messages(&[user], place, 100).await.unwrap();
        let found: Vec<Message> = found.into_iter().map(|(_, one)| one).collect();
        assert_eq!(found, said.iter().skip(6).cloned().collect::<Vec<_>>());
    }
}

async fn a_glance_says_for_whom_the_log_has_something(store: &dyn NotificationStore) {
    let (user, merchant) = (someone(), Recipient::Merchant(MerchantId::new()));
    say(store, user, 2).await;
    let (end, nobody) = store.glance(None).await.unwrap();
    assert!(nobody.is_empty());
    assert_eq!(store.glance(Some(end)).await.unwrap(), (end, Vec::new()));
    say(store, user, 2).await;
    say(store, merchant, 1).await;
    let (later, told) = store.glance(Some(end)).await.unwrap();
    assert_eq!((later, told), (end + 3, vec![user, merchant]));
    // More than one look takes in.
    let many = store::GLANCE.div_ceil(500) + 1;
    for _ in 0..many {
        say(store, merchant, 500).await;
    }
    let (mut place, mut looks) = (later, 0);
    loop {
        let (next, told) = store.glance(Some(place)).await.unwrap();
        if told.is_empty() {
            break;
        }
        assert_eq!(told, [merchant]);
        assert!(next > place);
        (place, looks) = (next, looks + 1);
    }
    assert_eq!((place, looks), (later + i64::from(many) * 500, 2));
    assert_eq!(store.glance(None).await.unwrap().0, place);
}

async fn a_delivery_is_claimed_by_one(store: &dyn NotificationStore) {
    let deliveries = (0..10).map(|n| text(&format!("+99890000000{n}"), false)).collect();
    write(store, Effects { deliveries, ..Effects::default() }).await;
    let claims = (0..8).map(|_| store.claim(NOW, later(30), 4));
    let claimed = futures::future::join_all(claims).await;
    let mut ids: Vec<NotificationId> =
        claimed.into_iter().flat_map(Result::unwrap).map(|one| one.id).collect();
    assert_eq!(ids.len(), 10);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 10);
    assert!(store.claim(later(29), later(60), 10).await.unwrap().is_empty());
    let again = store.claim(later(30), later(60), 100).await.unwrap();
    assert!(again.len() == 10 && again.iter().all(|one| one.attempts == 2), "the lease ran out");
}

async fn only_the_newest_attempt_settles_and_only_once(store: &dyn NotificationStore) {
    write(store, Effects { deliveries: vec![text("a@b.uz", false)], ..Effects::default() }).await;
    let first = store.claim(NOW, later(30), 1).await.unwrap().remove(0);
    let second = store.claim(later(31), later(60), 1).await.unwrap().remove(0);
    assert!(!store.settle(&first, Outcome::Sent, NOW).await.unwrap());
    let again = Outcome::Again(later(100), "busy".to_owned());
    assert!(store.settle(&second, again, NOW).await.unwrap());
    assert!(store.claim(later(99), later(200), 1).await.unwrap().is_empty());
    let third = store.claim(later(100), later(200), 1).await.unwrap().remove(0);
    assert!(store.settle(&third, Outcome::Sent, NOW).await.unwrap());
    assert!(!store.settle(&third, Outcome::Sent, NOW).await.unwrap());
    assert!(store.claim(later(9999), later(10_000), 1).await.unwrap().is_empty());
}

async fn one_event_sends_one_text_to_an_address(store: &dyn NotificationStore) {
    let deliveries = vec![text("+998901234567", false), text("+998901234567", false)];
    write(store, Effects { deliveries, ..Effects::default() }).await;
    assert_eq!(store.claim(NOW, later(30), 10).await.unwrap().len(), 1);
}

async fn what_is_old_is_forgotten_and_what_waits_is_not(store: &dyn NotificationStore) {
    let user = someone();
    let deliveries = vec![text("+998901234567", false)];
    write(store, Effects { deliveries, ..Effects::default() }).await;
    say(store, user, 3).await;
    assert_eq!(store.forget(NOW, 100).await.unwrap(), 0);
    assert!(store.forget(later(1), 100).await.unwrap() >= 3);
    assert!(store.messages(&[user], 0, 10).await.unwrap().is_empty());
    assert_eq!(store.claim(NOW, later(30), 10).await.unwrap().len(), 1);
    // Places are not used again: a subscriber that is at the end misses nothing.
    let said = say(store, user, 1).await;
    let found = store.messages(&[user], 3, 10).await.unwrap();
    assert_eq!(found.first().unwrap().1, *said.first().unwrap());
}

/// Lists every promise once for an adapter.
macro_rules! contract {
    ($adapter:ident, $open:expr) => {
        mod $adapter {
            contract!(@each $open,
                an_event_takes_effect_once,
                events_of_a_batch_take_effect_in_order_or_not_at_all,
                lists_are_paged_newest_first,
                only_own_notifications_are_marked,
                messages_are_resumed_without_gap_or_repeat,
                a_replay_is_bounded_to_the_newest,
                a_glance_says_for_whom_the_log_has_something,
                a_delivery_is_claimed_by_one,
                only_the_newest_attempt_settles_and_only_once,
                one_event_sends_one_text_to_an_address,
                what_is_old_is_forgotten_and_what_waits_is_not,
            );
        }
    };
    (@each $open:expr, $($promise:ident,)+) => {
        $(
            #[tokio::test]
            async fn $promise() {
                let Some((store, place)) = $open().await else { return };
                super::$promise(store.as_ref()).await;
                store.ping().await.unwrap();
                store.close().await;
                drop(place);
            }
        )+
    };
}

async fn sqlite() -> Option<(Arc<dyn NotificationStore>, Folder)> {
    let folder = Folder::new("notification");
    let address = format!("sqlite:{}", folder.path().join("notification.db").display());
    store::migrate(&address).await.unwrap();
    Some((store::open(&address).await.unwrap(), folder))
}

async fn mongodb() -> Option<(Arc<dyn NotificationStore>, FreshDatabase)> {
    let fresh = FreshDatabase::on(&testkit::real_store("mongodb")?);
    store::migrate(&fresh.address).await.unwrap();
    Some((store::open(&fresh.address).await.unwrap(), fresh))
}

contract!(embedded, super::sqlite);
contract!(production, super::mongodb);

#[tokio::test]
async fn a_code_is_gone_once_it_is_sent_or_given_up() {
    let (store, folder) = sqlite().await.unwrap();
    send_codes(store.as_ref()).await;
    store.close().await;
    let file = rusqlite::Connection::open(folder.path().join("notification.db")).unwrap();
    let mut texts = file.prepare("select state, text from deliveries order by 1").unwrap();
    let texts = texts.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let texts: Vec<(String, String)> = texts.map(Result::unwrap).collect();
    let empty = |state: &str| (state.to_owned(), String::new());
    assert_eq!(texts, [empty("failed"), empty("sent")]);
}

/// Queues two codes; one is sent, one given up.
async fn send_codes(store: &dyn NotificationStore) {
    let deliveries = vec![text("+998900000001", true), text("+998900000002", true)];
    write(store, Effects { deliveries, ..Effects::default() }).await;
    let outcomes = [Outcome::Sent, Outcome::Failed("no".to_owned())];
    let claimed = store.claim(NOW, later(30), 10).await.unwrap();
    for (delivery, outcome) in claimed.iter().zip(outcomes) {
        assert_eq!(delivery.text, "424242");
        assert!(!format!("{delivery:?}").contains("424242"));
        assert!(store.settle(delivery, outcome, NOW).await.unwrap());
    }
}

#[tokio::test]
async fn an_unknown_scheme_is_refused_with_the_key() {
    let opened = store::open("redis://x").await.err().unwrap();
    let migrated = store::migrate("redis://x").await.err().unwrap();
    for error in [opened.to_string(), migrated.to_string()] {
        assert!(error.contains("notification.store"), "{error}");
    }
}
