//! A role whose store is away, and one whose store gives out links.

use fault::{Code, Fault};
use mesh::{Caller, Role, StaffRole};
use proto::file as pb;
use testkit::{RunningLab, Wiring, eventually};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{MerchantId, Place, lab_on, operator, path, read, send, staff, upload};

/// The status line of the role's readiness.
async fn readiness(lab: &RunningLab) -> String {
    let address = lab.bound[&Role::File].trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = "GET /health/ready HTTP/1.1\r\nhost: file\r\nconnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_role_starts_without_its_store_and_is_ready_with_it() {
    let Some(place) = Place::create().await else { return };
    let (door, address) = place.behind_a_door().await;
    door.shut();
    let lab = lab_on(Wiring::Remote, Some(address)).await;
    assert!(readiness(&lab).await.contains("503"));
    let request = || upload("documents", "c.pdf", b"%PDF-1.7 certificate".to_vec());
    let refused = send(&lab, &operator(), request()).await.unwrap_err();
    assert_eq!(refused.code, Code::Unavailable);
    assert!(refused.retry_after.is_some());
    door.open();
    eventually("it is ready", || async { readiness(&lab).await.contains("200") }).await;
    send(&lab, &operator(), request()).await.unwrap();
    lab.stop().await;
}

#[tokio::test]
async fn a_link_is_for_whoever_may_read() {
    let Some(place) = Place::create().await else { return };
    let address = format!("{}&public=http://{}", place.address(), place.host());
    let lab = lab_on(Wiring::Local, Some(address)).await;
    let merchant = MerchantId::new();
    let owner = staff(merchant, StaffRole::Operator);
    let content = b"%PDF-1.7 certificate".to_vec();
    let file = send(&lab, &owner, upload("documents", "c.pdf", content.clone())).await.unwrap();
    let url = file.picture.unwrap().url;
    let link = async |caller: Caller| {
        let mut client = lab.mesh.file();
        let request = pb::LinkRequest { path: path(&url).to_owned() };
        Ok::<_, Fault>(lab.act(caller, client.link(request)).await?.into_inner().url)
    };
    let outside = link(staff(merchant, StaffRole::Viewer)).await.unwrap();
    let outside = outside.strip_prefix(&format!("http://{}", place.host())).unwrap();
    assert_eq!(place.fetch(outside).await.1, content);
    for caller in [Caller::guest(), operator()] {
        assert_eq!(link(caller).await.unwrap_err().reason, "FILE_NOT_FOUND");
    }
    assert_eq!(read(&lab, &owner, path(&url)).await.unwrap().content, content);
    lab.stop().await;
}
