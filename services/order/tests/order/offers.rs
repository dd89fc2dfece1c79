//! What a merchant says of its offers: lower prices of larger quantities, pieces that are not there yet, and when it wants to hear.

use fault::Fault;
use ids::{MerchantId, UserId};
use mesh::{Caller, StaffRole};
use proto::order as pb;
use testkit::{RunningLab, eventually};

use crate::{STAGES, lab, money, place, request, stocked};

fn staff(merchant: MerchantId, role: StaffRole) -> Caller {
    Caller { merchant: Some((merchant, role)), ..Caller::user(UserId::new()) }
}

async fn update(
    lab: &RunningLab,
    caller: Caller,
    update: pb::OfferUpdate,
) -> Result<pb::OfferResult, Fault> {
    let request = pb::UpdateOffersRequest { offers: vec![update] };
    let mut client = lab.mesh.order();
    let answer = lab.act(caller, client.update_offers(request)).await.map_err(Fault::from)?;
    Ok(answer.into_inner().results.remove(0))
}

fn tier(from_quantity: u32, price: i64) -> pb::PriceTier {
    pb::PriceTier { from_quantity, price: Some(money(price)) }
}

#[tokio::test]
async fn a_merchant_sells_in_bulk_and_ahead_and_hears_of_its_stock() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let (offer, merchant) = stocked(&lab, 6).await;
        let operator = || staff(merchant, StaffRole::Operator);
        let terms = pb::OfferUpdate {
            id: offer.id.clone(),
            backorder_limit: Some(4),
            low_stock: Some(pb::LowStock { at: Some(2) }),
            price_tiers: Some(pb::PriceTiers { tiers: vec![tier(5, 900)] }),
            ..Default::default()
        };
        let refused = update(&lab, staff(merchant, StaffRole::Viewer), terms.clone()).await;
        assert_eq!(refused.unwrap_err().reason, "FORBIDDEN");
        let foreign = staff(MerchantId::new(), StaffRole::Operator);
        let refused = update(&lab, foreign, terms.clone()).await.unwrap();
        assert_eq!(refused.error, "OFFER_NOT_FOUND");
        let changed = update(&lab, operator(), terms).await.unwrap().offer.unwrap();
        assert_eq!((changed.backorder_limit, changed.low_stock_at), (4, Some(2)));
        assert_eq!(changed.price_tiers, [tier(5, 900)]);

        let quote = |quantity| {
            let line = pb::LineRequest { offer_id: offer.id.clone(), quantity };
            pb::QuoteRequest { lines: vec![line], ..Default::default() }
        };
        let mut client = lab.mesh.order();
        for (quantity, unit, backordered, available) in
            [(4, 1000, 0, true), (8, 900, 2, true), (11, 900, 0, false)]
        {
            let quoted = lab.act(Caller::guest(), client.quote(quote(quantity))).await.unwrap();
            let line = quoted.into_inner().lines.remove(0);
            assert_eq!(line.unit_price.unwrap().amount, unit, "{quantity}");
            assert_eq!((line.backordered, line.available), (backordered, available), "{quantity}");
        }
        let cart = world.cart(&[(&offer.id, 8)]);
        let expected = pb::PlaceOrderRequest {
            expected_total: Some(money(8 * 900 + 500)),
            ..request(&cart, "k")
        };
        let order = place(&lab, &Caller::guest(), expected).await.unwrap().order.unwrap();
        assert_eq!((order.items[0].quantity, order.items[0].backordered), (8, 2));
        eventually("the merchant hears", async || world.told(&offer.id) == ["offer.low_stock"])
            .await;
        let count = |stock, at| pb::OfferUpdate {
            id: offer.id.clone(),
            stock: Some(stock),
            low_stock: at,
            ..Default::default()
        };
        update(&lab, operator(), count(9, None)).await.unwrap().offer.unwrap();
        eventually("and hears again", async || {
            world.told(&offer.id) == ["offer.low_stock", "offer.back_in_stock"]
        })
        .await;
        let silent = update(&lab, operator(), count(0, Some(pb::LowStock::default()))).await;
        assert_eq!(silent.unwrap().offer.unwrap().low_stock_at, None);
        for (wrong, reason) in [
            (
                pb::OfferUpdate { backorder_limit: Some(-1), ..count(0, None) },
                "BACKORDER_LIMIT_INVALID",
            ),
            (count(0, Some(pb::LowStock { at: Some(-1) })), "LOW_STOCK_INVALID"),
            (
                pb::OfferUpdate {
                    price_tiers: Some(pb::PriceTiers { tiers: vec![tier(5, 1000)] }),
                    ..count(0, None)
                },
                "PRICE_TIERS_INVALID",
            ),
        ] {
            assert_eq!(update(&lab, operator(), wrong).await.unwrap().error, reason);
        }
        assert_eq!(world.told(&offer.id).len(), 2);
        lab.stop().await;
    }
}
