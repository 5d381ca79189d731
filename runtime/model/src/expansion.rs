//! What the expansions of `pipeline!` name; no part of it is stable.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::graph::{Graph, Init, Value};
use crate::{DType, Dim, Error, Result, TensorType};

/// The sizes of a pipeline that is called: given, or what its operands have.
#[derive(Debug)]
pub struct Names {
    of: &'static str,
    known: BTreeMap<&'static str, Dim>,
}

impl Names {
    /// Of a pipeline with these generics, some of which are given.
    pub fn new(of: &'static str, generics: &[&'static str], given: &[Option<usize>]) -> Self {
        let given = generics.iter().zip(given).filter_map(|(&name, size)| Some((name, Dim::from((*size)?))));
        Self { of, known: given.collect() }
    }

    fn bind_one(&mut self, name: &'static str, size: &Dim) {
        if !name.is_empty() {
            self.known.entry(name).or_insert_with(|| size.clone());
        }
    }

    /// Takes sizes from a tensor: a name for each axis, or none.
    pub fn bind(&mut self, graph: &Graph, value: Value, names: &[&'static str]) {
        for (&name, size) in names.iter().zip(&graph.ty(value).shape) {
            self.bind_one(name, size);
        }
    }

    /// Takes a size that is a number.
    pub fn bind_number(&mut self, name: &'static str, number: usize) {
        self.bind_one(name, &number.into());
    }

    /// A size by name.
    pub fn dim(&self, name: &str) -> Result<Dim> {
        self.known.get(name).cloned().ok_or_else(|| Error::Size {
            name: format!("{name} of {}", self.of),
            known: self.known.keys().copied().collect::<Vec<_>>().join(", "),
        })
    }

    /// A size that must be a number.
    pub fn number(&self, name: &'static str) -> Result<usize> {
        let dim = self.dim(name)?;
        dim.known().ok_or_else(|| Error::Shape {
            operator: self.of,
            what: format!("size `{name}`"),
            found: dim.to_string(),
            expected: "a number that is known when the pipeline is built".into(),
        })
    }

    /// Compares a tensor with what is declared.
    pub fn check(&self, graph: &Graph, what: &str, value: Value, wanted: &TensorType) -> Result<()> {
        let found = graph.ty(value);
        if found == wanted {
            return Ok(());
        }
        let name = format!("{what} of {}", self.of);
        Err(Error::Tensor { name, found: found.to_string(), expected: wanted.to_string() })
    }

    /// Compares a number of tensors with what is declared.
    pub fn count(&self, what: &str, found: usize, wanted: usize) -> Result<()> {
        if found == wanted {
            return Ok(());
        }
        let what = format!("number of tensors in `{what}`");
        Err(Error::Shape { operator: self.of, what, found: found.to_string(), expected: wanted.to_string() })
    }
}

/// Edges from the nodes of one set to those of another.
#[derive(Debug, Clone)]
pub struct Hop {
    from: Value,
    to: Value,
    starts: Dim,
    ends: Dim,
}

impl Hop {
    /// Declares the ends of all edges as inputs `name.from` and `name.to`.
    pub fn input(graph: &mut Graph, name: &str, starts: Dim, ends: Dim, edges: Dim) -> Result<Self> {
        let ids = TensorType::new(DType::I32, [edges]);
        let from = graph.input(&format!("{name}.from"), ids.clone())?;
        let to = graph.input(&format!("{name}.to"), ids)?;
        Ok(Self { from, to, starts, ends })
    }

    /// Takes sizes from it: of the nodes that it starts from, of those that it leads to, of its edges.
    pub fn bind(&self, graph: &Graph, names: &mut Names, [from, to, edges]: [&'static str; 3]) {
        names.bind_one(from, &self.starts);
        names.bind_one(to, &self.ends);
        names.bind(graph, self.from, &[edges]);
    }

    /// Compares it with what is declared.
    pub fn check(&self, graph: &Graph, names: &Names, what: &str, wanted: [Dim; 3]) -> Result<()> {
        let found = [self.starts.clone(), self.ends.clone(), graph.ty(self.from).shape[0].clone()];
        if found == wanted {
            return Ok(());
        }
        let name = format!("{what} of {}", names.of);
        let text = |[a, b, c]: [Dim; 3]| format!("Hop<{a}, {b}, {c}>");
        Err(Error::Tensor { name, found: text(found), expected: text(wanted) })
    }
}

/// For each node that a hop leads to, the sum of the rows that its edges bring.
pub fn aggregate(graph: &mut Graph, x: Value, hop: &Hop) -> Result<Value> {
    let found = graph.ty(x).shape.first();
    if found != Some(&hop.starts) {
        return Err(Error::Shape {
            operator: "aggregate",
            what: "nodes".into(),
            found: found.map_or("none".into(), ToString::to_string),
            expected: hop.starts.to_string(),
        });
    }
    let rows = graph.gather(hop.from, x)?;
    graph.scatter_add(hop.to, rows, hop.ends.clone())
}

/// A linear layer, with bias or without.
pub fn linear(graph: &mut Graph, name: &str, x: Value, out: usize, bias: bool) -> Result<Value> {
    if bias {
        return graph.linear(name, x, out);
    }
    let inner = graph.ty(x).shape.last().and_then(Dim::known).unwrap_or(1);
    graph.linear_from(name, x, out, Init::Uniform(1.0 / (inner as f64).sqrt()), None)
}

/// A table for each bag: `name.0.weight` and so on; the sums of their rows along axis 1.
pub fn embedding_bags(
    graph: &mut Graph,
    name: &str,
    bags: &[Value],
    rows: &[usize],
    dim: usize,
    deviation: f64,
) -> Result<Value> {
    if bags.len() != rows.len() {
        return Err(Error::Shape {
            operator: "embedding_bags",
            what: "tables".into(),
            found: rows.len().to_string(),
            expected: bags.len().to_string(),
        });
    }
    let sums = bags.iter().zip(rows).enumerate();
    let sums =
        sums.map(|(k, (&ids, &rows))| graph.embedding_bag(&numbered(name, k), ids, rows, dim, deviation));
    let sums = sums.collect::<Result<Vec<_>>>()?;
    graph.stack(&sums, 1)
}

/// Rows of all tables.
pub const fn total(rows: &[usize]) -> usize {
    let (mut sum, mut at) = (0, 0);
    while at < rows.len() {
        sum += rows[at];
        at += 1;
    }
    sum
}

/// Several inputs of one type, `name.0` and so on.
pub fn inputs(graph: &mut Graph, name: &str, ty: &TensorType, count: usize) -> Result<Vec<Value>> {
    (0..count).map(|k| graph.input(&numbered(name, k), ty.clone())).collect()
}

/// The name of one of several inputs.
pub fn numbered(name: &str, k: usize) -> String {
    format!("{name}.{k}")
}

/// A batch that is cut into micro-batches of one size.
pub fn cut(batch: usize, micro_batches: usize) -> Result<()> {
    if micro_batches > 0 && batch.is_multiple_of(micro_batches) {
        return Ok(());
    }
    Err(Error::Shape {
        operator: "fits",
        what: "batch".into(),
        found: batch.to_string(),
        expected: format!("a multiple of {micro_batches} micro-batches"),
    })
}

/// The numbers of a repeated stage.
pub fn repeat(count: usize) -> Result<Range<usize>> {
    if count == 0 {
        return Err(Error::Setting { name: "repeat", found: "0".into(), expected: "1 or more" });
    }
    Ok(0..count)
}
