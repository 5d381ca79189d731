//! Ketline: quantum circuits declared in ordinary Rust, checked by the compiler, planned and run by a fast runtime.
//!
//! A circuit is a function: its qubits and trainable angles are arguments, its statements are gates, it returns what it
//! measures. [`circuit!`] checks it and leaves a function that builds it as a value, a [`Program`]; that value is drawn,
//! simulated, differentiated, trained, compiled to a device. [`observable!`] does the same for Hamiltonians.
//!
//! | to | see |
//! |---|---|
//! | declare a circuit | [`circuit!`]; by hand: [`quantum::Builder`] |
//! | declare an observable | [`observable!`]; by hand: [`Observable`] |
//! | run it: states, probabilities, counts, expectations | [`quantum::simulator`] |
//! | differentiate and train | [`quantum::gradient`], [`quantum::optimise`] |
//! | use a device: calibration, noise, compilation, shots | [`quantum::device`] |
//! | prepare a state robustly on it | [`quantum::robust_state`] |
//! | build models as operator graphs, plan their memory, train them | [`model`] |
//! | declare samples, store them in chunks, read them for training | [`dataset!`], [`data`] |
//! | have the usual names | [`prelude`] |
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
//!     let bell = bell()?;
//!     println!("{bell}");
//!     let counts = StateVector::new().sample(&bell, &[], 1000, 42)?;
//!     assert_eq!(counts.count(0b00) + counts.count(0b11), 1000);
//!     Ok(())
//! }
//! ```
//!
//! The guide, in the repository's folder `guide`, begins here and goes on.

pub use ketline_data as data;
/// Declares quantum circuits as ordinary functions.
///
/// Arguments of type `Qubit` and `Qubits<N>` are supplied by the runtime, or by the circuit that calls this one.
/// `Angle`, `[Angle; N]`, `[[Angle; N]; L]` are trainable. Anything else is a plain value, read when the circuit is
/// built. The body consists of `let`, calls, `for` and `if bit`.
///
/// | a circuit `name` becomes | for |
/// |---|---|
/// | `fn name(plain values) -> Result<Program<NameParams>>` | building it |
/// | `struct NameParams` | values of its trainable parameters, by name |
/// | a call `name(q, theta, ..)` inside another circuit, also as `module::name(..)` | using it |
///
/// Gates are those of [`quantum::gate`], angles first, then qubits; registers are taken qubit by qubit. Besides them there
/// are `measure`, `reset`, `barrier`, `inverse(..)`, `control(q, ..)` and `power(n, ..)`. An angle is a number in
/// radians or has a unit: `90deg`, `0.25turn`, `1.5rad`.
///
/// Indices that literals, constants, const generics and loops over these decide are checked by the compiler; for
/// generics when the program is built (`cargo build`; `cargo check` does not instantiate). Others are checked when the
/// circuit is built and give an [`Error`]. `#[device(T)]` checks that qubits which meet are coupled on the
/// [`quantum::Topology`] `T`. Warnings of the macro are silenced by `#[allow(deprecated)]`.
///
/// ```
/// use ketline::prelude::*;
///
/// circuit!(
///     /// Hardware-efficient ansatz, `L` layers deep.
///     pub fn ansatz<const N: usize, const L: usize>(q: Qubits<N>, theta: [[Angle; N]; L]) {
///         for l in 0..L {
///             for i in 0..N {
///                 ry(theta[l][i], q[i]);
///             }
///             for i in 0..N - 1 {
///                 cz(q[i], q[i + 1]);
///             }
///         }
///     }
/// );
///
/// # fn main() -> ketline::Result<()> {
/// let program = ansatz::<3, 2>()?;
/// let bound = program.bind(&AnsatzParams { theta: [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]] })?;
/// assert_eq!(bound.counts()["cz"], 4);
/// # Ok(())
/// # }
/// ```
pub use ketline_macros::circuit;
/// Declares samples that are stored in chunks and read in a random order within a fixed amount of memory.
///
/// A field is a number (`u16`, `F32`), an array (`U8<3, 224, 224>`; the last axis is the fastest), a `Vec` of numbers, a
/// `String`, or a type of yours that implements [`data::Field`].
///
/// | a struct `Name` becomes | for |
/// |---|---|
/// | `struct Name`, whose arrays are [`data::Tensor`]s | one sample |
/// | `struct NameBatch<'_>`, whose fields are views of `ndarray` | a batch |
/// | `Name::create(folder)`, `Name::open(folder)` | writing and reading; all of [`data`] with [`data::Sample`] |
///
/// | attribute | says |
/// |---|---|
/// | `#[chunk(samples = 1024, zstd)]`, or `bytes = 384KiB`, `lz4` | how samples are stored |
/// | `#[shuffle(chunks = 64, samples = 8192, seed = 7)]` | chunks that are open at once, samples that are drawn from at once |
/// | `#[prefetch(chunks = 4, threads = 2, memory = 4GiB)]` | how reading runs ahead, and the limit on memory |
/// | `#[batch(samples = 256)]` | the size of a batch |
/// | `#[split(train = 0.98, valid = 0.02)]` | shares, for [`data::Planner::split`] |
/// | `#[range(0..1000)]` on a field | which numbers may be written |
/// | `#[jpeg]` on a field `U8<C, H, W>` | stored as a JPEG file, decoded when it is read |
///
/// All but the first are defaults, which [`data::Planner`] overrides.
///
/// ```
/// use ketline::prelude::*;
///
/// dataset!(
///     /// Handwritten digits.
///     #[chunk(bytes = 64KiB)]
///     #[shuffle(chunks = 8, seed = 7)]
///     pub struct Digits {
///         image: U8<28, 28>,
///         #[range(0..10)]
///         label: u8,
///     }
/// );
///
/// # fn main() -> ketline::data::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("ketline-doc-dataset-{}", std::process::id()));
/// let mut writer = Digits::create(&folder)?;
/// for label in 0..10 {
///     writer.push(&Digits { image: Default::default(), label })?;
/// }
/// writer.finish()?;
/// for batch in Digits::open(&folder)?.plan().batch(4).train()?.epoch(0)? {
///     let batch = batch?;
///     let digits = batch.view()?;
///     assert_eq!(digits.image.shape(), [batch.len(), 28, 28]);
/// }
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok(())
/// # }
/// ```
pub use ketline_macros::dataset;
/// Declares an observable: a real sum of Pauli products, `I`, `X(i)`, `Y(i)`, `Z(i)`.
///
/// `sum(items, |item| ..)` adds a term for each item. Numbers and observables that were made elsewhere may take part.
/// Where all qubits are literals the result is a [`quantum::observable::Declared`], which the compiler compares with the
/// circuit that it meets, otherwise an [`Observable`].
///
/// ```
/// use ketline::prelude::*;
///
/// let ising = observable!(-1.0 * Z(0) * Z(1) - 0.5 * (X(0) + X(1)));
/// let edges = [(0, 1), (1, 2)];
/// let maxcut = observable!(sum(edges, |(i, j)| 0.5 * (1.0 - Z(i) * Z(j))));
/// assert_eq!((ising.width(), maxcut.width()), (2, 3));
/// ```
///
/// A list of observables is one of [`Observable`]s:
///
/// ```
/// # use ketline::prelude::*;
/// let list: [Observable; 2] = [observable!(Z(0) * Z(1)).into(), observable!(X(0) * X(1)).into()];
/// # assert_eq!(list[1].width(), 2);
/// ```
pub use ketline_macros::observable;
pub use ketline_model as model;
pub use ketline_quantum as quantum;
pub use ketline_quantum::{Angle, Circuit, Error, Observable, Program, Result};

/// What a program that uses Ketline mostly names.
pub mod prelude {
    pub use ketline_macros::{circuit, dataset, observable};
    pub use ketline_quantum::simulator::{DensityMatrix, QuantumState, Simulator, StateVector};
    pub use ketline_quantum::{
        Angle, Bit, Bits, Builder, Circuit, Declaration, Graph, Observable, Program, Qubit, Qubits, Topology,
    };
}

/// For the macros' expansions only; no part of it is stable.
#[doc(hidden)]
pub mod __private0_1 {
    pub use ketline_quantum::expansion::*;
    pub use std::vec::Vec;
}
