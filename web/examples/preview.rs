//! Serves the storefront over the fakes of its tests, with the demo catalogue: `cargo run -p web --example preview -- 8080`.
//! For looking at pages while changing them; nothing is kept.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a tool for developers"
)]

use std::path::Path;

use testkit::Wiring;
use tower_http::services::ServeDir;

#[path = "../tests/storefront/fakes.rs"]
mod fakes;

#[tokio::main]
async fn main() {
    let port = std::env::args().nth(1).unwrap_or_else(|| "0".to_owned());
    let fake = fakes::Fake::new(false);
    let lab = fake.lab(Wiring::Local).await;
    let config =
        web::Config { secure_cookies: false, clock: lab.clock.clone(), ..web::Config::default() };
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/pictures");
    let router = axum::Router::new()
        .nest_service("/files", ServeDir::new(pictures))
        .fallback_service(web::router(config, lab.mesh.clone()));
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    eprintln!("http://{}", listener.local_addr().unwrap());
    axum::serve(listener, router).await.unwrap();
}
