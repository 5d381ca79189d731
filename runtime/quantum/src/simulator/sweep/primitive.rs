//! Gates as the few primitives that the kernels know.
//!
//! Every unitary is phases of parities, real rotations and controlled flips (Euler angles; Cartan's decomposition; the rows
//! of the gate table). A real rotation costs one fused multiply-add an amplitude where a dense one-qubit gate costs four,
//! and phases wait: they move through flips, add up, and are applied together right before a rotation needs them.

use std::sync::LazyLock;

use crate::gate::{Call, Gate, euler_angles, table};
use crate::linalg::dagger;
use crate::{Angle, C64, Matrix};

/// Most qubits of a diagonal gate that becomes phases of parities: `2^n - 1` of them.
const MAX_DIAGONAL: usize = 4;

/// How far back a flip looks for its twin.
const LOOK_BACK: usize = 64;

/// The number of the derivative that is taken at a step, if one is.
pub(crate) type Slope = Option<u32>;

/// What the kernels apply. Masks have one bit a qubit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Primitive {
    /// `exp(-i angle/2 (-1)^p)` where `p` is the parity of the qubits in the mask.
    Phase { mask: u64, angle: Angle, slope: Slope },
    /// `ry(angle)`: `[[cos, -sin], [sin, cos]]` of half the angle.
    Rotate { qubit: usize, angle: Angle, slope: Slope },
    /// The flip of a qubit where all controls are 1.
    Flip { qubit: usize, controls: u64 },
    /// Any other constant matrix.
    Dense { matrix: Matrix, targets: Vec<usize>, controls: u64 },
}

impl Primitive {
    /// The qubits that it mixes.
    pub(crate) fn mixed(&self) -> u64 {
        match self {
            Self::Phase { .. } => 0,
            Self::Rotate { qubit, .. } | Self::Flip { qubit, .. } => 1 << qubit,
            Self::Dense { targets, .. } => mask(targets),
        }
    }

    /// Its angle.
    pub(crate) fn angle(&self) -> Option<&Angle> {
        match self {
            Self::Phase { angle, .. } | Self::Rotate { angle, .. } => Some(angle),
            _ => None,
        }
    }

    /// Its inverse, which takes the next derivative if parameters take part, and the angle by which that is one.
    fn inverse(self, slopes: &mut Vec<Angle>) -> Self {
        let mut slope = |angle: Angle| {
            (!angle.is_constant()).then(|| {
                slopes.push(angle);
                slopes.len() as u32 - 1
            })
        };
        match self {
            Self::Phase { mask, angle, .. } => Self::Phase { mask, angle: -angle, slope: slope(angle) },
            Self::Rotate { qubit, angle, .. } => Self::Rotate { qubit, angle: -angle, slope: slope(angle) },
            Self::Flip { .. } => self,
            Self::Dense { matrix, targets, controls } => {
                Self::Dense { matrix: dagger(&matrix), targets, controls }
            }
        }
    }

    /// The qubits on which it is diagonal.
    pub(crate) fn diagonal(&self) -> u64 {
        match self {
            Self::Phase { mask, .. } => *mask,
            Self::Rotate { .. } => 0,
            Self::Flip { controls, .. } | Self::Dense { controls, .. } => *controls,
        }
    }
}

/// A unitary as primitives, in order, and its global phase.
#[derive(Debug, Clone, Default)]
pub(crate) struct Primitives {
    pub(crate) list: Vec<Primitive>,
    /// The global phase is the sum of these angles.
    pub(crate) phase: Vec<Angle>,
    /// Phases that no later step has needed yet.
    waiting: Vec<(u64, Angle)>,
}

impl Primitives {
    /// The primitives of gates in order of application.
    pub(crate) fn of<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Self {
        let mut primitives = Self::default();
        calls.into_iter().for_each(|call| primitives.call(call));
        let waiting = std::mem::take(&mut primitives.waiting);
        primitives.list.extend(waiting.into_iter().map(|(mask, angle)| Primitive::Phase {
            mask,
            angle,
            slope: None,
        }));
        primitives
    }

    /// The inverse but for the global phase, and the angles by which derivatives are taken on the way, by number.
    pub(crate) fn inverse(self) -> (Vec<Primitive>, Vec<Angle>) {
        let mut slopes = Vec::new();
        let list = self.list.into_iter().rev().map(|step| step.inverse(&mut slopes)).collect();
        (list, slopes)
    }

    fn call(&mut self, call: &Call) {
        let targets = call.target_qubits();
        let controls = call.control_qubits().fold(0, |mask, qubit| mask | 1 << qubit);
        if let Gate::Standard(row) = &call.gate {
            match (row.base_name(), controls, targets) {
                ("gphase", 0, _) => return add(&mut self.phase, call.angles[0]),
                ("id", ..) => return,
                ("x", _, [target]) => return self.flip(*target, controls),
                ("swap", _, [a, b]) => {
                    self.flip(*a, 1 << b);
                    self.flip(*b, controls | 1 << a);
                    return self.flip(*a, 1 << b);
                }
                ("ry", 0, [target]) => return self.rotate(*target, call.angles[0]),
                ("rx", 0, [target]) => {
                    return self.euler(*target, [call.angles[0], (-QUARTER).into(), QUARTER.into()]);
                }
                ("u", 0, [target]) if !call.is_constant() => {
                    let [theta, phi, lambda] = [0, 1, 2].map(|k| call.angles[k]);
                    add(&mut self.phase, (phi + lambda) / 2.0);
                    return self.euler(*target, [theta, phi, lambda]);
                }
                _ => {}
            }
        }
        let qubits: Vec<_> = targets.iter().copied().chain(call.control_qubits()).collect();
        if qubits.len() <= MAX_DIAGONAL
            && let Some(phases) = Phases::of(call)
        {
            return self.phases(&phases, &qubits);
        }
        if call.is_constant() && targets.len() == 1 && controls == 0 {
            return self.constant(&call.matrix(&[]), targets[0]);
        }
        if call.is_constant() && (targets.len() > 2 || targets.len() + controls.count_ones() as usize > 4) {
            return self.dense(call.matrix(&[]), targets.to_vec(), controls);
        }
        call.lower_to(&DIRECT).iter().for_each(|inner| self.call(inner));
    }

    /// A constant one-qubit matrix.
    fn constant(&mut self, matrix: &Matrix, qubit: usize) {
        let [gamma, theta, phi, lambda] = euler_angles(matrix).map(Angle::radians);
        add(&mut self.phase, gamma + (phi + lambda) / 2.0);
        self.euler(qubit, [theta, phi, lambda]);
    }

    /// `rz(phi) ry(theta) rz(lambda)`.
    fn euler(&mut self, qubit: usize, [theta, phi, lambda]: [Angle; 3]) {
        self.wait(1 << qubit, lambda);
        self.rotate(qubit, theta);
        self.wait(1 << qubit, phi);
    }

    /// A diagonal gate.
    fn phases(&mut self, phases: &Phases<'_>, qubits: &[usize]) {
        for parity in 0..1_usize << qubits.len() {
            let angle = phases.angle(parity);
            let chosen = qubits.iter().enumerate().filter(|(k, _)| parity >> k & 1 == 1);
            let mask = chosen.fold(0_u64, |mask, (_, qubit)| mask | 1 << qubit);
            if mask == 0 {
                add(&mut self.phase, angle / -2.0);
            } else {
                self.wait(mask, angle);
            }
        }
    }

    /// Lets a phase wait for the first step that needs it.
    fn wait(&mut self, mask: u64, angle: Angle) {
        if angle == Angle::ZERO {
            return;
        }
        for (other, sum) in &mut self.waiting {
            if *other == mask && fits(*sum, angle) {
                *sum += angle;
                return;
            }
        }
        self.waiting.push((mask, angle));
    }

    /// Applies the phases that depend on any of these qubits.
    fn settle(&mut self, qubits: u64) {
        let list = &mut self.list;
        self.waiting.retain(|(mask, angle)| {
            let needed = mask & qubits != 0;
            if needed && *angle != Angle::ZERO {
                list.push(Primitive::Phase { mask: *mask, angle: *angle, slope: None });
            }
            !needed
        });
    }

    fn rotate(&mut self, qubit: usize, angle: Angle) {
        if angle == Angle::ZERO {
            return;
        }
        self.settle(1 << qubit);
        if let Some(at) = self.last(1 << qubit)
            && let Primitive::Rotate { angle: sum, .. } = &mut self.list[at]
            && fits(*sum, angle)
        {
            *sum += angle;
            return;
        }
        self.list.push(Primitive::Rotate { qubit, angle, slope: None });
    }

    fn flip(&mut self, qubit: usize, controls: u64) {
        if controls.count_ones() < 2 {
            // the flip is linear in the bits: a parity after it is a parity before it
            for (mask, angle) in self.waiting.iter_mut().filter(|(mask, _)| mask >> qubit & 1 == 1) {
                *mask ^= controls;
                if controls == 0 {
                    *angle = -*angle;
                }
            }
            let moved = std::mem::take(&mut self.waiting);
            for (mask, angle) in moved {
                self.wait(mask, angle);
            }
        } else {
            self.settle(1 << qubit);
        }
        let this = Primitive::Flip { qubit, controls };
        match self.last(1 << qubit | controls) {
            Some(at) if self.list[at] == this => drop(self.list.remove(at)),
            _ => self.list.push(this),
        }
    }

    fn dense(&mut self, matrix: Matrix, targets: Vec<usize>, controls: u64) {
        self.settle(mask(&targets));
        self.list.push(Primitive::Dense { matrix, targets, controls });
    }

    /// The last primitive that touches any of these qubits, if it is near.
    fn last(&self, qubits: u64) -> Option<usize> {
        let near = self.list.len().saturating_sub(LOOK_BACK);
        let touches = |step: &Primitive| (step.mixed() | step.diagonal()) & qubits != 0;
        (near..self.list.len()).rev().find(|at| touches(&self.list[*at]))
    }
}

const QUARTER: f64 = std::f64::consts::FRAC_PI_2;

/// The rows that [`Primitives::call`] takes as they are.
static DIRECT: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let is_direct = |row: &&crate::gate::Row| {
        let diagonal = || is_diagonal(&(row.matrix)(&generic(row.angles.len())));
        let one = row.operands.len() == 1 && (row.angles.is_empty() || ["rx", "ry", "u"].contains(&row.name));
        one || matches!(row.base_name(), "x" | "swap") || row.operands.len() <= MAX_DIAGONAL && diagonal()
    };
    table().iter().filter(is_direct).map(|row| row.name).collect()
});

/// The phase of a basis state with all angles 0, and its slope by each angle.
type State = (f64, Vec<f64>);

/// The phases of a diagonal gate on the targets, then the controls.
struct Phases<'a> {
    call: &'a Call,
    /// For each basis state.
    states: Vec<State>,
}

impl<'a> Phases<'a> {
    /// `None` for a gate that is not diagonal for all angles.
    fn of(call: &'a Call) -> Option<Self> {
        let gate = &call.gate;
        let count = gate.angles();
        if !is_diagonal(&gate.matrix(&generic(count))) {
            return None;
        }
        let zeros = vec![0.0; count];
        let (matrix, slopes): (_, Vec<_>) =
            (gate.matrix(&zeros), (0..count).map(|k| gate.derivative(&zeros, k)).collect());
        let d = matrix.nrows();
        let controls = call.control_qubits().count();
        let on = ((1 << controls) - 1) * d; // the states in which all controls are 1
        let state = |j: usize| {
            if j & on != on {
                return (0.0, vec![0.0; count]);
            }
            let entry = matrix[(j % d, j % d)];
            (entry.arg(), slopes.iter().map(|slope| (slope[(j % d, j % d)] / entry).im).collect())
        };
        Some(Self { call, states: (0..d << controls).map(state).collect() })
    }

    /// The angle of the parity of these bits.
    fn angle(&self, parity: usize) -> Angle {
        let scale = -2.0 / self.states.len() as f64;
        let sign = |j: usize| if (j & parity).count_ones().is_multiple_of(2) { scale } else { -scale };
        let sum = |of: &dyn Fn(&State) -> f64| {
            clean(self.states.iter().enumerate().map(|(j, state)| sign(j) * of(state)).sum())
        };
        let angles = self.call.angles.iter().enumerate();
        angles.fold(Angle::radians(sum(&|state| state.0)), |total, (k, angle)| {
            match sum(&|state| state.1[k]) {
                0.0 => total,
                slope => total + *angle * slope,
            }
        })
    }
}

/// Sums of a few numbers of the size of pi that should be 0.
fn clean(value: f64) -> f64 {
    if value.abs() < 1e-14 { 0.0 } else { value }
}

/// Angles at which no matrix is diagonal by chance.
fn generic(count: usize) -> Vec<f64> {
    (0..count).map(|k| 0.7 + 0.6 * k as f64).collect()
}

fn is_diagonal(matrix: &Matrix) -> bool {
    matrix.indexed_iter().all(|((row, column), entry)| row == column || *entry == C64::ZERO)
}

pub(crate) fn mask(qubits: &[usize]) -> u64 {
    qubits.iter().fold(0, |mask, qubit| mask | 1 << qubit)
}

/// Whether the sum of two angles can be represented.
fn fits(a: Angle, b: Angle) -> bool {
    (a + b).is_valid()
}

/// Adds an angle to a sum of angles that may be too long for one.
fn add(sum: &mut Vec<Angle>, angle: Angle) {
    match sum.last_mut() {
        _ if angle == Angle::ZERO => {}
        Some(last) if fits(*last, angle) => *last += angle,
        _ => sum.push(angle),
    }
}
