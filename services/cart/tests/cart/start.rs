//! A role whose store is away.

use fault::{Code, Fault};
use mesh::{Caller, Role};
use proto::cart as pb;
use testkit::{RunningLab, Wiring, eventually};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{Place, lab_on, new_cart};

/// The status line of the role's readiness.
async fn readiness(lab: &RunningLab) -> String {
    let address = lab.bound[&Role::Cart].trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = "GET /health/ready HTTP/1.1\r\nhost: cart\r\nconnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_role_starts_without_its_store_and_is_ready_with_it() {
    let Some(place) = Place::create() else { return };
    let (door, address) = place.behind_a_door().await;
    door.shut();
    let lab = lab_on(Wiring::Remote, Some(address)).await;
    assert!(readiness(&lab).await.contains("503"));
    let mut client = lab.mesh.cart();
    let refused = client.create_cart(pb::CreateCartRequest {});
    let refused = Fault::from(lab.act(Caller::guest(), refused).await.unwrap_err());
    assert_eq!(refused.code, Code::Unavailable);
    assert!(refused.retry_after.is_some());
    door.open();
    eventually("it is ready", || async { readiness(&lab).await.contains("200") }).await;
    new_cart(&lab, &Caller::guest()).await;
    lab.stop().await;
}
