//! Mixed states as Pauli vectors.
#![allow(unsafe_code)] // a list of aligned blocks is a list of numbers

use super::convert::{index, to_matrix, to_pauli, walsh_hadamard};
use super::kernel::{self, lanes};
use super::pattern::Pattern;
use super::stencil::Stencil;
use super::transfer::Transfer;
use crate::simulator::branch::Collapse;
use crate::simulator::mixed::{MAX_MIXED_QUBITS, MixedState};
use crate::simulator::state::{QuantumState, check_qubits};
use crate::simulator::{bits, memory};
use crate::{Channel, Error, Matrix, Observable, Result};

/// A mixed state of `width` qubits as `Tr[P rho]` of all Pauli products.
#[derive(Debug, Clone)]
pub(crate) struct PauliState {
    width: usize,
    blocks: Vec<Block>,
}

/// A cache line, which is also the widest vector: states narrower than that end in zeros.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Block([f64; 8]);

impl PauliState {
    /// All qubits in |0>.
    pub(crate) fn zero(width: usize) -> Result<Self> {
        let mut state = Self::empty(width)?;
        let vector = state.vector_mut();
        (0..1 << width).for_each(|z| vector[index(0, z)] = 1.0);
        Ok(state)
    }

    /// The same state as a density matrix's.
    pub(crate) fn of(mixed: &MixedState) -> Result<Self> {
        let mut state = Self::empty(mixed.width)?;
        let vector = to_pauli(mixed.width, &mixed.entries);
        state.vector_mut()[..vector.len()].copy_from_slice(&vector);
        Ok(state)
    }

    /// The vector of all zeros.
    pub(crate) fn empty(width: usize) -> Result<Self> {
        if width > MAX_MIXED_QUBITS {
            return Err(Error::TooManyQubits { found: width, limit: MAX_MIXED_QUBITS });
        }
        memory::check(width, Self::bytes(width))?;
        Ok(Self { width, blocks: vec![Block([0.0; 8]); (1_usize << (2 * width)).div_ceil(8)] })
    }

    /// The same state as a density matrix.
    pub(crate) fn to_mixed(&self) -> Result<MixedState> {
        memory::check(self.width, 3 * MixedState::bytes(self.width) / 2)?;
        Ok(MixedState { width: self.width, entries: to_matrix(self.width, self.entries()) })
    }

    /// `Tr[P rho]` of all `4^width` products.
    pub(crate) fn entries(&self) -> &[f64] {
        &self.vector()[..1 << (2 * self.width)]
    }

    /// All numbers, at least a vector of lanes.
    pub(crate) fn vector(&self) -> &[f64] {
        // SAFETY: a block is eight numbers and nothing else
        unsafe { std::slice::from_raw_parts(self.blocks.as_ptr().cast(), 8 * self.blocks.len()) }
    }

    /// All numbers, at least a vector of lanes.
    pub(crate) fn vector_mut(&mut self) -> &mut [f64] {
        // SAFETY: a block is eight numbers and nothing else
        unsafe { std::slice::from_raw_parts_mut(self.blocks.as_mut_ptr().cast(), 8 * self.blocks.len()) }
    }

    pub(crate) fn bytes(width: usize) -> u64 {
        8 << (2 * width)
    }

    /// The Pauli vector of some qubits, in their order, the others traced out.
    fn marginal(&self, qubits: &[usize]) -> Vec<f64> {
        let place = |at: usize| -> usize {
            qubits.iter().enumerate().map(|(k, qubit)| (at >> (2 * k) & 3) << (2 * qubit)).sum()
        };
        let vector = self.vector();
        (0..1 << (2 * qubits.len())).map(|at| vector[place(at)]).collect()
    }

    /// Applies a channel of one qubit that no plan has, since it is not known before.
    pub(crate) fn apply_channel(&mut self, channel: &Channel, qubit: usize) {
        self.apply(&Transfer::superoperator(channel.superoperator()), qubit);
    }

    fn apply(&mut self, map: &Transfer, qubit: usize) {
        let stencil = Stencil::new(&[qubit], &Pattern::of(map), lanes());
        let mut coefficients = vec![0.0; stencil.len()];
        stencil.gather(&map.entries, &mut coefficients);
        kernel::apply(&stencil, &coefficients, self.vector_mut());
    }
}

impl QuantumState for PauliState {
    fn width(&self) -> usize {
        self.width
    }

    fn expectation(&self, observable: &Observable) -> Result<f64> {
        let vector = self.vector();
        let mean = |x: u64, z: u64| vector[index(x as usize, z as usize)];
        let terms = observable.real_terms(self.width)?;
        Ok(terms.into_iter().map(|(p, coefficient)| coefficient * mean(p.x_mask(), p.z_mask())).sum())
    }

    fn probabilities_of(&self, qubits: &[usize]) -> Result<Vec<f64>> {
        check_qubits(qubits, self.width)?;
        bits::check_listed(qubits.len())?;
        let (vector, scale) = (self.vector(), 1.0 / (1_u64 << qubits.len()) as f64);
        let product = |k: usize| -> usize {
            qubits.iter().enumerate().map(|(at, qubit)| (k >> at & 1) << (2 * qubit + 1)).sum()
        };
        let mut probabilities: Vec<f64> =
            (0..1 << qubits.len()).map(|k| vector[product(k)] * scale).collect();
        walsh_hadamard(&mut probabilities);
        Ok(probabilities)
    }

    fn partial_trace(&self, keep: &[usize]) -> Result<Matrix> {
        check_qubits(keep, self.width)?;
        memory::check(keep.len(), memory::dense(keep.len()) * 2)?;
        let d = 1 << keep.len();
        let matrix = to_matrix(keep.len(), &self.marginal(keep));
        Ok(Matrix::from_shape_fn((d, d), |(row, column)| matrix[row * d + column]))
    }
}

impl Collapse for PauliState {
    const NEGLIGIBLE: f64 = 1e-14;

    fn bytes(&self) -> u64 {
        Self::bytes(self.width)
    }

    fn excited(&self, qubit: usize) -> f64 {
        0.5 - 0.5 * self.vector()[2 << (2 * qubit)]
    }

    fn collapse(&mut self, qubit: usize, outcome: bool, probability: f64) {
        self.apply(&Transfer::projection(outcome, probability), qubit);
    }

    fn mix(&mut self, weight: f64, other: &Self, other_weight: f64) -> bool {
        for (a, b) in self.vector_mut().iter_mut().zip(other.vector()) {
            *a = *a * weight + b * other_weight;
        }
        true
    }
}
