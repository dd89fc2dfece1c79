//! `/checkout`: who gets it, where, how, and who takes the money. `place` takes the form.

use askama::Template;
use axum::{extract::State, http::StatusCode, response::IntoResponse as _};
use proto::{
    auth::{GetMeRequest, ListAddressesRequest},
    cart::PricedCart,
    order::{DeliveryMethod, LineRequest, ListDeliveryOptionsRequest},
    payment::ListProvidersRequest,
    value::Address,
};

use super::{
    Page,
    cart::{self, LineView, TotalsView},
    go, html,
    wording::{self, Notice},
};
use crate::{
    App, Locale, Texts,
    failure::{Answer, Failure, optional},
    form::Posted,
    regions,
    visit::Visit,
};

#[derive(Template)]
#[template(path = "storefront/checkout.html")]
struct View {
    t: Texts,
    page: Page,
    csrf: String,
    notice: Option<Notice>,
    fields: Fields,
    wrong: Vec<Wrong>,
    regions: Vec<RegionChoices>,
    methods: Vec<Radio>,
    providers: Vec<Radio>,
    lines: Vec<LineView>,
    totals: TotalsView,
    promotions: Vec<cart::PromotionView>,
    /// The total that the shopper sees, in tiyin: the order is placed only at this price. Empty until delivery is known.
    expected_total: String,
    key: String,
}

/// What was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) name: String,
    pub(crate) phone: String,
    pub(crate) district: String,
    pub(crate) street: String,
    pub(crate) house: String,
    pub(crate) landmark: String,
    pub(crate) method: String,
    pub(crate) provider: String,
}

/// A field that must be mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) field: &'static str,
    pub(crate) text: String,
}

struct RegionChoices {
    name: String,
    districts: Vec<super::listing::Choice>,
}

/// One of several ways.
struct Radio {
    value: String,
    label: String,
    text: String,
    price: String,
    chosen: bool,
}

impl View {
    /// What is wrong with a field; empty when nothing is.
    fn wrong(&self, field: &str) -> &str {
        self.wrong.iter().find(|wrong| wrong.field == field).map_or("", |wrong| &wrong.text)
    }
}

impl Fields {
    pub(crate) fn read(form: &Posted) -> Self {
        let field = |name: &str| form.field(name).chars().take(200).collect::<String>();
        Self {
            name: field("name"),
            phone: field("phone"),
            district: field("district"),
            street: field("street"),
            house: field("house"),
            landmark: field("landmark"),
            method: field("method"),
            provider: field("provider"),
        }
    }

    fn of_address(address: &Address) -> Self {
        Self {
            name: address.recipient.clone(),
            phone: address.phone.clone(),
            district: address.district.clone(),
            street: address.street.clone(),
            house: address.house.clone(),
            landmark: address.landmark.clone(),
            ..Self::default()
        }
    }

    /// What must be mended before anything is sent on.
    pub(crate) fn check(&self, t: Texts) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let mut say = |field, text| wrong.push(Wrong { field, text });
        if self.name.chars().count() < 2 {
            say("name", t.wrong_name());
        }
        if phone(&self.phone).is_none() {
            say("phone", t.wrong_phone());
        }
        if regions::find(&self.district).is_none() {
            say("district", t.wrong_district());
        }
        let at_home = wording::parse_method(&self.method) != Some(DeliveryMethod::Pickup);
        if at_home && self.street.is_empty() {
            say("street", t.wrong_street());
        }
        if wording::parse_method(&self.method).is_none() {
            say("method", t.wrong_choice());
        }
        if self.provider.is_empty() {
            say("provider", t.wrong_choice());
        }
        wrong
    }

    /// The address as the order keeps it.
    pub(crate) fn address(&self) -> Address {
        let region = regions::find(&self.district).map(|(region, _)| region.code.clone());
        Address {
            region: region.unwrap_or_default(),
            district: self.district.clone(),
            street: self.street.clone(),
            house: self.house.clone(),
            landmark: self.landmark.clone(),
            recipient: self.name.clone(),
            phone: phone(&self.phone).unwrap_or_default(),
        }
    }
}

/// An Uzbek number in E.164, from any way of writing it.
pub(crate) fn phone(text: &str) -> Option<String> {
    if !text.chars().all(|letter| letter.is_ascii_digit() || " +-()\u{a0}".contains(letter)) {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.strip_prefix("00").unwrap_or(&digits);
    match (digits.len(), digits.strip_prefix("998")) {
        (9, _) => Some(format!("+998{digits}")),
        (12, Some(_)) => Some(format!("+{digits}")),
        _ => None,
    }
}

pub(crate) async fn show(State(app): State<App>, visit: Visit) -> Answer {
    let Some((cart, _)) =
        cart::load(&app, &visit).await?.filter(|(cart, _)| !cart.lines.is_empty())
    else {
        return Ok(go("/cart"));
    };
    let mut fields = match cart.cart.as_ref().and_then(|cart| cart.delivery.as_ref()) {
        Some(delivery) => Fields {
            method: wording::method_name(delivery.method()).to_owned(),
            ..Fields::of_address(&delivery.address.clone().unwrap_or_default())
        },
        None => known_fields(&app, &visit).await,
    };
    visit.param("provider").clone_into(&mut fields.provider);
    render(&app, &visit, &cart, fields, Vec::new()).await
}

/// What the account knows already.
async fn known_fields(app: &App, visit: &Visit) -> Fields {
    if !visit.signed_in() {
        return Fields::default();
    }
    let (mut accounts, mut addresses) = (app.mesh.auth(), app.mesh.auth());
    let (me, addresses) = futures::join!(
        accounts.get_me(GetMeRequest {}),
        addresses.list_addresses(ListAddressesRequest {}),
    );
    let addresses =
        optional("addresses", addresses).map(|answer| answer.addresses).unwrap_or_default();
    let best = addresses.iter().max_by_key(|address| address.is_default);
    let mut fields =
        best.and_then(|best| best.address.as_ref()).map(Fields::of_address).unwrap_or_default();
    if let Some(user) = optional("account", me).and_then(|answer| answer.user) {
        if fields.name.is_empty() {
            fields.name = user.name;
        }
        if fields.phone.is_empty() {
            fields.phone = user.phone;
        }
    }
    fields
}

/// The screen, also with what must be mended.
pub(crate) async fn render(
    app: &App,
    visit: &Visit,
    cart: &PricedCart,
    mut fields: Fields,
    wrong: Vec<Wrong>,
) -> Answer {
    let (t, locale) = (visit.texts(), visit.locale());
    let (methods, providers) =
        futures::join!(methods(app, visit, cart, &fields), providers(app, visit, &fields));
    let (methods, providers) = (methods?, providers?);
    if fields.phone.is_empty() {
        "+998 ".clone_into(&mut fields.phone);
    }
    let delivery_known = cart.cart.as_ref().is_some_and(|cart| cart.delivery.is_some());
    let total = cart.totals.as_ref().and_then(|totals| totals.total.as_ref());
    let expected = total.filter(|_| delivery_known && wrong.is_empty());
    let mut page = Page::new(visit, t.checkout()).private();
    page.cart_count = cart::pieces(cart);
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let view = View {
        t,
        page,
        csrf: visit.csrf(),
        notice: wording::notice(visit),
        regions: region_choices(locale, &fields.district),
        methods,
        providers,
        lines: cart::lines(locale, cart),
        promotions: cart::promotions(t, locale, cart),
        totals: TotalsView::new(t, locale, cart.totals.as_ref(), delivery_known),
        expected_total: expected.map(|total| total.amount.to_string()).unwrap_or_default(),
        key: ids::token::secret("web_"),
        fields,
        wrong,
    };
    Ok((status, html(&view)?).into_response())
}

fn region_choices(locale: Locale, chosen: &str) -> Vec<RegionChoices> {
    let districts = |region: &regions::Region| {
        let choice = |district: &regions::District| super::listing::Choice {
            value: district.code.clone(),
            label: district.name(locale),
            chosen: district.code == chosen,
        };
        region.districts.iter().map(choice).collect()
    };
    let all = regions::all().iter();
    all.map(|region| RegionChoices { name: region.name(locale), districts: districts(region) })
        .collect()
}

async fn methods(
    app: &App,
    visit: &Visit,
    cart: &PricedCart,
    fields: &Fields,
) -> Result<Vec<Radio>, Failure> {
    let (t, locale) = (visit.texts(), visit.locale());
    let line = |line: &proto::order::QuotedLine| LineRequest {
        offer_id: line.offer_id.clone(),
        quantity: line.quantity,
    };
    let request = ListDeliveryOptionsRequest {
        lines: cart.lines.iter().map(line).collect(),
        region: regions::find(&fields.district)
            .map(|(region, _)| region.code.clone())
            .unwrap_or_default(),
        discount_codes: cart.cart.as_ref().map(|it| it.discount_codes.clone()).unwrap_or_default(),
    };
    let options = app.mesh.order().list_delivery_options(request).await?.into_inner().options;
    let known = options.iter().any(|option| wording::method_name(option.method()) == fields.method);
    let radios = options.iter().enumerate().map(|(index, option)| {
        let name = wording::method_name(option.method());
        let (label, text) = wording::method(t, option.method());
        let days = match (option.min_days, option.max_days) {
            (_, 0) => String::new(),
            (from, to) if from == to => t.days(to),
            (from, to) => t.days_range(from, to),
        };
        let price = option.price.as_ref().map_or(0, |price| price.amount);
        Radio {
            value: name.to_owned(),
            label,
            text: if days.is_empty() { text } else { format!("{text} · {days}") },
            price: if price == 0 { t.free() } else { locale.price(price) },
            chosen: if known { name == fields.method } else { index == 0 },
        }
    });
    Ok(radios.collect())
}

async fn providers(app: &App, visit: &Visit, fields: &Fields) -> Result<Vec<Radio>, Failure> {
    let t = visit.texts();
    let providers = names_of_providers(app).await?;
    let known = providers.contains(&fields.provider);
    let radios = providers.into_iter().enumerate().map(|(index, name)| {
        let (label, text) = wording::provider(t, &name);
        let chosen = if known { name == fields.provider } else { index == 0 };
        Radio { value: name, label, text, price: String::new(), chosen }
    });
    Ok(radios.collect())
}

/// Who can take the money. An order does not need the payment service to be up, so cash stays when it is away.
pub(crate) async fn names_of_providers(app: &App) -> Result<Vec<String>, Failure> {
    let answer = app.mesh.payment().list_providers(ListProvidersRequest {}).await;
    let names = optional("payment providers", answer).map(|answer| answer.providers);
    Ok(names.filter(|names| !names.is_empty()).unwrap_or_else(|| vec!["cash".to_owned()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_as_people_write_them() {
        for text in ["901234567", "+998 90 123-45-67", "998(90)1234567", "00998 90 123 45 67"] {
            assert_eq!(phone(text).as_deref(), Some("+998901234567"), "{text}");
        }
        for text in ["", "+998", "12345678", "+7 901 234 56 78 9", "90123456a"] {
            assert_eq!(phone(text), None, "{text}");
        }
    }

    #[test]
    fn a_pickup_needs_no_street() {
        let fields = Fields {
            name: "Aziza".to_owned(),
            phone: "901234567".to_owned(),
            district: "1726269".to_owned(),
            method: "pickup".to_owned(),
            provider: "payme".to_owned(),
            ..Fields::default()
        };
        let t = Texts::new(Locale::Uz);
        assert_eq!(fields.check(t), []);
        assert_eq!(fields.address().region, "1726");
        let courier = Fields { method: "courier".to_owned(), ..fields };
        assert_eq!(courier.check(t).first().map(|wrong| wrong.field), Some("street"));
        assert_eq!(Fields::default().check(t).len(), 6);
    }
}
