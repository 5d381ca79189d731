//! Ketline: quantum circuits declared in ordinary Rust, checked by the compiler, planned and run by a fast runtime.
//!
//! A circuit is a function: its qubits and trainable angles are arguments, its statements are gates, it returns what it
//! measures. [`circuit!`] checks it and leaves a function that builds it as a value, a [`Program`]; that value is drawn,
//! simulated, differentiated, trained, compiled to a device. [`observable!`] does the same for Hamiltonians.
//!
//! | to | see |
//! |---|---|
//! | declare a circuit | [`circuit!`]; by hand: [`quantum::Builder`] |
//! | declare a pulse program | [`pulse!`]; by hand: [`quantum::pulse::ScheduleBuilder`] |
//! | declare an observable | [`observable!`]; by hand: [`Observable`] |
//! | run it: states, probabilities, counts, expectations | [`quantum::simulator`] |
//! | differentiate and train | [`quantum::gradient`], [`quantum::optimise`] |
//! | use a device: calibration, noise, compilation, shots | [`quantum::device`] |
//! | prepare a state robustly on it | [`quantum::robust_state`] |
//! | declare a model | [`pipeline!`]; by hand: [`model::Graph`] |
//! | plan its memory, train it | [`model`] |
//! | have workers talk: threads or, with the feature `mpi`, processes | [`fabric`] |
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
pub use ketline_fabric as fabric;
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
/// are `measure`, `reset`, `barrier`, `inverse(..)`, `control(q, ..)` and `power(n, ..)`, and `pulse!({ .. });` for pulses that
/// stand where they are written; programs of [`pulse!`] are called like gates. An angle is a number in radians or has a unit:
/// `90deg`, `0.25turn`, `1.5rad`.
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
/// Declares models as ordinary functions.
///
/// Arguments of the types `F32<B, S>`, `F64`, `Bf16`, `I32`, `I64` and `Bool` are tensors; a `Hop<V1, V0, E>` holds edges from one
/// set of nodes to another, an array `[I32<B, 1>; 26]` several tensors of one type. Anything else is a plain value, read when the
/// model is built. A size is a number, a generic `const H: usize`, an expression in braces, or an upper-case name that is
/// nothing else: that one is known when a plan is made, as the batch `B`. The body consists of `let` and calls; shapes inside
/// are inferred, and what does not go together is an error of the compiler at the argument.
///
/// | a pipeline `name` becomes | for |
/// |---|---|
/// | `fn name(plain values) -> model::Result<Graph>` | building it; what is returned are its outputs, under the names of the variables |
/// | `struct NameInputs<'_>` | the inputs of one step as array views |
/// | a call `name(x, mask, ..)` inside another pipeline, also as `module::name(..)` | using it |
///
/// | layer | |
/// |---|---|
/// | `linear(x, out = 4 * H)`, also with `bias = false` | over the last axis |
/// | `embedding(ids, rows = 30_522, dim = H)`, `embedding_bag`, `embedding_bags(bags, rows = ROWS, dim = 16)` | rows of tables, their sums over bags, a table a bag; tables begin normal with `deviation = 0.02` |
/// | `layer_norm(x)`, `rms_norm(x)`, `batch_norm(x)` | |
/// | `attention(x, mask, heads = 12)`, also with `causal = true`; `attend(q, k, v, heads = 12)`; `rotary(x, heads = 12)` | self-attention with its weights, attention alone |
/// | `conv2d(x, filters = 64, size = 3, padding = 1)`, `max_pool(x, size = 2, stride = 2)`, `average_pool` | images `[B, channels, height, width]` |
/// | `relu`, `gelu`, `gelu_tanh`, `silu`, `sigmoid`, `tanh`, `exp`, `log`, `sqrt`, `square`, `abs`, `softmax`, `dropout(x, probability = 0.1)` | |
/// | `x + y`, `2.0 * x`, `matmul(a, b)`, `sum(x, axes = [1])`, `mean` | arithmetic, broadcast |
/// | `reshape(x, shape = [B * S, H])`, `flatten`, `permute(x, axes = [0, 2, 1])`, `transpose`, `concat(a, b, axis = 1)`, `stack`, `slice(x, axis = 1, range = 0..4)`, `x.at(axis = 1, index = 0)`, `cast(x, to = F32)` | arrangement |
/// | `arange(S)`, `one_hot(ids, classes = 10)`, `gather(ids, rows)`, `lower_triangle`, `aggregate(h, hop)` | |
/// | `parameter(shape = [V, H])` | a weight by itself |
/// | `cross_entropy(logits, targets)`, `linear_cross_entropy(x, weight, targets)`, `mean_squared_error`, `binary_cross_entropy` | losses |
///
/// Parameters are called after the new variable that their layer is bound to (`let token = embedding(..)` makes `token.weight`),
/// otherwise after the layer or the pipeline that is called (`encoder.attention.qkv.weight`); a second one of a name gets `_1`, and
/// `name = "up"` says it otherwise.
///
/// | attribute | says |
/// |---|---|
/// | `#[stage]` on a `let` | a planner may cut before it; where one is marked, all are |
/// | `#[stage(repeat = 12)]` | so many stages `encoder.0`, `encoder.1`, .., each on what the one before it gave |
/// | `#[fits(devices = 4, memory = 16GiB, batch = 64)]` | parameters with gradients and moments, and what is kept of microbatches in flight under 1F1B, fit on so many devices: otherwise an error of the compiler on the stage, with the bytes; `microbatches` are as many as devices unless given |
///
/// What literals and names show is reported by `cargo check`, what constants and generics decide when the pipeline is used
/// (`cargo build`), what depends on plain values by [`model::Error`] when it is built.
///
/// ```
/// use ketline::prelude::*;
///
/// pipeline!(
///     /// Two layers and their loss.
///     pub fn classifier<const H: usize>(x: F32<B, 784>, targets: I32<B>) -> (F32<B, 10>, F32) {
///         let hidden = linear(x, out = H);
///         let logits = linear(relu(hidden), out = 10);
///         let loss = cross_entropy(logits, targets);
///         (logits, loss)
///     }
/// );
///
/// # fn main() -> ketline::model::Result<()> {
/// let graph = classifier::<128>()?;
/// let weight = graph.find("hidden.weight")?;
/// assert_eq!(graph.ty(weight).to_string(), "F32<128, 784>");
/// # Ok(())
/// # }
/// ```
pub use ketline_macros::pipeline;
/// Declares pulse programs as ordinary functions.
///
/// Arguments of type `Qubit` and `Qubits<N>` are supplied by the device, or by the program or circuit that calls this one.
/// `Angle`, `[Angle; N]` are trainable numbers. Anything else is a plain value, read when the program is built. The body
/// consists of `let`, calls and `for`; the value of its last expression, captured bits, is what it returns.
///
/// | a pulse program `name` becomes | for |
/// |---|---|
/// | `fn name(plain values) -> Result<PulseProgram<NameParams>>` | building it; a [`quantum::pulse::PulseProgram`] derefs to a [`quantum::pulse::Schedule`] |
/// | `struct NameParams` | values of its trainable numbers, by name |
/// | a call `name(q, amp, ..)` inside another pulse program, or as a gate of a circuit | using it |
///
/// | instruction | |
/// |---|---|
/// | `play(channel, waveform)` | plays; a waveform may be negated and scaled |
/// | `delay(channel, 100ns)`, `at(channel, 1us)` | leaves the channel idle for so long, or until then |
/// | `barrier(q, r)` | all channels of these qubits wait for each other |
/// | `shift_phase(channel, 90deg)`, `set_phase`, `shift_frequency(channel, 5MHz)`, `set_frequency` | turn its frame |
/// | `let m = capture(acquire(q), 1us)` | listens, and gives a `Bit` |
///
/// Channels are `drive(q)`, `control(c, t)`, `readout(q)` and `acquire(q)`, each with a clock and a frame of its own. Waveforms
/// are those of [`quantum::pulse::Waveform`], with named arguments: `drag(duration = 160ns, amp = 0.2, sigma = 40ns, beta = -1.0)`;
/// each may have a `phase`, a `gaussian_square` has a `width` or a `rise`, samples of your own are `sampled(samples = data)`.
///
/// Numbers have units: ns, us, ms, s and dt, Hz to GHz, rad, deg, turn. `dt` is a sample of the device that `#[device(T)]`
/// names, a [`quantum::pulse::PulseDevice`]; its constants then check times, lengths, amplitudes, control lines and frequencies
/// when the program is compiled. What only the running program knows is checked when it meets a
/// [`quantum::pulse::PulseTarget`], and gives an [`Error`].
///
/// In a circuit, `pulse!({ .. });` holds pulses that speak of its qubits and parameters.
/// A [`quantum::pulse::PulseModel`] plays the pulses of a circuit, so that simulators can run it.
///
/// ```
/// use ketline::prelude::*;
/// use ketline::quantum::pulse::{Jakarta, PulseTarget};
///
/// pulse!(
///     /// An echoed cross-resonance pulse.
///     #[device(Jakarta)]
///     pub fn echoed_cr(c: Qubit, t: Qubit, amp: f64) {
///         let x = drag(duration = 160dt, sigma = 40dt, amp = 0.186, beta = -1.24);
///         let cr = gaussian_square(duration = 848dt, width = 592dt, sigma = 64dt, amp = amp);
///         play(control(c, t), cr);
///         barrier(c, t);
///         play(drive(c), x);
///         barrier(c, t);
///         play(control(c, t), -cr);
///         barrier(c, t);
///         play(drive(c), x);
///         shift_phase(drive(t), -90deg);
///     }
/// );
///
/// # fn main() -> ketline::Result<()> {
/// let jakarta = PulseTarget::of::<Jakarta>()?;
/// let program = echoed_cr(0.3)?;
/// program.check(&jakarta, &[])?;
/// assert_eq!(program.duration(jakarta.dt())?, 2 * (160 + 848));
/// let error = echoed_cr(1.3)?.check(&jakarta, &[]).unwrap_err();
/// assert_eq!(error.to_string(), "control(0, 1) at 0 dt (0 ns): amplitude 1.3 is above the device limit of 1");
/// # Ok(())
/// # }
/// ```
pub use ketline_macros::pulse;
pub use ketline_model as model;
pub use ketline_quantum as quantum;
pub use ketline_quantum::{Angle, Circuit, Error, Observable, Program, Result};

/// What a program that uses Ketline mostly names.
pub mod prelude {
    pub use ketline_macros::{circuit, dataset, observable, pipeline, pulse};
    pub use ketline_quantum::pulse::{Duration, Frequency, Waveform};
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
