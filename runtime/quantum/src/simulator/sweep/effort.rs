//! What a run of a planned unitary takes.

use std::fmt;

use super::engine::Engine;
use super::schedule::{Stage, Sweep};
use super::tile::{Bit, Operation, Phases};
use crate::simulator::precision::Precision;

/// Passes over a state vector, with their arithmetic and traffic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Effort {
    pub(crate) passes: usize,
    /// Times that a block is read from the cache into registers and written back.
    pub(crate) tiles: usize,
    /// Real rotations, steps of phases, flips and dense matrices.
    pub(crate) steps: [usize; 4],
    /// Real multiply-adds: a product and a sum that one instruction does.
    pub(crate) multiply_adds: f64,
    /// Read from memory and written to it, in bytes.
    pub(crate) bytes: f64,
}

impl Effort {
    /// The effort on a state of `width` qubits.
    pub(crate) fn of<T: Precision>(engine: &Engine<T>, width: usize) -> Self {
        let reals = 2.0 * (1_u64 << width) as f64;
        let mut effort = Self { passes: 0, tiles: 0, steps: [0; 4], multiply_adds: 0.0, bytes: 0.0 };
        for stage in &engine.stages {
            effort.passes += 1;
            effort.bytes += 2.0 * reals * size_of::<T>() as f64;
            match stage {
                Stage::Sweep(Sweep { tiles, .. }) => {
                    effort.tiles += tiles.len();
                    for operation in tiles.iter().flat_map(|tile| &tile.operations) {
                        let (kind, products) = cost(operation);
                        effort.steps[kind] += 1;
                        effort.multiply_adds += products * reals;
                    }
                }
                Stage::Dense { targets, .. } => {
                    effort.steps[3] += 1;
                    effort.multiply_adds += 2.0 * (1_u64 << targets.len()) as f64 * reals;
                }
            }
        }
        effort
    }
}

/// Which of [`Effort::steps`] an operation is, and its multiply-adds a real number.
fn cost(operation: &Operation) -> (usize, f64) {
    match operation {
        Operation::Rotate { bit: Bit::Register(_), .. } => (0, 1.0),
        Operation::Rotate { bit: Bit::Lane(_), .. } => (0, 2.0),
        Operation::Phases(Phases { scalars, vectors }) => {
            (1, 2.0 * (usize::from(!scalars.is_empty()) + vectors.len()) as f64)
        }
        Operation::Flip { .. } | Operation::Meet { .. } | Operation::Characters(_) => (2, 0.0),
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [rotations, phases, flips, dense] = self.steps;
        writeln!(f, "passes         {} over memory, {} over the cache", self.passes, self.tiles)?;
        writeln!(
            f,
            "steps          {rotations} rotations, {phases} products with phases, {flips} flips, {dense} dense"
        )?;
        writeln!(f, "multiply-adds  {:.3} million", self.multiply_adds / 1e6)?;
        write!(f, "moved          {:.3} MB", self.bytes / 1e6)
    }
}
