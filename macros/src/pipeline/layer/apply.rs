//! One layer at its place: its operands and arguments, what they must be, and what follows.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Expr;

use super::{Kind, Row};
use crate::diag::source;
use crate::index::fold;
use crate::pipeline::check::Walk;
use crate::pipeline::check::value::{Condition, Held, Requirement, Tensor, bytes};
use crate::pipeline::model::{Call, DType, Value};
use crate::pipeline::size::{Name, Same, Size};

pub(crate) struct Apply<'w, 'a> {
    pub(crate) walk: &'w mut Walk<'a>,
    pub(crate) call: &'a Call,
    pub(crate) row: &'static Row,
    pub(crate) held: Vec<Held>,
}

impl<'w, 'a> Apply<'w, 'a> {
    /// What the layer gives; [`Held::Unknown`] after a mistake, or where an operand is unknown.
    pub(crate) fn run(walk: &'w mut Walk<'a>, call: &'a Call, row: &'static Row) -> Held {
        let (held, is_right) = operands(walk, call, row);
        let mut apply = Self { walk, call, row, held };
        if !(is_right & apply.arguments(is_right))
            || apply.held.iter().any(|held| matches!(held, Held::Unknown))
        {
            return Held::Unknown;
        }
        (row.rule)(&mut apply).map_or(Held::Unknown, Held::Tensor)
    }

    /// Arguments: known ones only, all that are needed, sizes of at least one.
    /// Those that are missing are reported only if nothing else is wrong, since that may be them.
    fn arguments(&mut self, mut is_right: bool) -> bool {
        let name = self.row.name;
        for (argument, value) in &self.call.named {
            let Some(known) = self.row.arguments.iter().find(|known| argument == known.name) else {
                let message = format!("`{name}` has no argument `{argument}`");
                let known = self.row.arguments.iter().map(|known| format!("`{}`", known.name));
                let mut known: Vec<_> = known.collect();
                if self.row.trains {
                    known.push("`name`".to_owned());
                }
                if known.is_empty() {
                    self.walk.diagnostics.error(argument, message);
                } else {
                    self.walk.diagnostics.error_help(argument, message, &known.join(", "));
                }
                is_right = false;
                continue;
            };
            is_right &= self.argument(known.name, known.kind, value);
        }
        if self.call.label.is_some() && !self.row.trains {
            let message = format!("`{name}` has no parameters that a name could stand before");
            self.walk.diagnostics.error(&self.call.path, message);
            is_right = false;
        }
        for argument in self.row.arguments {
            if is_right && argument.default.is_none() && self.value(argument.name).is_none() {
                self.walk.diagnostics.error(&self.call.path, format!("`{name}` needs `{}`", argument.name));
                is_right = false;
            }
        }
        is_right
    }

    fn argument(&mut self, name: &str, kind: Kind, value: &'a Expr) -> bool {
        match kind {
            Kind::Size | Kind::Index => {
                let size = self.walk.names.size(value);
                if let Some(Name::RunTime(run_time)) =
                    size.names().find(|name| matches!(name, Name::RunTime(_)))
                {
                    let message = format!(
                        "`{name}` is a number that is known when the pipeline is built, and `{run_time}` is not"
                    );
                    self.walk.diagnostics.error(value, message);
                    return false;
                }
                let least = i128::from(kind == Kind::Size);
                if size.value().is_some_and(|value| value < least) {
                    let message = format!("`{name}` is at least {least}, found {size}");
                    self.walk.diagnostics.error(value, message);
                    return false;
                }
            }
            Kind::Axes | Kind::Order => {
                let Expr::Array(list) = value else {
                    let message = format!("`{name}` is a list, found `{}`", source(value));
                    let help = if kind == Kind::Axes { "`[B, 4]`" } else { "`[0, 1]`" };
                    self.walk.diagnostics.error_help(value, message, help);
                    return false;
                };
                return kind == Kind::Order || list.elems.iter().all(|size| self.product(size));
            }
            Kind::Axis => return self.product(value),
            Kind::Type => {
                let dtype = source(value);
                if DType::of(&dtype).is_none() {
                    let known = DType::ALL.map(|(name, _)| name).join(", ");
                    self.walk
                        .diagnostics
                        .error(value, format!("no type of elements `{dtype}`; there are {known}"));
                    return false;
                }
            }
            Kind::Range => {
                if !matches!(value, Expr::Range(range) if range.start.is_some() && range.end.is_some()
                    && matches!(range.limits, syn::RangeLimits::HalfOpen(_)))
                {
                    let message = format!("`{name}` is a range with both ends, found `{}`", source(value));
                    self.walk.diagnostics.error_help(value, message, "`0..4`");
                    return false;
                }
            }
            Kind::Sizes | Kind::Real | Kind::Seed | Kind::Flag => {}
        }
        true
    }

    /// A size of an axis of which no run-time size is a summand.
    fn product(&mut self, size: &Expr) -> bool {
        let is_product = self.walk.names.is_product(size);
        if !is_product {
            self.walk.diagnostics.error(size, "run-time sizes can be multiplied, and no more");
        }
        is_product
    }

    /// An argument as it is written; `arange(S)` may leave the name out.
    pub(crate) fn value(&self, name: &str) -> Option<Expr> {
        self.call.argument(name).cloned().or_else(|| positional(self.call, self.row))
    }

    fn or_default(&self, name: &str) -> Option<Expr> {
        self.value(name).or_else(|| {
            let argument = self.row.arguments.iter().find(|argument| argument.name == name)?;
            syn::parse_str(argument.default?).ok()
        })
    }

    pub(crate) fn size(&self, name: &str) -> Size {
        self.or_default(name).map_or_else(Size::unknown, |value| self.walk.names.size(&value))
    }

    /// The elements of a list; none if it is no list in brackets.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<Expr>> {
        match self.value(name)? {
            Expr::Array(array) => Some(array.elems.into_iter().collect()),
            _ => None,
        }
    }

    /// The tensor of an operand; other operands than tensors were reported.
    pub(crate) fn x(&self, k: usize) -> Option<Tensor> {
        match self.held.get(k)? {
            Held::Tensor(tensor) => Some(tensor.clone()),
            _ => None,
        }
    }

    pub(crate) fn tensors(&self) -> Vec<Tensor> {
        (0..self.held.len()).filter_map(|k| self.x(k)).collect()
    }

    pub(crate) fn error(&mut self, k: usize, message: impl Into<String>) {
        self.walk.diagnostics.error(&self.call.operands[k], message);
    }

    pub(crate) fn error_help(&mut self, k: usize, message: impl Into<String>, help: &str) {
        self.walk.diagnostics.error_help(&self.call.operands[k], message, help);
    }

    /// The tokens of an argument, or the layer's name where it was left out.
    pub(crate) fn at(&self, name: &str) -> TokenStream {
        self.value(name).map_or_else(|| self.call.path.to_token_stream(), ToTokens::into_token_stream)
    }

    /// What the user calls an operand, for the middle of a sentence.
    pub(crate) fn called(&self, k: usize) -> String {
        match &self.call.operands[k] {
            Value::Name(name) => format!("`{name}`"),
            _ => "this".to_owned(),
        }
    }

    /// An operand must hold real numbers.
    pub(crate) fn real(&mut self, k: usize) -> Option<Tensor> {
        let x = self.x(k)?;
        if x.dtype.is_real() {
            return Some(x);
        }
        let message = format!("expected F32, found {}", x.dtype.name());
        self.error_help(k, message, &cast(&self.call.operands[k], DType::F32));
        None
    }

    /// An operand must hold real numbers of the same type as another.
    pub(crate) fn real_like(&mut self, k: usize, other: &Tensor) -> Option<Tensor> {
        let x = self.x(k)?;
        if x.dtype == other.dtype {
            return Some(x);
        }
        let message = format!("expected {}, found {}", other.dtype.name(), x.dtype.name());
        self.error_help(k, message, &cast(&self.call.operands[k], other.dtype));
        None
    }

    /// An operand must hold ids.
    pub(crate) fn ids(&mut self, k: usize) -> Option<Tensor> {
        let x = self.x(k)?;
        if x.dtype.is_id() {
            return Some(x);
        }
        let message = format!("`{}` takes integer ids, found {}", self.row.name, x.dtype.name());
        self.error(k, message);
        None
    }

    /// An operand must have so many axes.
    pub(crate) fn rank(&mut self, k: usize, rank: usize, what: &str) -> Option<()> {
        let x = self.x(k)?;
        if x.rank() == rank {
            return Some(());
        }
        let message = format!("`{}` takes {what}, and {} is {x}", self.row.name, self.called(k));
        self.error(k, message);
        None
    }

    /// An operand must have at least so many axes.
    pub(crate) fn rank_from(&mut self, k: usize, least: usize) -> Option<()> {
        let x = self.x(k)?;
        if x.rank() >= least {
            return Some(());
        }
        let axes = if least == 1 { "an axis" } else { "two axes" };
        let message =
            format!("`{}` takes a tensor with at least {axes}, and {} is {x}", self.row.name, self.called(k));
        self.error(k, message);
        None
    }

    /// An axis below `count`, where literals show it.
    pub(crate) fn axis(&mut self, at: &Expr, count: usize) -> Option<usize> {
        let found = fold(at)?;
        match usize::try_from(found) {
            Ok(axis) if axis < count => Some(axis),
            _ => {
                let last = count.saturating_sub(1);
                let message = format!("axis {found} of a tensor with {count} axes (0..={last})");
                self.walk.diagnostics.error(at, message);
                None
            }
        }
    }

    /// Two sizes must be the same; `false` if they are known not to be. What only rustc knows becomes a requirement.
    pub(crate) fn same(&mut self, a: &Size, b: &Size, at: &dyn ToTokens, words: &str) -> bool {
        match a.same(b) {
            Same::Yes | Same::Later => true,
            Same::No => false,
            Same::Constant => {
                let numbers = vec![a.clone(), b.clone()];
                self.require(at, Condition::Equal(a.clone(), b.clone()), words.to_owned(), numbers);
                true
            }
        }
    }

    pub(crate) fn require(&mut self, at: &dyn ToTokens, what: Condition, words: String, numbers: Vec<Size>) {
        self.walk.require(Requirement { at: at.to_token_stream(), what, words, numbers });
    }

    /// Whether the backward pass goes through this layer.
    pub(crate) fn wanted(&self) -> bool {
        self.row.trains || self.held.iter().any(|held| matches!(held, Held::Tensor(tensor) if tensor.wanted))
    }

    /// A result in memory of its own.
    pub(crate) fn result(&mut self, dtype: DType, shape: Vec<Size>) -> Tensor {
        let wanted = self.wanted() && dtype.is_real();
        Tensor { dtype, shape, id: self.walk.fresh(), wanted }
    }

    /// A tensor that is trained.
    pub(crate) fn parameter(&mut self, dtype: DType, shape: &[Size]) {
        let size = bytes(dtype, shape);
        self.walk.memory.parameters = self.walk.memory.parameters.plus(&size);
    }

    /// A tensor that the backward pass reads.
    pub(crate) fn keep(&mut self, tensor: &Tensor) {
        self.walk.keep(tensor);
    }

    /// A by-product that the backward pass reads.
    pub(crate) fn keep_besides(&mut self, dtype: DType, shape: &[Size]) {
        let id = self.walk.fresh();
        self.walk.memory.keep(id, bytes(dtype, shape));
    }
}

fn cast(value: &Value, to: DType) -> String {
    let of = if let Value::Name(name) = value { name.to_string() } else { "..".to_owned() };
    format!("`cast({of}, to = {})`", to.name())
}

/// The argument of a layer that takes no tensors and is called with one value.
pub(crate) fn positional(call: &Call, row: &Row) -> Option<Expr> {
    match call.operands.as_slice() {
        [value] if row.operands.1 == 0 && row.arguments.len() == 1 => {
            syn::parse2(value.to_token_stream()).ok()
        }
        _ => None,
    }
}

/// What the operands hold; `false` if they are not what the row takes.
fn operands<'a>(walk: &mut Walk<'a>, call: &'a Call, row: &'static Row) -> (Vec<Held>, bool) {
    let name = row.name;
    if positional(call, row).is_some() {
        return (Vec::new(), true);
    }
    let mut held = Vec::new();
    let mut is_right = true;
    for operand in &call.operands {
        let found = walk.value(operand);
        let accepts = match (name, held.len()) {
            ("embedding_bags", 0) => matches!(found, Held::Tensors(..)),
            ("aggregate", 1) => matches!(found, Held::Hop { .. }),
            _ => matches!(found, Held::Tensor(_)),
        };
        if !accepts && !matches!(found, Held::Unknown) {
            is_right = false;
            let text = source(operand);
            let size = row
                .arguments
                .iter()
                .find(|argument| argument.kind == Kind::Size && call.argument(argument.name).is_none());
            match (&found, size) {
                (Held::Plain(_), Some(size)) => {
                    walk.diagnostics.error(operand, format!("name the size: `{} = {text}`", size.name));
                }
                (Held::Plain(_), None) => {
                    walk.diagnostics.error(operand, format!("expected a tensor, found `{text}`"));
                }
                _ => walk.diagnostics.error(operand, format!("`{name}` does not take `{text}`")),
            }
        }
        held.push(found);
    }
    let (least, most) = row.operands;
    if is_right && !(least..=most).contains(&held.len()) {
        let count = if least == most { least.to_string() } else { format!("{least} to {most}") };
        let plural = if count == "1" { "" } else { "s" };
        let message = format!("`{name}` takes {count} tensor{plural}, found {}", held.len());
        walk.diagnostics.error(&call.path, message);
        is_right = false;
    }
    (held, is_right)
}
