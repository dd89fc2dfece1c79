//! A local link and a remote one behave the same: one test for each way in which they might not.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use fault::{Code, Fault};
use mesh::{Caller, Context, Mesh, Role, Token};
use proto::order::{
    self as pb,
    order_service_server::{OrderService, OrderServiceServer},
};
use testkit::{Lab, RunningLab, WIRINGS, Wiring};
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// Something that a caller might leave in the request's extensions.
#[derive(Clone)]
struct Marker;

#[derive(Clone, Default)]
struct Peer {
    finished: Arc<AtomicBool>,
}

#[tonic::async_trait]
impl OrderService for Peer {
    /// Takes half a second.
    async fn quote(&self, _: Request<pb::QuoteRequest>) -> Answer<pb::QuoteResponse> {
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.finished.store(true, Ordering::SeqCst);
        Ok(Response::new(pb::QuoteResponse::default()))
    }

    /// Panics.
    async fn list_offers(
        &self,
        _: Request<pb::ListOffersRequest>,
    ) -> Answer<pb::ListOffersResponse> {
        panic!("on purpose")
    }

    /// Tells what it sees beside the message: the caller, the request, the language, the time left, the marker.
    async fn get_order(
        &self,
        request: Request<pb::GetOrderRequest>,
    ) -> Answer<pb::GetOrderResponse> {
        let context = Context::current();
        let left = |at: Instant| at.saturating_duration_since(Instant::now()).as_millis();
        let order = pb::Order {
            id: context.request_id.to_string(),
            user_id: context.caller.user.map(|user| user.to_string()).unwrap_or_default(),
            locale: context.locale.to_string(),
            reserved_until_ms: i64::try_from(context.deadline.map_or(0, left)).unwrap(),
            version: i64::from(request.extensions().get::<Marker>().is_some()),
            ..Default::default()
        };
        Ok(Response::new(pb::GetOrderResponse { order: Some(order) }))
    }

    /// Fails with everything that a fault can carry.
    async fn cancel_order(
        &self,
        _: Request<pb::CancelOrderRequest>,
    ) -> Answer<pb::CancelOrderResponse> {
        let fault = Fault::conflict("ORDER_NOT_CANCELLABLE", "too late").with("number", "1000001K");
        Err(fault.with_fields(vec![fault::Field::new("reason", "LENGTH", "too long")]).into())
    }
}

async fn lab(wiring: Wiring) -> (RunningLab, Peer) {
    let peer = Peer::default();
    let mounted = peer.clone();
    let lab = Lab::new(wiring).real_time().role(Role::Order, |host, _, _| {
        Box::pin(async move {
            host.grpc(Role::Order, OrderServiceServer::new(mounted));
            Ok(())
        })
    });
    (lab.start().await, peer)
}

fn get_order(mesh: &Mesh) -> impl Future<Output = Answer<pb::GetOrderResponse>> + use<> {
    let mut client = mesh.order();
    async move { client.get_order(pb::GetOrderRequest::default()).await }
}

#[tokio::test]
async fn a_deadline_ends_the_call_and_the_work() {
    for wiring in WIRINGS {
        let (lab, peer) = lab(wiring).await;
        let context = Context::new(Caller::guest()).within(Duration::from_millis(100));
        let call = context.scope(lab.mesh.order().quote(pb::QuoteRequest::default())).await;
        assert_eq!(Fault::from(call.unwrap_err()).code, Code::Timeout, "{wiring:?}");
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert!(!peer.finished.load(Ordering::SeqCst), "{wiring:?}: the callee stopped too");
        lab.stop().await;
    }
}

#[tokio::test]
async fn the_callee_has_less_time_than_the_caller() {
    for wiring in WIRINGS {
        let (lab, _) = lab(wiring).await;
        let context = Context::new(Caller::guest()).within(Duration::from_secs(30));
        let answer = context.scope(get_order(&lab.mesh)).await.unwrap().into_inner();
        let left = answer.order.unwrap().reserved_until_ms;
        assert!((1..=30_000).contains(&left), "{wiring:?}: {left}");
        let none_left = Context::new(Caller::guest()).within(Duration::ZERO);
        let call = none_left.scope(get_order(&lab.mesh)).await;
        assert_eq!(Fault::from(call.unwrap_err()).code, Code::Timeout);
        lab.stop().await;
    }
}

#[tokio::test]
async fn metadata_travels_and_extensions_do_not() {
    for wiring in WIRINGS {
        let (lab, _) = lab(wiring).await;
        let user = ids::UserId::new();
        let context = Context {
            request_id: "req_7".into(),
            locale: "uz-Cyrl".into(),
            ..Context::new(Caller::user(user))
        };
        let mut request = Request::new(pb::GetOrderRequest::default());
        request.extensions_mut().insert(Marker);
        let seen = context.scope(lab.mesh.order().get_order(request)).await.unwrap();
        let seen = seen.into_inner().order.unwrap();
        assert_eq!((seen.id.as_str(), seen.locale.as_str()), ("req_7", "uz-Cyrl"), "{wiring:?}");
        assert_eq!(seen.user_id, user.to_string());
        assert_eq!(seen.version, 0, "{wiring:?}: the marker stayed at home");
        lab.stop().await;
    }
}

#[tokio::test]
async fn a_panic_is_the_callees_own() {
    for wiring in WIRINGS {
        let (lab, _) = lab(wiring).await;
        for _ in 0..3 {
            let mut client = lab.mesh.order();
            let call = lab.as_service(client.list_offers(pb::ListOffersRequest::default())).await;
            let fault = Fault::from(call.unwrap_err());
            assert_eq!(fault.code, Code::Internal, "{wiring:?}");
            assert!(!fault.message.contains("purpose"), "{wiring:?}: details stay inside");
        }
        lab.stop().await;
    }
}

#[tokio::test]
async fn a_fault_arrives_whole() {
    for wiring in WIRINGS {
        let (lab, _) = lab(wiring).await;
        let mut client = lab.mesh.order();
        let call = lab.as_service(client.cancel_order(pb::CancelOrderRequest::default())).await;
        let fault = Fault::from(call.unwrap_err());
        assert_eq!((fault.code, fault.reason.as_ref()), (Code::Conflict, "ORDER_NOT_CANCELLABLE"));
        assert_eq!(fault.metadata["number"], "1000001K", "{wiring:?}");
        assert_eq!(fault.fields[0].field, "reason");
        lab.stop().await;
    }
}

#[tokio::test]
async fn without_the_credential_nothing_is_answered() {
    for wiring in WIRINGS {
        let (lab, _) = lab(wiring).await;
        // Whatever the wiring, the port is there for others.
        let stranger = Mesh::new(&[], &lab.bound, Token::new("guessed")).unwrap();
        let call = Context::service("admin").scope(get_order(&stranger)).await;
        assert_eq!(Fault::from(call.unwrap_err()).code, Code::Unauthenticated, "{wiring:?}");
        lab.stop().await;
    }
}

#[tokio::test]
async fn an_absent_peer_is_unavailable() {
    let nowhere = [(Role::Order, "http://127.0.0.1:9".to_owned())].into();
    let remote = Mesh::new(&[], &nowhere, Token::new("t")).unwrap();
    let local = Mesh::new(&[Role::Order], &nowhere, Token::new("t")).unwrap();
    for (mesh, what) in [(remote, "not listening"), (local, "not mounted yet")] {
        let call = Context::service("test").scope(get_order(&mesh)).await;
        assert_eq!(Fault::from(call.unwrap_err()).code, Code::Unavailable, "{what}");
    }
}
