//! Ketline: quantum circuits declared in ordinary Rust, checked by the compiler, planned and run by a fast runtime.
//!
//! | to | see |
//! |---|---|
//! | declare a circuit | [`circuit!`] |
//! | declare an observable | [`observable!`] |
//! | build a circuit by hand | [`quantum::Builder`] |
//!
//! ```
//! use ketline::prelude::*;
//!
//! circuit!(
//!     /// Prepares and measures a Bell pair.
//!     pub fn bell(q: Qubits<2>) -> Bits<2> {
//!         h(q[0]);
//!         cx(q[0], q[1]);
//!         measure(q)
//!     }
//! );
//!
//! fn main() -> ketline::Result<()> {
//!     println!("{}", bell()?);
//!     Ok(())
//! }
//! ```

pub use ketline_macros::{circuit, observable};
pub use ketline_quantum as quantum;
pub use ketline_quantum::{Angle, Circuit, Error, Observable, Program, Result};

/// What a program that uses Ketline mostly names.
pub mod prelude {
    pub use ketline_macros::{circuit, observable};
    pub use ketline_quantum::{
        Angle, Bit, Bits, Builder, Circuit, Declaration, Graph, Observable, Program, Qubit, Qubits, Topology,
    };
}

/// For the macros' expansions only; no part of it is stable.
#[doc(hidden)]
pub mod __private {
    pub use ketline_quantum::expansion::*;
    pub use std::vec::Vec;
}
