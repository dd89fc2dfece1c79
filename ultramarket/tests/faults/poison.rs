//! A subscriber that refuses an event for good: it is set aside after ten refusals, holds nobody up, and is sent again on request.

use std::{
    collections::BTreeMap,
    net::TcpListener as Bound,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use mesh::Role;
use proto::event::{
    DeliverRequest, DeliverResponse, Rejection,
    event_service_server::{EventService, EventServiceServer},
};
use serde_json::Value;
use tonic::{Request, Response, Status};

use crate::{
    cluster::Cluster,
    crowd,
    market::Market,
    support::{
        client::Client,
        shop::{self, Goods},
    },
};

/// What a fussy subscriber has seen.
#[derive(Debug, Default)]
struct Seen {
    /// Whose events it refuses: the first order's that it hears of.
    dislikes: Option<String>,
    repaired: bool,
    refused: u32,
    /// Events that it took, and when each was taken first.
    taken: BTreeMap<String, (String, u32, Instant)>,
}

/// Stands in for notification.
#[derive(Debug, Clone, Default)]
struct Fussy(Arc<Mutex<Seen>>);

#[tonic::async_trait]
impl EventService for Fussy {
    async fn deliver(
        &self,
        request: Request<DeliverRequest>,
    ) -> Result<Response<DeliverResponse>, Status> {
        let mut seen = self.0.lock().unwrap();
        let mut answer = DeliverResponse::default();
        for event in request.into_inner().events {
            if seen.dislikes.is_none() && event.r#type == "order.placed" {
                seen.dislikes = Some(event.subject.clone());
            }
            if !seen.repaired && seen.dislikes.as_ref() == Some(&event.subject) {
                seen.refused += 1;
                answer
                    .rejected
                    .push(Rejection { event_id: event.id, reason: "NOT_LIKED".to_owned() });
                continue;
            }
            let taken = seen.taken.entry(event.id.clone());
            taken.or_insert((event.subject, 0, Instant::now())).1 += 1;
            answer.applied.push(event.id);
        }
        Ok(Response::new(answer))
    }
}

impl Fussy {
    /// Where it listens.
    #[expect(clippy::disallowed_methods, reason = "a server that lives as long as its test")]
    fn open(&self) -> String {
        let bound = Bound::bind("127.0.0.1:0").unwrap();
        bound.set_nonblocking(true).unwrap();
        let port = bound.local_addr().unwrap().port();
        let listener = tokio::net::TcpListener::from_std(bound).unwrap();
        let calls = futures::stream::unfold(listener, async |listener| {
            let (stream, _) = listener.accept().await.ok()?;
            Some((Ok::<_, std::io::Error>(stream), listener))
        });
        let service = EventServiceServer::new(self.clone());
        let server = tonic::transport::Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(Box::pin(calls)));
        format!("http://127.0.0.1:{port}")
    }

    fn refused(&self) -> u32 {
        self.0.lock().unwrap().refused
    }

    /// When an order was heard of.
    fn heard_of(&self, order: &str) -> Option<Instant> {
        let seen = self.0.lock().unwrap();
        seen.taken.values().find(|(subject, _, _)| subject == order).map(|(_, _, at)| *at)
    }
}

fn parked(cluster: &Cluster) -> Value {
    let ended = cluster.say(&["events", "parked", "order", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

/// Needs clocks: ten refusals take two minutes.
pub(crate) async fn is_set_aside_and_sent_again(
    cluster: &mut Cluster,
    guest: &Client,
    goods: &Goods,
    market: &Market,
) {
    let fussy = Fussy::default();
    cluster.lead_astray(Role::Order, Role::Notification, &fussy.open());
    tokio::task::block_in_place(|| cluster.kill(Role::Order));
    cluster.is_ready().await;
    let place = async || {
        let cart = crowd::carts(guest, goods, 1).await.remove(0);
        market.note(&cart, &crowd::complete(&cart).await).order
    };
    let poison = place().await;
    shop::eventually("it is refused", async || (fussy.refused() > 0).then_some(())).await;
    assert_eq!(fussy.0.lock().unwrap().dislikes, Some(poison.clone()));
    let mut wrong_by = 0;
    for refusals in 1..10 {
        // The others are not held up.
        let (began, other) = (Instant::now(), place().await);
        let heard = shop::eventually("others are heard of", async || fussy.heard_of(&other)).await;
        let took = heard.duration_since(began);
        assert!(took < Duration::from_secs(5), "{took:?}");
        if fussy.refused() <= refusals {
            wrong_by += 61;
            cluster.set_clock(Role::Order, wrong_by);
        }
        shop::eventually("it comes again", async || (fussy.refused() > refusals).then_some(()))
            .await;
    }
    assert_eq!(fussy.refused(), 10);
    wrong_by += 61;
    cluster.set_clock(Role::Order, wrong_by);
    let seen = shop::eventually("it is set aside", async || {
        let seen = tokio::task::block_in_place(|| parked(cluster));
        (seen["count"] == 1).then_some(seen)
    })
    .await;
    assert_eq!(seen["events"][0]["error"], "NOT_LIKED", "{seen}");
    assert_eq!(fussy.refused(), 10, "it is not sent any more");

    fussy.0.lock().unwrap().repaired = true;
    let ended =
        tokio::task::block_in_place(|| cluster.say(&["events", "replay", "order", "--all"]));
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "order: 1 sent again\n"), "{ended:?}");
    shop::eventually("it is taken", async || fussy.heard_of(&poison)).await;
    assert_eq!(tokio::task::block_in_place(|| parked(cluster))["count"], 0);
    let seen = fussy.0.lock().unwrap().taken.values().map(|(_, times, _)| *times).max();
    assert_eq!(seen, Some(1), "each was delivered once");
    let home = cluster.url(Role::Notification).to_owned();
    cluster.lead_astray(Role::Order, Role::Notification, &home);
    cluster.set_clock(Role::Order, 0);
    tokio::task::block_in_place(|| cluster.kill(Role::Order));
    cluster.is_ready().await;
}
