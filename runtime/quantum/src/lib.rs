//! The quantum floor of Ketline.

pub mod error;

pub use error::{Error, Result};
pub use num_complex::Complex64 as C64;
