//! SMS and mail are kept and shown, and ports say when they are taken.

use crate::support::Scene;
use sandbox::{
    Config, Ports,
    Provider::{Mail, Sms},
    Sandboxes,
};
use serde_json::{Value, json};

async fn scene() -> Scene {
    Scene::start(Box::new(|_| (200, Value::Null))).await
}

#[tokio::test]
async fn messages_are_kept_newest_first_and_bounded() {
    let scene = scene().await;
    for number in 0..1003 {
        let text = format!("Kod: {number}");
        let (status, _) =
            scene.post(Sms, "/send", json!({ "to": "+998901234567", "text": text })).await;
        assert_eq!(status, 200);
    }
    let data = scene.get(Sms, "/messages").await["data"].as_array().unwrap().clone();
    assert_eq!(data.len(), 1000);
    assert_eq!(
        data[0],
        json!({ "to": "+998901234567", "text": "Kod: 1002", "at": "2026-11-20T20:04:05.000Z" })
    );
    assert_eq!(data[999]["text"], "Kod: 3");
    let (_, text) = scene.page(Sms, "/", "en").await;
    assert!(text.contains("Kod: 1002") && text.contains("no real money"), "{text}");
    scene.stop().await;
}

#[tokio::test]
async fn letters_have_subjects_and_are_escaped_on_the_page() {
    let scene = scene().await;
    let letter = json!({ "to": "a@example.uz", "subject": "Salom", "text": "<b>1</b>" });
    scene.post(Mail, "/send", letter).await;
    scene.post(Mail, "/send", json!({ "to": "b@example.uz", "subject": "X", "text": "2" })).await;
    let data = scene.get(Mail, "/messages?to=a@example.uz").await["data"].clone();
    assert_eq!(data.as_array().unwrap().len(), 1);
    assert_eq!((&data[0]["subject"], &data[0]["text"]), (&json!("Salom"), &json!("<b>1</b>")));
    let (_, text) = scene.page(Mail, "/", "uz").await;
    assert!(!text.contains("<b>1") && text.contains("Salom"), "{text}");
    assert_eq!(scene.get(Sms, "/messages").await, json!({ "data": [] }));
    scene.stop().await;
}

#[tokio::test]
async fn sending_can_be_made_to_fail() {
    let scene = scene().await;
    let message = json!({ "to": "1", "text": "x" });
    scene.post(Sms, "/control", json!({ "fail_next": 1 })).await;
    assert_eq!(scene.post(Sms, "/send", message.clone()).await.0, 503);
    assert_eq!(scene.post(Sms, "/send", message).await.0, 200);
    assert_eq!(scene.post(Sms, "/send", json!({ "to": " ", "text": "x" })).await.0, 422);
    assert_eq!(scene.post(Sms, "/send", json!({ "text": "x" })).await.0, 400);
    assert_eq!(scene.get(Sms, "/messages").await["data"].as_array().unwrap().len(), 1);
    scene.stop().await;
}

#[tokio::test]
async fn urls_are_known_before_anything_answers_and_taken_ports_are_named() {
    let bound = Sandboxes::bind(&Ports::default()).unwrap();
    let names: Vec<_> = bound.urls().keys().copied().collect();
    assert_eq!(names, ["click", "mail", "payme", "sms", "stripe", "uzcard"]);
    let port: u16 = bound.urls()["payme"].rsplit(':').next().unwrap().parse().unwrap();
    let error = format!("{:#}", Sandboxes::bind(&Ports::from_base(port)).unwrap_err());
    assert!(error.contains("payme") && error.contains(&port.to_string()), "{error}");
    assert!(format!("{:?}", Config::demo("http://x")).contains("gateway"));
}
