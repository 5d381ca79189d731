//! The outside view: see the files beside `Cargo.toml`.
