//! A disk that is full: it refuses for as long as it is, and nothing that was acknowledged is lost.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    crowd,
    market::Market,
    opening::Opened,
    support::{
        client::{Answer, Client},
        shop,
    },
};

/// So long after there is room again everything works again.
const BACK: Duration = Duration::from_secs(10);

/// A small disk of its own, and what fills it.
#[derive(Debug)]
pub(crate) struct Tank {
    folder: PathBuf,
    /// Takes it away when its standard input is closed, whatever way the test ends.
    guard: Child,
}

const GUARD: &str = r#"
read -r nothing
for try in $(seq 60); do
    $2 umount "$1" && break
    sleep 0.5
done
rmdir "$1"
"#;

impl Tank {
    /// A disk of so many megabytes; none where nobody may mount one.
    pub(crate) fn of(megabytes: u32) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("um-tank-{}", ids::RequestId::new()));
        std::fs::create_dir(&folder).unwrap();
        let size = format!("size={megabytes}m,mode=1777");
        for sudo in ["", "sudo -n"] {
            let script = format!("{sudo} mount -t tmpfs -o {size} um-tank \"$1\"");
            let mounted = Command::new("sh")
                .args(["-c", &script, "mount"])
                .arg(&folder)
                .stderr(Stdio::null())
                .status();
            if mounted.unwrap().success() {
                let guard = Command::new("sh")
                    .args(["-c", GUARD, "guard"])
                    .arg(&folder)
                    .arg(sudo)
                    .stdin(Stdio::piped())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap();
                return Some(Self { folder, guard });
            }
        }
        std::fs::remove_dir(&folder).unwrap();
        println!("skipped: a full disk (nobody may mount one here)");
        None
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Fills what is left, to the last byte.
    fn fill(&self) {
        let ballast = self.folder.join("ballast");
        let mut ballast = File::options().create(true).append(true).open(ballast).unwrap();
        for size in [1 << 20, 1 << 12, 1 << 9] {
            let some = vec![7; size];
            loop {
                match ballast.write_all(&some) {
                    Ok(()) => {}
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
                        break;
                    }
                }
            }
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.folder.join("ballast")).unwrap();
    }
}

impl Drop for Tank {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        drop(self.guard.wait());
    }
}

/// What people are told while nothing can be written.
#[derive(Debug, Default)]
struct Told(BTreeMap<(&'static str, u16, String), u32>);

impl Told {
    /// A success is true; a failure is a problem of the right kind, which says when to come again.
    fn hear(&mut self, what: &'static str, answer: &Answer) {
        let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
        if answer.status >= 400 {
            let shown = format!("{what}: {} {}", answer.status, answer.text());
            assert_eq!(answer.header("content-type"), "application/problem+json", "{shown}");
            assert_eq!(answer.status, 503, "{shown}");
            assert!(!answer.header("retry-after").is_empty(), "{shown}");
        }
        *self.0.entry((what, answer.status, code)).or_default() += 1;
    }
}

/// Fills the disk while people buy, and makes room again. `worse` is what else happens while it is full, `better` what an operator does
/// after there is room.
pub(crate) async fn is_full(
    tank: &Tank,
    (guest, opened, market): (&Client, &Opened, &Market),
    worse: impl FnOnce(),
    better: impl FnOnce(),
) {
    let goods = &opened.stalls[0].goods;
    let mut carts = crowd::carts(guest, goods, 2).await;
    let (first, cart) = (carts.remove(0), carts.remove(0));
    let answer = crowd::complete(&first).await;
    let bought = market.note(&first, &answer);
    let buyer = guest.with("x-order-token", &crowd::told_token(&answer));
    market.has_sold(6).await;
    let mut told = Told::default();
    tokio::task::block_in_place(|| tank.fill());
    let began = Instant::now();
    let mut refused = 0;
    while began.elapsed() < Duration::from_millis(2_500) {
        // What was given free meanwhile is taken again.
        tokio::task::block_in_place(|| tank.fill());
        let path = format!("/v1/store/orders/{}", bought.order);
        told.hear("an order is read", &buyer.get(&path).await);
        told.hear("a cart is opened", &guest.post("/v1/store/carts", json!({})).await);
        let answer = crowd::complete(&cart).await;
        if answer.json()["code"] != "IDEMPOTENCY_IN_PROGRESS" {
            told.hear("a cart is completed", &answer);
        }
        refused += u32::from(answer.status >= 500);
        told.hear("goods are shown", &guest.get("/v1/store/products?limit=10").await);
        shop::pause().await;
    }
    let sold = market.journal().len();
    tokio::task::block_in_place(worse);
    tokio::task::block_in_place(|| {
        tank.make_room();
        better();
    });
    let room = Instant::now();
    let answer = loop {
        let answer = crowd::complete(&cart).await;
        if answer.status == 201 {
            break answer;
        }
        assert!(room.elapsed() < BACK, "{} {}", answer.status, answer.text());
        shop::pause().await;
    };
    market.has_sold(sold + 6).await;
    println!(
        "full, {refused} checkouts refused: {:?}; room, and all is well after {:.1?}",
        told.0,
        room.elapsed()
    );
    assert!(refused > 0, "the disk was not full");
    market.note(&cart, &answer);
}
