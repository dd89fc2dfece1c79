//! Promises about corrections of what merchants are owed.

use ids::MerchantId;
use money::Money;
use order::{
    Error,
    domain::adjusting::{Adjustment, Wish},
    store::{Key, OrderStore},
};

use crate::{NOW, stocked};

fn by(key: &str, hash: u8) -> (Key, String) {
    let key = Key { scope: "adjust".to_owned(), key: key.to_owned(), hash: vec![hash] };
    (key, "usr_1".to_owned())
}

fn wish(merchant: MerchantId, amount: i64, gives: bool) -> Wish {
    Wish { merchant, amount: Money::uzs(amount), gives, reason: "lost parcel".to_owned() }
}

fn encode(adjustment: &Adjustment) -> Vec<u8> {
    adjustment.id.to_string().into_bytes()
}

pub(crate) async fn a_correction_is_posted_once_for_each_key(store: &dyn OrderStore) {
    let (ours, theirs) =
        (stocked(store, 1, 100).await.merchant, stocked(store, 1, 100).await.merchant);
    let nobody = store.adjust(wish(MerchantId::new(), 5, true), by("n", 1), encode, NOW).await;
    assert!(matches!(nobody, Err(Error::MerchantNotFound)));
    let tries = (0..20).map(|_| store.adjust(wish(ours, 700, true), by("k", 1), encode, NOW));
    let answers = futures::future::join_all(tries).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|(_, repeated)| !repeated).count(), 1);
    assert!(answers.iter().all(|(answer, _)| *answer == answers[0].0));
    let other = store.adjust(wish(ours, 701, true), by("k", 2), encode, NOW).await;
    assert!(matches!(other, Err(Error::KeyReused)));
    let balance = async |merchant| store.balance(merchant, NOW).await.unwrap().available.amount;
    assert_eq!((balance(ours).await, balance(theirs).await), (700, 0));
    store.adjust(wish(ours, 1000, false), by("k2", 1), encode, NOW).await.unwrap();
    store.adjust(wish(theirs, 3, true), by("k3", 1), encode, NOW).await.unwrap();
    assert_eq!((balance(ours).await, balance(theirs).await), (-300, 3), "it owes now");

    let all = store.adjustments(ours, None, 10).await.unwrap();
    let told: Vec<_> = all.iter().map(|it| (it.wish.amount.amount, it.wish.gives)).collect();
    assert_eq!(told, [(1000, false), (700, true)]);
    assert!(all.iter().all(|it| it.wish.reason == "lost parcel" && it.at == NOW));
    let page = store.adjustments(ours, Some(all[0].id), 10).await.unwrap();
    assert_eq!(page, all[1..]);
}
