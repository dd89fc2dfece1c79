//! What promotions do to prices, on the wire.

use proto::order as pb;

use super::encode::{money, text};
use crate::domain::{
    Adjustment, Funder,
    discounts::{Applied, DeliveryDiscount},
    promotion::RefusedCode,
};

pub(super) const fn funder(funder: Funder) -> pb::Funder {
    match funder {
        Funder::Merchant => pb::Funder::Merchant,
        Funder::Platform => pb::Funder::Platform,
    }
}

pub(super) fn adjustment(adjustment: Adjustment) -> pb::Adjustment {
    pb::Adjustment {
        promotion_id: adjustment.promotion.to_string(),
        name: Some(text(adjustment.name)),
        code: adjustment.code,
        amount: Some(money(adjustment.amount)),
        funded_by: funder(adjustment.funded_by).into(),
    }
}

pub(super) fn delivery(discount: DeliveryDiscount) -> pb::DeliveryDiscount {
    pb::DeliveryDiscount {
        merchant_id: discount.merchant.to_string(),
        adjustment: Some(adjustment(discount.adjustment)),
    }
}

pub(super) fn applied(applied: Applied) -> pb::AppliedPromotion {
    pb::AppliedPromotion {
        id: applied.promotion.to_string(),
        name: Some(text(applied.name)),
        code: applied.code,
        amount: Some(money(applied.amount)),
    }
}

pub(super) fn refused(refused: RefusedCode) -> pb::RefusedCode {
    pb::RefusedCode { code: refused.code, reason: refused.why.reason().to_owned() }
}
