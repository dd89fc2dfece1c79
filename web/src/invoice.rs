//! The invoice of an order: a page to be printed, which needs nothing else, also when it is kept as a file.

use std::fmt::Write as _;

use money::{Currency, Money};
use proto::{order as pb, value};

use crate::Locale;

/// What a browser may do with it.
pub const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

const STYLE: &str = "body{font:14px/1.4 system-ui,sans-serif;margin:2rem auto;max-width:50rem;padding:0 1rem;color:#111}\
table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{padding:.35rem .5rem;border-bottom:1px solid #ccc;text-align:left}\
.n{text-align:right;white-space:nowrap}@media screen and (max-width:40rem){body{margin:1rem auto;font-size:12px}\
table{display:block;overflow-x:auto}}h1{font-size:1.4rem}h2{font-size:1rem;margin:1.5rem 0 0}small{color:#555}\
@media print{body{margin:0}}";

/// The words of a language.
struct Words {
    invoice: &'static str,
    date: &'static str,
    buyer: &'static str,
    seller: &'static str,
    tin: &'static str,
    item: &'static str,
    pieces: &'static str,
    price: &'static str,
    discount: &'static str,
    vat: &'static str,
    sum: &'static str,
    goods: &'static str,
    delivery: &'static str,
    total: &'static str,
    refunded: &'static str,
    cancelled: &'static str,
}

const fn words(locale: Locale) -> Words {
    match locale {
        Locale::Uz => Words {
            invoice: "Hisob-faktura",
            date: "Sana",
            buyer: "Xaridor",
            seller: "Sotuvchi",
            tin: "STIR",
            item: "Mahsulot",
            pieces: "Soni",
            price: "Narxi",
            discount: "Chegirma",
            vat: "QQS",
            sum: "Summa",
            goods: "Mahsulotlar",
            delivery: "Yetkazib berish",
            total: "Jami",
            refunded: "Qaytarilgan pul",
            cancelled: "bekor qilingan",
        },
        Locale::UzCyrl => Words {
            invoice: "Ҳисоб-фактура",
            date: "Сана",
            buyer: "Харидор",
            seller: "Сотувчи",
            tin: "СТИР",
            item: "Маҳсулот",
            pieces: "Сони",
            price: "Нархи",
            discount: "Чегирма",
            vat: "ҚҚС",
            sum: "Сумма",
            goods: "Маҳсулотлар",
            delivery: "Етказиб бериш",
            total: "Жами",
            refunded: "Қайтарилган пул",
            cancelled: "бекор қилинган",
        },
        Locale::Ru => Words {
            invoice: "Счёт-фактура",
            date: "Дата",
            buyer: "Покупатель",
            seller: "Продавец",
            tin: "ИНН",
            item: "Товар",
            pieces: "Кол-во",
            price: "Цена",
            discount: "Скидка",
            vat: "НДС",
            sum: "Сумма",
            goods: "Товары",
            delivery: "Доставка",
            total: "Итого",
            refunded: "Возвращено",
            cancelled: "отменено",
        },
        Locale::En => Words {
            invoice: "Invoice",
            date: "Date",
            buyer: "Buyer",
            seller: "Seller",
            tin: "TIN",
            item: "Item",
            pieces: "Pieces",
            price: "Price",
            discount: "Discount",
            vat: "VAT",
            sum: "Sum",
            goods: "Goods",
            delivery: "Delivery",
            total: "Total",
            refunded: "Refunded",
            cancelled: "cancelled",
        },
    }
}

/// Text of people, harmless in a page.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn shown(amount: i64, locale: Locale) -> String {
    money::shown(Money::new(amount, Currency::Uzs), locale.money())
}

fn tiyin(sum: Option<&value::Money>) -> i64 {
    sum.map_or(0, |sum| sum.amount)
}

/// Writing to a text cannot fail: what is written is written.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => { let _ = write!($out, $($arg)*); };
}

/// The page of an order.
pub fn page(order: &pb::Order, locale: Locale) -> String {
    let w = words(locale);
    let mut out = String::with_capacity(4096);
    let title = format!("{} {}", w.invoice, safe(&order.number));
    let day = clock::Timestamp::from_millis(order.placed_at_ms).to_string();
    let day = day.split('T').next().unwrap_or_default().to_owned();
    put!(
        out,
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1><p>{}: {day}",
        locale.tag(),
        w.date
    );
    if let Some(who) = &order.customer {
        put!(out, "<br>{}: {}, {}", w.buyer, safe(&who.name), safe(&who.phone));
    }
    out.push_str("</p>");
    let mut sellers: Vec<&str> = Vec::new();
    for item in &order.items {
        if !sellers.contains(&item.merchant_id.as_str()) {
            sellers.push(&item.merchant_id);
        }
    }
    for seller in sellers {
        let own = || order.items.iter().filter(|item| item.merchant_id == seller);
        let Some(first) = own().next() else { continue };
        put!(out, "<h2>{}: {}", w.seller, safe(&first.merchant_name));
        if !first.merchant_tin.is_empty() {
            put!(out, " <small>{} {}</small>", w.tin, safe(&first.merchant_tin));
        }
        put!(
            out,
            "</h2><table><thead><tr><th>{}</th><th class=\"n\">{}</th><th class=\"n\">{}</th><th class=\"n\">{}</th>\
             <th class=\"n\">{}</th><th class=\"n\">{}</th></tr></thead><tbody>",
            w.item,
            w.pieces,
            w.price,
            w.discount,
            w.vat,
            w.sum
        );
        for item in own() {
            line(&mut out, &w, item, locale);
        }
        out.push_str("</tbody></table>");
    }
    let totals = order.totals.clone().unwrap_or_default();
    out.push_str("<table><tbody>");
    let mut row = |name: &str, amount: i64| {
        put!(out, "<tr><th>{name}</th><td class=\"n\">{}</td></tr>", shown(amount, locale));
    };
    row(w.goods, tiyin(totals.items.as_ref()));
    if tiyin(totals.discount.as_ref()) != 0 {
        row(w.discount, -tiyin(totals.discount.as_ref()));
    }
    row(w.delivery, tiyin(totals.delivery.as_ref()));
    row(w.total, tiyin(totals.total.as_ref()));
    row(w.vat, tiyin(totals.tax_included.as_ref()));
    let done = order.refunds.iter().filter(|refund| refund.status == "succeeded");
    let back: i64 = done.map(|refund| tiyin(refund.amount.as_ref())).sum();
    if back != 0 {
        row(w.refunded, -back);
    }
    out.push_str("</tbody></table></body></html>");
    out
}

fn line(out: &mut String, w: &Words, item: &pb::OrderItem, locale: Locale) {
    let title = locale.of(item.title.as_ref());
    let fiscal = item.fiscal.clone().unwrap_or_default();
    let total = tiyin(item.total.as_ref());
    let vat = Money::new(total, Currency::Uzs).vat_included(fiscal.vat_percent);
    let vat = vat.map_or(0, |vat| vat.amount);
    put!(out, "<tr><td>{} <small>{} {}", safe(&title), safe(&item.sku), safe(&fiscal.mxik));
    if item.cancelled > 0 {
        put!(out, "; {}: {}", w.cancelled, item.cancelled);
    }
    put!(
        out,
        "</small></td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{} <small>{}%</small></td><td class=\"n\">{}</td></tr>",
        item.quantity,
        shown(tiyin(item.unit_price.as_ref()), locale),
        shown(tiyin(item.discount.as_ref()), locale),
        shown(vat, locale),
        fiscal.vat_percent,
        shown(total, locale)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invoice_has_its_lines_and_no_markup_of_others() {
        let sum = |amount| Some(value::Money { amount, currency: "UZS".to_owned() });
        let item = pb::OrderItem {
            merchant_id: "m".to_owned(),
            merchant_name: "<b>Hunar & Co</b>".to_owned(),
            merchant_tin: "300000202".to_owned(),
            title: Some(value::LocalizedText { uz: "Choynak".to_owned(), ..Default::default() }),
            fiscal: Some(value::Fiscal { vat_percent: 12, ..Default::default() }),
            quantity: 2,
            unit_price: sum(11_200_000),
            total: sum(22_400_000),
            ..Default::default()
        };
        let order = pb::Order {
            number: "1000001L".to_owned(),
            placed_at_ms: 1_795_000_000_000,
            items: vec![item],
            totals: Some(pb::Totals { total: sum(22_400_000), ..Default::default() }),
            ..Default::default()
        };
        for locale in Locale::ALL {
            let page = page(&order, locale);
            assert!(page.contains("1000001L") && page.contains("300000202"), "{page}");
            assert!(page.contains("&lt;b&gt;Hunar &amp; Co&lt;/b&gt;") && !page.contains("<b>"));
            // The sum, and the VAT that it contains.
            for amount in [22_400_000, 2_400_000] {
                assert!(page.contains(&shown(amount, locale)), "{page}");
            }
        }
    }
}
