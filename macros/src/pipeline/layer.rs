//! The layers: one row each, with what it takes, its rule for shapes, and what the runtime calls it. A test compares each row
//! with the runtime.

pub(crate) mod apply;
mod rule;
#[cfg(test)]
mod tests;

use self::apply::Apply;
use super::check::value::Tensor;

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
        rule::linear,
        Form::Function,
    ),
    row("embedding", (1, 1), TABLE, true, rule::embedding, Form::Method),
    row("embedding_bag", (1, 1), TABLE, true, rule::embedding_bag, Form::Method),
    row(
        "embedding_bags",
        (1, 1),
        &[needs("rows", Kind::Sizes), needs("dim", Kind::Size), may("deviation", Kind::Real, "0.02")],
        true,
        rule::embedding_bags,
        Form::Function,
    ),
    row(
        "parameter",
        (0, 0),
        &[needs("shape", Kind::Axes), may("deviation", Kind::Real, "0.02")],
        true,
        rule::parameter,
        Form::Parameter,
    ),
    row("layer_norm", (1, 1), &[], true, rule::layer_norm, Form::Method),
    row("rms_norm", (1, 1), &[], true, rule::rms_norm, Form::Method),
    row("batch_norm", (1, 1), &[may("training", Kind::Flag, "true")], true, rule::batch_norm, Form::Method),
    row("attention", (1, 2), HEADS, true, rule::attention, Form::Attention("self_attention")),
    row("attend", (3, 4), HEADS, false, rule::attend, Form::Attention("attention")),
    row("rotary", (1, 1), &[needs("heads", Kind::Size)], false, rule::rotary, Form::Method),
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
        rule::conv2d,
        Form::Window,
    ),
    row("max_pool", (1, 1), WINDOW, false, rule::max_pool, Form::Window),
    row("average_pool", (1, 1), WINDOW, false, rule::average_pool, Form::Window),
    row(
        "dropout",
        (1, 1),
        &[needs("probability", Kind::Real), may("seed", Kind::Seed, "0")],
        false,
        rule::passes,
        Form::Method,
    ),
    function("relu", rule::of_result),
    function("gelu", rule::of_operand),
    function("gelu_tanh", rule::of_operand),
    function("silu", rule::of_operand),
    function("sigmoid", rule::of_result),
    function("tanh", rule::of_result),
    function("exp", rule::of_result),
    function("log", rule::of_operand),
    function("sqrt", rule::of_result),
    function("square", rule::of_operand),
    function("abs", rule::of_operand),
    function("softmax", rule::softmax),
    function("transpose", rule::transpose),
    function("flatten", rule::flatten),
    function("lower_triangle", rule::lower_triangle),
    row("matmul", (2, 2), &[], false, rule::matmul, Form::Method),
    row("sum", (1, 1), &[needs("axes", Kind::Order)], false, rule::reduce, Form::Method),
    row("mean", (1, 1), &[needs("axes", Kind::Order)], false, rule::reduce, Form::Method),
    row("reshape", (1, 1), &[needs("shape", Kind::Axes)], false, rule::reshape, Form::Method),
    row("permute", (1, 1), &[needs("axes", Kind::Order)], false, rule::permute, Form::Method),
    row("concat", (1, MANY), &[needs("axis", Kind::Index)], false, rule::concat, Form::List),
    row("stack", (1, MANY), &[needs("axis", Kind::Index)], false, rule::stack, Form::List),
    row(
        "slice",
        (1, 1),
        &[needs("axis", Kind::Index), needs("range", Kind::Range)],
        false,
        rule::slice,
        Form::Method,
    ),
    row(
        "at",
        (1, 1),
        &[needs("axis", Kind::Index), needs("index", Kind::Index)],
        false,
        rule::at,
        Form::Method,
    ),
    row("cast", (1, 1), &[needs("to", Kind::Type)], false, rule::cast, Form::Method),
    row("arange", (0, 0), &[needs("size", Kind::Axis)], false, rule::arange, Form::Method),
    row("one_hot", (1, 1), &[needs("classes", Kind::Size)], false, rule::one_hot, Form::Method),
    row("gather", (2, 2), &[], false, rule::gather, Form::Method),
    row("aggregate", (2, 2), &[], false, rule::aggregate, Form::Function),
    row("cross_entropy", (2, 2), &[], false, rule::cross_entropy, Form::Method),
    row("linear_cross_entropy", (3, 3), &[], false, rule::linear_cross_entropy, Form::Method),
    row("mean_squared_error", (2, 2), &[], false, rule::elementwise_loss, Form::Method),
    row("binary_cross_entropy", (2, 2), &[], false, rule::elementwise_loss, Form::Method),
];

/// The row of a layer, by name.
pub(crate) fn row_of(name: &str) -> Option<&'static Row> {
    LAYERS.iter().find(|row| row.name == name)
}
