//! Blocks of constant gates on two qubits, written with as few entanglers as their unitary takes.

use super::native::pair;
use crate::circuit::Instruction;
use crate::gate::{Call, Cartan};
use crate::linalg::Matrix;

/// Constant gates in a row on one or two qubits.
struct Block {
    qubits: Vec<usize>,
    steps: Vec<Instruction>,
    /// How many `cx` they take as they are.
    cost: usize,
}

/// Replaces each block of constant gates on a pair of qubits by its Cartan form where that takes fewer `cx`.
pub(super) fn consolidate(width: usize, steps: Vec<Instruction>) -> Vec<Instruction> {
    let mut kept = Vec::with_capacity(steps.len());
    let mut blocks: Vec<Option<Block>> = Vec::new();
    let mut open: Vec<Option<usize>> = vec![None; width];
    for step in steps {
        let qubits = step.qubits();
        let constant = matches!(&step, Instruction::Gate(call) if call.is_constant());
        let fits = constant && (qubits.len() == 1 || pair(&step).is_some());
        if !fits {
            close(&qubits, &mut open, &mut blocks, &mut kept);
            kept.push(match step {
                Instruction::If { bit, value, body } => {
                    Instruction::If { bit, value, body: consolidate(width, body) }
                }
                step => step,
            });
            continue;
        }
        let place = match qubits[..] {
            [a] => open[a],
            [a, b] if open[a] == open[b] => open[a],
            [a, b] => Some(join([a, b], &mut open, &mut blocks, &mut kept)),
            _ => None,
        };
        let place = place.unwrap_or_else(|| {
            blocks.push(Some(Block { qubits: qubits.clone(), steps: Vec::new(), cost: 0 }));
            blocks.len() - 1
        });
        for qubit in &qubits {
            open[*qubit] = Some(place);
        }
        if let Some(block) = &mut blocks[place] {
            block.cost += match step.name().as_str() {
                "swap" => 3,
                _ => usize::from(qubits.len() == 2),
            };
            block.steps.push(step);
        }
    }
    let all: Vec<_> = (0..width).collect();
    close(&all, &mut open, &mut blocks, &mut kept);
    kept
}

/// A block on both qubits that begins with what is open on each alone; a block that reaches to a third qubit is closed.
fn join(
    [a, b]: [usize; 2],
    open: &mut [Option<usize>],
    blocks: &mut Vec<Option<Block>>,
    kept: &mut Vec<Instruction>,
) -> usize {
    let mut steps = Vec::new();
    for qubit in [a, b] {
        let alone = |block: &Option<Block>| block.as_ref().is_some_and(|block| block.qubits.len() == 1);
        match open[qubit] {
            Some(place) if alone(&blocks[place]) => {
                steps.extend(blocks[place].take().map(|block| block.steps).unwrap_or_default());
            }
            _ => close(&[qubit], open, blocks, kept),
        }
    }
    blocks.push(Some(Block { qubits: vec![a, b], steps, cost: 0 }));
    blocks.len() - 1
}

/// Writes out the blocks that are open on these qubits.
fn close(
    qubits: &[usize],
    open: &mut [Option<usize>],
    blocks: &mut [Option<Block>],
    kept: &mut Vec<Instruction>,
) {
    for qubit in qubits {
        let Some(block) = open[*qubit].and_then(|place| blocks[place].take()) else { continue };
        block.qubits.iter().for_each(|member| open[*member] = None);
        block.write(kept);
    }
}

impl Block {
    fn write(self, kept: &mut Vec<Instruction>) {
        if let (&[a, b], true) = (self.qubits.as_slice(), self.cost > 1) {
            let cartan = Cartan::of(&self.matrix());
            if cartan.cx_count() < self.cost {
                let shorter = cartan.calls([a, b]);
                let native = shorter.iter().flat_map(Call::lower).filter(|call| !call.qubits.is_empty());
                return kept.extend(native.map(Instruction::Gate));
            }
        }
        kept.extend(self.steps);
    }

    fn matrix(&self) -> Matrix {
        let mut product = Matrix::eye(4);
        for step in &self.steps {
            let Instruction::Gate(call) = step else { continue };
            let gate = call.gate.full_matrix(&call.values(&[]));
            let places: Vec<_> =
                call.qubits.iter().map(|qubit| usize::from(*qubit != self.qubits[0])).collect();
            let inner =
                |index: usize| places.iter().enumerate().fold(0, |sum, (k, p)| sum | (index >> p & 1) << k);
            let mask: usize = places.iter().map(|p| 1 << p).sum();
            let wide = Matrix::from_shape_fn((4, 4), |(r, c)| {
                if r & !mask == c & !mask { gate[(inner(r), inner(c))] } else { 0.0.into() }
            });
            product = wide.dot(&product);
        }
        product
    }
}
