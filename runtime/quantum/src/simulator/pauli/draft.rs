//! From instructions to maps: neighbours made one where that is cheaper.

use super::curve::{Factor, Known};
use super::kernel::lanes;
use super::pattern::Pattern;
use super::state::PauliState;
use super::transfer::Transfer;
use crate::circuit::Instruction;
use crate::gate::Call;

/// Most qubits of a gate that becomes a transfer matrix, `16^k` entries; channels have it up to their own limit.
const MAX_WIDTH: usize = 3;

/// Qubits up to which maps with parameters are multiplied when they are bound.
const MAX_BOUND: usize = 1;

/// A step on its way to a program.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    /// The qubits that it touches, increasing.
    pub(super) qubits: Vec<usize>,
    pub(super) what: What<'a>,
}

/// What a step does.
#[derive(Debug)]
pub(super) enum What<'a> {
    /// The product of factors, the first acts first.
    Map(Map),
    /// A gate on many qubits.
    Wide(&'a Call),
    /// A measurement or a condition.
    Other(&'a Instruction),
}

/// A map as factors on the qubits of its draft.
#[derive(Debug)]
pub(super) struct Map {
    pub(super) factors: Vec<Factor>,
    pub(super) pattern: Pattern,
}

impl Map {
    fn new(qubits: &[usize], factors: Vec<Factor>) -> Self {
        let patterns = factors.iter().map(|factor| factor.pattern(qubits.len()));
        let pattern = patterns.reduce(|sum, pattern| pattern.after(&sum));
        let pattern = pattern.unwrap_or_else(|| Pattern::of(&Transfer::identity(qubits.len())));
        Self { factors, pattern }
    }

    fn is_constant(&self) -> bool {
        self.factors.iter().all(Factor::is_constant)
    }
}

/// What steps cost in processor cycles a vector of lanes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Costs {
    /// A pass over the state beside its arithmetic: it comes from one of the caches, or from memory.
    pass: f64,
    /// An entry of a matrix that is made when parameters are bound, shared by all vectors.
    entry: f64,
}

impl Costs {
    /// The costs for states of so many qubits.
    pub(super) fn new(width: usize) -> Self {
        let pass = match PauliState::bytes(width) {
            0..0x1_0000 => 1.5,
            0x1_0000..0x10_0000 => 2.5,
            0x10_0000..0x100_0000 => 6.0,
            _ => 10.0,
        };
        let vectors = (1_usize << (2 * width)).div_ceil(lanes());
        Self { pass, entry: 2.0 / vectors as f64 }
    }

    fn of(self, map: &Map) -> f64 {
        let bound = if map.is_constant() { 0 } else { map.factors.len() << (4 * map.pattern.qubits) };
        self.pass + map.pattern.cycles() + self.entry * bound as f64
    }
}

impl<'a> Draft<'a> {
    /// The draft of an instruction, `None` where nothing happens to the state.
    pub(super) fn of(step: &'a Instruction, known: &mut Known) -> Option<Self> {
        let mut qubits = step.qubits();
        qubits.sort_unstable();
        qubits.dedup();
        let constant = |map: &Transfer, on: &[usize]| vec![Factor::Constant(map.embed(on, &qubits))];
        let factors = match step {
            Instruction::Barrier { .. } => return None,
            Instruction::Gate(_) if qubits.is_empty() => return None,
            Instruction::Gate(call) if qubits.len() <= MAX_WIDTH => Factor::of(call, &qubits, known),
            Instruction::Gate(call) => return Some(Self { qubits, what: What::Wide(call) }),
            Instruction::Channel { channel, qubits: on } => constant(known.channel(channel), on),
            Instruction::Reset { qubit } => constant(&Transfer::reset(), &[*qubit]),
            Instruction::Measure { .. } | Instruction::If { .. } | Instruction::Pulse(_) => {
                return Some(Self { qubits, what: What::Other(step) });
            }
        };
        let map = Map::new(&qubits, factors);
        Some(Self { qubits, what: What::Map(map) })
    }
}

/// Merges each map into the next step that touches any of its qubits, where that is cheaper. No step between the two touches those qubits, so the order does not matter
/// to it.
pub(super) fn fuse(drafts: Vec<Draft<'_>>, costs: Costs) -> Vec<Draft<'_>> {
    let mut drafts: Vec<Option<Draft<'_>>> = drafts.into_iter().map(Some).collect();
    for start in (0..drafts.len()).rev() {
        let mut at = start;
        while let Some(draft) = &drafts[at] {
            let touches = |other: &Draft<'_>| other.qubits.iter().any(|qubit| draft.qubits.contains(qubit));
            let Some(next) = (at + 1..drafts.len()).find(|next| drafts[*next].as_ref().is_some_and(touches))
            else {
                break;
            };
            let Some(merged) = drafts[next].as_ref().and_then(|next| merge(draft, next, costs)) else {
                break;
            };
            (drafts[at], drafts[next]) = (None, Some(merged));
            at = next;
        }
    }
    drafts.into_iter().flatten().collect()
}

/// `first`, then `second`, as one step; `None` where that is not cheaper.
fn merge<'a>(first: &Draft<'_>, second: &Draft<'_>, costs: Costs) -> Option<Draft<'a>> {
    let (What::Map(a), What::Map(b)) = (&first.what, &second.what) else { return None };
    let within = |a: &Draft<'_>, b: &Draft<'_>| a.qubits.iter().all(|qubit| b.qubits.contains(qubit));
    let qubits = if within(first, second) {
        second.qubits.clone()
    } else if within(second, first) {
        first.qubits.clone()
    } else {
        return None;
    };
    let wide = |draft: &Draft<'_>, map: &Map| -> Vec<Factor> {
        map.factors.iter().map(|factor| factor.embed(&draft.qubits, &qubits)).collect()
    };
    let (constant, same) = (a.is_constant() && b.is_constant(), first.qubits == second.qubits);
    let mut factors = wide(first, a);
    for factor in wide(second, b) {
        match factors.last().and_then(|last| factor.after(last)) {
            Some(product) => {
                factors.pop();
                factors.push(product);
            }
            None => factors.push(factor),
        }
    }
    // products of matrices with parameters are made anew for each run
    let bound = factors.len() > 1;
    if !constant && bound && (qubits.len() > MAX_BOUND || !same) {
        return None;
    }
    let map = Map::new(&qubits, factors);
    let cheaper = costs.of(&map) < costs.of(a) + costs.of(b);
    cheaper.then_some(Draft { qubits, what: What::Map(map) })
}
