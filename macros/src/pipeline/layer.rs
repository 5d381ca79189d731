//! The layers: one row each, with what it takes, its rule for shapes, and what the runtime calls it. A test compares each row
//! with the runtime.

pub(crate) mod apply;
mod rule;
#[cfg(test)]
mod tests;

use self::apply::Apply;
use self::rule::{arrangement, attention, dense, elementwise, image, loss, table};
use super::check::value::Tensor;
use super::model::Call;

/// A layer or function of tensors.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// How many tensors it takes, at least and at most.
    pub(crate) operands: (usize, usize),
    pub(crate) arguments: &'static [Argument],
    /// Whether it has parameters, which are named after it.
    pub(crate) trains: bool,
    pub(crate) rule: fn(&mut Apply<'_, '_>) -> Option<Tensor>,
    pub(crate) form: Form,
}

/// A named argument.
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// As Rust writes it; without one the argument must be given.
    pub(crate) default: Option<&'static str>,
}

/// What an argument is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A number that is known when the pipeline is built.
    Size,
    /// Like `Size`, but may be nought.
    Index,
    /// A size of an axis, perhaps of the run.
    Axis,
    /// `[B, S, 4 * H]`.
    Axes,
    /// `[0, 2, 1]`.
    Order,
    /// `1..4`.
    Range,
    /// `F32`.
    Type,
    /// A list of sizes, in brackets or by the name of a constant.
    Sizes,
    Real,
    Seed,
    Flag,
}

/// How the runtime is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A method of the graph: a name if it trains, tensors, arguments.
    Method,
    /// A method of the graph under another name, whose last argument says how attention is done.
    Attention(&'static str),
    /// A method whose last argument is a window.
    Window,
    /// A method on a list of tensors.
    List,
    /// A tensor that is trained.
    Parameter,
    /// A function of the expansion's own.
    Function,
}

const MANY: usize = 30;

const fn row(
    name: &'static str,
    operands: (usize, usize),
    arguments: &'static [Argument],
    trains: bool,
    rule: fn(&mut Apply<'_, '_>) -> Option<Tensor>,
    form: Form,
) -> Row {
    Row { name, operands, arguments, trains, rule, form }
}

/// A function of one tensor.
const fn function(name: &'static str, rule: fn(&mut Apply<'_, '_>) -> Option<Tensor>) -> Row {
    row(name, (1, 1), &[], false, rule, Form::Method)
}

/// An argument that must be given.
const fn needs(name: &'static str, kind: Kind) -> Argument {
    Argument { name, kind, default: None }
}

/// An argument that may be left out.
const fn may(name: &'static str, kind: Kind, default: &'static str) -> Argument {
    Argument { name, kind, default: Some(default) }
}

const HEADS: &[Argument] = &[needs("heads", Kind::Size), may("causal", Kind::Flag, "false")];
const TABLE: &[Argument] =
    &[needs("rows", Kind::Size), needs("dim", Kind::Size), may("deviation", Kind::Real, "0.02")];
const WINDOW: &[Argument] =
    &[needs("size", Kind::Size), may("stride", Kind::Size, "1"), may("padding", Kind::Index, "0")];

pub(crate) const LAYERS: &[Row] = &[
    row(
        "linear",
        (1, 1),
        &[needs("out", Kind::Size), may("bias", Kind::Flag, "true")],
        true,
        dense::linear,
        Form::Function,
    ),
    row("embedding", (1, 1), TABLE, true, table::embedding, Form::Method),
    row("embedding_bag", (1, 1), TABLE, true, table::embedding_bag, Form::Method),
    row(
        "embedding_bags",
        (1, 1),
        &[needs("rows", Kind::Sizes), needs("dim", Kind::Size), may("deviation", Kind::Real, "0.02")],
        true,
        table::embedding_bags,
        Form::Function,
    ),
    row(
        "parameter",
        (0, 0),
        &[needs("shape", Kind::Axes), may("deviation", Kind::Real, "0.02")],
        true,
        dense::parameter,
        Form::Parameter,
    ),
    row("layer_norm", (1, 1), &[], true, dense::layer_norm, Form::Method),
    row("rms_norm", (1, 1), &[], true, dense::rms_norm, Form::Method),
    row("batch_norm", (1, 1), &[may("training", Kind::Flag, "true")], true, dense::batch_norm, Form::Method),
    row("attention", (1, 2), HEADS, true, attention::attention, Form::Attention("self_attention")),
    row("attend", (3, 4), HEADS, false, attention::attend, Form::Attention("attention")),
    row("rotary", (1, 1), &[needs("heads", Kind::Size)], false, attention::rotary, Form::Method),
    row(
        "conv2d",
        (1, 1),
        &[
            needs("filters", Kind::Size),
            needs("size", Kind::Size),
            may("stride", Kind::Size, "1"),
            may("padding", Kind::Index, "0"),
        ],
        true,
        image::conv2d,
        Form::Window,
    ),
    row("max_pool", (1, 1), WINDOW, false, image::max_pool, Form::Window),
    row("average_pool", (1, 1), WINDOW, false, image::average_pool, Form::Window),
    row(
        "dropout",
        (1, 1),
        &[needs("probability", Kind::Real), may("seed", Kind::Seed, "0")],
        false,
        elementwise::passes,
        Form::Method,
    ),
    function("relu", elementwise::of_result),
    function("gelu", elementwise::of_operand),
    function("gelu_tanh", elementwise::of_operand),
    function("silu", elementwise::of_operand),
    function("sigmoid", elementwise::of_result),
    function("tanh", elementwise::of_result),
    function("exp", elementwise::of_result),
    function("log", elementwise::of_operand),
    function("sqrt", elementwise::of_result),
    function("square", elementwise::of_operand),
    function("abs", elementwise::of_operand),
    function("softmax", elementwise::softmax),
    function("transpose", arrangement::transpose),
    function("flatten", arrangement::flatten),
    function("lower_triangle", arrangement::lower_triangle),
    row("matmul", (2, 2), &[], false, dense::matmul, Form::Method),
    row("sum", (1, 1), &[needs("axes", Kind::Order)], false, arrangement::reduce, Form::Method),
    row("mean", (1, 1), &[needs("axes", Kind::Order)], false, arrangement::reduce, Form::Method),
    row("reshape", (1, 1), &[needs("shape", Kind::Axes)], false, arrangement::reshape, Form::Method),
    row("permute", (1, 1), &[needs("axes", Kind::Order)], false, arrangement::permute, Form::Method),
    row("concat", (1, MANY), &[needs("axis", Kind::Index)], false, arrangement::concat, Form::List),
    row("stack", (1, MANY), &[needs("axis", Kind::Index)], false, arrangement::stack, Form::List),
    row(
        "slice",
        (1, 1),
        &[needs("axis", Kind::Index), needs("range", Kind::Range)],
        false,
        arrangement::slice,
        Form::Method,
    ),
    row(
        "at",
        (1, 1),
        &[needs("axis", Kind::Index), needs("index", Kind::Index)],
        false,
        arrangement::at,
        Form::Method,
    ),
    row("cast", (1, 1), &[needs("to", Kind::Type)], false, elementwise::cast, Form::Method),
    row("arange", (0, 0), &[needs("size", Kind::Axis)], false, table::arange, Form::Method),
    row("one_hot", (1, 1), &[needs("classes", Kind::Size)], false, table::one_hot, Form::Method),
    row("gather", (2, 2), &[], false, table::gather, Form::Method),
    row("aggregate", (2, 2), &[], false, table::aggregate, Form::Function),
    row("cross_entropy", (2, 2), &[], false, loss::cross_entropy, Form::Method),
    row("linear_cross_entropy", (3, 3), &[], false, loss::linear_cross_entropy, Form::Method),
    row("mean_squared_error", (2, 2), &[], false, loss::elementwise_loss, Form::Method),
    row("binary_cross_entropy", (2, 2), &[], false, loss::elementwise_loss, Form::Method),
];

/// The row that a call names; others are pipelines, or mistakes.
pub(crate) fn row_called(call: &Call) -> Option<&'static Row> {
    call.path.get_ident().and_then(|name| row_of(&name.to_string()))
}

/// The row of a layer, by name.
pub(crate) fn row_of(name: &str) -> Option<&'static Row> {
    LAYERS.iter().find(|row| row.name == name)
}
