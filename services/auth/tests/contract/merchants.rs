//! Promises about merchants, their staff and their keys.

use std::time::Duration;

use auth::{
    Error,
    domain::{ApiKey, Application, Decision, Login, Merchant, Plan, StaffRole, Status},
    store::AuthStore,
};
use clock::Timestamp;
use ids::{ApiKeyId, MerchantId, StaffId, UserId};

use crate::{MINUTE, NOW, account, later, phone, sent};

pub(crate) fn application(owner: UserId) -> Merchant {
    let form = ["Anor", "Anor MChJ", "123456789", "", "901234567", "anor@example.uz"];
    let bank = Some(["20208000123456789012", "00014", "Bank"]);
    Merchant::new(owner, Application::parse(form, bank).unwrap(), NOW)
}

pub(crate) async fn active(store: &dyn AuthStore, owner: UserId) -> MerchantId {
    let merchant = application(owner);
    store.apply(merchant.clone()).await.unwrap();
    let approve = Decision::Approve(Some(Plan::Basic));
    store.decide(merchant.id, approve, "admin".to_owned(), NOW).await.unwrap();
    merchant.id
}

pub(crate) async fn an_owner_has_one_merchant_at_a_time(store: &dyn AuthStore) {
    let owner = account(store, 1).await.id;
    let first = application(owner);
    store.apply(first.clone()).await.unwrap();
    assert!(matches!(store.apply(application(owner)).await, Err(Error::ApplicationExists)));
    let reject = Decision::Reject("no".to_owned());
    store.decide(first.id, reject, "admin".to_owned(), NOW).await.unwrap();
    let second = active(store, owner).await;
    assert!(matches!(store.apply(application(owner)).await, Err(Error::ApplicationExists)));
    let suspend = Decision::Suspend("unpaid".to_owned());
    store.decide(second, suspend, "admin".to_owned(), NOW).await.unwrap();
    assert!(matches!(store.apply(application(owner)).await, Err(Error::ApplicationExists)));
    assert!(matches!(store.apply(application(UserId::new())).await, Err(Error::UserNotFound)));
    let kinds = [
        "merchant.applied",
        "merchant.rejected",
        "merchant.applied",
        "merchant.approved",
        "merchant.suspended",
    ];
    assert_eq!(sent(store).await, kinds);
}

pub(crate) async fn a_decision_is_written_with_all_that_follows(store: &dyn AuthStore) {
    let owner = account(store, 1).await.id;
    let merchant = application(owner);
    store.apply(merchant.clone()).await.unwrap();
    assert_eq!(
        store.find_merchants(&[merchant.id]).await.unwrap(),
        std::slice::from_ref(&merchant)
    );
    assert_eq!(store.membership(owner).await.unwrap(), None);
    let approve = || Decision::Approve(Some(Plan::Professional));
    let decide = |decision| store.decide(merchant.id, decision, "usr_admin".to_owned(), NOW);
    let approved = decide(approve()).await.unwrap();
    assert_eq!((approved.status, approved.version), (Status::Active, 2));
    assert_eq!(
        store.find_merchants(&[merchant.id]).await.unwrap(),
        std::slice::from_ref(&approved)
    );
    let membership = store.membership(owner).await.unwrap().unwrap();
    assert_eq!((membership.merchant, membership.role), (merchant.id, StaffRole::Admin));
    assert_eq!(store.find_user(owner).await.unwrap().unwrap().roles(), ["merchant"]);

    assert_eq!(decide(approve()).await.unwrap(), approved, "the same again changes nothing");
    assert!(matches!(decide(Decision::Reject("no".to_owned())).await, Err(Error::Illegal(_))));
    decide(Decision::Suspend("unpaid".to_owned())).await.unwrap();
    assert_eq!(store.membership(owner).await.unwrap(), None, "nobody works for a suspended one");
    decide(Decision::Approve(None)).await.unwrap();
    assert_eq!(store.list_staff(merchant.id).await.unwrap().len(), 1);

    let trail = store.audit(merchant.id, 10).await.unwrap();
    let trail: Vec<_> =
        trail.iter().map(|it| (it.who.as_str(), it.what.as_str(), it.detail.as_str())).collect();
    assert_eq!(
        trail,
        [
            ("usr_admin", "merchant.approved", "professional"),
            ("usr_admin", "merchant.suspended", "unpaid"),
            ("usr_admin", "merchant.approved", "professional"),
        ]
    );
    let unknown = store.decide(MerchantId::new(), approve(), String::new(), NOW).await;
    assert!(matches!(unknown, Err(Error::MerchantNotFound)));
}

pub(crate) async fn merchants_are_paged_by_status(store: &dyn AuthStore) {
    let mut made = Vec::new();
    for number in 0..4 {
        let merchant = application(account(store, number).await.id);
        store.apply(merchant.clone()).await.unwrap();
        made.insert(0, merchant.id);
    }
    let reject = Decision::Reject("no".to_owned());
    store.decide(made[0], reject, String::new(), NOW).await.unwrap();
    let ids = |list: Vec<Merchant>| list.into_iter().map(|it| it.id).collect::<Vec<_>>();
    let first = ids(store.list_merchants(None, None, 3).await.unwrap());
    assert_eq!(first, made[..3]);
    assert_eq!(ids(store.list_merchants(None, Some(first[2]), 3).await.unwrap()), made[3..]);
    let pending = store.list_merchants(Some(Status::Pending), None, 10).await.unwrap();
    assert_eq!(ids(pending), made[1..]);
    assert_eq!(store.count_merchants(Some(Status::Pending)).await.unwrap(), 3);
    assert_eq!(store.count_merchants(None).await.unwrap(), 4);
    assert_eq!(store.find_merchants(&[MerchantId::new()]).await.unwrap(), []);
}

pub(crate) async fn a_person_works_for_one_merchant(store: &dyn AuthStore) {
    let (owner, rival) = (account(store, 1).await.id, account(store, 2).await.id);
    let (merchant, other) = (active(store, owner).await, active(store, rival).await);
    let worker = account(store, 3).await;
    let login = || Login::Phone(phone(3));
    let add = |merchant, login| {
        store.add_staff(merchant, login, StaffRole::Viewer, "who".to_owned(), NOW)
    };
    let member = add(merchant, login()).await.unwrap();
    assert_eq!((member.user, member.role), (worker.id, StaffRole::Viewer));
    assert_eq!(member.login, phone(3).as_str());
    assert!(matches!(add(merchant, login()).await, Err(Error::StaffExists)));
    assert!(matches!(add(other, login()).await, Err(Error::StaffElsewhere)));
    assert!(matches!(add(other, Login::Phone(phone(8))).await, Err(Error::UserNotFound)));
    assert!(matches!(store.apply(application(worker.id)).await, Err(Error::StaffElsewhere)));
    let remove = |merchant, id: StaffId| store.remove_staff(merchant, id, "who".to_owned(), NOW);
    assert!(matches!(remove(other, member.id).await, Err(Error::StaffNotFound)));
    let staff = store.list_staff(merchant).await.unwrap();
    assert_eq!(staff.iter().map(|it| it.user).collect::<Vec<_>>(), [owner, worker.id]);
    assert!(matches!(remove(merchant, staff[0].id).await, Err(Error::OwnerStays)));
    remove(merchant, member.id).await.unwrap();
    assert_eq!(store.membership(worker.id).await.unwrap(), None);
    assert!(matches!(remove(merchant, member.id).await, Err(Error::StaffNotFound)));
    let trail = store.audit(merchant, 2).await.unwrap();
    assert_eq!((trail[0].what.as_str(), trail[1].what.as_str()), ("staff.removed", "staff.added"));
    assert_eq!(trail[0].subject, worker.id.to_string());
}

pub(crate) async fn keys_open_what_is_active_and_note_their_use(store: &dyn AuthStore) {
    let owner = account(store, 1).await.id;
    let merchant = active(store, owner).await;
    let key = |name: &str| ApiKey {
        id: ApiKeyId::new(),
        merchant,
        name: name.to_owned(),
        scopes: vec!["orders:read".to_owned()],
        hint: "sk_abcde".to_owned(),
        created_at: NOW,
        last_used_at: None,
    };
    let made = key("ERP");
    store.add_key(made.clone(), [1; 32], "who".to_owned()).await.unwrap();
    assert_eq!(store.list_keys(merchant).await.unwrap(), std::slice::from_ref(&made));
    let use_at = |at: Timestamp| store.use_key([1; 32], at, at.minus(MINUTE));
    assert_eq!(use_at(NOW).await.unwrap(), Some(made.clone()));
    assert!(store.use_key([2; 32], NOW, NOW).await.unwrap().is_none());
    let noted = async || store.list_keys(merchant).await.unwrap()[0].last_used_at;
    assert_eq!(noted().await, Some(NOW));
    use_at(NOW.plus(Duration::from_secs(59))).await.unwrap();
    assert_eq!(noted().await, Some(NOW), "at most once a minute");
    use_at(later(1)).await.unwrap();
    assert_eq!(noted().await, Some(later(1)));

    let decide = |decision| store.decide(merchant, decision, String::new(), NOW);
    decide(Decision::Suspend(String::new())).await.unwrap();
    assert!(use_at(later(2)).await.unwrap().is_none(), "of a suspended merchant");
    decide(Decision::Approve(None)).await.unwrap();
    let delete = |merchant| store.delete_key(merchant, made.id, "who".to_owned(), NOW);
    assert!(matches!(delete(MerchantId::new()).await, Err(Error::ApiKeyNotFound)));
    delete(merchant).await.unwrap();
    assert!(use_at(later(3)).await.unwrap().is_none());
    assert!(matches!(delete(merchant).await, Err(Error::ApiKeyNotFound)));
    for number in 0..20 {
        store.add_key(key("more"), [10 + number; 32], String::new()).await.unwrap();
    }
    let full = store.add_key(key("more"), [99; 32], String::new()).await;
    assert!(matches!(full, Err(Error::Full("TOO_MANY_API_KEYS"))));
}
