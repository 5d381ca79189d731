//! What an operator sees when it runs: the memory of its operands and results, a team, scratch memory.

use std::cell::Cell;

use super::Ports;
use crate::kernel::elementwise::Pair;
use crate::kernel::real::Element;
use crate::kernel::team::Team;
use crate::{DType, Error, Extent, Result};

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
    pub(crate) ports: Option<&'a dyn Ports>,
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

    /// What carries tensors out and in.
    ///
    /// # Errors
    /// [`Error::Ports`], if the run has none.
    pub fn ports(&self) -> Result<&'a dyn Ports> {
        self.ports.ok_or_else(|| Error::Ports { name: self.name.into() })
    }

    fn shares(&self, operand: usize) -> Option<usize> {
        let pointer = self.operands[operand].pointer;
        self.results.iter().position(|result| result.pointer == pointer)
    }

    /// Whether a result lies where this operand does.
    pub(crate) fn overwrites(&self, operand: usize) -> bool {
        self.shares(operand).is_some()
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

    /// The scratch memory that [`Operator::workspace`](crate::operator::Operator::workspace) asked for.
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
