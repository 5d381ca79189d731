//! Calls of other pipelines: those of the same macro call are known by their signatures.

use std::collections::BTreeMap;

use quote::ToTokens;
use syn::{GenericArgument, PathArguments, Type};

use super::value::{Condition, Held, Requirement, Tensor, type_name};
use super::{Walk, names};
use crate::diag::source;
use crate::pipeline::model::{Call, Declared, Kind, Pipeline, Value};
use crate::pipeline::size::{Name, Names, Same, Size};

/// What the names of a callee stand for in a call.
type Bound = BTreeMap<Name, Size>;

impl<'a> Walk<'a> {
    pub(super) fn call(&mut self, call: &'a Call) -> Held {
        let held: Vec<_> = call.operands.iter().map(|operand| self.value(operand)).collect();
        if let Some((name, _)) = call.named.first() {
            let known = call.bare().is_some_and(|name| self.position(&name.to_string()).is_some());
            // what is no layer at all is for rustc to say
            if known || call.bare().is_none() {
                let message = format!("`{}` takes its arguments in their order, without names", call.word());
                self.diagnostics.error(name, message);
            }
            return Held::Unknown;
        }
        let Some(position) = call.bare().and_then(|name| self.position(&name.to_string())) else {
            // what it needs is known when the model is built
            self.memory.parameters = self.memory.parameters.plus(&Size::unknown());
            return Held::Unknown;
        };
        if position == self.position {
            self.never_ends(call);
            return Held::Unknown;
        }
        if self.callers.contains(&position) {
            self.endless.push(position);
            return Held::Unknown;
        }
        let callee = &self.library.pipelines[position];
        if held.len() != callee.inputs.len() {
            let inputs =
                callee.inputs.iter().map(|input| format!("`{}`", input.name)).collect::<Vec<_>>().join(", ");
            let message = format!(
                "`{}` takes {} arguments ({inputs}), found {}",
                callee.name,
                callee.inputs.len(),
                held.len()
            );
            self.diagnostics.error(&call.path, message);
            return self.results(callee, &Bound::new(), true);
        }
        if self.in_stage && callee.body.steps.iter().any(|step| step.stage.is_some()) {
            let message = format!("`{}` has stages of its own, so it stands in none", callee.name);
            self.diagnostics.error(&call.path, message);
        }
        let own = names(callee);
        let mut bound = self.given(call, callee);
        // what is unknown leaves its names unknown, unless another argument says what they are
        for is_known in [true, false] {
            for (input, held) in callee.inputs.iter().zip(&held) {
                if matches!(held, Held::Unknown) != is_known {
                    bind(&own, &input.kind, &input.name.to_string(), held, &mut bound);
                }
            }
        }
        let mut is_right = true;
        for (k, held) in held.iter().enumerate() {
            is_right &= self.argument(callee, &own, k, held, &call.operands[k], &bound);
        }
        is_right = is_right && self.all_bound(call, callee, &bound);
        self.costs(position, call, &held, &bound, is_right);
        self.results(callee, &bound, is_right)
    }

    fn never_ends(&mut self, call: &Call) {
        let message = format!("pipeline `{}` calls itself, so it would never end", self.pipeline.name);
        self.diagnostics.error(&call.path, message);
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.library.pipelines.iter().position(|pipeline| pipeline.name == name)
    }

    /// `head::<768, _>(x)`.
    fn given(&mut self, call: &'a Call, callee: &Pipeline) -> Bound {
        let mut bound = Bound::new();
        let PathArguments::AngleBracketed(arguments) = &call.path.segments[0].arguments else { return bound };
        let generics = callee.generic_names();
        if arguments.args.len() != generics.len() {
            let message =
                format!("`{}` has {} sizes, found {}", callee.name, generics.len(), arguments.args.len());
            self.diagnostics.error(arguments, message);
            return bound;
        }
        for (argument, generic) in arguments.args.iter().zip(generics) {
            let size = match argument {
                GenericArgument::Const(expr) => self.names.size(expr),
                GenericArgument::Type(Type::Path(path)) => {
                    let path = &path.path;
                    self.names.size(&syn::parse_quote!(#path))
                }
                // `_` follows from the arguments
                _ => continue,
            };
            bound.insert(Name::Generic(generic.to_string()), size);
        }
        bound
    }

    /// An argument against the type that is declared for it.
    fn argument(
        &mut self,
        callee: &Pipeline,
        own: &Names,
        k: usize,
        held: &Held,
        value: &'a Value,
        bound: &Bound,
    ) -> bool {
        let input = &callee.inputs[k];
        let name = match value {
            Value::Name(name) => format!("`{name}`"),
            _ => "this".to_owned(),
        };
        let stage = if self.in_stage { "stage " } else { "" };
        let takes = format!("{stage}`{}` takes", callee.name);
        let (declared, found) = match (&input.kind, held) {
            (_, Held::Unknown) | (Kind::Broken, _) | (Kind::Plain, Held::Plain(_)) => return true,
            (Kind::Tensor(declared), Held::Tensor(found)) => (declared, found),
            (Kind::Tensors(declared, count), Held::Tensors(found, number)) => {
                let count = own.size(count).substituted(bound);
                if count.same(number) == Same::No {
                    let message = format!("{takes} {count} tensors, but {name} has {number}");
                    self.diagnostics.error(value, message);
                    return false;
                }
                (declared, found)
            }
            (Kind::Hop(sizes), Held::Hop { from, to, edges, .. }) => {
                let wanted = sizes.each_ref().map(|size| own.size(size).substituted(bound));
                if wanted.iter().zip([from, to, edges]).any(|(a, b)| a.same(b) == Same::No) {
                    let [a, b, c] = wanted;
                    let message =
                        format!("{takes} Hop<{a}, {b}, {c}>, but {name} is Hop<{from}, {to}, {edges}>");
                    self.diagnostics.error(value, message);
                    return false;
                }
                return true;
            }
            (Kind::Plain, _) => {
                self.diagnostics
                    .error(value, format!("{takes} `{}`, but {name} is a tensor", source(&input.ty)));
                return false;
            }
            (_, _) => {
                self.diagnostics.error(value, format!("{takes} {}, but {name} is none", source(&input.ty)));
                return false;
            }
        };
        self.fits(declared, own, found, value, bound, (&takes, &name))
    }

    fn fits(
        &mut self,
        declared: &Declared,
        own: &Names,
        found: &Tensor,
        value: &'a Value,
        bound: &Bound,
        (takes, name): (&str, &str),
    ) -> bool {
        let wanted: Vec<_> = declared.sizes.iter().map(|size| own.size(size).substituted(bound)).collect();
        let mut is_right = declared.dtype == found.dtype && wanted.len() == found.rank();
        for (a, b) in wanted.iter().zip(&found.shape) {
            match a.same(b) {
                Same::No => is_right = false,
                Same::Constant => self.require(Requirement {
                    at: value.to_token_stream(),
                    what: Condition::Equal(a.clone(), b.clone()),
                    words: format!("{takes} a size of \0, but {name} has \0"),
                    numbers: vec![a.clone(), b.clone()],
                }),
                Same::Yes | Same::Later => {}
            }
        }
        if !is_right {
            let message = format!("{takes} {}, but {name} is {found}", type_name(declared.dtype, &wanted));
            self.diagnostics.error(value, message);
        }
        is_right
    }

    /// Every generic must follow from an argument, and be a number when the pipeline is built.
    fn all_bound(&mut self, call: &'a Call, callee: &Pipeline, bound: &Bound) -> bool {
        let generics = callee.generic_names();
        for generic in &generics {
            let Some(size) = bound.get(&Name::Generic(generic.to_string())) else {
                let hole = generics
                    .iter()
                    .map(|other| if other == generic { other.to_string() } else { "_".to_owned() });
                let help = format!("`{}::<{}>(..)`", callee.name, hole.collect::<Vec<_>>().join(", "));
                let message = format!("`{generic}` of `{}` follows from no argument", callee.name);
                self.diagnostics.error_help(&call.path, message, &help);
                return false;
            };
            if let Some(Name::RunTime(name)) = size.names().find(|name| matches!(name, Name::RunTime(_))) {
                let message = format!(
                    "`{generic}` of `{}` is a number that is known when the pipeline is built, and `{name}` is not",
                    callee.name
                );
                self.diagnostics.error(&call.path, message);
                return false;
            }
        }
        true
    }

    /// What the callee requires and needs, in the names of this pipeline.
    fn costs(&mut self, position: usize, call: &'a Call, held: &[Held], bound: &Bound, is_right: bool) {
        let wanted: Vec<_> =
            held.iter().map(|held| matches!(held, Held::Tensor(tensor) if tensor.wanted)).collect();
        let callers = [self.callers.clone(), vec![self.position]].concat();
        let known = self.library.called(position, &wanted, callers);
        if known.endless.contains(&self.position) {
            self.never_ends(call);
        }
        self.endless.extend(known.endless.iter().filter(|other| **other != self.position));
        if !is_right {
            return;
        }
        for requirement in &known.requirements {
            // what names nothing of the callee is required there
            let [a, b] = requirement.what.sizes();
            if a.names().chain(b.names()).any(|name| bound.contains_key(name)) {
                self.require(requirement.substituted(bound));
            }
        }
        self.memory.parameters = self.memory.parameters.plus(&known.memory.parameters.substituted(bound));
        for (id, bytes) in &known.memory.kept {
            let input = known.inputs.iter().position(|input| input == id);
            let tensor = input.and_then(|input| match &held[input] {
                Held::Tensor(tensor) => Some(tensor.clone()),
                _ => None,
            });
            if let Some(tensor) = tensor {
                self.keep(&tensor);
                continue;
            }
            // a result that is kept already must not be counted again where it is used
            let own = self.fresh();
            self.memory.keep(own, bytes.substituted(bound));
            if let Some(k) = known.results.iter().position(|result| lies_in(result, *id)) {
                self.kept_results.insert(k, own);
            }
        }
        for (k, result) in known.results.iter().enumerate() {
            if let Some(input) = known.inputs.iter().position(|input| lies_in(result, *input))
                && let Held::Tensor(tensor) = &held[input]
            {
                self.kept_results.insert(k, tensor.id);
            }
        }
    }

    fn results(&mut self, callee: &Pipeline, bound: &Bound, wanted: bool) -> Held {
        let own = names(callee);
        let kept = std::mem::take(&mut self.kept_results);
        let mut results = Vec::new();
        for (k, declared) in callee.outputs.iter().enumerate() {
            let shape = declared.sizes.iter().map(|size| {
                let size = own.size(size);
                let is_open = size.names().any(|name| {
                    matches!(name, Name::Generic(_) | Name::RunTime(_) | Name::Plain(_))
                        && !bound.contains_key(name)
                });
                if is_open { Size::unknown() } else { size.substituted(bound) }
            });
            let shape = shape.collect();
            let id = kept.get(&k).copied().unwrap_or_else(|| self.fresh());
            let wanted = wanted && declared.dtype.is_real();
            results.push(Held::Tensor(Tensor { dtype: declared.dtype, shape, id, wanted }));
        }
        match results.len() {
            0 => Held::Unknown,
            1 => results.remove(0),
            _ => Held::Tuple(results),
        }
    }
}

/// Whether this is a tensor in that memory.
fn lies_in(held: &Held, memory: usize) -> bool {
    matches!(held, Held::Tensor(tensor) if tensor.id == memory)
}

/// Names that stand alone in a declared type are what stands there in the call.
fn bind(own: &Names, kind: &Kind, name: &str, held: &Held, bound: &mut Bound) {
    let mut one = |declared: &syn::Expr, found: &Size| {
        if let Some(name @ (Name::Generic(_) | Name::RunTime(_))) = own.size(declared).bare() {
            bound.entry(name.clone()).or_insert_with(|| found.clone());
        }
    };
    match (kind, held) {
        (Kind::Tensor(declared), Held::Tensor(found)) => {
            declared.sizes.iter().zip(&found.shape).for_each(|(size, found)| one(size, found));
        }
        (Kind::Tensors(declared, count), Held::Tensors(found, number)) => {
            declared.sizes.iter().zip(&found.shape).for_each(|(size, found)| one(size, found));
            one(count, number);
        }
        (Kind::Hop(sizes), Held::Hop { from, to, edges, .. }) => {
            sizes.iter().zip([from, to, edges]).for_each(|(size, found)| one(size, found));
        }
        (Kind::Plain, Held::Plain(size)) => {
            bound.insert(Name::Plain(name.to_owned()), size.clone().unwrap_or_else(Size::unknown));
        }
        (_, Held::Unknown) => {
            let sizes: &[syn::Expr] = match kind {
                Kind::Tensor(declared) | Kind::Tensors(declared, _) => &declared.sizes,
                Kind::Hop(sizes) => sizes,
                Kind::Plain | Kind::Broken => &[],
            };
            for size in sizes {
                one(size, &Size::unknown());
            }
        }
        _ => {}
    }
}
