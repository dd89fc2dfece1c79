//! The embedded index: deleted while nobody looks, built anew.

use testkit::Folder;

use crate::{
    elasticsearch::{finds_all, found, rebuild},
    opening,
    support::{
        client::Client,
        platform,
        process::{self, Environment, Program},
        shop::{self, text},
    },
};

fn serve(folder: &Folder) -> Program {
    let data = folder.path().join("data");
    let arguments = ["serve", "--json", "--port-base", "0", "--data-dir", data.to_str().unwrap()];
    let mut environment = platform::environment();
    environment.insert("UM_GATEWAY__CACHE_MS".to_owned(), "0".to_owned());
    Program::start(folder.path(), &arguments, &environment)
}

pub(crate) fn is_deleted_and_built_anew() {
    let folder = Folder::new("outage-index");
    let data = folder.path().join("data");
    let (login, password) = opening::ADMIN;
    let create = ["admin", "create", "--login", login, "--data-dir", data.to_str().unwrap()];
    let none = Environment::new();
    assert_eq!(process::run_with_input(folder.path(), &create, &none, password).code, 0);

    let program = serve(&folder);
    let guest = Client::new(text(&program.ready()["gateway"]));
    let before = platform::run(async {
        let opened = opening::on_empty_ground(&guest).await;
        let merchant = opened.stalls[0].owner.sign_in(&guest).await;
        for _ in 0..10 {
            shop::goods(&merchant, 1_000_000, 5).await;
        }
        finds_all(&guest, "everything is found").await
    });
    assert_eq!(before.len(), 12);
    assert!(program.terminate().success());
    std::fs::remove_dir_all(data.join("search")).unwrap();

    let program = serve(&folder);
    let guest = Client::new(text(&program.ready()["gateway"]));
    platform::run(async {
        let admin = shop::login(&guest, login, password).await;
        let told = rebuild(&admin).await;
        assert_eq!(told["indexed"], 12, "{told}");
        assert_eq!(found(&guest, "").await.unwrap(), before, "the difference is nothing");
    });
    assert!(program.terminate().success());
}
