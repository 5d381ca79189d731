//! The quantum floor of Ketline.

pub mod error;
pub mod linalg;

pub use error::{Error, Result};
pub use linalg::Matrix;
pub use num_complex::Complex64 as C64;
