//! Ketline: quantum circuits declared in ordinary Rust, checked by the compiler, planned and run by a fast runtime.

pub use ketline_quantum as quantum;
