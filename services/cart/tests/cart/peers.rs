//! An order service that sells three offers, at 1000, 2000 and 3000 tiyin. Codes that begin with `GOOD` have an effect; those that
//! begin with `OLD` had one.

use proto::order::{
    self as pb,
    order_service_server::{OrderService, OrderServiceServer},
};
use tonic::{Request, Response, Status};

/// The id of one of the three offers.
pub(crate) fn offer(number: u8) -> String {
    ids::OfferId::from_u128(u128::from(number) + 1).to_string()
}

fn price(offer_id: &str) -> Option<i64> {
    (0..3).find(|number| offer(*number) == offer_id).map(|number| (i64::from(number) + 1) * 1000)
}

fn sum(amount: i64) -> Option<proto::value::Money> {
    Some(proto::value::Money { amount, currency: "UZS".to_owned() })
}

/// The fake as a server.
pub(crate) fn orders() -> OrderServiceServer<impl OrderService> {
    OrderServiceServer::new(Orders)
}

struct Orders;

#[tonic::async_trait]
impl OrderService for Orders {
    async fn list_offers(
        &self,
        request: Request<pb::ListOffersRequest>,
    ) -> Result<Response<pb::ListOffersResponse>, Status> {
        let known = request.into_inner().offer_ids.into_iter().filter(|id| price(id).is_some());
        let offers = known.map(|id| pb::Offer { id, active: true, ..pb::Offer::default() });
        Ok(Response::new(pb::ListOffersResponse { offers: offers.collect() }))
    }

    async fn quote(
        &self,
        request: Request<pb::QuoteRequest>,
    ) -> Result<Response<pb::QuoteResponse>, Status> {
        let request = request.into_inner();
        let refused = request.discount_codes.iter().filter(|code| !code.starts_with("GOOD"));
        let refused: Vec<pb::RefusedCode> = refused
            .map(|code| pb::RefusedCode {
                code: code.clone(),
                reason: if code.starts_with("OLD") {
                    "DISCOUNT_CODE_EXPIRED".to_owned()
                } else {
                    "DISCOUNT_CODE_NOT_FOUND".to_owned()
                },
            })
            .collect();
        let line = |line: pb::LineRequest| pb::QuotedLine {
            total: sum(price(&line.offer_id).unwrap_or(0) * i64::from(line.quantity)),
            offer_id: line.offer_id,
            quantity: line.quantity,
            ..pb::QuotedLine::default()
        };
        let lines: Vec<pb::QuotedLine> = request.lines.into_iter().map(line).collect();
        let total = lines.iter().filter_map(|line| line.total.as_ref()).map(|sum| sum.amount).sum();
        let totals = Some(pb::Totals { total: sum(total), ..pb::Totals::default() });
        Ok(Response::new(pb::QuoteResponse {
            lines,
            totals,
            refused_codes: refused.iter().map(|refused| refused.code.clone()).collect(),
            refused,
            promotions: Vec::new(),
        }))
    }
}
