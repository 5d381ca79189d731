//! Everything that can go wrong with models, as one typed enum.

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong with models. Messages say what was found and what was wanted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // each message names its fields
pub enum Error {
    // Graphs
    /// Operands whose shapes do not go together.
    #[error("`{operator}` {what}: found {found}, expected {expected}")]
    Shape { operator: &'static str, what: String, found: String, expected: String },
    /// An operand of the wrong element type.
    #[error("`{operator}` takes {expected}, found {found}")]
    DType { operator: &'static str, found: String, expected: &'static str },
    /// The wrong number of operands.
    #[error("`{operator}` takes {expected} operands, found {found}")]
    Operands { operator: &'static str, found: usize, expected: String },
    /// An axis that a tensor does not have.
    #[error("`{operator}`: axis {axis} of a tensor with {rank} axes")]
    Axis { operator: &'static str, axis: usize, rank: usize },
    /// A setting outside its range.
    #[error("{name} is {found}, expected {expected}")]
    Setting { name: &'static str, found: String, expected: &'static str },
    /// A name used twice in one graph.
    #[error("`{name}` is declared twice")]
    DeclaredTwice { name: String },
    /// A name that the graph does not have.
    #[error("no {what} `{name}`; the graph has: {known}")]
    Unknown { what: &'static str, name: String, known: String },
    /// A derivative that has no rule.
    #[error("`{operator}` has no derivative, but one is wanted through `{name}`")]
    NotDifferentiable { operator: &'static str, name: String },
    /// A loss that is no single floating-point number.
    #[error("a loss is one floating-point number, found {found}")]
    Loss { found: String },

    // Plans
    /// Stages that are not those of the model.
    #[error("a partition has {found}, expected {expected}")]
    Partition { found: String, expected: String },
    /// Measured times of something else.
    #[error("{file}: a profile of another {what}: found {found}, expected {expected}")]
    Profile { file: String, what: &'static str, found: String, expected: String },
    /// A named size without a value.
    #[error("size `{name}` has no value; given are: {known}")]
    Size { name: String, known: String },
    /// A size of zero, or one beyond what can be addressed.
    #[error("`{name}` would have {found}, expected 1 to {limit} elements")]
    Elements { name: String, found: String, limit: usize },
    /// A plan that does not fit under its cap.
    #[error(
        "stage `{stage}`: `{tensor}` of {bytes} bytes does not fit: {needed} bytes needed, {cap} allowed"
    )]
    DoesNotFit { stage: String, tensor: String, bytes: usize, needed: usize, cap: usize },
    /// A stage for which no device has enough memory left.
    #[error(
        "stage `{stage}` does not fit: device {device} of {devices} would hold {needed} bytes, and it has {memory}"
    )]
    StageDoesNotFit { stage: String, device: u64, devices: u64, needed: u64, memory: u64 },
    /// Memory that the system does not give.
    #[error("the system does not give {bytes} bytes")]
    Memory { bytes: usize },

    /// A device that is not there, or that fails.
    #[error("device {device}: {reason}")]
    Device { device: String, reason: String },

    // Runs
    /// A tensor of another type or shape than the graph declares.
    #[error("`{name}` is {found}, expected {expected}")]
    Tensor { name: String, found: String, expected: String },
    /// An id that names no row.
    #[error("`{name}`: id {id} at position {position} is out of range: there are {rows} rows")]
    Id { name: String, id: i64, position: usize, rows: usize },
    /// Values in another number than their shape says.
    #[error("found {found} values for the shape {shape:?}, expected {expected}")]
    Values { found: usize, shape: Vec<usize>, expected: usize },

    /// A node that sends or receives in a run without ports.
    #[error("`{name}` sends or receives, but this run has no ports")]
    Ports { name: String },

    // Pipelines
    /// What went wrong in a stage, with the micro-batch if it was with one.
    #[error("stage {stage}{}: {source}", micro_batch.map(|m| format!(", micro-batch {m}")).unwrap_or_default())]
    Stage { stage: usize, micro_batch: Option<usize>, source: Box<Error> },
    /// What went wrong between stages.
    #[error(transparent)]
    Fabric(#[from] ketline_fabric::Error),
    /// A worker that panicked.
    #[error("a worker panicked: {message}")]
    Panic { message: String },
    /// An input without values.
    #[error("input `{name}` of micro-batch {micro_batch} was not given")]
    NotGiven { name: String, micro_batch: usize },
    /// A batch that cannot be divided.
    #[error("`{name}`: {found} values, which {micro_batches} micro-batches do not divide")]
    Batch { name: String, found: usize, micro_batches: usize },

    // Training
    /// A loss or a gradient norm that is not finite.
    #[error("{what} is {value} in step {step}; the parameters are those before this step")]
    NotFinite { what: &'static str, value: f64, step: u64 },
    /// A file that cannot be read or written.
    #[error("{file}: {reason}")]
    File { file: String, reason: String },
    /// A file that is no checkpoint, or only the beginning of one.
    #[error("{file}: not a safetensors file: {reason}")]
    Format { file: String, reason: String },
    /// A tensor of a file that is missing or fits none of the model.
    #[error("{file}: tensor `{name}`: found {found}, expected {expected}")]
    Checkpoint { file: String, name: String, found: String, expected: String },
    /// Text that the tokenizer does not know.
    #[error("byte {byte:#04x} at position {position} is not in the vocabulary of {vocabulary} tokens")]
    Token { byte: u8, position: usize, vocabulary: usize },
}
