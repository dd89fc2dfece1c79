//! Compiles the protos with protox, so that no `protoc` needs to be installed.
#![expect(clippy::expect_used, reason = "a build script stops the build by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "cargo speaks to build scripts through the environment"
)]

use std::{env, fs, path::PathBuf};

use prost::Message;

const PACKAGES: &[&str] = &[
    "value/v1/value.proto",
    "mesh/v1/principal.proto",
    "event/v1/event_service.proto",
    "auth/v1/auth.proto",
    "auth/v1/auth_service.proto",
    "product/v1/product.proto",
    "product/v1/product_service.proto",
    "order/v1/order.proto",
    "order/v1/order_service.proto",
    "order/v1/promotion_service.proto",
    "order/v1/return_service.proto",
    "order/v1/finance_service.proto",
    "payment/v1/payment.proto",
    "payment/v1/payment_service.proto",
    "payment/v1/reconciliation_service.proto",
    "cart/v1/cart.proto",
    "cart/v1/cart_service.proto",
    "search/v1/search_service.proto",
    "notification/v1/notification_service.proto",
    "file/v1/file_service.proto",
];

fn main() {
    println!("cargo:rerun-if-changed=ultramarket");
    let files = PACKAGES.iter();
    let set = protox::Compiler::new(["."])
        .expect("the proto folder is here")
        .include_imports(true)
        .include_source_info(true)
        .open_files(files.map(|name| format!("ultramarket/{name}")))
        .expect("the protos are valid")
        .file_descriptor_set();
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("descriptor.bin"), set.encode_to_vec()).expect("OUT_DIR can be written");
    tonic_prost_build::configure()
        .include_file("protos.rs")
        // Fakes in tests answer only what their test asks; a test of the binary finds RPCs that a real service forgot.
        .generate_default_stubs(true)
        .bytes(".")
        .btree_map(".")
        .compile_fds(set)
        .expect("the protos compile");
}
