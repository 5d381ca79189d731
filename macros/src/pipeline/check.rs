//! What a pipeline must be: names that exist, layers that take what they are given, stages that follow one another. What
//! literals and names show is reported here, what constants decide becomes a requirement for rustc, the rest is left to the
//! runtime's graph.

mod arithmetic;
mod call;
pub(crate) mod fits;
mod output;
mod stage;
pub(crate) mod value;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use proc_macro2::Ident;
use syn::Expr;

use self::stage::Cost;
use self::value::{Held, Memory, Requirement, Tensor};
use super::layer::{self, apply::Apply};
use super::model::{Block, Input, Kind, Let, Pipeline, Value};
use super::size::{Name, Names, Size, unbraced};
use crate::diag::{Diagnostics, source};

/// A pipeline by position, and whether the backward pass goes on through each of its inputs.
type Key = (usize, Vec<bool>);

/// The pipelines of one macro call, and what is known of them.
pub(crate) struct Library<'a> {
    pub(crate) pipelines: &'a [Pipeline],
    known: RefCell<BTreeMap<Key, Rc<Checked>>>,
}

/// What a pipeline turned out to be.
pub(crate) struct Checked {
    pub(crate) diagnostics: Diagnostics,
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) stages: Vec<Cost>,
    pub(crate) memory: Memory,
    /// Pipelines that this one calls, and that called it.
    endless: Vec<usize>,
    /// Memory of inputs by position.
    inputs: Vec<usize>,
    /// What is returned.
    pub(crate) results: Vec<Held>,
}

impl<'a> Library<'a> {
    pub(crate) fn new(pipelines: &'a [Pipeline]) -> Self {
        Self { pipelines, known: RefCell::default() }
    }

    /// A pipeline as one that is built by itself: nothing flows back through its inputs.
    pub(crate) fn check(&self, position: usize) -> Checked {
        let inputs = vec![false; self.pipelines[position].inputs.len()];
        Walk::new(self, position, &inputs, Vec::new()).run()
    }

    /// Whether another pipeline of the macro call uses it.
    pub(crate) fn is_called(&self, pipeline: &Pipeline) -> bool {
        self.known.borrow().keys().any(|(called, _)| self.pipelines[*called].name == pipeline.name)
    }

    fn called(&self, position: usize, wanted: &[bool], callers: Vec<usize>) -> Rc<Checked> {
        let key = (position, wanted.to_vec());
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let checked = Rc::new(Walk::new(self, position, wanted, callers).run());
        self.known.borrow_mut().insert(key, checked.clone());
        checked
    }
}

pub(crate) struct Walk<'a> {
    library: &'a Library<'a>,
    pipeline: &'a Pipeline,
    position: usize,
    /// Those whose calls led here.
    callers: Vec<usize>,
    pub(crate) names: Names,
    scopes: Vec<Vec<Binding>>,
    pub(crate) diagnostics: Diagnostics,
    requirements: Vec<Requirement>,
    /// Of the stage that is being read, or of all.
    pub(crate) memory: Memory,
    stages: Vec<Cost>,
    in_stage: bool,
    endless: Vec<usize>,
    inputs: Vec<usize>,
    /// Results of the call that is being read that need no more memory than is counted already, by position.
    kept_results: BTreeMap<usize, usize>,
    next: usize,
}

struct Binding {
    name: Ident,
    held: Held,
    used: bool,
    is_stage: bool,
}

/// The names that sizes of a pipeline are written with.
pub(crate) fn names(pipeline: &Pipeline) -> Names {
    let plain = pipeline.inputs.iter().filter(|input| matches!(input.kind, Kind::Plain));
    Names {
        generic: pipeline.generic_names().into_iter().map(ToString::to_string).collect(),
        run_time: pipeline.run_time_names().into_iter().collect(),
        plain: plain.map(|input| (input.name.to_string(), None)).collect(),
    }
}

impl<'a> Walk<'a> {
    fn new(library: &'a Library<'a>, position: usize, wanted: &[bool], callers: Vec<usize>) -> Self {
        let pipeline = &library.pipelines[position];
        let mut walk = Self {
            library,
            pipeline,
            position,
            callers,
            names: names(pipeline),
            scopes: vec![Vec::new()],
            diagnostics: Diagnostics::default(),
            requirements: Vec::new(),
            memory: Memory::default(),
            stages: Vec::new(),
            in_stage: false,
            endless: Vec::new(),
            inputs: Vec::new(),
            kept_results: BTreeMap::new(),
            next: 0,
        };
        for (input, wanted) in pipeline.inputs.iter().zip(wanted) {
            let id = walk.fresh();
            walk.inputs.push(id);
            let held = walk.input(input, id, *wanted);
            walk.scopes[0].push(Binding { name: input.name.clone(), held, used: false, is_stage: false });
        }
        walk
    }

    fn run(mut self) -> Checked {
        let pipeline = self.pipeline;
        self.belongs_to_stages(&pipeline.body);
        for step in &pipeline.body.steps {
            self.step(step, true);
        }
        let results = self.output(pipeline.body.tail.as_deref());
        self.unread();
        self.leave();
        if !self.stages.is_empty() {
            // what stands in no stage was reported
            let all = self.stages.iter().map(|stage| stage.memory.parameters.times(&stage.repeat));
            self.memory.parameters = all.fold(Size::default(), |sum, size| sum.plus(&size));
            for stage in &self.stages {
                self.memory.kept.extend(stage.memory.kept.clone());
            }
        }
        Checked {
            diagnostics: self.diagnostics,
            requirements: self.requirements,
            stages: self.stages,
            memory: self.memory,
            endless: self.endless,
            inputs: self.inputs,
            results,
        }
    }

    fn input(&mut self, input: &Input, id: usize, wanted: bool) -> Held {
        let tensor = |walk: &Self, declared: &super::model::Declared| Tensor {
            dtype: declared.dtype,
            shape: declared.sizes.iter().map(|size| walk.names.size(size)).collect(),
            id,
            wanted: wanted && declared.dtype.is_real(),
        };
        match &input.kind {
            Kind::Tensor(declared) => {
                self.sizes(&declared.sizes);
                Held::Tensor(tensor(self, declared))
            }
            Kind::Tensors(declared, count) => {
                self.sizes(&declared.sizes);
                Held::Tensors(tensor(self, declared), self.names.size(count))
            }
            Kind::Hop(sizes) => {
                let [from, to, edges] = sizes.each_ref().map(|size| self.names.size(size));
                Held::Hop { from, to, edges, ids: [id, self.fresh()] }
            }
            Kind::Plain => Held::Plain(Some(Size::name(Name::Plain(input.name.to_string())))),
            Kind::Broken => Held::Unknown,
        }
    }

    /// Sizes of a declared type are at least one.
    fn sizes(&mut self, sizes: &[Expr]) {
        for size in sizes {
            if let Some(value) = self.names.size(size).value().filter(|value| *value < 1) {
                self.diagnostics.error(size, format!("a size is at least 1, found {value}"));
            } else if !self.names.is_product(unbraced(size)) {
                self.diagnostics.error(size, "run-time sizes can be multiplied, and no more");
            }
        }
    }

    /// A new piece of memory.
    pub(crate) fn fresh(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    /// A tensor that the backward pass reads; parameters are there anyway.
    pub(crate) fn keep(&mut self, tensor: &Tensor) {
        if tensor.id != usize::MAX {
            self.memory.keep(tensor.id, tensor.bytes());
        }
    }

    /// What must hold: reported where it does not, left to rustc where numbers do not show it.
    pub(crate) fn require(&mut self, requirement: Requirement) {
        match requirement.holds() {
            Some(true) => {}
            Some(false) => self.diagnostics.error(&requirement.at, requirement.message()),
            None => self.requirements.push(requirement),
        }
    }

    /// Whether an expression is the name of a plain argument.
    pub(crate) fn is_plain_name(&self, expr: &Expr) -> bool {
        self.names.plain.contains_key(&source(expr))
    }

    fn step(&mut self, step: &'a Let, is_outermost: bool) {
        let is_stage = step.stage.is_some();
        let held = match &step.stage {
            Some(stage) if is_outermost => self.stage(step, stage),
            Some(_) => {
                self.diagnostics
                    .error(step.token, "a stage stands outermost in its pipeline, not in a block");
                self.value(&step.value)
            }
            None => {
                let held = self.value(&step.value);
                let has_stages = self.pipeline.body.steps.iter().any(|step| step.stage.is_some());
                if is_outermost && has_stages && !matches!(held, Held::Plain(_)) {
                    self.diagnostics.error(step.token, "this belongs to no stage; mark it `#[stage]`");
                }
                held
            }
        };
        let parts = match (held, step.is_tuple) {
            (Held::Tuple(parts), true) if parts.len() == step.names.len() => parts,
            (Held::Unknown, _) => vec![Held::Unknown; step.names.len()],
            (Held::Tuple(parts), _) => {
                let message = format!("found {} values, expected {}", parts.len(), step.names.len());
                self.diagnostics.error(&step.value, message);
                vec![Held::Unknown; step.names.len()]
            }
            (_, true) => {
                self.diagnostics.error(&step.value, format!("found 1 value, expected {}", step.names.len()));
                vec![Held::Unknown; step.names.len()]
            }
            (held, false) => vec![held],
        };
        for (name, held) in step.names.iter().zip(parts) {
            match &held {
                Held::Plain(size) => {
                    self.names.plain.insert(name.to_string(), size.clone());
                }
                _ => {
                    self.names.plain.remove(&name.to_string());
                }
            }
            self.bind(name, held, is_stage);
        }
    }

    fn bind(&mut self, name: &Ident, held: Held, is_stage: bool) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(Binding { name: name.clone(), held, used: false, is_stage });
        }
    }

    /// Inputs that nothing reads.
    fn unread(&mut self) {
        for binding in self.scopes[0].iter().take(self.pipeline.inputs.len()).filter(|binding| !binding.used)
        {
            if !matches!(binding.held, Held::Plain(_) | Held::Unknown) {
                let message = format!("input `{}` feeds nothing", binding.name);
                self.diagnostics.lint(&binding.name, "UNUSED_INPUT", message);
            }
        }
    }

    /// Ends a block: results of stages that nobody read are reported.
    fn leave(&mut self) {
        for binding in self.scopes.pop().unwrap_or_default() {
            if binding.is_stage && !binding.used {
                self.diagnostics.error(&binding.name, format!("stage `{}` feeds nothing", binding.name));
            }
        }
    }

    fn is_bound(&self, name: &Ident) -> bool {
        self.scopes.iter().flatten().any(|binding| binding.name == *name)
    }

    fn find(&mut self, name: &Ident) -> Option<Held> {
        let bindings = self.scopes.iter_mut().rev().flat_map(|scope| scope.iter_mut().rev());
        let mut bindings = bindings.filter(|binding| binding.name == *name);
        let binding = bindings.next()?;
        binding.used = true;
        Some(binding.held.clone())
    }

    pub(crate) fn value(&mut self, value: &'a Value) -> Held {
        match value {
            Value::Name(name) => self.name(name),
            Value::Plain(expr) => Held::Plain(Some(self.names.size(expr))),
            Value::Negative(_, inner) => self.negative(inner),
            Value::Binary(left, op, right) => self.binary(value, left, *op, right),
            Value::Block(block, _) => self.block(block, value),
            Value::Tuple(parts, _) => Held::Tuple(parts.iter().map(|part| self.value(part)).collect()),
            Value::Call(call) => match layer::row_called(call) {
                Some(row) => Apply::run(self, call, row),
                None => self.call(call),
            },
        }
    }

    fn name(&mut self, name: &Ident) -> Held {
        if let Some(held) = self.find(name) {
            return held;
        }
        let text = name.to_string();
        if text.starts_with(char::is_uppercase) {
            let size = self.names.size(&syn::parse_quote!(#name));
            return Held::Plain(Some(size));
        }
        let place = if self.in_stage { " at this stage" } else { "" };
        self.diagnostics.error(name, format!("`{name}` is not defined{place}"));
        Held::Unknown
    }

    fn block(&mut self, block: &'a Block, value: &'a Value) -> Held {
        let plain = self.names.plain.clone();
        self.scopes.push(Vec::new());
        for step in &block.steps {
            self.step(step, false);
        }
        let held = if let Some(tail) = &block.tail {
            self.value(tail)
        } else {
            self.diagnostics.error_help(value, "this block gives no value", "end it with one, without `;`");
            Held::Unknown
        };
        self.leave();
        self.names.plain = plain;
        held
    }
}
