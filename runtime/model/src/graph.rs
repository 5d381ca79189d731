//! Graphs: operators, the tensors between them, inputs and parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::operator::{Cast, Operator};
use crate::{DType, Error, Result, TensorType};

/// A tensor of a graph, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub(crate) u32);

impl Value {
    /// Its number, counted in the order in which tensors were made.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a parameter begins.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// The same number everywhere.
    Constant(f64),
    /// Normal with this standard deviation and mean zero.
    Normal(f64),
    /// Uniform between minus and plus this bound.
    Uniform(f64),
}

/// Where a tensor comes from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Source {
    /// It is given for each step.
    Input,
    /// It is trained.
    Parameter(Init),
    /// It is kept from step to step without being trained, such as a running mean.
    State(Init),
    /// It is a result of a node.
    Node {
        /// Number of the node.
        node: usize,
        /// Number of the result.
        result: usize,
    },
}

/// A tensor's place in a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its name; parameters and inputs are found by it.
    pub name: String,
    /// Type of elements and shape.
    pub ty: TensorType,
    /// Where it comes from.
    pub source: Source,
}

/// Which pass a node belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pass {
    /// Declared by the model.
    Forward,
    /// Added by differentiation.
    Backward,
}

/// An operator applied to tensors.
#[derive(Debug, Clone)]
pub struct Node {
    /// What is done.
    pub operator: Arc<dyn Operator>,
    /// The operands.
    pub operands: Vec<Value>,
    /// The results.
    pub results: Vec<Value>,
    /// Scope and operator.
    pub name: String,
    /// Number of its stage; see [`Graph::stages`].
    pub stage: usize,
    /// Declared or derived.
    pub pass: Pass,
    /// The forward node that it differentiates.
    pub of: Option<usize>,
}

/// A model as a value: nodes in an order in which they can run, with static shapes up to named sizes.
///
/// A planner may cut it into stages, duplicate nodes to compute them again, or add copies; nothing here knows about memory.
///
/// ```
/// use ketline_model::{DType, Graph, TensorType};
///
/// let mut graph = Graph::new();
/// let x = graph.input("x", TensorType::new(DType::F32, ["B".into(), ketline_model::Dim::from(4)]))?;
/// let h = graph.linear("hidden", x, 8)?;
/// let h = graph.relu(h)?;
/// let y = graph.linear("out", h, 2)?;
/// assert_eq!(graph.ty(y).to_string(), "F32<B, 2>");
/// assert_eq!(graph.parameters().count(), 4);
/// # Ok::<(), ketline_model::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Graph {
    tensors: Vec<Tensor>,
    nodes: Vec<Node>,
    names: BTreeMap<String, Value>,
    outputs: Vec<(String, Value)>,
    /// States and what replaces them after a step.
    updates: Vec<(Value, Value)>,
    stages: Vec<String>,
    scope: Vec<String>,
    pass: Option<(Pass, usize)>,
}

impl Graph {
    /// A graph without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares a tensor that is given for each step.
    ///
    /// # Errors
    /// [`Error::DeclaredTwice`].
    pub fn input(&mut self, name: &str, ty: TensorType) -> Result<Value> {
        self.declare(name.into(), ty, Source::Input)
    }

    /// Declares a tensor that is trained. Its name is preceded by the scope.
    ///
    /// # Errors
    /// [`Error::DeclaredTwice`].
    pub fn parameter(&mut self, name: &str, ty: TensorType, init: Init) -> Result<Value> {
        self.declare(self.scoped(name), ty, Source::Parameter(init))
    }

    /// Declares a tensor that is kept from step to step; [`update`](Self::update) says what replaces it.
    ///
    /// # Errors
    /// [`Error::DeclaredTwice`].
    pub fn state(&mut self, name: &str, ty: TensorType, init: Init) -> Result<Value> {
        self.declare(self.scoped(name), ty, Source::State(init))
    }

    /// Replaces a state by another tensor at the end of each step.
    ///
    /// # Errors
    /// [`Error::Tensor`], if their types differ.
    pub fn update(&mut self, state: Value, by: Value) -> Result<()> {
        if self.ty(state) != self.ty(by) {
            return Err(Error::Tensor {
                name: self.tensor(state).name.clone(),
                found: self.ty(by).to_string(),
                expected: self.ty(state).to_string(),
            });
        }
        self.updates.push((state, by));
        Ok(())
    }

    fn declare(&mut self, name: String, ty: TensorType, source: Source) -> Result<Value> {
        if self.names.contains_key(&name) {
            return Err(Error::DeclaredTwice { name });
        }
        let value = self.push(Tensor { name: name.clone(), ty, source });
        self.names.insert(name, value);
        Ok(value)
    }

    fn push(&mut self, tensor: Tensor) -> Value {
        let value = Value(u32::try_from(self.tensors.len()).unwrap_or(u32::MAX));
        self.tensors.push(tensor);
        value
    }

    fn scoped(&self, name: &str) -> String {
        self.scope.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".")
    }

    /// Applies an operator with one result.
    ///
    /// # Errors
    /// Operands that do not go together.
    pub fn apply(&mut self, operator: impl Operator + 'static, operands: &[Value]) -> Result<Value> {
        Ok(self.apply_all(Arc::new(operator), operands)?[0])
    }

    /// Applies an operator and gives all its results.
    ///
    /// # Errors
    /// Operands that do not go together.
    pub fn apply_all(&mut self, operator: Arc<dyn Operator>, operands: &[Value]) -> Result<Vec<Value>> {
        let types: Vec<_> = operands.iter().map(|&value| self.ty(value).clone()).collect();
        let results = operator.results(&types)?;
        let node = self.nodes.len();
        let name = self.scoped(operator.name());
        let results: Vec<_> = results
            .into_iter()
            .enumerate()
            .map(|(result, ty)| {
                let name = if result == 0 { name.clone() } else { format!("{name}#{result}") };
                self.push(Tensor { name, ty, source: Source::Node { node, result } })
            })
            .collect();
        let (pass, of) = self.pass.map_or((Pass::Forward, None), |(pass, of)| (pass, Some(of)));
        let stage = match of {
            Some(of) => self.nodes[of].stage,
            None => self.stages.len().saturating_sub(1),
        };
        let operands = operands.to_vec();
        self.nodes.push(Node { operator, operands, results: results.clone(), name, stage, pass, of });
        Ok(results)
    }

    /// Runs `body` with a name before those of parameters and nodes: `block.0`, then `block.0.attention`.
    ///
    /// # Errors
    /// Those of `body`.
    pub fn scope<T>(
        &mut self,
        name: impl fmt::Display,
        body: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.scope.push(name.to_string());
        let result = body(self);
        self.scope.pop();
        result
    }

    /// Begins a stage: a hint where a planner may cut. What was declared before is a stage of its own.
    pub fn stage(&mut self, name: impl fmt::Display) {
        if self.stages.is_empty() && !self.nodes.is_empty() {
            self.stages.push("begin".into());
        }
        self.stages.push(name.to_string());
    }

    /// Names of the stages; none if no hint was given.
    pub fn stages(&self) -> &[String] {
        &self.stages
    }

    /// Name of a stage by number.
    pub fn stage_name(&self, stage: usize) -> &str {
        self.stages.get(stage).map_or("all", String::as_str)
    }

    /// Makes a tensor a result of the model, under a name.
    ///
    /// # Errors
    /// [`Error::DeclaredTwice`].
    pub fn output(&mut self, name: &str, value: Value) -> Result<()> {
        if self.outputs.iter().any(|(known, _)| known == name) {
            return Err(Error::DeclaredTwice { name: name.into() });
        }
        self.outputs.push((name.into(), value));
        Ok(())
    }

    /// The results of the model.
    pub fn outputs(&self) -> &[(String, Value)] {
        &self.outputs
    }

    /// A result by name.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn find_output(&self, name: &str) -> Result<Value> {
        self.outputs.iter().find(|(known, _)| known == name).map(|&(_, value)| value).ok_or_else(|| {
            Error::Unknown {
                what: "output",
                name: name.into(),
                known: self.outputs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "),
            }
        })
    }

    /// An input, parameter or state by name.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn find(&self, name: &str) -> Result<Value> {
        self.names.get(name).copied().ok_or_else(|| Error::Unknown {
            what: "tensor",
            name: name.into(),
            known: self.names.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        })
    }

    /// A tensor's name, type and source.
    pub fn tensor(&self, value: Value) -> &Tensor {
        &self.tensors[value.index()]
    }

    /// A tensor's type.
    pub fn ty(&self, value: Value) -> &TensorType {
        &self.tensor(value).ty
    }

    /// All tensors, by number.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = (Value, &Tensor)> {
        self.tensors.iter().enumerate().map(|(k, tensor)| (Value(k as u32), tensor))
    }

    /// All nodes, in an order in which they can run.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The tensors that are trained.
    pub fn parameters(&self) -> impl Iterator<Item = (Value, &Tensor)> {
        self.tensors().filter(|(_, tensor)| matches!(tensor.source, Source::Parameter(_)))
    }

    /// The tensors that are kept from step to step without being trained.
    pub fn states(&self) -> impl Iterator<Item = (Value, &Tensor)> {
        self.tensors().filter(|(_, tensor)| matches!(tensor.source, Source::State(_)))
    }

    /// The tensors that are given for each step.
    pub fn inputs(&self) -> impl Iterator<Item = (Value, &Tensor)> {
        self.tensors().filter(|(_, tensor)| tensor.source == Source::Input)
    }

    /// States and what replaces them.
    pub fn updates(&self) -> &[(Value, Value)] {
        &self.updates
    }

    pub(crate) fn deriving<T>(&mut self, of: usize, body: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.pass.replace((Pass::Backward, of));
        let scope = std::mem::take(&mut self.scope);
        self.scope.push(format!("{}'", self.nodes[of].name));
        let result = body(self);
        self.pass = before;
        self.scope = scope;
        result
    }

    /// The same graph, but what the backward pass reads of the forward pass is kept in `BF16` from one to the other: half of the
    /// bytes for a rounding of 2^-8. Parameters, statistics and arithmetic stay as they are.
    ///
    /// # Errors
    /// Those of the casts.
    pub fn stored_in_bf16(&self) -> Result<Self> {
        let forward = |value: &Value| match self.tensor(*value).source {
            Source::Node { node, result: 0 } => {
                self.nodes[node].pass == Pass::Forward && !self.nodes[node].operator.is_view()
            }
            _ => false,
        };
        let saved: BTreeSet<Value> = (self.nodes.iter())
            .filter(|node| node.pass == Pass::Backward)
            .flat_map(|node| &node.operands)
            .filter(|value| {
                forward(value) && self.ty(**value).dtype == DType::F32 && self.ty(**value).rank() > 1
            })
            .copied()
            .collect();
        let mut out = Self { nodes: Vec::new(), ..self.clone() };
        let (mut numbers, mut halves, mut restored) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for original in &self.nodes {
            let mut node = original.clone();
            let of = node.of.map(|of: usize| numbers[of]);
            if node.pass == Pass::Backward {
                for operand in &mut node.operands {
                    let Some(&half) = halves.get(operand) else { continue };
                    let whole = match restored.get(operand) {
                        Some(&whole) => whole,
                        None => out.insert(Cast(DType::F32), half, original, of)?,
                    };
                    restored.insert(*operand, whole);
                    *operand = whole;
                }
            }
            let number = out.nodes.len();
            numbers.push(number);
            for (result, value) in node.results.iter().enumerate() {
                out.tensors[value.index()].source = Source::Node { node: number, result };
            }
            node.of = of;
            out.nodes.push(node.clone());
            for value in node.results.iter().filter(|value| saved.contains(value)) {
                halves.insert(*value, out.insert(Cast(DType::BF16), *value, original, of)?);
            }
        }
        Ok(out)
    }

    /// Adds a node beside another, of the same stage and pass.
    fn insert(
        &mut self,
        operator: impl Operator + 'static,
        x: Value,
        beside: &Node,
        of: Option<usize>,
    ) -> Result<Value> {
        let ty = operator.results(&[self.ty(x).clone()])?.remove(0);
        let (node, name) = (self.nodes.len(), format!("{} for {}", operator.name(), beside.name));
        let value = self.push(Tensor { name: name.clone(), ty, source: Source::Node { node, result: 0 } });
        let (stage, pass) = (beside.stage, beside.pass);
        self.nodes.push(Node {
            operator: Arc::new(operator),
            operands: vec![x],
            results: vec![value],
            name,
            stage,
            pass,
            of,
        });
        Ok(value)
    }

    /// Drops nodes whose results nobody reads: neither another node, nor an output, an update, or `keep`.
    #[must_use]
    pub fn pruned(&self, keep: &[Value]) -> Self {
        let mut needed: BTreeSet<Value> = keep.iter().copied().collect();
        needed.extend(self.outputs.iter().map(|&(_, value)| value));
        needed.extend(self.updates.iter().map(|&(_, by)| by));
        let mut alive = vec![false; self.nodes.len()];
        for (k, node) in self.nodes.iter().enumerate().rev() {
            if node.results.iter().any(|value| needed.contains(value)) {
                alive[k] = true;
                needed.extend(&node.operands);
            }
        }
        let mut pruned = self.clone();
        let renumber: Vec<_> = alive
            .iter()
            .scan(0, |next, &alive| {
                let number = *next;
                *next += usize::from(alive);
                Some(number)
            })
            .collect();
        pruned.nodes = self
            .nodes
            .iter()
            .zip(&alive)
            .filter(|(_, alive)| **alive)
            .map(|(node, _)| node.clone())
            .collect();
        for node in &mut pruned.nodes {
            node.of = node.of.filter(|&of| alive[of]).map(|of| renumber[of]);
        }
        for tensor in &mut pruned.tensors {
            if let Source::Node { node, .. } = &mut tensor.source {
                *node = renumber[*node];
            }
        }
        pruned
    }
}

impl fmt::Display for Graph {
    /// One line a node: results, operator, operands.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (value, tensor) in self.tensors() {
            if !matches!(tensor.source, Source::Node { .. }) {
                writeln!(f, "%{} = {:?} {} : {}", value.0, tensor.source, tensor.name, tensor.ty)?;
            }
        }
        for node in &self.nodes {
            let list =
                |values: &[Value]| values.iter().map(|v| format!("%{}", v.0)).collect::<Vec<_>>().join(", ");
            let types = node.results.iter().map(|&v| self.ty(v).to_string()).collect::<Vec<_>>().join(", ");
            writeln!(f, "{} = {:?} {} : {types}", list(&node.results), node.operator, list(&node.operands))?;
        }
        Ok(())
    }
}
