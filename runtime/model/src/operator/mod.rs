//! The operators of a graph: one implementation of [`Operator`] each, which is its row of the table.
//!
//! A row says what the shape of the result is, how it is computed, what it costs, how it is differentiated (by adding nodes
//! to the graph, so that the backward pass is a graph too), which operands that needs, and how the axes of the operands
//! relate to those of the result. [`table`] lists every row with examples; a test proves each of them.

use std::cell::Cell;
use std::fmt;

use crate::kernel::elementwise::Pair;
use crate::kernel::real::Element;
use crate::kernel::team::Team;
use crate::{DType, Derivation, Error, Extent, Result, TensorType};

mod attention;
mod bag;
mod contraction;
mod convolution;
mod elementwise;
mod embedding;
mod layout;
mod loss;
mod norm;
mod random;
mod reduce;
pub mod table;

pub use attention::{Attention, AttentionGradient, Rotary};
pub use bag::{EmbeddingBag, LowerTriangle, LowerTriangleGradient};
pub use contraction::{Linear, MatMul};
pub use convolution::{
    AveragePool, AveragePoolGradient, Conv2d, Conv2dInputGradient, Conv2dWeightGradient, MaxPool,
    MaxPoolGradient, Window,
};
pub use elementwise::{Affine, Arithmetic, Binary, Cast, Function, Unary, UnaryGradient};
pub use embedding::{Embedding, OneHot, ScatterAdd};
pub use layout::{Arange, Broadcast, Concat, Fill, Pad, Permute, Reshape, Slice};
pub use loss::{BinaryCrossEntropy, CrossEntropy, LinearCrossEntropy, MeanSquaredError};
pub use norm::{BatchNorm, BatchNormGradient, LayerNorm, LayerNormGradient, Softmax, SoftmaxGradient};
pub use random::Dropout;
pub use reduce::{Reduce, Reduction};

/// What an operator does to tensors: a row of the table.
///
/// Implement it to add an operator of your own, such as a product with a sparse matrix; [`Graph::apply`](crate::Graph::apply)
/// takes any.
pub trait Operator: fmt::Debug + Send + Sync {
    /// The name, in messages and plans.
    fn name(&self) -> &'static str;

    /// Types of the results, from those of the operands.
    ///
    /// # Errors
    /// Operands that do not go together.
    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>>;

    /// Computes the results.
    ///
    /// # Errors
    /// Values that cannot be, such as an id beyond the rows of a table.
    fn run(&self, call: &Call<'_>) -> Result<()>;

    /// Adds the gradients of the operands to the graph.
    ///
    /// # Errors
    /// [`Error::NotDifferentiable`], if there is no rule.
    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        Err(at.not_differentiable(self.name()))
    }

    /// What a run costs.
    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        let elements = results.first().map_or(0, Extent::elements);
        Cost::streaming(elements, operands, results)
    }

    /// Which operands and results the derivative reads; a planner keeps, swaps or recomputes them.
    fn saved(&self) -> Saved {
        Saved::default()
    }

    /// Pairs (operand, result) of equal size that may lie in the same memory, best first.
    fn in_place(&self) -> &'static [(usize, usize)] {
        &[]
    }

    /// Whether result 0 is operand 0 under another shape, so that nothing is to be done.
    fn is_view(&self) -> bool {
        false
    }

    /// Bytes of scratch memory with a team of so many threads.
    fn workspace(&self, _operands: &[Extent], _results: &[Extent], _threads: usize) -> usize {
        0
    }

    /// For each operand and each of its axes, what becomes of it in result 0.
    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>>;
}

/// What becomes of an operand's axis in the first result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// A slice of it gives the same slice of this axis of the result, and needs nothing from other slices.
    Passes(usize),
    /// It is summed over: slices give parts of a sum.
    Contracts,
    /// It is needed whole.
    Whole,
}

/// Arithmetic and memory traffic of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Additions and multiplications; a function such as an exponential counts as one.
    pub flops: u64,
    /// Bytes read and written at least, each operand and result once.
    pub bytes: u64,
}

impl Cost {
    /// The cost of so many operations on operands and results that are read and written once.
    pub fn streaming(flops: usize, operands: &[Extent], results: &[Extent]) -> Self {
        let bytes = operands.iter().chain(results).map(Extent::bytes).sum::<usize>();
        Self { flops: flops as u64, bytes: bytes as u64 }
    }
}

/// Operands and results that a derivative reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Saved {
    /// Numbers of operands.
    pub operands: &'static [usize],
    /// Numbers of results.
    pub results: &'static [usize],
}

/// A tensor in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot<'a> {
    pub(crate) pointer: *mut u8,
    pub(crate) extent: &'a Extent,
}

/// The memory of one run of an operator, as the plan laid it out.
#[derive(Debug)]
pub struct Call<'a> {
    pub(crate) name: &'a str,
    pub(crate) operands: &'a [Slot<'a>],
    pub(crate) results: &'a [Slot<'a>],
    pub(crate) scratch: (*mut u8, usize),
    pub(crate) team: &'a Team,
    /// Number of the step, for what is random.
    pub(crate) step: u64,
    /// Results handed out so far, as bits; the highest one is the scratch memory.
    pub(crate) taken: Cell<u32>,
}

impl<'a> Call<'a> {
    /// The node's name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The team to divide work among.
    pub fn team(&self) -> &'a Team {
        self.team
    }

    /// Extent of an operand.
    pub fn operand_extent(&self, k: usize) -> &'a Extent {
        self.operands[k].extent
    }

    /// Extent of a result.
    pub fn result_extent(&self, k: usize) -> &'a Extent {
        self.results[k].extent
    }

    /// Number of operands.
    pub fn operand_count(&self) -> usize {
        self.operands.len()
    }

    fn shares(&self, operand: usize) -> Option<usize> {
        let pointer = self.operands[operand].pointer;
        self.results.iter().position(|result| result.pointer == pointer)
    }

    /// The elements of an operand.
    ///
    /// # Panics
    /// If they are of another type, or lie where a result goes: an operator that declares such a pair asks for it by
    /// [`pair`](Self::pair).
    #[allow(unsafe_code)]
    pub fn operand<T: Element>(&self, k: usize) -> &'a [T] {
        let slot = &self.operands[k];
        assert_eq!(slot.extent.dtype, T::DTYPE, "`{}`: operand {k}", self.name);
        assert!(self.shares(k).is_none(), "`{}`: operand {k} is overwritten by a result", self.name);
        // SAFETY: the plan laid out so many elements there, aligned, and overlapping no result but an equal one.
        unsafe { std::slice::from_raw_parts(slot.pointer.cast(), slot.extent.elements()) }
    }

    /// The elements of a result, to be written.
    ///
    /// # Panics
    /// If they are of another type, or were handed out before.
    #[allow(unsafe_code, clippy::mut_from_ref)] // each is handed out once
    pub fn result<T: Element>(&self, k: usize) -> &'a mut [T] {
        let slot = &self.results[k];
        assert_eq!(slot.extent.dtype, T::DTYPE, "`{}`: result {k}", self.name);
        self.take(1 << k);
        // SAFETY: the plan laid out so many elements there, aligned; it is handed out once.
        unsafe { std::slice::from_raw_parts_mut(slot.pointer.cast(), slot.extent.elements()) }
    }

    /// An operand and a result that may lie in the same memory.
    ///
    /// # Panics
    /// As [`operand`](Self::operand) and [`result`](Self::result).
    pub fn pair<T: Element>(&self, operand: usize, result: usize) -> Pair<'a, T> {
        if self.shares(operand) == Some(result) {
            assert_eq!(self.operands[operand].extent.elements(), self.results[result].extent.elements());
            Pair::Same(self.result(result))
        } else {
            Pair::Apart(self.operand(operand), self.result(result))
        }
    }

    /// The bytes of an operand, whatever its type.
    #[allow(unsafe_code)]
    pub(crate) fn operand_bytes(&self, k: usize) -> &'a [u8] {
        let slot = &self.operands[k];
        assert!(self.shares(k).is_none(), "`{}`: operand {k} is overwritten by a result", self.name);
        // SAFETY: as in `operand`; every byte is initialised, since the arena is zeroed.
        unsafe { std::slice::from_raw_parts(slot.pointer, slot.extent.bytes()) }
    }

    /// The bytes of a result, whatever its type.
    #[allow(unsafe_code, clippy::mut_from_ref)]
    pub(crate) fn result_bytes(&self, k: usize) -> &'a mut [u8] {
        self.take(1 << k);
        let slot = &self.results[k];
        // SAFETY: as in `result`.
        unsafe { std::slice::from_raw_parts_mut(slot.pointer, slot.extent.bytes()) }
    }

    /// The scratch memory that [`Operator::workspace`] asked for.
    ///
    /// # Panics
    /// If it was handed out before.
    #[allow(unsafe_code, clippy::mut_from_ref)]
    pub fn scratch<T: Element>(&self) -> &'a mut [T] {
        self.take(1 << 31);
        let (pointer, bytes) = self.scratch;
        // SAFETY: the plan laid out so many bytes there, aligned to lines; it is handed out once.
        unsafe { std::slice::from_raw_parts_mut(pointer.cast(), bytes / size_of::<T>()) }
    }

    #[allow(clippy::panic)]
    fn take(&self, bit: u32) {
        assert_eq!(self.taken.get() & bit, 0, "`{}`: memory is handed out twice", self.name);
        self.taken.set(self.taken.get() | bit);
    }

    /// Ids of either width, each checked to be below `rows`.
    ///
    /// # Errors
    /// [`Error::Id`] with the first one that is not.
    pub fn ids(&self, operand: usize, rows: usize) -> Result<Ids<'a>> {
        let ids = match self.operand_extent(operand).dtype {
            DType::I64 => Ids::Long(self.operand(operand)),
            _ => Ids::Short(self.operand(operand)),
        };
        let bad = match ids {
            Ids::Long(ids) => ids.iter().position(|&id| id < 0 || id as u64 >= rows as u64),
            Ids::Short(ids) => ids.iter().position(|&id| id < 0 || id as u64 >= rows as u64),
        };
        match bad {
            None => Ok(ids),
            Some(position) => {
                let id = match ids {
                    Ids::Long(ids) => ids[position],
                    Ids::Short(ids) => i64::from(ids[position]),
                };
                Err(Error::Id { name: self.name.into(), id, position, rows })
            }
        }
    }
}

/// Checked ids.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Ids<'a> {
    /// 32-bit ones.
    Short(&'a [i32]),
    /// 64-bit ones.
    Long(&'a [i64]),
}

impl Ids<'_> {
    /// The row that an id names.
    #[inline]
    pub fn at(&self, k: usize) -> usize {
        match self {
            Self::Short(ids) => ids[k] as usize,
            Self::Long(ids) => ids[k] as usize,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Short(ids) => ids.len(),
            Self::Long(ids) => ids.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The rules that shapes share.
pub(crate) mod rule {
    use super::{DType, Error, Result, TensorType};
    use crate::Dim;

    pub(crate) fn count(
        operator: &'static str,
        found: usize,
        allowed: std::ops::RangeInclusive<usize>,
    ) -> Result<()> {
        if allowed.contains(&found) {
            return Ok(());
        }
        let (low, high) = (allowed.start(), allowed.end());
        let expected = if low == high { low.to_string() } else { format!("{low} to {high}") };
        Err(Error::Operands { operator, found, expected })
    }

    pub(crate) fn real(operator: &'static str, operands: &[&TensorType]) -> Result<DType> {
        let dtype = operands[0].dtype;
        for operand in operands {
            if !operand.dtype.is_real() || operand.dtype != dtype {
                return Err(Error::DType {
                    operator,
                    found: operands.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "),
                    expected: "operands of one type, F32 or F64",
                });
            }
        }
        Ok(dtype)
    }

    pub(crate) fn ids(operator: &'static str, operand: &TensorType) -> Result<()> {
        if operand.dtype.is_id() {
            return Ok(());
        }
        Err(Error::DType { operator, found: operand.to_string(), expected: "integer ids, I32 or I64" })
    }

    pub(crate) fn axis(operator: &'static str, axis: usize, rank: usize) -> Result<()> {
        if axis < rank { Ok(()) } else { Err(Error::Axis { operator, axis, rank }) }
    }

    pub(crate) fn equal(operator: &'static str, what: &str, found: &[Dim], expected: &[Dim]) -> Result<()> {
        if found == expected {
            return Ok(());
        }
        Err(Error::Shape {
            operator,
            what: what.into(),
            found: format!("{found:?}"),
            expected: format!("{expected:?}"),
        })
    }

    pub(crate) fn wrong(
        operator: &'static str,
        what: &str,
        found: impl std::fmt::Display,
        expected: &str,
    ) -> Error {
        Error::Shape { operator, what: what.into(), found: found.to_string(), expected: expected.into() }
    }
}

/// Each axis passes to the axis of the same number.
pub(crate) fn pass_all(rank: usize) -> Vec<Role> {
    (0..rank).map(Role::Passes).collect()
}

/// Each axis but the last passes; the last is needed whole.
pub(crate) fn pass_rows(rank: usize) -> Vec<Role> {
    (0..rank).map(|axis| if axis + 1 < rank { Role::Passes(axis) } else { Role::Whole }).collect()
}
