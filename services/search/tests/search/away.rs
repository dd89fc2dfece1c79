//! The role while its server is away.

use fault::{Code, Fault};
use proto::search as pb;
use testkit::{RunningLab, WIRINGS, eventually};

use crate::{Role, Shelf, changed, deliver, ids, lab, product, search, server::Server, way::Way};

async fn ready(lab: &RunningLab) -> bool {
    let url = format!("{}/health/ready", lab.bound[&Role::Search]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(url).send().await.unwrap().status().is_success()
}

#[tokio::test]
async fn the_role_waits_for_its_server_and_recovers_by_itself() {
    for wiring in WIRINGS {
        let Some(server) = Server::new() else { return };
        let way = Way::to(&server).await;
        way.cut();
        let shelf = Shelf::new(3);
        let lab = lab(wiring, &way.address(&server), &shelf).await;
        for round in 0..2 {
            assert!(!ready(&lab).await);
            let refused =
                Fault::from(search(&lab, pb::SearchRequest::default()).await.unwrap_err());
            assert_eq!(refused.code, Code::Unavailable);
            assert!(refused.retry_after.is_some());

            way.mend();
            eventually("it is ready", || ready(&lab)).await;
            // What was delivered before stands in the category of lamps.
            let lamps = || async { ids(&lab, "lampa").await.len() };
            eventually("it is filled", || async { lamps().await == 3 + round }).await;
            let id = ::ids::ProductId::new().to_string();
            deliver(&lab, vec![changed(product(&id, "Samovar", 1))]).await;
            assert!(ids(&lab, "samovar").await.contains(&id));
            way.cut();
        }
        lab.stop().await;
    }
}
