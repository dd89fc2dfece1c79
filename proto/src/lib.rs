//! The contract between services: messages, clients and servers generated from `ultramarket/**/*.proto`.
//!
//! The comments of the protos are the reference; `DESCRIPTOR` is what gRPC reflection serves. Types of this crate stay in the
//! `grpc.rs` of a service and in the gateway; domains have types of their own.
#![allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    clippy::nursery,
    unused_qualifications,
    reason = "generated code"
)]

include!(concat!(env!("OUT_DIR"), "/protos.rs"));

pub use ultramarket::{
    auth::v1 as auth, cart::v1 as cart, event::v1 as event, file::v1 as file, mesh::v1 as mesh,
    notification::v1 as notification, order::v1 as order, payment::v1 as payment,
    product::v1 as product, search::v1 as search, value::v1 as value,
};

/// The encoded `FileDescriptorSet` of all packages, for gRPC reflection.
pub const DESCRIPTOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));
