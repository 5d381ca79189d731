//! `#[fits(devices = 4, memory = 16GiB, batch = 64)]`: what each stage needs, in numbers or in what rustc knows.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Expr;

use super::value::{Condition, Requirement};
use super::{Checked, names};
use crate::diag::{Diagnostics, first_span, source};
use crate::pipeline::model::{Fits, Kind, Pipeline};
use crate::pipeline::size::{Name, Names, Size};
use crate::unit;

/// What rustc is asked.
pub(crate) struct Promise {
    pub(crate) devices: Size,
    pub(crate) batch: Size,
    pub(crate) micro_batches: Size,
    /// Bytes of one device, an expression of type `u64`.
    pub(crate) memory: TokenStream,
    pub(crate) stages: Vec<Needs>,
    pub(crate) requirements: Vec<Requirement>,
    /// Whether the sizes are known to rustc; if not, the running program compares.
    pub(crate) is_constant: bool,
    pub(crate) is_generic: bool,
    /// Values of run-time sizes: of a micro-batch, and those that were named.
    pub(crate) sizes: Vec<(String, TokenStream)>,
}

/// A stage.
pub(crate) struct Needs {
    pub(crate) at: Ident,
    pub(crate) name: String,
    pub(crate) repeat: Size,
    /// Bytes of parameters.
    pub(crate) parameters: Size,
    /// Bytes that a micro-batch in flight keeps.
    pub(crate) kept: Size,
}

/// The run-time size that is the batch: the first axis of the first input that begins with one.
fn batch_name(pipeline: &Pipeline, names: &Names) -> Option<String> {
    pipeline.inputs.iter().find_map(|input| match &input.kind {
        Kind::Tensor(declared) | Kind::Tensors(declared, _) => {
            match names.size(declared.sizes.first()?).bare()? {
                Name::RunTime(name) => Some(name.clone()),
                _ => None,
            }
        }
        _ => None,
    })
}

/// What is said of devices and the batch, as sizes.
struct Numbers {
    devices: Size,
    batch: Size,
    micro_batches: Size,
}

impl Numbers {
    fn new(fits: &Fits, names: &Names) -> Self {
        let devices = names.size(&fits.devices);
        let count = |count| names.size(count);
        let micro_batches = fits.micro_batches.as_ref().map_or_else(|| devices.clone(), count);
        Self { devices, batch: names.size(&fits.batch), micro_batches }
    }

    /// What must hold of them.
    fn requirements(&self, fits: &Fits, checked: &Checked) -> Vec<Requirement> {
        let Self { devices, batch, micro_batches } = self;
        let stages = checked.stages.iter().fold(Size::default(), |sum, stage| sum.plus(&stage.repeat));
        let require = |at: &Expr, what: Condition, words: &str| {
            let numbers = what.sizes().map(Clone::clone).to_vec();
            Requirement { at: at.to_token_stream(), what, words: words.to_owned(), numbers }
        };
        vec![
            require(
                &fits.devices,
                Condition::AtMost(Size::number(1), devices.clone()),
                "training needs at least \0 device, found \0",
            ),
            require(
                &fits.batch,
                Condition::Multiple(batch.clone(), micro_batches.clone()),
                "\0 samples cannot be cut into \0 equal microbatches",
            ),
            require(
                &fits.devices,
                Condition::AtMost(devices.clone(), stages),
                "\0 devices, but only \0 stages",
            ),
        ]
    }

    /// Samples of a micro-batch.
    fn micro_batch(&self) -> Size {
        let both = [&self.batch, &self.micro_batches];
        if let [Some(batch), Some(count)] = both.map(Size::value) {
            return Size::number(batch / count.max(1));
        }
        let text = format!("({} / {})", self.batch.constant(), self.micro_batches.constant());
        Size::name(if !both.iter().all(|size| size.is_constant()) {
            Name::Plain(text)
        } else if both.iter().any(|size| size.is_generic()) {
            Name::Generic(text)
        } else {
            Name::Constant(text)
        })
    }
}

/// Reads the attribute against what the pipeline turned out to need.
pub(crate) fn promise(
    pipeline: &Pipeline,
    fits: &Fits,
    checked: &Checked,
    diagnostics: &mut Diagnostics,
) -> Option<Promise> {
    let names = names(pipeline);
    if checked.stages.is_empty() {
        let message = "`fits` compares stages, and this pipeline has none";
        diagnostics.error_help(&fits.attribute, message, "mark them: `#[stage] let x = ..`");
        return None;
    }
    let numbers = Numbers::new(fits, &names);
    let mut requirements = numbers.requirements(fits, checked);
    for requirement in requirements.iter().filter(|requirement| requirement.holds() == Some(false)) {
        diagnostics.error(&requirement.at, requirement.message());
    }
    let memory = memory(&fits.memory, diagnostics)?;
    if diagnostics.has_errors() {
        return None;
    }
    requirements.retain(|requirement| requirement.holds().is_none());

    let micro_batch = numbers.micro_batch();
    let given = given(pipeline, fits, &names, &micro_batch, diagnostics)?;
    let by = given.iter().map(|(name, size)| (Name::RunTime(name.clone()), size.clone())).collect();
    let needs = checked.stages.iter().map(|stage| Needs {
        at: stage.at.clone(),
        name: stage.name.clone(),
        repeat: stage.repeat.clone(),
        parameters: stage.memory.parameters.substituted(&by),
        kept: stage.memory.kept_bytes().substituted(&by),
    });
    let stages: Vec<_> = needs.collect();
    // a literal amount of memory is a number of its own
    let limit = if matches!(fits.memory, Expr::Lit(_)) { Size::default() } else { names.size(&fits.memory) };
    let all = || {
        let needs = stages.iter().flat_map(|stage| [&stage.repeat, &stage.parameters, &stage.kept]);
        needs.chain([&numbers.devices, &numbers.micro_batches, &micro_batch, &limit])
    };
    if let Some(Name::RunTime(name)) =
        all().flat_map(Size::names).find(|name| matches!(name, Name::RunTime(_)))
    {
        let message = format!("`fits` needs the size `{name}`");
        diagnostics.error_help(&fits.attribute, message, &format!("`{name} = 128`"));
        return None;
    }
    let (is_constant, is_generic) = (all().all(Size::is_constant), all().any(Size::is_generic));
    let Numbers { devices, batch, micro_batches } = numbers;
    let sizes = given.into_iter().map(|(name, size)| (name, size.constant())).collect();
    Some(Promise {
        devices,
        batch,
        micro_batches,
        memory,
        stages,
        requirements,
        is_constant,
        is_generic,
        sizes,
    })
}

/// Values of run-time sizes: the batch is that of a micro-batch, others are named.
fn given(
    pipeline: &Pipeline,
    fits: &Fits,
    names: &Names,
    micro_batch: &Size,
    diagnostics: &mut Diagnostics,
) -> Option<BTreeMap<String, Size>> {
    let Some(batch) = batch_name(pipeline, names) else {
        let message =
            "`fits` counts samples along the first axis of an input, and none begins with a run-time size";
        diagnostics.error(&fits.attribute, message);
        return None;
    };
    let mut given = BTreeMap::from([(batch, micro_batch.clone())]);
    for (name, size) in &fits.sizes {
        if !names.run_time.contains(&name.to_string()) {
            diagnostics.error(name, format!("`{name}` is no run-time size of this pipeline"));
            return None;
        }
        given.insert(name.to_string(), names.size(size));
    }
    Some(given)
}

/// An amount of memory as an expression of type `u64`.
fn memory(value: &Expr, diagnostics: &mut Diagnostics) -> Option<TokenStream> {
    let span = first_span(value);
    if let Expr::Lit(lit) = value {
        let Some(bytes) = unit::bytes(&lit.lit) else {
            let message = match unit::suffix(&lit.lit) {
                None => "`memory` needs a unit: KiB, MiB, GiB, TiB".to_owned(),
                Some(_) => format!("expected an amount of memory, found `{}`", source(value)),
            };
            diagnostics.error(value, message);
            return None;
        };
        return Some(quote_spanned!(span=> #bytes));
    }
    Some(quote_spanned!(span=> ((#value) as u64)))
}
