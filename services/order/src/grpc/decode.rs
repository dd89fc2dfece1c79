//! From messages into the domain.

use fault::{Fault, Field};
use money::{Currency, Money};
use proto::{order as pb, product as products, value};
use tonic::Status;

use crate::{
    domain::{
        Address, Delivery, Fiscal, Method, ShipmentMove, ShipmentStatus, Text,
        offer::{Snapshot, Terms, Update},
        pricing::Line,
        promotion::normal_code,
        returns::Pieces,
        tiers::Tier,
    },
    store::Wanted,
};

pub(super) fn id<K: ids::Kind>(text: &str) -> Option<ids::Id<K>> {
    text.parse().ok()
}

fn required_id<K: ids::Kind>(text: &str, field: &str) -> Result<ids::Id<K>, Status> {
    text.parse().map_err(|error: ids::ParseIdError| invalid(field, "INVALID", &error.to_string()))
}

fn invalid(field: &str, code: &'static str, message: &str) -> Status {
    Fault::invalid(vec![Field::new(field, code, message)]).into()
}

pub(super) fn text<'a>(text: &'a str, field: &str, most: usize) -> Result<&'a str, Status> {
    if text.len() > most {
        return Err(invalid(field, "LENGTH", &format!("at most {most} bytes")));
    }
    // Not every store can keep it.
    if text.contains('\0') {
        return Err(invalid(field, "INVALID", "no NUL"));
    }
    Ok(text)
}

/// A cursor that is an id.
pub(super) fn cursor<K: ids::Kind>(text: &str) -> Result<ids::Id<K>, Status> {
    id(text).ok_or_else(|| invalid("after", "INVALID", "not a cursor of this list"))
}

/// An answer that was kept, as it was given.
pub(super) fn kept<M: prost::Message + Default>(bytes: &[u8]) -> Result<M, Status> {
    M::decode(bytes).map_err(|error| Fault::internal(error).into())
}

pub(super) fn money(money: &value::Money, field: &str) -> Result<Money, Status> {
    let currency: Currency = money
        .currency
        .parse()
        .map_err(|_| invalid(field, "CURRENCY", "expected the currency UZS"))?;
    Ok(Money::new(money.amount, currency))
}

pub(super) fn optional_money(
    sum: Option<&value::Money>,
    field: &str,
) -> Result<Option<Money>, Status> {
    sum.map(|sum| money(sum, field)).transpose()
}

/// Lines with distinct offers.
pub(super) fn lines(lines: &[pb::LineRequest]) -> Result<Vec<Line>, Status> {
    if lines.len() > 100 {
        return Err(invalid("lines", "TOO_MANY", "at most 100 lines"));
    }
    let mut seen: Vec<Line> = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let offer = required_id(&line.offer_id, &format!("lines[{index}].offer_id"))?;
        if seen.iter().any(|known| known.offer == offer) {
            return Err(invalid(
                &format!("lines[{index}].offer_id"),
                "DUPLICATE",
                "one line for each offer",
            ));
        }
        seen.push(Line { offer, quantity: line.quantity });
    }
    Ok(seen)
}

pub(super) fn wanted(request: pb::ListOffersRequest) -> Result<Wanted, Status> {
    let (offers, products) = (request.offer_ids, request.product_ids);
    if offers.len() > 100 || products.len() > 100 {
        return Err(invalid("ids", "TOO_MANY", "at most 100 ids"));
    }
    // Ids that are none name nothing that exists.
    Ok(if offers.is_empty() {
        Wanted::Products(products.iter().filter_map(|text| id(text)).collect())
    } else {
        Wanted::Offers(offers.iter().filter_map(|text| id(text)).collect())
    })
}

pub(super) fn updates(updates: Vec<pb::OfferUpdate>) -> Result<Vec<Update>, Status> {
    if updates.is_empty() || updates.len() > 500 {
        return Err(invalid("offers", "COUNT", "1 to 500 offers at once"));
    }
    updates
        .into_iter()
        .enumerate()
        .map(|(index, update)| {
            let field = |name: &str| format!("offers[{index}].{name}");
            Ok(Update {
                // An id that is none is an offer that is not there.
                id: id(&update.id).unwrap_or(ids::OfferId::from_u128(0)),
                price: optional_money(update.price.as_ref(), &field("price"))?,
                compare_at: optional_money(
                    update.compare_at_price.as_ref(),
                    &field("compare_at_price"),
                )?,
                stock: update.stock,
                active: update.active,
                backorder_limit: update.backorder_limit,
                weight: update.weight_grams,
                low_stock_at: update.low_stock.map(|low_stock| low_stock.at),
                tiers: update.price_tiers.map(|it| tiers(it, &field("price_tiers"))).transpose()?,
            })
        })
        .collect()
}

fn tiers(tiers: pb::PriceTiers, field: &str) -> Result<Vec<Tier>, Status> {
    let tier = |tier: pb::PriceTier| {
        let price = money(&tier.price.unwrap_or_default(), field)?;
        if price.currency != Currency::Uzs {
            return Err(invalid(field, "CURRENCY", "expected the currency UZS"));
        }
        Ok(Tier { from: tier.from_quantity, price: price.amount })
    };
    tiers.tiers.into_iter().map(tier).collect()
}

pub(super) fn product(
    product: Option<products::Product>,
    drafts: Vec<pb::OfferDraft>,
) -> Result<(Snapshot, Vec<Terms>), Status> {
    let product = product.unwrap_or_default();
    let mut variants = Vec::with_capacity(product.variants.len());
    for variant in &product.variants {
        let id = required_id(&variant.id, "variants.id")?;
        variants.push((id, variant.sku.clone(), variant.options.clone()));
    }
    let snapshot = Snapshot {
        product: required_id(&product.id, "product.id")?,
        on_show: product.status() == products::ProductStatus::Active,
        title: localized(product.title),
        fiscal: fiscal(product.fiscal),
        picture_url: product
            .media
            .first()
            .map(|picture| picture.small_url.clone())
            .unwrap_or_default(),
        categories: product.category.map(path),
        version: product.version,
        variants,
    };
    let terms = drafts.into_iter().map(terms).collect::<Result<_, _>>()?;
    Ok((snapshot, terms))
}

/// The slugs from the root down to the product's own category.
pub(super) fn path(category: products::CategoryRef) -> Vec<String> {
    category.ancestors.into_iter().chain([category.slug]).collect()
}

/// Codes as they are compared.
pub(super) fn codes(codes: &[String]) -> Result<Vec<String>, Status> {
    if codes.len() > 10 {
        return Err(invalid("discount_codes", "TOO_MANY", "at most 10 codes"));
    }
    let mut known: Vec<String> = Vec::with_capacity(codes.len());
    for code in codes {
        let code = normal_code(text(code, "discount_codes", 100)?);
        if !known.contains(&code) {
            known.push(code);
        }
    }
    Ok(known)
}

fn terms(draft: pb::OfferDraft) -> Result<Terms, Status> {
    let terms = Terms {
        merchant: required_id(&draft.merchant_id, "merchant_id")?,
        variant: required_id(&draft.variant_id, "variant_id")?,
        sku: draft.sku,
        options: draft.options,
        price: optional_money(draft.price.as_ref(), "price")?,
        compare_at: optional_money(draft.compare_at_price.as_ref(), "compare_at_price")?,
        stock: draft.stock,
    };
    match terms.check() {
        Ok(()) => Ok(terms),
        Err(refusal) => Err(invalid("offer", refusal.reason(), &refusal.to_string())),
    }
}

pub(super) fn localized(text: Option<value::LocalizedText>) -> Text {
    let text = text.unwrap_or_default();
    Text { uz: text.uz, ru: text.ru, en: text.en }
}

fn fiscal(fiscal: Option<value::Fiscal>) -> Fiscal {
    let fiscal = fiscal.unwrap_or_default();
    Fiscal {
        mxik: fiscal.mxik,
        package_code: fiscal.package_code,
        vat_percent: fiscal.vat_percent.min(100),
        unit_code: fiscal.unit_code,
    }
}

/// None when no method is chosen.
pub(super) fn delivery(choice: pb::DeliveryChoice) -> Option<Delivery> {
    let method = match choice.method() {
        pb::DeliveryMethod::Courier => Method::Courier,
        pb::DeliveryMethod::Pickup => Method::Pickup,
        pb::DeliveryMethod::Post => Method::Post,
        pb::DeliveryMethod::Unspecified => return None,
    };
    let address = choice.address.unwrap_or_default();
    let address = Address {
        region: address.region,
        district: address.district,
        street: address.street,
        house: address.house,
        landmark: address.landmark,
        recipient: address.recipient,
        phone: address.phone,
    };
    Some(Delivery { method, address })
}

pub(super) fn shipment_status(status: pb::ShipmentStatus) -> Option<ShipmentStatus> {
    match status {
        pb::ShipmentStatus::Unspecified => None,
        pb::ShipmentStatus::Pending => Some(ShipmentStatus::Pending),
        pb::ShipmentStatus::New => Some(ShipmentStatus::New),
        pb::ShipmentStatus::Accepted => Some(ShipmentStatus::Accepted),
        pb::ShipmentStatus::Shipped => Some(ShipmentStatus::Shipped),
        pb::ShipmentStatus::Delivered => Some(ShipmentStatus::Delivered),
        pb::ShipmentStatus::Cancelled => Some(ShipmentStatus::Cancelled),
    }
}

pub(super) fn shipment_move(request: &pb::MoveShipmentRequest) -> Result<ShipmentMove, Status> {
    let filled = |value: &str, field: &str| {
        if value.trim().is_empty() {
            return Err(invalid(field, "REQUIRED", "must not be empty"));
        }
        text(value, field, 500).map(str::to_owned)
    };
    Ok(match request.r#move() {
        pb::ShipmentMove::Accept => ShipmentMove::Accept,
        pb::ShipmentMove::Ship => ShipmentMove::Ship {
            carrier: filled(&request.carrier, "carrier")?,
            tracking: filled(&request.tracking, "tracking")?,
        },
        pb::ShipmentMove::Deliver => ShipmentMove::Deliver,
        pb::ShipmentMove::Cancel => ShipmentMove::Cancel {
            reason: filled(&request.reason, "reason")?,
            pieces: if request.items.is_empty() {
                None
            } else {
                Some(item_quantities(&request.items)?)
            },
            refund: ids::RefundId::new(),
        },
        pb::ShipmentMove::Unspecified => {
            return Err(invalid("move", "REQUIRED", "expected accept, ship, deliver or cancel"));
        }
    })
}

/// Pieces of distinct lines; at least one.
pub(super) fn item_quantities(items: &[pb::ItemQuantity]) -> Result<Vec<Pieces>, Status> {
    if items.is_empty() || items.len() > 100 {
        return Err(invalid("items", "COUNT", "1 to 100 lines"));
    }
    let mut seen: Vec<Pieces> = Vec::with_capacity(items.len());
    for (index, line) in items.iter().enumerate() {
        let item = required_id(&line.item_id, &format!("items[{index}].item_id"))?;
        if line.quantity == 0 {
            let field = format!("items[{index}].quantity");
            return Err(invalid(&field, "INVALID", "must be above zero"));
        }
        if seen.iter().any(|known| known.item == item) {
            let field = format!("items[{index}].item_id");
            return Err(invalid(&field, "DUPLICATE", "each line once"));
        }
        seen.push(Pieces { item, quantity: line.quantity });
    }
    Ok(seen)
}

/// A fiscal receipt of a payment.
pub(super) fn receipt(
    payment: String,
    receipt: proto::payment::FiscalReceipt,
) -> crate::domain::receipt::Receipt {
    crate::domain::receipt::Receipt {
        payment,
        kind: receipt.kind,
        qr_url: receipt.qr_url,
        receipt_id: receipt.receipt_id,
        fiscal_sign: receipt.fiscal_sign,
        terminal_id: receipt.terminal_id,
        issued_at: receipt.issued_at,
    }
}
