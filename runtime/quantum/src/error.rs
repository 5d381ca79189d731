//! Everything that can go wrong on the quantum floor, as one typed enum.

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong on the quantum floor. Messages say what was found and what was wanted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // each message names its fields
pub enum Error {
    // Gates and circuits
    /// A gate was given the same qubit twice.
    #[error("`{gate}` needs distinct qubits, but qubit {qubit} is used twice (step {step})")]
    SameQubit { gate: String, qubit: usize, step: usize },
    /// A qubit outside of its register or circuit.
    #[error("qubit index {qubit} is out of range for `{gate}`: there are {width} qubits (step {step})")]
    QubitRange { gate: String, qubit: usize, width: usize, step: usize },
    /// A classical bit that nothing has measured.
    #[error("bit {bit} is out of range: the circuit has {bits} bits (step {step})")]
    BitRange { bit: usize, bits: usize, step: usize },
    /// A register or slice of the wrong width.
    #[error("`{gate}` acts on {expected} qubits, found {found}")]
    Width { gate: String, found: usize, expected: usize },
    /// A gate with the wrong number of qubits.
    #[error("`{gate}` takes {expected} qubits, found {found}")]
    Operands { gate: String, found: usize, expected: usize },
    /// A gate with the wrong number of angles.
    #[error("`{gate}` takes {expected} angles, found {found}")]
    Angles { gate: String, found: usize, expected: usize },
    /// An angle that is not finite.
    #[error("an angle of `{gate}` is not finite (step {step})")]
    Angle { gate: String, step: usize },
    /// An angle that mixes more parameters than an angle can.
    #[error("an angle of `{gate}` mixes more than {limit} parameters (step {step})")]
    AngleTerms { gate: String, limit: usize, step: usize },
    /// An angle that names a parameter the circuit does not have.
    #[error("`{gate}` uses parameter {parameter}, but the circuit has {parameters} (step {step})")]
    ParameterRange { gate: String, parameter: usize, parameters: usize, step: usize },
    /// The wrong number of parameter values.
    #[error("expected {expected} parameter values, found {found}")]
    ParameterCount { found: usize, expected: usize },
    /// A parameter value that is not finite.
    #[error("parameter `{name}` is {value}, expected a finite number")]
    ParameterValue { name: String, value: String },
    /// A parameter name that is unknown, missing or given twice.
    #[error("parameter `{name}` {fault}; the circuit has: {known}")]
    ParameterName { name: String, fault: &'static str, known: String },
    /// Two circuits that use one parameter name for different shapes.
    #[error("parameter `{name}` has shape {expected:?} here and {found:?} in the circuit that is added")]
    ParameterShape { name: String, found: Vec<usize>, expected: Vec<usize> },
    /// More parameters than a circuit can number.
    #[error("parameter `{name}` of shape {shape:?} is more than a circuit can number")]
    TooManyParameters { name: String, shape: Vec<usize> },
    /// A name declared twice.
    #[error("`{name}` is declared twice")]
    DeclaredTwice { name: String },
    /// A register without qubits.
    #[error("register `{name}` needs at least one qubit")]
    EmptyRegister { name: String },
    /// More qubits than a circuit, simulator or matrix takes.
    #[error("found {found} qubits, expected at most {limit}")]
    TooManyQubits { found: usize, limit: usize },
    /// More steps than a circuit can hold.
    #[error("a circuit holds at most {limit} steps")]
    TooManySteps { limit: usize },
    /// A step that is no gate where only gates can stand.
    #[error("`{step}` is no unitary step, so it cannot stand inside `{what}`")]
    NotUnitaryStep { what: &'static str, step: String },
    /// A matrix that is no square of a power of two.
    #[error("the matrix of `{gate}` is {rows} x {columns}, expected 2^k x 2^k with k from 1 to 10")]
    MatrixShape { gate: String, rows: usize, columns: usize },
    /// A matrix that is not unitary.
    #[error(
        "the matrix of `{gate}` is not unitary: U U^+ differs from the identity by {deviation:e}, allowed {tolerance:e}"
    )]
    UnitaryGate { gate: String, deviation: f64, tolerance: f64 },

    // Observables
    /// A letter that is no Pauli matrix.
    #[error("no Pauli `{letter}` (qubit {qubit} of `{product}`); use I, X, Y or Z")]
    PauliLetter { letter: char, qubit: usize, product: String },
    /// A coefficient that is imaginary or not finite.
    #[error("`{term}` has the coefficient {coefficient}, expected a finite real number")]
    NotAnObservable { term: String, coefficient: String },
    /// An observable on more qubits than there are.
    #[error("the observable acts on qubit {qubit}, but the circuit has {width} qubits")]
    ObservableWidth { qubit: usize, width: usize },

    // Simulators
    /// A state that does not fit in memory.
    #[error("a state of {qubits} qubits needs {needed} bytes, but {available} are available")]
    Memory { needed: u64, available: u64, qubits: usize },
    /// More classical bits than are kept or listed.
    #[error("{found} classical bits are more than the {limit} that fit")]
    TooManyBits { found: usize, limit: usize },
    /// More records of measurements than are followed.
    #[error(
        "the measurements leave {found} branches or more, expected at most {limit}; sample shots instead"
    )]
    Branches { found: usize, limit: usize },
    /// Noise where only pure states are kept.
    #[error(
        "a state vector cannot hold what the channel `{channel}` leaves; use a density matrix or trajectories"
    )]
    NeedsMixedState { channel: String },
    /// A step that a method of differentiation cannot take.
    #[error("the {method} gradient cannot pass `{step}`; use {instead}")]
    NotDifferentiable { method: &'static str, step: String, instead: &'static str },
    /// An observable that counts cannot tell.
    #[error("`{term}` is not diagonal, so counts in the Z basis do not tell its mean")]
    NotDiagonal { term: String },

    // Linear algebra, settings and reconstruction
    /// A matrix that must be square is not.
    #[error("{what} must be square, found {rows} x {columns}")]
    NotSquare { what: &'static str, rows: usize, columns: usize },
    /// A matrix, state or list has the wrong size.
    #[error("{what} has size {found}, expected {expected}")]
    Dimension { what: &'static str, found: usize, expected: usize },
    /// A number that must be finite is NaN or infinite.
    #[error("{what} holds {value} at index {index}, expected a finite number")]
    NotFinite { what: &'static str, index: usize, value: f64 },
    /// A matrix that must be Hermitian is not.
    #[error("the matrix differs from its conjugate transpose by {deviation:e}, expected a Hermitian one")]
    NotHermitian { deviation: f64 },
    /// A matrix that must be unitary is not.
    #[error("the matrix is not unitary: its columns are not orthonormal within {tolerance:e}")]
    NotUnitary { tolerance: f64 },
    /// A linear system whose matrix is not positive definite.
    #[error("the matrix is not positive definite: its pivot in row {row} is {pivot}")]
    NotPositive { row: usize, pivot: f64 },
    /// An iteration did not converge.
    #[error("{what} did not converge in {iterations} iterations")]
    Convergence { what: &'static str, iterations: usize },
    /// A solver that cannot be as accurate as it was asked to be.
    #[error("the solution is off by about {reached:e} with {steps} steps, expected at most {wanted:e}")]
    Tolerance { wanted: f64, reached: f64, steps: usize },
    /// A qubit is named that is not there.
    #[error("qubit {qubit} is out of range, expected one below {width}")]
    QubitIndex { qubit: usize, width: usize },
    /// A list of distinct qubits names one twice.
    #[error("qubit {qubit} is listed twice, expected distinct qubits")]
    RepeatedQubit { qubit: usize },
    /// A mixer that makes every cut trivial.
    #[error(
        "a mixer with an amplitude and a phase for each qubit turns the start into any product state, the best cut among them, \
         whatever the problem; share one of them, or allow the degenerate case"
    )]
    DegenerateMixer,
    /// Values that a fit cannot extrapolate.
    #[error("the {fit} fit cannot extrapolate: {reason}")]
    Extrapolation { fit: &'static str, reason: String },
    /// A setting is outside its range.
    #[error("{name} is {found}, expected {expected}")]
    Setting { name: &'static str, found: f64, expected: &'static str },
    /// A reconstruction was given nothing to work on.
    #[error("found no shots, expected at least one")]
    NoShots,
    /// A readout whose outcome is nearly independent of the state cannot be inverted.
    #[error(
        "the readout confusion of qubit {qubit} has determinant {determinant}, expected at least 0.001 in modulus"
    )]
    SingularReadout { qubit: usize, determinant: f64 },
    /// A value has the wrong shape or number of qubits.
    #[error("{what}: found {found}, expected {wanted}")]
    Shape { what: String, found: String, wanted: String },
    /// A number is outside its range.
    #[error("{what} is {found}, but {wanted} was expected")]
    OutOfRange { what: String, found: f64, wanted: String },

    // Channels and calibrations
    /// A map is no quantum channel.
    #[error("the map is not {property}: it is off by {deviation:e}, expected less than 1e-9")]
    NotAChannel { property: &'static str, deviation: f64 },
    /// A file cannot be read or written.
    #[error("{file}: {reason}")]
    File { file: String, reason: String },
    /// A file is not JSON, or only the beginning of it.
    #[error("{file}: not complete JSON at line {line}, column {column}: {reason}")]
    Json { file: String, line: usize, column: usize, reason: String },
    /// A file lacks a field.
    #[error("{file}: `{field}` is missing")]
    MissingField { file: String, field: String },
    /// A field of a file has a value that cannot be.
    #[error("{file}: `{field}` is {found}, expected {wanted}")]
    BadField { file: String, field: String, found: String, wanted: String },
    /// A coupling map falls into parts.
    #[error(
        "{file}: `{field}` joins only {reached} of {width} qubits, and qubit {qubit} is not among them; expected a \
         connected map"
    )]
    Disconnected { file: String, field: String, qubit: usize, reached: usize, width: usize },
    /// No snapshot of this name comes with the crate.
    #[error("no device `{name}` comes with the crate, expected one of {known}")]
    UnknownDevice { name: String, known: String },

    // Training
    /// A target with a number of amplitudes that no register has, or too many.
    #[error("target `{name}` has {found} amplitudes, expected a power of two from 2 to {limit}")]
    TargetShape { name: String, found: usize, limit: usize },
    /// A target that is not normalised.
    #[error("target `{name}` has norm {norm}, expected 1")]
    NotNormalised { name: String, norm: f64 },
    /// No target of this name is known.
    #[error("no target `{name}`, expected one of {known}")]
    UnknownTarget { name: String, known: String },
    /// An update that another loss has no residual for.
    #[error("Gauss-Newton follows the dominant eigenvector, but the loss is {loss}; use Adam for it")]
    UpdateLoss { loss: String },
    /// An ansatz without trainable parameters.
    #[error("ansatz `{ansatz}` has no parameters to train")]
    NothingToTrain { ansatz: String },
    /// More qubits than a device has working together.
    #[error(
        "{found} connected qubits are wanted, but {device} has only {limit}, or fewer that work together"
    )]
    DeviceWidth { device: String, found: usize, limit: usize },

    // Devices
    /// A device without qubits, or with too many.
    #[error("device `{device}` has {found} qubits, expected 1 to {limit}")]
    TargetWidth { device: String, found: usize, limit: usize },
    /// An edge of a coupling map that joins no two qubits of the device.
    #[error("edge {first}-{second} of device `{device}` joins no two of its {width} qubits")]
    Edge { device: String, first: usize, second: usize, width: usize },
    /// A circuit that needs more qubits than the device has.
    #[error("circuit `{circuit}` needs {found} qubits, but device `{device}` has {limit}")]
    DeviceTooSmall { circuit: String, found: usize, device: String, limit: usize },
    /// A circuit that needs a path between qubits where the coupling map has none.
    #[error(
        "circuit `{circuit}` needs {needed} connected qubits, but device `{device}` connects at most {reached}"
    )]
    NotConnected { circuit: String, needed: usize, device: String, reached: usize },
    /// A circuit that was compiled for another device.
    #[error("circuit `{circuit}` was compiled for device `{found}`, not for `{expected}`")]
    OtherDevice { circuit: String, found: String, expected: String },
    /// A circuit without results was to run on a device.
    #[error("circuit `{circuit}` measures nothing, so a device has nothing to count")]
    NothingMeasured { circuit: String },
    /// A step that has no form in native gates.
    #[error("`{step}` cannot be compiled: noise is what the device adds")]
    NotCompilable { step: String },
    /// A device does not have a gate on these qubits.
    #[error(
        "`{gate}` on physical qubits {qubits:?} (step {step}) is not native to {device}, expected {basis} on coupled \
         qubits"
    )]
    NotNative { gate: String, qubits: Vec<usize>, device: String, basis: String, step: usize },
    /// A gate is marked as out of order.
    #[error(
        "`{gate}` on physical qubits {qubits:?} (step {step}) is out of order on {device}: its reported error is 1"
    )]
    DeadGate { gate: String, qubits: Vec<usize>, device: String, step: usize },
    /// A control line between transmons that are not coupled.
    #[error(
        "qubits {control} and {target} have no exchange coupling, so a control line between them does nothing"
    )]
    NoExchange { control: usize, target: usize },

    // OpenQASM
    /// A text that is no OpenQASM, or asks for what no circuit holds.
    #[error("{0}")]
    Qasm(Box<crate::qasm::Diagnostic>),
    /// A step that a version of OpenQASM cannot express.
    #[error("`{step}` cannot be written in OpenQASM {version}: {reason}")]
    NotInQasm { step: String, version: u8, reason: &'static str },

    // Pulses
    /// A time that is no whole number of samples.
    #[error("{found} is {samples} samples of {dt:e} s, expected a whole number from 0 to 2^32")]
    OffGrid { found: String, samples: f64, dt: f64 },
    /// A fault of one instruction of a pulse schedule.
    #[error("{channel} at {time}: {fault}")]
    Pulse { channel: crate::pulse::Channel, time: String, fault: Box<Error> },
    /// A sample of an envelope that is not finite.
    #[error("{channel} at {at} dt: the sample is {value}, expected a finite number")]
    PulseSample { channel: crate::pulse::Channel, at: usize, value: crate::C64 },
    /// A waveform that is not in the table.
    #[error("no waveform `{name}`, expected one of {known}")]
    WaveformName { name: String, known: String },
    /// An argument of a waveform that is unknown, missing or given twice.
    #[error("`{argument}` {fault}: `{waveform}` takes {known}")]
    WaveformArgument { waveform: &'static str, argument: String, fault: &'static str, known: String },
    /// A pulse was placed where another still plays.
    #[error("{channel} is busy until {until}, so nothing can start at {at}")]
    Busy { channel: crate::pulse::Channel, until: String, at: String },
    /// A pulse on a channel that only listens.
    #[error("nothing can be played on {channel}: it listens")]
    NotPlayable { channel: crate::pulse::Channel },
    /// A control line from a qubit to itself.
    #[error("{channel} joins qubit {qubit} to itself, expected two distinct qubits")]
    OwnControl { channel: crate::pulse::Channel, qubit: usize },
    /// An absolute frequency where the carriers are not known.
    #[error("the carrier of {channel} is not known, so its frequency cannot be set; shift it instead")]
    NoCarrier { channel: crate::pulse::Channel },
    /// A schedule that cannot be undone.
    #[error("{step} cannot be reversed: only pulses can be undone")]
    Irreversible { step: String },
    /// A schedule that is too large.
    #[error("schedule `{schedule}` has {found} {what}, expected at most {limit}")]
    ScheduleSize { schedule: String, what: &'static str, found: usize, limit: usize },
    /// A pulse that a device's electronics cannot time.
    #[error("the {what} is {found} samples, expected {wanted}")]
    PulseTiming { what: &'static str, found: usize, wanted: String },
    /// A pulse that is stronger than the device can play.
    #[error("amplitude {value} is above the device limit of {limit}")]
    Amplitude { value: f64, limit: f64 },
    /// A line that a device does not have.
    #[error("device `{device}` has no line {channel}{reason}")]
    NoLine { device: String, channel: crate::pulse::Channel, reason: String },
    /// A frequency outside of what a line can send.
    #[error("{frequency} is outside the band {low} to {high}")]
    Band { frequency: crate::pulse::Frequency, low: crate::pulse::Frequency, high: crate::pulse::Frequency },
    /// A gate that a device has no pulses for.
    #[error("device `{device}` has no pulses for `{gate}` on qubits {qubits:?}{known}")]
    NoPulses { device: String, gate: String, qubits: Vec<usize>, known: String },
    /// Pulses where only gates are known.
    #[error(
        "`{step}` is a pulse program, and only gates can stand here; `PulseModel::apply` puts what it does in its place"
    )]
    PulseStep { step: String },
    /// Pulses that capture, as a step of a circuit.
    #[error("pulse program `{step}` captures {bits} bits, so it is no step of a circuit; use `measure`")]
    PulseCaptures { step: String, bits: usize },
    /// Pulses that still have parameters, where it matters what they do.
    #[error("what pulse program `{step}` does depends on its parameters; bind the circuit first")]
    UnboundPulses { step: String },
    /// Pulses that no gate describes, because they leave the levels of the qubits.
    #[error(
        "pulse program `{step}` leaves the levels of its qubits with probability {leakage:e}, so no gate describes it, \
         allowed {limit:e}; ask for channels"
    )]
    Leakage { step: String, leakage: f64, limit: f64 },
    /// Pulses that were published but cannot be what is played.
    #[error("the pulses of `{gate}` on qubits {qubits:?} of device `{device}` are not usable: {reason}")]
    UnusablePulses { device: String, gate: String, qubits: Vec<usize>, reason: String },
}
