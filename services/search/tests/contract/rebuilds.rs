//! Building anew, and what is on the disk.

use std::sync::Arc;

use clock::Clock;
use fault::Fault;
use futures::{StreamExt as _, stream};
use search::{
    domain::{Aspect, Change, Filter, RebuildState},
    store::{self, Progress, SearchIndex},
};
use testkit::Folder;

use crate::{
    catalogue::{self, id_at},
    fixtures::{filled, find, names, offers, renamed, with},
};

fn address(folder: &Folder) -> String {
    format!("tantivy:{}", folder.path().join("index").display())
}

async fn tantivy_in(folder: &Folder) -> Arc<dyn SearchIndex> {
    store::open(&address(folder)).await.unwrap()
}

type Pages = Vec<Result<Vec<Change>, Fault>>;

async fn rebuild(index: &Arc<dyn SearchIndex>, pages: Pages) -> Result<u64, Fault> {
    index.rebuild(stream::iter(pages).boxed(), &Progress::new(Clock::system())).await
}

pub(crate) async fn a_rebuild_replaces_everything(index: Arc<dyn SearchIndex>) {
    assert!(!index.is_complete().await.unwrap());
    filled(&index).await;
    index.apply(vec![offers(555, 4, 0)]).await.unwrap();
    let gone = Change { id: id_at(3), version: 9, aspect: Aspect::Gone };
    index.apply(vec![gone]).await.unwrap();

    let half: Vec<Change> = catalogue::changes().into_iter().take(20).collect();
    let pages = half.chunks(7).map(|page| Ok(page.to_vec())).collect();
    assert_eq!(
        rebuild(&index, pages).await.unwrap(),
        19,
        "what was deleted since is not brought back"
    );
    assert!(index.is_complete().await.unwrap());
    assert_eq!(index.count().await.unwrap(), 19);
    assert!(find(&index, "halva").await.is_empty());
    let cheap = with(&index, Filter { price_lte: Some(555), ..Filter::default() }).await;
    assert_eq!(names(&cheap), ["a55"], "what the order service told stays");
    index.apply(vec![renamed(1, "Toshbaqa", 2)]).await.unwrap();
    assert_eq!(find(&index, "toshbaqa").await, ["s24"], "news go on");
}

pub(crate) async fn a_failed_rebuild_changes_nothing(index: Arc<dyn SearchIndex>) {
    filled(&index).await;
    let half = catalogue::changes().into_iter().take(20).collect();
    let broken = vec![Ok(half), Err(Fault::unavailable("the catalogue went away"))];
    assert!(rebuild(&index, broken).await.is_err());
    assert!(!index.is_complete().await.unwrap());
    assert_eq!(index.count().await.unwrap(), 41);
    assert_eq!(rebuild(&index, vec![Ok(catalogue::changes())]).await.unwrap(), 41);
}

pub(crate) async fn news_during_a_rebuild_are_in_both(index: Arc<dyn SearchIndex>) {
    filled(&index).await;
    let (sender, receiver) = futures::channel::mpsc::unbounded();
    let progress = Progress::new(Clock::system());
    assert!(!progress.has_begun());
    let building = index.rebuild(receiver.boxed(), &progress);
    let news = async {
        sender.unbounded_send(Ok(catalogue::changes().into_iter().take(30).collect())).unwrap();
        index.apply(vec![renamed(0, "Toshbaqa", 2)]).await.unwrap();
        assert_eq!(find(&index, "toshbaqa").await, ["a55"], "at once");
        assert_eq!(
            find(&index, "halva").await,
            ["halva"],
            "searches see the old index until the end"
        );
        assert!(progress.has_begun());
        let second = rebuild(&index, Vec::new()).await.unwrap_err();
        assert_eq!(second.reason, "REBUILD_RUNNING");
        // The page was read before the news.
        sender.unbounded_send(Ok(vec![renamed(0, "Eskirgan", 1)])).unwrap();
        drop(sender);
    };
    let (built, ()) = futures::join!(building, news);
    assert_eq!(built.unwrap(), 30);
    assert_eq!(find(&index, "toshbaqa").await, ["a55"]);
    assert!(find(&index, "eskirgan").await.is_empty());
    assert!(find(&index, "halva").await.is_empty());
}

pub(crate) async fn the_index_knows_which_rebuild_made_it(index: Arc<dyn SearchIndex>) {
    assert_eq!(index.rebuilt().await.unwrap(), None);
    filled(&index).await;
    assert_eq!(index.rebuilt().await.unwrap(), None, "news are no rebuild");
    let clock = Clock::manual(testkit::START);
    let progress = Progress::new(clock.clone());
    progress.expect(41);
    clock.advance(std::time::Duration::from_secs(9));
    let pages = catalogue::changes().chunks(7).map(|page| Ok(page.to_vec())).collect::<Pages>();
    assert_eq!(index.rebuild(stream::iter(pages).boxed(), &progress).await.unwrap(), 41);
    let told = index.rebuilt().await.unwrap().unwrap();
    assert_eq!((told.state, told.indexed, told.total), (RebuildState::Done, 41, 41));
    let start = testkit::START.millis();
    assert_eq!((told.started_at, told.finished_at), (start, start + 9_000));

    let broken = vec![Err(Fault::unavailable("the catalogue went away"))];
    assert!(rebuild(&index, broken).await.is_err());
    assert_eq!(index.rebuilt().await.unwrap(), Some(told), "that one made nothing");
}

#[tokio::test]
async fn a_rebuild_that_a_kill_breaks_off_leaves_the_old_index() {
    let folder = Folder::new("search");
    let index = tantivy_in(&folder).await;
    filled(&index).await;
    rebuild(&index, vec![Ok(catalogue::changes())]).await.unwrap();
    let before = index.rebuilt().await.unwrap();
    let (sender, receiver) = futures::channel::mpsc::unbounded();
    sender.unbounded_send(Ok(catalogue::changes().into_iter().take(5).collect())).unwrap();
    let progress = Progress::new(Clock::system());
    let copy = Folder::new("search-copy");
    let kill = async {
        while progress.now().indexed < 5 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        index.apply(vec![renamed(0, "Toshbaqa", 2)]).await.unwrap();
        let mut copying = std::process::Command::new("cp");
        assert!(
            copying
                .arg("-r")
                .arg(folder.path().join("index"))
                .arg(copy.path())
                .status()
                .unwrap()
                .success()
        );
    };
    tokio::select! {
        _ = index.rebuild(receiver.boxed(), &progress) => {}
        () = kill => {}
    }
    let left = std::fs::read_dir(copy.path().join("index")).unwrap().count();
    assert_eq!(left, 3, "CURRENT, the old generation and half of the new one");
    let other = tantivy_in(&copy).await;
    assert!(other.is_complete().await.unwrap());
    assert_eq!(other.count().await.unwrap(), 41, "the old one serves");
    assert_eq!(find(&other, "toshbaqa").await, ["a55"], "with the news since");
    assert_eq!(other.rebuilt().await.unwrap(), before);
    let left = std::fs::read_dir(copy.path().join("index")).unwrap().count();
    assert_eq!(left, 2, "CURRENT and one generation");
    assert_eq!(rebuild(&other, vec![Ok(catalogue::changes())]).await.unwrap(), 41);
    drop(sender);
    index.close().await;
    other.close().await;
}

#[tokio::test]
async fn what_was_taken_over_outlives_the_process() {
    let folder = Folder::new("search");
    let index = tantivy_in(&folder).await;
    filled(&index).await;
    // A copy of the files is what a kill leaves behind: nothing is flushed for it.
    let copy = Folder::new("search-copy");
    let status = std::process::Command::new("cp")
        .arg("-r")
        .arg(folder.path().join("index"))
        .arg(copy.path())
        .status();
    assert!(status.unwrap().success());
    assert!(store::open(&address(&folder)).await.is_err(), "one process at a time");
    let other = tantivy_in(&copy).await;
    assert_eq!(other.count().await.unwrap(), 41);
    assert!(!other.is_complete().await.unwrap(), "it was never filled from a whole catalogue");
    rebuild(&other, vec![Ok(catalogue::changes())]).await.unwrap();
    other.close().await;
    let again = tantivy_in(&copy).await;
    assert!(again.is_complete().await.unwrap());
    assert_eq!(find(&again, "muzlatgich").await.len(), 2);
    let generations = std::fs::read_dir(copy.path().join("index")).unwrap().count();
    assert_eq!(generations, 2, "CURRENT and one generation");
    index.close().await;
    again.close().await;
}

#[tokio::test]
async fn a_spoilt_index_is_begun_anew() {
    let folder = Folder::new("search");
    let index = tantivy_in(&folder).await;
    filled(&index).await;
    rebuild(&index, vec![Ok(catalogue::changes())]).await.unwrap();
    index.close().await;
    drop(index);
    for entry in std::fs::read_dir(folder.path().join("index")).unwrap() {
        let meta = entry.unwrap().path().join("meta.json");
        if meta.exists() {
            std::fs::write(meta, "spoilt").unwrap();
        }
    }
    let index = tantivy_in(&folder).await;
    assert!(!index.is_complete().await.unwrap(), "it asks to be filled");
    filled(&index).await;
    assert_eq!(index.count().await.unwrap(), 41);
    index.close().await;
}
