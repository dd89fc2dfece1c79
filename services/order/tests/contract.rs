//! What every store of orders promises, whichever it is.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{sync::Arc, time::Duration};

use clock::Timestamp;
use ids::{CartId, MerchantId, OfferId, OrderId, ProductId, UserId, VariantId};
use money::Money;
use order::{
    Error,
    domain::{
        Address, Buyer, Customer, Delivery, Fiscal, Method, Order, Payment, PaymentState, Provider,
        Status, Text,
        ledger::Commissions,
        offer::{Offer, Snapshot, Terms},
        pricing::{Line, Tariff},
    },
    store::{self, Key, Merchant, OrderStore, Placed, Placing, Wanted},
};
use testkit::{Folder, FreshDatabase};

#[path = "contract/adjustments.rs"]
mod adjustments;
#[path = "contract/delivery.rs"]
mod delivery;
#[path = "contract/keys.rs"]
mod keys;
#[path = "contract/ledger.rs"]
mod ledger;
#[path = "contract/ledger_guards.rs"]
mod ledger_guards;
#[path = "contract/levels.rs"]
mod levels;
#[path = "contract/moves.rs"]
mod moves;
#[path = "contract/numbering.rs"]
mod numbering;
#[path = "contract/offers.rs"]
mod offers;
#[path = "contract/promotions.rs"]
mod promotions;
#[path = "contract/races.rs"]
mod races;
#[path = "contract/redemption_races.rs"]
mod redemption_races;
#[path = "contract/returns.rs"]
mod returns;
#[path = "contract/tenancy.rs"]
mod tenancy;

use adjustments::a_correction_is_posted_once_for_each_key;
use delivery::delivery_is_priced_by_zone_and_weight;
use keys::{
    a_key_without_an_order_is_remembered_once, numbers_grow_by_one_and_refusals_use_none,
    old_answers_are_forgotten_in_batches, old_receipts_are_forgotten_in_batches,
};

use ledger::{
    a_payout_moves_once_for_each_key, a_period_is_paid_once_whoever_pays,
    a_sale_is_posted_once_with_its_payment, cash_is_earned_when_it_is_handed_over,
    days_are_counted_in_tashkent, money_waits_until_the_goods_cannot_come_back,
    movements_of_stock_have_their_causes, random_histories_stay_in_balance,
    statements_have_no_gaps_and_no_repeats,
};
use levels::{
    a_merchant_hears_of_each_crossing_once, larger_quantities_are_sold_at_the_price_of_their_tier,
    of_many_buyers_one_makes_it_low, what_is_not_there_yet_is_sold_up_to_the_limit,
};
use moves::{
    a_refused_move_changes_nothing, an_event_moves_an_order_once,
    money_that_went_unheard_is_written_down_as_gone, of_pay_and_cancel_one_has_the_goods,
    only_the_overdue_are_found, pages_have_no_gaps_and_no_repeats, stock_is_settled_once,
    the_payment_is_noted_until_there_is_later_news,
};
use offers::{
    a_product_told_twice_does_not_refill_the_shelf, lists_are_told_what_changes_for_them,
    offers_follow_product_and_merchant_off_sale, terms_of_one_product_are_taken_over_together,
    updates_are_the_merchants_own_and_each_by_itself,
};
use returns::{
    a_merchant_finds_its_own_returns, cancelled_pieces_are_on_sale_again_once,
    delivered_orders_are_due_to_be_completed, no_more_goes_back_than_was_paid_whoever_asks,
    of_many_refunds_at_once_as_many_as_were_paid_for, one_key_gives_money_back_once,
    refunds_are_due_until_they_end,
};

use promotions::{
    a_budget_is_not_exceeded, a_code_belongs_to_one_promotion, a_quote_reads_what_a_checkout_would,
    a_refused_checkout_uses_nothing, an_order_keeps_what_it_was_given,
    automatic_promotions_apply_where_they_belong, categories_are_learned_once,
    free_delivery_is_a_discount_of_the_delivery, of_many_with_a_code_as_many_as_it_allows_have_it,
    one_shopper_uses_it_as_often_as_they_may, owners_see_and_change_their_own,
    what_an_order_used_comes_back_with_its_end,
};

const NOW: Timestamp = testkit::START;
const TARIFF: Tariff = Tariff {
    courier_capital: 2_500_000,
    courier_regions: 4_000_000,
    post: 3_000_000,
    free_from: 0,
};

/// A tenth of each price.
fn commissions() -> Commissions {
    Commissions { default: 1000, vat_percent: 12, hold_days: 10, ..Commissions::default() }
}

/// A merchant with one product of one variant: so many pieces at a price.
async fn stocked(store: &dyn OrderStore, stock: i64, price: i64) -> Offer {
    let merchant = MerchantId::new();
    let known = Merchant {
        id: merchant,
        name: "Hunar".to_owned(),
        tin: "1".to_owned(),
        plan: "basic".to_owned(),
        active: true,
        version: 1,
    };
    store.put_merchant(known, NOW).await.unwrap();
    let (product, terms) = goods(merchant, stock, price);
    let id = product.product;
    store.put_offers(product, vec![terms], NOW).await.unwrap();
    store.offers(Wanted::Products(vec![id])).await.unwrap().remove(0)
}

fn goods(merchant: MerchantId, stock: i64, price: i64) -> (Snapshot, Terms) {
    let variant = VariantId::new();
    let snapshot = Snapshot {
        product: ProductId::new(),
        title: Text { uz: "Choynak".to_owned(), ..Text::default() },
        fiscal: Fiscal { vat_percent: 12, ..Fiscal::default() },
        picture_url: String::new(),
        categories: None,
        on_show: true,
        version: 1,
        variants: vec![(variant, "SKU".to_owned(), std::collections::BTreeMap::new())],
    };
    let terms = Terms {
        merchant,
        variant,
        sku: "SKU".to_owned(),
        options: std::collections::BTreeMap::new(),
        price: Some(Money::uzs(price)),
        compare_at: None,
        stock: Some(stock),
    };
    (snapshot, terms)
}

fn placing(lines: &[(OfferId, u32)]) -> Placing {
    let cart = CartId::new();
    Placing {
        order: OrderId::new(),
        cart,
        buyer: Buyer::User(UserId::new()),
        lines: lines
            .iter()
            .map(|(offer, quantity)| Line { offer: *offer, quantity: *quantity })
            .collect(),
        codes: Vec::new(),
        delivery: Delivery { method: Method::Pickup, address: Address::default() },
        customer: Customer { name: "Dilnoza".to_owned(), phone: "+998901112233".to_owned() },
        provider: Provider::Payme,
        expected_total: None,
        tariff: TARIFF,
        commissions: Arc::new(commissions()),
        reserved_until: NOW.plus(Duration::from_mins(30)),
        locale: "uz".to_owned(),
        key: Key { scope: cart.to_string(), key: "k1".to_owned(), hash: vec![1] },
        order_token: String::new(),
        now: NOW,
    }
}

async fn placed(store: &dyn OrderStore, placing: Placing) -> Order {
    match store.place(placing).await.unwrap() {
        Placed::New(order) => *order,
        Placed::Before(before) => panic!("seen before: {before:?}"),
    }
}

async fn offer(store: &dyn OrderStore, id: OfferId) -> Offer {
    store.offers(Wanted::Offers(vec![id])).await.unwrap().remove(0)
}

fn payment(order: &Order) -> Payment {
    Payment {
        id: ids::PaymentId::new(),
        provider: Provider::Payme,
        status: PaymentState::Paid,
        amount: order.body.totals.total,
        redirect_url: String::new(),
        expires_at: 0,
        created_at: 0,
        version: 2,
    }
}

async fn a_checkout_takes_stock_and_tells_others(store: &dyn OrderStore) {
    let goods = stocked(store, 5, 100_000).await;
    let before = store.outbox().backlog().await.unwrap().pending;
    let order = placed(store, placing(&[(goods.id, 2)])).await;
    assert_eq!(order.status, Status::AwaitingPayment);
    assert_eq!(order.body.totals.total, Money::uzs(200_000));
    assert_eq!(order.number().len(), 8);
    let left = offer(store, goods.id).await;
    assert_eq!((left.available, left.reserved), (3, 2));
    assert_eq!(store.find(order.id).await.unwrap().unwrap(), order);
    assert_eq!(store.numbered(order.seq).await.unwrap(), Some(order.id));
    let told = store.outbox().backlog().await.unwrap().pending - before;
    assert_eq!(told, 3, "notification, cart and payment hear of it");
}

async fn of_many_buyers_as_many_as_pieces_get_one(store: &dyn OrderStore) {
    let goods = stocked(store, 5, 100_000).await;
    let tries = (0..60).map(|_| store.place(placing(&[(goods.id, 1)])));
    let outcomes = futures::future::join_all(tries).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 5);
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert!(matches!(&refused, Error::OutOfStock(fields) if fields.len() == 1), "{refused}");
    }
    let left = offer(store, goods.id).await;
    assert_eq!((left.available, left.reserved), (0, 5));
}

async fn all_lines_or_none(store: &dyn OrderStore) {
    let (first, second) = (stocked(store, 5, 100).await, stocked(store, 1, 100).await);
    let refused = store.place(placing(&[(first.id, 2), (second.id, 2)])).await.unwrap_err();
    assert!(matches!(refused, Error::OutOfStock(_)));
    assert_eq!(offer(store, first.id).await.available, 5, "nothing was taken");
    let unknown = store.place(placing(&[(first.id, 1), (OfferId::new(), 1)])).await.unwrap_err();
    assert!(matches!(unknown, Error::OutOfStock(_)));
    assert_eq!(offer(store, first.id).await.available, 5);
}

async fn one_key_is_one_order(store: &dyn OrderStore) {
    let goods = stocked(store, 50, 100).await;
    let request = placing(&[(goods.id, 1)]);
    let tries = (0..20).map(|_| {
        let again = Placing { order: OrderId::new(), ..request.clone() };
        store.place(again)
    });
    let outcomes = futures::future::join_all(tries).await;
    let new = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Placed::New(_)))).count();
    let before = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Placed::Before(_)))).count();
    assert_eq!((new, before), (1, 19));
    assert_eq!(offer(store, goods.id).await.available, 49);
}

async fn one_cart_is_one_order_whatever_the_key(store: &dyn OrderStore) {
    let goods = stocked(store, 50, 100).await;
    let first = placing(&[(goods.id, 1)]);
    placed(store, first.clone()).await;
    let mut second = Placing { order: OrderId::new(), ..first };
    "k2".clone_into(&mut second.key.key);
    assert!(matches!(store.place(second).await, Err(Error::CartCompleted)));
    assert_eq!(offer(store, goods.id).await.available, 49);
}

async fn the_first_answer_stays(store: &dyn OrderStore) {
    let goods = stocked(store, 5, 100).await;
    let request = placing(&[(goods.id, 1)]);
    let key = request.key.clone();
    let order = placed(store, request).await;
    let noted = store.answer(&key.scope, &key.key, order.id, None, vec![1, 2]).await.unwrap();
    let again = store.answer(&key.scope, &key.key, order.id, None, vec![3]).await.unwrap();
    assert_eq!((noted, again), (vec![1, 2], vec![1, 2]));
    let recalled = store.recall(&key.scope, &key.key).await.unwrap().unwrap();
    assert_eq!((recalled.response, recalled.order), (Some(vec![1, 2]), order.id));
    assert!(store.recall("another", &key.key).await.unwrap().is_none());
}

async fn another_total_than_expected_buys_nothing(store: &dyn OrderStore) {
    let goods = stocked(store, 5, 1000).await;
    let mut request = placing(&[(goods.id, 1)]);
    request.expected_total = Some(Money::uzs(999));
    assert!(matches!(store.place(request.clone()).await, Err(Error::PriceChanged(1000))));
    assert_eq!(offer(store, goods.id).await.available, 5);
    // The refusal has not used up the key.
    request.expected_total = Some(Money::uzs(1000));
    placed(store, request).await;
}

/// Lists every promise once for an adapter.
macro_rules! contract {
    ($adapter:ident, $open:expr) => {
        mod $adapter {
            contract!(@each $open,
                a_checkout_takes_stock_and_tells_others,
                of_many_buyers_as_many_as_pieces_get_one,
                all_lines_or_none,
                one_key_is_one_order,
                one_cart_is_one_order_whatever_the_key,
                the_first_answer_stays,
                another_total_than_expected_buys_nothing,
                numbers_grow_by_one_and_refusals_use_none,
                a_key_without_an_order_is_remembered_once,
                old_answers_are_forgotten_in_batches,
                old_receipts_are_forgotten_in_batches,
                stock_is_settled_once,
                an_event_moves_an_order_once,
                money_that_went_unheard_is_written_down_as_gone,
                a_refused_move_changes_nothing,
                of_pay_and_cancel_one_has_the_goods,
                the_payment_is_noted_until_there_is_later_news,
                a_product_told_twice_does_not_refill_the_shelf,
                offers_follow_product_and_merchant_off_sale,
                terms_of_one_product_are_taken_over_together,
                lists_are_told_what_changes_for_them,
                updates_are_the_merchants_own_and_each_by_itself,
                a_merchant_hears_of_each_crossing_once,
                of_many_buyers_one_makes_it_low,
                what_is_not_there_yet_is_sold_up_to_the_limit,
                larger_quantities_are_sold_at_the_price_of_their_tier,
                delivery_is_priced_by_zone_and_weight,
                pages_have_no_gaps_and_no_repeats,
                only_the_overdue_are_found,
                one_key_gives_money_back_once,
                of_many_refunds_at_once_as_many_as_were_paid_for,
                no_more_goes_back_than_was_paid_whoever_asks,
                cancelled_pieces_are_on_sale_again_once,
                refunds_are_due_until_they_end,
                a_merchant_finds_its_own_returns,
                delivered_orders_are_due_to_be_completed,
                a_sale_is_posted_once_with_its_payment,
                money_waits_until_the_goods_cannot_come_back,
                cash_is_earned_when_it_is_handed_over,
                statements_have_no_gaps_and_no_repeats,
                days_are_counted_in_tashkent,
                a_period_is_paid_once_whoever_pays,
                a_payout_moves_once_for_each_key,
                movements_of_stock_have_their_causes,
                a_correction_is_posted_once_for_each_key,
                random_histories_stay_in_balance,
                an_order_keeps_what_it_was_given,
                of_many_with_a_code_as_many_as_it_allows_have_it,
                a_budget_is_not_exceeded,
                one_shopper_uses_it_as_often_as_they_may,
                what_an_order_used_comes_back_with_its_end,
                a_refused_checkout_uses_nothing,
                automatic_promotions_apply_where_they_belong,
                free_delivery_is_a_discount_of_the_delivery,
                owners_see_and_change_their_own,
                a_code_belongs_to_one_promotion,
                categories_are_learned_once,
                a_quote_reads_what_a_checkout_would,
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

async fn sqlite() -> Option<(Arc<dyn OrderStore>, Folder)> {
    let folder = Folder::new("order");
    let address = format!("sqlite:{}", folder.path().join("order.db").display());
    store::migrate(&address).await.unwrap();
    Some((store::open(&address, order::encode_event).await.unwrap(), folder))
}

async fn postgres() -> Option<(Arc<dyn OrderStore>, FreshDatabase)> {
    let fresh = FreshDatabase::create().await?;
    store::migrate(&fresh.address).await.unwrap();
    Some((store::open(&fresh.address, order::encode_event).await.unwrap(), fresh))
}

contract!(embedded, super::sqlite);
contract!(production, super::postgres);

#[tokio::test]
async fn an_unknown_scheme_is_refused_with_the_key() {
    let opened = store::open("file:orders", order::encode_event).await.err().unwrap();
    let migrated = store::migrate("file:orders").await.err().unwrap();
    for error in [opened.to_string(), migrated.to_string()] {
        assert!(error.contains("order.store"), "{error}");
    }
}
