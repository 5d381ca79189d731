//! Transfer matrices that depend on parameters.

use std::collections::HashMap;
use std::f64::consts::TAU;
use std::sync::Arc;

use super::pattern::Pattern;
use super::transfer::{Transfer, multiply};
use crate::gate::{Call, Gate};
use crate::{Angle, Channel, Matrix};

/// A map on some qubits, one of the factors of a step. Operands of its matrix are those qubits, in increasing order.
#[derive(Debug, Clone)]
pub(crate) enum Factor {
    Constant(Transfer),
    Curve(Curve),
    /// A gate with several angles that parameters turn.
    Gate(Turned),
}

/// `C_0 + sum_f cos(f a) C_f + sin(f a) S_f`: how every gate of the table depends on one angle `a`. Constant maps before and
/// after are multiplied into the coefficients, so that noise costs nothing when parameters are bound.
#[derive(Debug, Clone)]
pub(crate) struct Curve {
    pub(crate) angle: Angle,
    /// The row of the gate table.
    name: &'static str,
    frequencies: Vec<f64>,
    /// `C_0`, then `C_f` and `S_f` for each frequency.
    coefficients: Vec<Transfer>,
}

/// A gate on all of its qubits, in this order.
#[derive(Debug, Clone)]
pub(crate) struct Turned {
    pub(crate) call: Call,
    qubits: Vec<usize>,
    on: Vec<usize>,
}

impl Factor {
    /// The factors of a gate, in order of application, as maps on the qubits `on`.
    pub(super) fn of(call: &Call, on: &[usize], known: &mut Known) -> Vec<Self> {
        let turned: Vec<usize> = (0..call.angles.len()).filter(|k| !call.angles[*k].is_constant()).collect();
        if let (Gate::Standard(row), true, [a, b, c]) =
            (&call.gate, call.controls.is_empty(), call.angles.as_slice())
            && row.name == "u"
            && !turned.is_empty()
            && let (Some(rz), Some(ry)) = (Gate::named("rz"), Gate::named("ry"))
        {
            let one = |gate: &Gate, angle: &Angle| Call::new(gate.clone(), [*angle], call.qubits.clone());
            // up to a phase, which no map has
            let turns = [one(&rz, c), one(&ry, a), one(&rz, b)];
            return turns.iter().flat_map(|call| Self::of(call, on, known)).collect();
        }
        let qubits: Vec<usize> = call.target_qubits().iter().copied().chain(call.control_qubits()).collect();
        vec![match turned.as_slice() {
            [] => Self::Constant(Transfer::unitary(&full(call, &call.matrix(&[]))).embed(&qubits, on)),
            [k] => Self::Curve(Curve::of(call, *k, known).map(|map| map.embed(&qubits, on))),
            _ => Self::Gate(Turned { call: call.clone(), qubits, on: on.to_vec() }),
        }]
    }

    pub(crate) fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }

    /// This factor after a constant one, as one factor where that is one again.
    pub(crate) fn after(&self, before: &Self) -> Option<Self> {
        match (before, self) {
            (Self::Constant(a), Self::Constant(b)) => Some(Self::Constant(b.after(a))),
            (Self::Constant(a), Self::Curve(curve)) => Some(Self::Curve(curve.map(|c| c.after(a)))),
            (Self::Curve(curve), Self::Constant(b)) => Some(Self::Curve(curve.map(|c| b.after(c)))),
            _ => None,
        }
    }

    /// The factor as a map on more qubits.
    pub(crate) fn embed(&self, from: &[usize], to: &[usize]) -> Self {
        match self {
            Self::Constant(map) => Self::Constant(map.embed(from, to)),
            Self::Curve(curve) => Self::Curve(curve.map(|c| c.embed(from, to))),
            Self::Gate(gate) => Self::Gate(Turned { on: to.to_vec(), ..gate.clone() }),
        }
    }

    /// What is known of the entries whatever the parameters are.
    pub(crate) fn pattern(&self, qubits: usize) -> Pattern {
        match self {
            Self::Constant(map) => Pattern::of(map),
            Self::Curve(curve) => {
                let mut pattern = Pattern::of(&curve.coefficients[0]);
                for map in &curve.coefficients[1..] {
                    pattern.vary(map);
                }
                pattern
            }
            Self::Gate(_) => Pattern::any(qubits),
        }
    }

    /// The angles that turn it, as they stand in the circuit.
    pub(crate) fn angles(&self) -> Vec<Angle> {
        match self {
            Self::Constant(_) => Vec::new(),
            Self::Curve(curve) => vec![curve.angle],
            Self::Gate(gate) => {
                gate.call.angles.iter().copied().filter(|angle| !angle.is_constant()).collect()
            }
        }
    }

    /// The name of the gate, where it is one.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Constant(_) => "",
            Self::Curve(curve) => curve.name,
            Self::Gate(gate) => gate.call.gate.name(),
        }
    }

    /// The matrix for these parameters.
    pub(crate) fn write(&self, values: &[f64], entries: &mut [f64]) {
        match self {
            Self::Constant(map) => entries.copy_from_slice(&map.entries),
            Self::Curve(curve) => curve.write(values, entries),
            Self::Gate(gate) => entries.copy_from_slice(&gate.transfer(values).entries),
        }
    }

    /// The derivative by number `k` of [`Self::angles`].
    pub(crate) fn slope(&self, k: usize, values: &[f64]) -> Vec<f64> {
        match self {
            Self::Constant(map) => vec![0.0; map.entries.len()],
            Self::Curve(curve) => curve.slope(values),
            Self::Gate(gate) => gate.slope(k, values).entries,
        }
    }
}

/// Maps that a circuit has many of: the channels of a noise model, the gates with one angle.
#[derive(Debug, Default)]
pub(super) struct Known {
    channels: HashMap<*const Channel, Transfer>,
    /// By name and number of controls.
    curves: HashMap<(&'static str, usize), Curve>,
}

impl Known {
    pub(super) fn channel(&mut self, channel: &Arc<Channel>) -> &Transfer {
        let new = || Transfer::superoperator(channel.superoperator());
        self.channels.entry(Arc::as_ptr(channel)).or_insert_with(new)
    }
}

impl Curve {
    /// The curve of angle number `turned` on the targets and controls of a gate, in this order.
    fn of(call: &Call, turned: usize, known: &mut Known) -> Self {
        match &call.gate {
            Gate::Standard(row) if row.angles.len() == 1 => {
                let key = (row.name, call.control_qubits().count());
                let curve = known.curves.entry(key).or_insert_with(|| Self::sampled(call, turned)).clone();
                Self { angle: call.angles[turned], ..curve }
            }
            _ => Self::sampled(call, turned),
        }
    }

    fn sampled(call: &Call, turned: usize) -> Self {
        let mut exponents = call.gate.exponents(turned).to_vec();
        if call.control_qubits().next().is_some() {
            exponents.push(0.0); // where a control is 0 nothing turns
        }
        let pairs = exponents.iter().flat_map(|a| exponents.iter().map(move |b| a - b));
        let mut frequencies: Vec<f64> = pairs.filter(|f| *f > 0.0).collect();
        frequencies.sort_unstable_by(f64::total_cmp);
        frequencies.dedup();
        // the table's frequencies are multiples of the lowest: samples of a period are their Fourier transform
        let lowest = frequencies.first().copied().unwrap_or(1.0);
        let highest = frequencies.last().copied().unwrap_or(1.0);
        let count = 2 * (highest / lowest).round() as usize + 1;
        let angles: Vec<f64> = (0..count).map(|k| TAU / lowest * k as f64 / count as f64).collect();
        let sample = |angle: &f64| {
            let mut values = call.values(&[]);
            values[turned] = *angle;
            Transfer::unitary(&full(call, &call.gate.matrix(&values)))
        };
        let samples: Vec<Transfer> = angles.iter().map(sample).collect();
        let mean = |weight: &dyn Fn(f64) -> f64| {
            let mut sum =
                Transfer { qubits: samples[0].qubits, entries: vec![0.0; samples[0].entries.len()] };
            for (angle, sample) in angles.iter().zip(&samples) {
                let factor = weight(*angle) / count as f64;
                sum.entries.iter_mut().zip(&sample.entries).for_each(|(sum, entry)| *sum += factor * entry);
            }
            sum.without_dust()
        };
        let mut coefficients = vec![mean(&|_| 1.0)];
        for f in &frequencies {
            coefficients.push(mean(&|angle| 2.0 * (f * angle).cos()));
            coefficients.push(mean(&|angle| 2.0 * (f * angle).sin()));
        }
        let name = match &call.gate {
            Gate::Standard(row) => row.name,
            Gate::Unitary(_) => "unitary",
        };
        Self { angle: call.angles[turned], name, frequencies, coefficients }
    }

    /// The entries that the angle moves.
    pub(super) fn varying(&self) -> Pattern {
        let mut pattern = Pattern::none(self.coefficients[0].qubits);
        self.coefficients[1..].iter().for_each(|map| pattern.vary(map));
        pattern
    }

    fn map(&self, change: impl Fn(&Transfer) -> Transfer) -> Self {
        Self { coefficients: self.coefficients.iter().map(change).collect(), ..self.clone() }
    }

    fn write(&self, values: &[f64], entries: &mut [f64]) {
        entries.copy_from_slice(&self.coefficients[0].entries);
        let angle = self.angle.value(values);
        for (f, pair) in self.frequencies.iter().zip(self.coefficients[1..].chunks_exact(2)) {
            let (sin, cos) = (f * angle).sin_cos();
            add(entries, cos, &pair[0], sin, &pair[1]);
        }
    }

    fn slope(&self, values: &[f64]) -> Vec<f64> {
        let mut entries = vec![0.0; self.coefficients[0].entries.len()];
        let angle = self.angle.value(values);
        for (f, pair) in self.frequencies.iter().zip(self.coefficients[1..].chunks_exact(2)) {
            let (sin, cos) = (f * angle).sin_cos();
            add(&mut entries, -f * sin, &pair[0], f * cos, &pair[1]);
        }
        entries
    }
}

impl Turned {
    fn transfer(&self, values: &[f64]) -> Transfer {
        Transfer::unitary(&full(&self.call, &self.call.matrix(values))).embed(&self.qubits, &self.on)
    }

    fn slope(&self, k: usize, values: &[f64]) -> Transfer {
        let (call, angles) = (&self.call, self.call.values(values));
        let turned = (0..call.angles.len()).filter(|k| !call.angles[*k].is_constant()).nth(k).unwrap_or(0);
        let (matrix, mut slope) =
            (full(call, &call.gate.matrix(&angles)), call.gate.derivative(&angles, turned));
        slope = full(call, &slope);
        // where a control is 0 the identity of `full` does not move
        let controlled = (slope.nrows() - 1) & !((1 << call.target_qubits().len()) - 1);
        for ((row, _), entry) in slope.indexed_iter_mut() {
            if row & controlled != controlled {
                *entry = 0.0.into();
            }
        }
        Transfer::slope(&matrix, &slope).embed(&self.qubits, &self.on)
    }
}

/// The matrix on the targets as one on targets and controls, controls above.
pub(super) fn full(call: &Call, matrix: &Matrix) -> Matrix {
    let (d, controls) = (matrix.nrows(), call.control_qubits().count());
    let first = (d << controls) - d;
    Matrix::from_shape_fn((d << controls, d << controls), |(row, column)| {
        if row >= first && column >= first {
            matrix[(row - first, column - first)]
        } else {
            f64::from(row == column).into()
        }
    })
}

/// The product of factors for these parameters, in order of application; `spare` is room for one matrix.
pub(crate) fn product(factors: &[Factor], values: &[f64], entries: &mut Vec<f64>, spare: &mut [Vec<f64>; 2]) {
    let Some((first, rest)) = factors.split_first() else { return };
    first.write(values, entries);
    let d = 1 << (entries.len().trailing_zeros() / 2);
    for factor in rest {
        let [next, sum] = spare;
        next.resize(entries.len(), 0.0);
        sum.resize(entries.len(), 0.0);
        factor.write(values, next);
        multiply(d, next, entries, sum);
        std::mem::swap(entries, sum);
    }
}

fn add(entries: &mut [f64], a: f64, first: &Transfer, b: f64, second: &Transfer) {
    for ((entry, x), y) in entries.iter_mut().zip(&first.entries).zip(&second.entries) {
        *entry += a * x + b * y;
    }
}
