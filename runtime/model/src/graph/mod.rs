//! Graphs: operators, the tensors between them, inputs and parameters.

mod node;
mod rewrite;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::operator::Operator;
use crate::{Error, Result, TensorType};

pub use node::{Init, Node, Pass, Source, Tensor, Value};

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
        self.nodes.push(Node {
            operator,
            operands,
            results: results.clone(),
            name,
            stage,
            pass,
            of,
            turn: 0,
        });
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

    /// The tensor whose memory a view looks at; itself, if it is none.
    pub(crate) fn behind_views(&self, mut value: Value) -> Value {
        while let Source::Node { node, .. } = self.tensor(value).source
            && self.nodes[node].operator.is_view()
        {
            value = self.nodes[node].operands[0];
        }
        value
    }

    /// The operator that a value is the first result of, and its operands.
    pub(crate) fn made_by(&self, value: Value) -> Option<(&dyn Operator, &[Value])> {
        let Source::Node { node, result: 0 } = self.tensor(value).source else { return None };
        let node = &self.nodes[node];
        Some((&*node.operator, &node.operands))
    }

    /// Gives the last node its turn.
    pub(crate) fn set_turn(&mut self, turn: u64) {
        if let Some(node) = self.nodes.last_mut() {
            node.turn = turn;
        }
    }

    pub(crate) fn rename(&mut self, value: Value, name: String) {
        self.tensors[value.index()].name = name;
    }

    /// Makes a tensor the only result.
    pub(crate) fn only_output(&mut self, name: &str, value: Value) {
        self.outputs = vec![(name.into(), value)];
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
