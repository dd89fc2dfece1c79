//! Promotions through the mesh: who keeps them, what a cart and a checkout make of them.

use fault::{Code, Fault};
use ids::{MerchantId, UserId};
use mesh::{Caller, StaffRole};
use proto::{order as pb, value};
use testkit::RunningLab;

use crate::{STAGES, lab, money, place, request, stocked};

fn staff(merchant: MerchantId, role: StaffRole) -> Caller {
    Caller { merchant: Some((merchant, role)), ..Caller::user(UserId::new()) }
}

fn owner() -> Caller {
    Caller { roles: vec!["admin".to_owned()], ..Caller::user(UserId::new()) }
}

fn draft(code: &str, percent: i64, funded_by: pb::Funder) -> pb::PromotionDraft {
    let name = value::LocalizedText {
        uz: "Navroʻz".to_owned(),
        ru: "Навруз".to_owned(),
        ..Default::default()
    };
    pb::PromotionDraft {
        name: Some(name),
        code: code.to_owned(),
        kind: pb::PromotionKind::Percent.into(),
        value: Some(percent),
        funded_by: funded_by.into(),
        active: true,
        ..Default::default()
    }
}

async fn create(
    lab: &RunningLab,
    caller: Caller,
    draft: pb::PromotionDraft,
    platform: bool,
) -> Result<pb::Promotion, Fault> {
    let request = pb::CreatePromotionRequest { draft: Some(draft), platform };
    let mut client = lab.mesh.promotions();
    let answer = lab.act(caller, client.create_promotion(request)).await.map_err(Fault::from)?;
    Ok(answer.into_inner().promotion.unwrap())
}

async fn update(
    lab: &RunningLab,
    caller: Caller,
    id: &str,
    draft: pb::PromotionDraft,
    fields: &[&str],
) -> Result<pb::Promotion, Fault> {
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    let platform = caller.roles.contains(&"admin".to_owned());
    let request =
        pb::UpdatePromotionRequest { id: id.to_owned(), draft: Some(draft), fields, platform };
    let mut client = lab.mesh.promotions();
    let answer = lab.act(caller, client.update_promotion(request)).await.map_err(Fault::from)?;
    Ok(answer.into_inner().promotion.unwrap())
}

async fn quote(lab: &RunningLab, offers: &[(&str, u32)], codes: &[&str]) -> pb::QuoteResponse {
    let line = |(offer, quantity): &(&str, u32)| pb::LineRequest {
        offer_id: (*offer).to_owned(),
        quantity: *quantity,
    };
    let request = pb::QuoteRequest {
        lines: offers.iter().map(line).collect(),
        discount_codes: codes.iter().map(|code| (*code).to_owned()).collect(),
        ..Default::default()
    };
    let mut client = lab.mesh.order();
    lab.act(Caller::guest(), client.quote(request)).await.unwrap().into_inner()
}

#[tokio::test]
async fn what_the_quote_says_is_what_is_paid() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let ((one, merchant), (two, _)) = (stocked(&lab, 9).await, stocked(&lab, 9).await);
        let own = draft("", 15, pb::Funder::Merchant);
        create(&lab, staff(merchant, StaffRole::Operator), own, false).await.unwrap();
        let code = pb::PromotionDraft {
            usage_limit: Some(1),
            ..draft("navroz", 10, pb::Funder::Platform)
        };
        let made = create(&lab, owner(), code, true).await.unwrap();
        assert_eq!(made.draft.unwrap().code, "NAVROZ");

        let lines = [(one.id.as_str(), 3), (two.id.as_str(), 1)];
        let quoted = quote(&lab, &lines, &["navroz", "nothing"]).await;
        let totals = quoted.totals.unwrap();
        // 15 % of 3000 by itself; the code takes 10 % of what has no discount yet.
        assert_eq!(totals.discount.unwrap().amount, 450 + 100);
        let discounts: Vec<i64> =
            quoted.lines.iter().map(|line| line.discount.as_ref().unwrap().amount).collect();
        assert_eq!(discounts, [450, 100]);
        assert_eq!(quoted.refused_codes, ["NOTHING"]);
        assert_eq!(quoted.refused[0].reason, "DISCOUNT_CODE_NOT_FOUND");
        assert_eq!(quoted.promotions.len(), 2);
        assert_eq!(quoted.promotions[1].name.as_ref().unwrap().ru, "Навруз");

        let cart = world.cart(&lines);
        world.carts.lock().unwrap().get_mut(&cart).unwrap().discount_codes =
            vec!["NAVROZ".to_owned()];
        let mut wish = request(&cart, "k1");
        wish.expected_total = Some(money(4000 - 550 + 500));
        let order = place(&lab, &Caller::guest(), wish).await.unwrap().order.unwrap();
        assert_eq!(order.items[0].adjustments[0].funded_by(), pb::Funder::Merchant);
        assert_eq!(order.items[1].adjustments[0].code, "NAVROZ");
        let list = pb::ListPromotionsRequest { platform: true, ..Default::default() };
        let mut client = lab.mesh.promotions();
        let listed = lab.act(owner(), client.list_promotions(list)).await.unwrap().into_inner();
        assert_eq!(listed.promotions.iter().map(|it| it.used).collect::<Vec<_>>(), [1, 1]);

        // The code is used up: whoever has it in the cart is told.
        let late = world.cart(&lines);
        world.carts.lock().unwrap().get_mut(&late).unwrap().discount_codes =
            vec!["NAVROZ".to_owned()];
        let refused = place(&lab, &Caller::guest(), request(&late, "k2")).await.unwrap_err();
        assert_eq!(
            (refused.code, refused.reason.as_ref()),
            (Code::Conflict, "DISCOUNT_CODE_EXHAUSTED")
        );
        assert_eq!(refused.fields[0].field, "discount_codes[0]");
        let mut seen = request(&late, "k2");
        seen.expected_total = Some(money(4000 - 450 + 500));
        assert!(
            place(&lab, &Caller::guest(), seen).await.is_ok(),
            "at the price that they see now"
        );
        lab.stop().await;
    }
}

#[tokio::test]
async fn owners_keep_their_own_promotions_only() {
    for stage in STAGES {
        let Some((lab, _)) = lab(stage).await else { continue };
        let (ours, theirs) = (MerchantId::new(), MerchantId::new());
        let operator = || staff(ours, StaffRole::Operator);
        let made = create(&lab, operator(), draft("OURS", 10, pb::Funder::Merchant), false).await;
        let made = made.unwrap();
        assert_eq!(made.merchant_id, ours.to_string());

        let viewer =
            create(&lab, staff(ours, StaffRole::Viewer), draft("", 1, pb::Funder::Merchant), false);
        assert_eq!(viewer.await.unwrap_err().code, Code::Forbidden);
        let guest = create(&lab, Caller::guest(), draft("", 1, pb::Funder::Merchant), false);
        assert_eq!(guest.await.unwrap_err().code, Code::Unauthenticated);
        let as_platform = create(&lab, operator(), draft("", 1, pb::Funder::Platform), true);
        assert_eq!(as_platform.await.unwrap_err().code, Code::Forbidden);
        let foreign_money = create(&lab, operator(), draft("", 1, pb::Funder::Platform), false);
        assert_eq!(foreign_money.await.unwrap_err().fields[0].field, "funded_by");
        let unnamed = create(&lab, owner(), draft("", 1, pb::Funder::Merchant), true);
        assert_eq!(unnamed.await.unwrap_err().fields[0].field, "merchants");
        let taken = create(&lab, owner(), draft("ours", 1, pb::Funder::Platform), true);
        assert_eq!(taken.await.unwrap_err().reason, "DISCOUNT_CODE_TAKEN");
        let impossible =
            pb::PromotionDraft { value: Some(101), ..draft("!", 1, pb::Funder::Merchant) };
        let impossible = create(&lab, operator(), impossible, false).await.unwrap_err();
        let fields: Vec<&str> =
            impossible.fields.iter().map(|field| field.field.as_str()).collect();
        assert_eq!(fields, ["code", "value"]);

        let off = pb::PromotionDraft::default();
        let foreign =
            update(&lab, staff(theirs, StaffRole::Operator), &made.id, off.clone(), &["active"]);
        assert_eq!(foreign.await.unwrap_err().reason, "PROMOTION_NOT_FOUND");
        let changed = update(&lab, operator(), &made.id, off, &["active", "code"]).await.unwrap();
        let draft = changed.draft.unwrap();
        assert_eq!((draft.active, draft.code.as_str(), draft.value), (false, "", Some(10)));
        assert_eq!(changed.version, 2);
        let wrong = pb::PromotionDraft { value: Some(0), ..Default::default() };
        let wrong = update(&lab, owner(), &made.id, wrong, &["value"]).await.unwrap_err();
        assert_eq!(wrong.fields[0].field, "value");
        lab.stop().await;
    }
}
