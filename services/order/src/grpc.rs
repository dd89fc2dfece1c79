//! The service on the wire: decode, act, encode. No rules here.

use mesh::Context;
use proto::{
    event::{self as events, event_service_server::EventService},
    order::{self as pb, order_service_server::OrderService},
    payment as payments,
};
use tonic::{Request, Response, Status};

mod adjustments;
mod decode;
mod discounts;
mod encode;
mod finance;
mod page;
pub(crate) mod peers;
mod promotions;
mod receive;
mod returns;
mod tariffs;

use crate::{
    domain::{Customer, Provider, number},
    error::Error,
    service::{Checkout, Orders},
};
use decode::{id, lines};
pub use encode::event as encode_event;
pub(crate) use encode::{SUBSCRIBERS, answer as encode_answer};

type Answer<T> = Result<Response<T>, Status>;

/// The service as tonic sees it.
#[derive(Clone)]
pub(crate) struct Api {
    orders: Orders,
}

impl Api {
    pub(crate) fn new(orders: Orders) -> Self {
        Self { orders }
    }
}

#[tonic::async_trait]
impl OrderService for Api {
    async fn put_offers(
        &self,
        request: Request<pb::PutOffersRequest>,
    ) -> Answer<pb::PutOffersResponse> {
        Context::caller().require_service()?;
        let request = request.into_inner();
        let (product, terms) = decode::product(request.product, request.offers)?;
        let id = product.product;
        self.orders.put_offers(product, terms).await?;
        let offers = self.orders.offers_of(id).await?;
        let offers = offers.into_iter().map(encode::offer).collect();
        Ok(Response::new(pb::PutOffersResponse { offers }))
    }

    async fn update_offers(
        &self,
        request: Request<pb::UpdateOffersRequest>,
    ) -> Answer<pb::UpdateOffersResponse> {
        let updates = request.into_inner().offers;
        let ids: Vec<String> = updates.iter().map(|update| update.id.clone()).collect();
        let updates = decode::updates(updates)?;
        let results = self.orders.update_offers(&Context::caller(), updates).await?;
        let results = ids.into_iter().zip(results).map(|(id, result)| match result {
            Ok(offer) => {
                pb::OfferResult { id, offer: Some(encode::offer(offer)), error: String::new() }
            }
            Err(refusal) => pb::OfferResult { id, offer: None, error: refusal.reason().to_owned() },
        });
        Ok(Response::new(pb::UpdateOffersResponse { results: results.collect() }))
    }

    async fn list_offers(
        &self,
        request: Request<pb::ListOffersRequest>,
    ) -> Answer<pb::ListOffersResponse> {
        let request = request.into_inner();
        let own = request.own;
        let wanted = decode::wanted(request)?;
        let offers = self.orders.offers(&Context::caller(), wanted, own).await?;
        let offers = offers.into_iter().map(encode::offer).collect();
        Ok(Response::new(pb::ListOffersResponse { offers }))
    }

    async fn quote(&self, request: Request<pb::QuoteRequest>) -> Answer<pb::QuoteResponse> {
        let request = request.into_inner();
        let delivery = request.delivery.and_then(decode::delivery);
        let (lines, codes) = (lines(&request.lines)?, decode::codes(&request.discount_codes)?);
        let quote = self.orders.quote(&Context::caller(), &lines, delivery.as_ref(), codes).await?;
        Ok(Response::new(pb::QuoteResponse {
            lines: quote.lines.into_iter().map(encode::quoted).collect(),
            totals: Some(encode::totals(&quote.totals)),
            refused_codes: quote.refused.iter().map(|refused| refused.code.clone()).collect(),
            refused: quote.refused.into_iter().map(discounts::refused).collect(),
            promotions: quote.applied.into_iter().map(discounts::applied).collect(),
        }))
    }

    async fn list_delivery_options(
        &self,
        request: Request<pb::ListDeliveryOptionsRequest>,
    ) -> Answer<pb::ListDeliveryOptionsResponse> {
        let request = request.into_inner();
        let (lines, codes) = (lines(&request.lines)?, decode::codes(&request.discount_codes)?);
        let caller = Context::caller();
        let options = self.orders.delivery_options(&caller, &lines, &request.region, codes).await?;
        let options = options.iter().map(encode::delivery_option).collect();
        Ok(Response::new(pb::ListDeliveryOptionsResponse { options }))
    }

    async fn get_delivery_tariff(
        &self,
        request: Request<pb::GetDeliveryTariffRequest>,
    ) -> Answer<pb::GetDeliveryTariffResponse> {
        let named = request.into_inner().merchant_id;
        let merchant = match named.as_str() {
            "" => None,
            named => Some(id(named).ok_or(Error::MerchantNotFound)?),
        };
        let tariff = self.orders.delivery_tariff(&Context::caller(), merchant).await?;
        let tariff = Some(tariffs::encode(tariff));
        Ok(Response::new(pb::GetDeliveryTariffResponse { tariff }))
    }

    async fn set_delivery_tariff(
        &self,
        request: Request<pb::SetDeliveryTariffRequest>,
    ) -> Answer<pb::SetDeliveryTariffResponse> {
        let request = request.into_inner();
        let caller = Context::caller();
        let merchant = id(&request.merchant_id).ok_or(Error::MerchantNotFound)?;
        let tariff = tariffs::decode(request.tariff.unwrap_or_default());
        self.orders.set_delivery_tariff(&caller, merchant, tariff.clone()).await?;
        let tariff = Some(tariffs::encode(tariff));
        Ok(Response::new(pb::SetDeliveryTariffResponse { tariff }))
    }

    async fn place_order(
        &self,
        request: Request<pb::PlaceOrderRequest>,
    ) -> Answer<pb::PlaceOrderResponse> {
        let request = request.into_inner();
        let cart = id(&request.cart_id).ok_or_else(|| fault::Fault::not_found("CART"))?;
        let provider = Provider::parse(&request.payment_provider).ok_or(Error::UnknownProvider)?;
        let customer = request.customer.unwrap_or_default();
        let checkout = Checkout {
            cart,
            cart_token: request.cart_token,
            provider,
            customer: Customer { name: customer.name, phone: customer.phone },
            expected_total: decode::optional_money(
                request.expected_total.as_ref(),
                "expected_total",
            )?,
            key: request.idempotency_key,
            hash: request.request_hash.to_vec(),
        };
        let (response, replayed) = self.orders.place(&Context::caller(), checkout).await?;
        let mut response: pb::PlaceOrderResponse = decode::kept(&response)?;
        response.replayed = replayed;
        Ok(Response::new(response))
    }

    async fn get_order(
        &self,
        request: Request<pb::GetOrderRequest>,
    ) -> Answer<pb::GetOrderResponse> {
        let request = request.into_inner();
        let caller = Context::caller();
        let order = match (id(&request.id), number::parse(&request.id)) {
            (Some(order), _) => self.orders.get(&caller, order, &request.order_token).await?,
            (None, Some(seq)) => self.orders.numbered(&caller, seq).await?,
            (None, None) => return Err(Error::OrderNotFound.into()),
        };
        Ok(Response::new(pb::GetOrderResponse { order: Some(encode::order(order)) }))
    }

    async fn list_orders(
        &self,
        request: Request<pb::ListOrdersRequest>,
    ) -> Answer<pb::ListOrdersResponse> {
        let (after, limit, count) = page::request(request.into_inner().page)?;
        let found = self.orders.mine(&Context::caller(), after, limit, count).await?;
        let (orders, page) = page::response(found);
        Ok(Response::new(pb::ListOrdersResponse { orders, page }))
    }

    async fn cancel_order(
        &self,
        request: Request<pb::CancelOrderRequest>,
    ) -> Answer<pb::CancelOrderResponse> {
        let request = request.into_inner();
        let order = id(&request.id).ok_or(Error::OrderNotFound)?;
        let reason = decode::text(&request.reason, "reason", 500)?;
        let key = (order, request.order_token.as_str());
        let order = self.orders.cancel(&Context::caller(), key, reason).await?;
        Ok(Response::new(pb::CancelOrderResponse { order: Some(encode::order(order)) }))
    }

    async fn start_payment(
        &self,
        request: Request<pb::StartPaymentRequest>,
    ) -> Answer<pb::StartPaymentResponse> {
        let request = request.into_inner();
        let order = id(&request.order_id).ok_or(Error::OrderNotFound)?;
        let provider = Provider::parse(&request.provider).ok_or(Error::UnknownProvider)?;
        let place = (order, request.order_token.as_str());
        let key = (request.idempotency_key.as_str(), request.request_hash.to_vec());
        let caller = Context::caller();
        let (response, replayed) =
            self.orders.start_payment(&caller, place, provider, key, encode::payment_bytes).await?;
        let payment: payments::Payment = decode::kept(&response)?;
        Ok(Response::new(pb::StartPaymentResponse { payment: Some(payment), replayed }))
    }

    async fn list_merchant_orders(
        &self,
        request: Request<pb::ListMerchantOrdersRequest>,
    ) -> Answer<pb::ListMerchantOrdersResponse> {
        let request = request.into_inner();
        let status = decode::shipment_status(request.status());
        let page = page::request(request.page)?;
        let found = self.orders.of_merchant(&Context::caller(), status, page).await?;
        let (orders, page) = page::response(found);
        Ok(Response::new(pb::ListMerchantOrdersResponse { orders, page }))
    }

    async fn move_shipment(
        &self,
        request: Request<pb::MoveShipmentRequest>,
    ) -> Answer<pb::MoveShipmentResponse> {
        let request = request.into_inner();
        let order = id(&request.order_id).ok_or(Error::OrderNotFound)?;
        let step = decode::shipment_move(&request)?;
        let order = self.orders.move_shipment(&Context::caller(), order, step).await?;
        Ok(Response::new(pb::MoveShipmentResponse { order: Some(encode::order(order)) }))
    }

    async fn list_all_orders(
        &self,
        request: Request<pb::ListAllOrdersRequest>,
    ) -> Answer<pb::ListAllOrdersResponse> {
        let (after, limit, count) = page::request(request.into_inner().page)?;
        let found = self.orders.all(&Context::caller(), after, limit, count).await?;
        let (orders, page) = page::response(found);
        Ok(Response::new(pb::ListAllOrdersResponse { orders, page }))
    }
}

#[tonic::async_trait]
impl EventService for Api {
    async fn deliver(
        &self,
        request: Request<events::DeliverRequest>,
    ) -> Answer<events::DeliverResponse> {
        Context::caller().require_service()?;
        Ok(Response::new(receive::apply_all(&self.orders, request.into_inner()).await))
    }
}
