//! Reverse-mode differentiation: the backward pass is made of ordinary nodes of the same graph.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::graph::Source;
use crate::operator::{Arithmetic, Binary, Fill, Operator, Reduce, Reduction, Reshape, ScatterAdd};
use crate::{Dim, Error, Graph, Result, TensorType, Value};

/// The gradient of a loss by a tensor.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Gradient {
    /// A number for each element.
    Dense(Value),
    /// Only some rows of a table have one: each of `ids` names the row that the row of `values` at its place adds to.
    Rows {
        /// Pairs of ids and values, one for each lookup of the table.
        parts: Vec<(Value, Value)>,
    },
}

/// What a rule of differentiation sees: one node, the gradients of its results, and the graph to add to.
#[derive(Debug)]
pub struct Derivation<'g> {
    graph: &'g mut Graph,
    node: usize,
    gradients: Vec<Option<Value>>,
    wanted: Vec<bool>,
    /// The gradient of the loss by itself, which is one.
    unit: Value,
    dense: Vec<Option<Value>>,
    rows: Vec<Option<(Value, Value)>>,
}

impl Derivation<'_> {
    /// An operand of the node.
    pub fn operand(&self, k: usize) -> Value {
        self.graph.nodes()[self.node].operands[k]
    }

    /// Its type.
    pub fn operand_type(&self, k: usize) -> TensorType {
        self.graph.ty(self.operand(k)).clone()
    }

    /// Number of operands.
    pub fn operands(&self) -> usize {
        self.wanted.len()
    }

    /// A result of the node.
    pub fn result(&self, k: usize) -> Value {
        self.graph.nodes()[self.node].results[k]
    }

    /// The gradient of a result; the rule is asked only if result 0 has one.
    ///
    /// # Panics
    /// If result `k` has none.
    pub fn gradient(&self, k: usize) -> Value {
        self.gradients[k].expect("a rule asks for the gradient of a result that is used")
    }

    /// Whether this operand's gradient is wanted.
    pub fn wants(&self, k: usize) -> bool {
        self.wanted[k]
    }

    /// Whether the gradient of result 0 is known to be one, as that of the loss is.
    pub fn is_unit(&self) -> bool {
        self.gradients[0] == Some(self.unit)
    }

    /// Applies an operator with one result.
    ///
    /// # Errors
    /// Operands that do not go together.
    pub fn apply(&mut self, operator: impl Operator + 'static, operands: &[Value]) -> Result<Value> {
        Ok(self.apply_all(operator, operands)?[0])
    }

    /// Applies an operator and gives all its results.
    ///
    /// # Errors
    /// Operands that do not go together.
    pub fn apply_all(&mut self, operator: impl Operator + 'static, operands: &[Value]) -> Result<Vec<Value>> {
        let operator = Arc::new(operator);
        self.graph.deriving(self.node, |graph| graph.apply_all(operator, operands))
    }

    /// The type of a tensor.
    pub fn ty(&self, value: Value) -> &TensorType {
        self.graph.ty(value)
    }

    /// Adds to an operand's gradient, unless nobody wants it.
    ///
    /// # Errors
    /// [`Error::Shape`], if the gradient has another shape than the operand.
    pub fn add(&mut self, k: usize, gradient: Value) -> Result<()> {
        if !self.wanted[k] {
            return Ok(());
        }
        let (found, expected) = (self.ty(gradient).clone(), self.operand_type(k));
        if found != expected {
            let operator = self.graph.nodes()[self.node].operator.name();
            return Err(Error::Shape {
                operator,
                what: format!("gradient of operand {k}"),
                found: found.to_string(),
                expected: expected.to_string(),
            });
        }
        self.dense[k] = Some(match self.dense[k] {
            None => gradient,
            Some(before) => self.apply(Binary(Arithmetic::Add), &[before, gradient])?,
        });
        Ok(())
    }

    /// Gives an operand's gradient by rows: `values[i]` adds to row `ids[i]`.
    pub fn add_rows(&mut self, k: usize, ids: Value, values: Value) {
        if self.wanted[k] {
            self.rows[k] = Some((ids, values));
        }
    }

    /// Sums a gradient over the axes along which operand `k` was repeated.
    ///
    /// # Errors
    /// Those of the operators that do it.
    pub fn sum_to(&mut self, gradient: Value, k: usize) -> Result<Value> {
        let (from, to) = (self.ty(gradient).clone(), self.operand_type(k));
        if from == to {
            return Ok(gradient);
        }
        let lead = from.rank() - to.rank();
        let one = Dim::from(1);
        let axes: Vec<_> = (0..from.rank())
            .filter(|&axis| axis < lead || (to.shape[axis - lead] == one && from.shape[axis] != one))
            .collect();
        let sum = if axes.is_empty() {
            gradient
        } else {
            self.apply(Reduce { reduction: Reduction::Sum, axes, keep: false }, &[gradient])?
        };
        if *self.ty(sum) == to { Ok(sum) } else { self.apply(Reshape(to.shape), &[sum]) }
    }

    /// The error of an operator without a rule.
    pub fn not_differentiable(&self, operator: &'static str) -> Error {
        Error::NotDifferentiable { operator, name: self.graph.nodes()[self.node].name.clone() }
    }
}

impl Graph {
    /// Adds the nodes that compute the gradient of `loss` by each of `by`; `None` where the loss does not depend on it.
    ///
    /// A table that is only looked up gets its gradient by rows if it is listed in `sparse`.
    ///
    /// # Errors
    /// [`Error::Loss`] if `loss` is no single real number, [`Error::NotDifferentiable`] if a node on the way has no rule.
    pub fn differentiate(
        &mut self,
        loss: Value,
        by: &[Value],
        sparse: &[Value],
    ) -> Result<Vec<Option<Gradient>>> {
        let ty = self.ty(loss).clone();
        if ty.rank() != 0 || !ty.dtype.is_real() {
            return Err(Error::Loss { found: ty.to_string() });
        }
        let last = self.nodes().len();
        // which tensors the gradient must reach
        let mut wanted = vec![false; self.tensors().len()];
        for value in by {
            wanted[value.index()] = true;
        }
        for node in self.nodes() {
            if node.operands.iter().any(|value| wanted[value.index()]) {
                for value in &node.results {
                    wanted[value.index()] =
                        self.ty(*value).dtype.is_real() || self.ty(*value).dtype == crate::DType::BF16;
                }
            }
        }
        let Source::Node { node: of, .. } = self.tensor(loss).source else {
            let unit = |graph: &mut Self| graph.apply(Fill { ty, value: 1.0 }, &[]);
            let unit = unit(self)?;
            return Ok(by.iter().map(|&value| (value == loss).then_some(Gradient::Dense(unit))).collect());
        };
        let unit = self.deriving(of, |graph| graph.apply(Fill { ty, value: 1.0 }, &[]))?;
        let mut dense: BTreeMap<Value, Value> = BTreeMap::from([(loss, unit)]);
        let mut rows: BTreeMap<Value, Vec<(Value, Value)>> = BTreeMap::new();
        for k in (0..last).rev() {
            let node = self.nodes()[k].clone();
            if !node.results.iter().any(|value| dense.contains_key(value)) {
                continue;
            }
            let operands: Vec<_> = node.operands.iter().map(|value| wanted[value.index()]).collect();
            if !operands.contains(&true) {
                continue;
            }
            let count = operands.len();
            let gradients: Vec<_> = node.results.iter().map(|value| dense.get(value).copied()).collect();
            if gradients[0].is_none() {
                continue; // only by-products are used, such as the running mean of a norm
            }
            let mut at = Derivation {
                node: k,
                gradients,
                wanted: operands,
                unit,
                dense: vec![None; count],
                rows: vec![None; count],
                graph: self,
            };
            node.operator.derivative(&mut at)?;
            let (new, new_rows) = (at.dense, at.rows);
            for (value, (gradient, pair)) in node.operands.iter().zip(new.into_iter().zip(new_rows)) {
                if let Some(gradient) = gradient {
                    let sum = match dense.get(value) {
                        None => gradient,
                        Some(&before) => self
                            .deriving(k, |graph| graph.apply(Binary(Arithmetic::Add), &[before, gradient]))?,
                    };
                    dense.insert(*value, sum);
                }
                if let Some(pair) = pair {
                    rows.entry(*value).or_default().push(pair);
                }
            }
            // a looked-up table that is a result itself, or is not to be sparse, needs its gradient as a tensor
            for value in &node.operands {
                if sparse.contains(value) && !dense.contains_key(value) {
                    continue;
                }
                if let Some(parts) = rows.remove(value) {
                    for (ids, values) in parts {
                        let scatter = ScatterAdd { rows: self.ty(*value).shape[0].clone() };
                        let gradient = self.deriving(k, |graph| graph.apply(scatter, &[ids, values]))?;
                        let sum = match dense.get(value) {
                            None => gradient,
                            Some(&before) => self.deriving(k, |graph| {
                                graph.apply(Binary(Arithmetic::Add), &[before, gradient])
                            })?,
                        };
                        dense.insert(*value, sum);
                    }
                }
            }
        }
        Ok(by
            .iter()
            .map(|value| match (dense.get(value), rows.remove(value)) {
                (Some(&gradient), _) => Some(Gradient::Dense(gradient)),
                (None, Some(parts)) => Some(Gradient::Rows { parts }),
                (None, None) => None,
            })
            .collect())
    }
}
