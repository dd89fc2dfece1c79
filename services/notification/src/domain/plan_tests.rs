use proptest::prelude::*;

use super::*;
use crate::domain::{masked, pause};

fn order(kind: &str) -> OrderNews {
    OrderNews {
        kind: kind.to_owned(),
        id: OrderId::new(),
        number: "1000001K".to_owned(),
        status: "paid",
        payment_status: "paid",
        user: Some(UserId::new()),
        phone: "+998901234567".to_owned(),
        locale: Locale::Ru,
        cash: false,
        shipments: vec![
            (ShipmentId::new(), MerchantId::new()),
            (ShipmentId::new(), MerchantId::new()),
        ],
        shipment: None,
    }
}

#[test]
fn a_merchant_hears_of_returns_of_its_own_goods_and_of_what_nobody_wants() {
    let whole = order("order.return_requested");
    let (shipment, merchant) = whole.shipments[1];
    let plan = OrderNews { shipment: Some(shipment), ..whole }.plan();
    let told: Vec<_> = plan.notices.iter().map(|notice| (notice.to, notice.template)).collect();
    assert_eq!(told, [(Recipient::Merchant(merchant), Template::MerchantReturnRequested)]);
    assert_eq!(plan.signals[1].kind, "merchant.return_requested");
    let heard = |payment_status, cash| {
        let plan = OrderNews { payment_status, cash, ..order("order.cancelled") }.plan();
        plan.signals.iter().filter(|signal| signal.kind == "merchant.order_cancelled").count()
    };
    assert_eq!(
        [heard("paid", false), heard("cancelled", false), heard("cancelled", true)],
        [2, 0, 2]
    );
}

#[test]
fn a_paid_order_is_told_to_the_shopper_and_to_each_merchant() {
    let order = order("order.paid");
    let plan = order.plan();
    let kinds: Vec<&str> = plan.signals.iter().map(|signal| signal.kind.as_str()).collect();
    assert_eq!(kinds, ["order.paid", "merchant.order_placed", "merchant.order_placed"]);
    assert_eq!(plan.notices.len(), 3);
    assert!(plan.letters.is_empty(), "who is signed in needs no text message");
    assert_eq!(
        plan.signals[0].data.to_string(),
        format!(
            r#"{{"order_id":"{}","number":"1000001K","status":"paid","payment_status":"paid"}}"#,
            order.id
        )
    );
}

#[test]
fn merchants_begin_when_money_is_there_or_with_cash_at_once() {
    for (kind, cash, merchants) in [
        ("order.placed", false, 0),
        ("order.paid", false, 2),
        ("order.placed", true, 2),
        ("order.paid", true, 0),
        ("order.shipped", false, 0),
        ("order.cancelled", true, 0),
    ] {
        let plan = OrderNews { cash, ..order(kind) }.plan();
        let told = plan.signals.iter().filter(|signal| signal.kind == "merchant.order_placed");
        assert_eq!(told.count(), merchants, "{kind} {cash}");
    }
}

#[test]
fn guests_get_a_text_message_for_what_matters() {
    for (kind, letters) in
        [("order.placed", 0), ("order.paid", 1), ("order.shipped", 1), ("order.delivered", 0)]
    {
        let guest = OrderNews { user: None, ..order(kind) };
        let plan = guest.plan();
        assert_eq!(plan.letters.len(), letters, "{kind}");
        assert!(plan.letters.iter().all(|letter| letter.address == guest.phone));
        assert!(OrderNews { phone: String::new(), ..guest }.plan().letters.is_empty());
    }
}

#[test]
fn a_merchant_hears_of_its_stock() {
    let news = StockNews {
        kind: "offer.low_stock".to_owned(),
        offer: OfferId::new(),
        product: ProductId::new(),
        merchant: MerchantId::new(),
        title: "Choynak".to_owned(),
        sku: "CH-1".to_owned(),
        available: -2,
    };
    let plan = news.plan();
    assert_eq!((plan.notices.len(), plan.signals.len(), plan.letters.len()), (1, 1, 0));
    let notice = &plan.notices[0];
    assert_eq!(notice.to, Recipient::Merchant(news.merchant));
    assert_eq!(notice.template, Template::MerchantLowStock);
    let values: Vec<&str> = notice.values.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(values, ["Choynak (CH-1)", "0"]);
    assert_eq!(plan.signals[0].data["stock"], -2);
    let back = StockNews { kind: "offer.back_in_stock".to_owned(), ..news.clone() }.plan();
    assert_eq!(back.notices[0].template, Template::MerchantBackInStock);
    assert!(StockNews { kind: "offer.gone".to_owned(), ..news }.plan().notices.is_empty());
}

#[test]
fn an_application_is_told_to_both() {
    let news = |kind: &str| MerchantNews {
        kind: kind.to_owned(),
        id: MerchantId::new(),
        name: "Choynak".to_owned(),
        owner: Some(UserId::new()),
        email: "shop@example.uz".to_owned(),
        status: "pending",
        reason: String::new(),
    };
    let plan = news("merchant.applied").plan();
    assert_eq!(plan.notices.len(), 2);
    assert_eq!(plan.notices[1].to, Recipient::Platform);
    assert!(plan.letters.is_empty());
    let plan = news("merchant.approved").plan();
    assert_eq!((plan.notices.len(), plan.letters.len()), (1, 1));
    assert!(news("merchant.renamed").plan().notices.is_empty());
}

#[test]
fn nothing_shows_a_code() {
    let message = PersonalMessage {
        user: None,
        address: "+998901234567".to_owned(),
        channel: Channel::Sms,
        template: Template::OtpCode,
        values: Values::one("code", "424242"),
        locale: Locale::Uz,
    };
    assert!(!format!("{message:?} {:?}", message.plan()).contains("424242"));
}

#[test]
fn addresses_are_masked() {
    assert_eq!(masked("+998901234567"), "+998*******67");
    assert_eq!(masked("aziza@example.uz"), "a****@example.uz");
    assert_eq!(masked("12345"), "12345");
    assert_eq!(masked(""), "");
}

#[test]
fn pauses_grow_to_five_minutes() {
    assert_eq!(pause(1).as_secs(), 2);
    assert_eq!(pause(3).as_secs(), 8);
    assert_eq!(pause(40).as_secs(), 300);
}

#[test]
fn recipients_are_read_back() {
    for to in [
        Recipient::User(UserId::new()),
        Recipient::Merchant(MerchantId::new()),
        Recipient::Platform,
    ] {
        assert_eq!(to.to_string().parse::<Recipient>().unwrap(), to);
    }
    for wrong in ["", "user:", "merchant:usr_1", "platform:", "admin"] {
        assert!(wrong.parse::<Recipient>().is_err(), "{wrong}");
    }
}

proptest! {
    /// Whatever happens, a merchant's data names that merchant's shipment and no other.
    #[test]
    fn no_merchant_hears_of_another(kind in 0usize..4, cash: bool, count in 1usize..6) {
        let kind = ["order.placed", "order.paid", "order.shipped", "order.refunded"][kind];
        let shipments: Vec<_> = (0..count).map(|_| (ShipmentId::new(), MerchantId::new())).collect();
        let news = OrderNews { cash, shipments: shipments.clone(), ..order(kind) };
        let plan = news.plan();
        let told = plan.signals.iter().map(|signal| (signal.to, signal.data.to_string()));
        let told = told.chain(plan.notices.iter().map(|notice| (notice.to, notice.data.to_string())));
        for (to, data) in told {
            for (shipment, merchant) in &shipments {
                prop_assert!(!data.contains(&merchant.to_string()));
                if to != Recipient::Merchant(*merchant) {
                    prop_assert!(!data.contains(&shipment.to_string()));
                }
            }
        }
    }
}
