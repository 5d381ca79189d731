//! The crate from outside. One program, since each would compile and link what it uses anew.
#![allow(missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod exchange;
mod faults;
mod loaders;
mod sets;
