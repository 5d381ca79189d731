//! Parameter-shift rules: gradients from expectations alone, as a device gives them.

use std::f64::consts::FRAC_PI_2;

use super::Gradient;
use crate::circuit::Instruction;
use crate::gate::Call;
use crate::simulator::{Plan, Simulator};
use crate::{Angle, Circuit, Error, Observable, Result};

/// One expectation that a rule asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// Which angle of [`ShiftRule::circuit`] is shifted.
    pub occurrence: usize,
    /// By how much, in radians.
    pub shift: f64,
    /// The weight of the expectation in the derivative by that angle.
    pub weight: f64,
}

/// The parameter-shift rule of a circuit (Wierichs, Izaac, Wang and Lin, Quantum 6, 677).
///
/// Each angle that has parameters, in each place where it stands, is shifted on its own; the chain rule through the affine
/// expressions of the angles gives the gradient. The circuits to run differ only in values: [`Self::circuit`] has one
/// parameter an angle, so that it is compiled once. The rule is exact, also with noise, measurements and conditions.
///
/// ```
/// use ketline_quantum::gradient::ShiftRule;
/// use ketline_quantum::simulator::{Plan, Simulator, StateVector};
/// use ketline_quantum::{Angle, Builder, Observable};
///
/// let mut b = Builder::new("one");
/// let (q, theta): (_, Angle) = (b.qubit("q"), b.parameter("theta"));
/// b.rx(2.0 * theta, q);
/// let rule = ShiftRule::new(&b.finish()?)?;
///
/// let plan = StateVector::new().plan(rule.circuit())?;
/// let results: Vec<f64> = rule
///     .evaluations(&[0.4])?
///     .iter()
///     .map(|values| plan.expectation(&Observable::z(0), values))
///     .collect::<Result<_, _>>()?;
/// assert!((rule.combine(&results)?[0] + 2.0 * 0.8_f64.sin()).abs() < 1e-14);
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ShiftRule {
    circuit: Circuit,
    angles: Vec<Angle>,
    shifts: Vec<Shift>,
    original: crate::Parameters,
}

impl ShiftRule {
    /// The rule of a circuit.
    ///
    /// # Errors
    /// [`Error::TooManyParameters`] for more angles than a circuit can number.
    pub fn new(circuit: &impl AsRef<Circuit>) -> Result<Self> {
        let circuit = circuit.as_ref();
        let (unrolled, angles) = circuit.unroll()?;
        let mut shifts = Vec::new();
        for step in unrolled.instructions() {
            visit(step, &mut |call| {
                for (k, angle) in call.angles.iter().enumerate() {
                    for (occurrence, _) in angle.terms() {
                        let rule = rule(&frequencies(call, k)).into_iter();
                        shifts.extend(rule.map(|(shift, weight)| Shift { occurrence, shift, weight }));
                    }
                }
            });
        }
        Ok(Self { circuit: unrolled, angles, shifts, original: circuit.parameters().clone() })
    }

    /// The circuit to run: the given one with a parameter of its own for each angle.
    pub fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    /// The expectations that a gradient needs.
    pub fn shifts(&self) -> &[Shift] {
        &self.shifts
    }

    /// The values of [`Self::circuit`] at which it is the given circuit at `values`.
    ///
    /// # Errors
    /// [`Error::ParameterCount`], [`Error::ParameterValue`].
    pub fn values(&self, values: &[f64]) -> Result<Vec<f64>> {
        self.original.check(values)?;
        Ok(self.angles.iter().map(|angle| angle.value(values)).collect())
    }

    /// The values of [`Self::circuit`] for each of [`Self::shifts`].
    ///
    /// # Errors
    /// [`Error::ParameterCount`], [`Error::ParameterValue`].
    pub fn evaluations(&self, values: &[f64]) -> Result<Vec<Vec<f64>>> {
        let centre = self.values(values)?;
        let shifted = |shift: &Shift| {
            let mut values = centre.clone();
            values[shift.occurrence] += shift.shift;
            values
        };
        Ok(self.shifts.iter().map(shifted).collect())
    }

    /// The gradient by the given circuit's parameters, from the expectations at [`Self::evaluations`].
    ///
    /// # Errors
    /// [`Error::Dimension`] for another number of expectations.
    pub fn combine(&self, expectations: &[f64]) -> Result<Vec<f64>> {
        if expectations.len() != self.shifts.len() {
            return Err(Error::Dimension {
                what: "the list of shifted expectations",
                found: expectations.len(),
                expected: self.shifts.len(),
            });
        }
        let mut gradient = vec![0.0; self.original.len()];
        for (shift, expectation) in self.shifts.iter().zip(expectations) {
            for (parameter, coefficient) in self.angles[shift.occurrence].terms() {
                gradient[parameter] += coefficient * shift.weight * expectation;
            }
        }
        Ok(gradient)
    }

    /// The gradient, with each expectation from `evaluate`, called with values of [`Self::circuit`].
    ///
    /// # Errors
    /// [`Error::ParameterCount`], [`Error::ParameterValue`], and those of `evaluate`.
    pub fn gradient(&self, values: &[f64], evaluate: impl FnMut(&[f64]) -> Result<f64>) -> Result<Vec<f64>> {
        let evaluations = self.evaluations(values)?;
        let results = evaluations.iter().map(Vec::as_slice).map(evaluate).collect::<Result<Vec<_>>>()?;
        self.combine(&results)
    }
}

/// The expectation of an observable and its gradient by the parameter-shift rule on a simulator.
///
/// # Errors
/// As [`ShiftRule::new`], [`Simulator::plan`] and [`Plan::expectation`].
pub fn parameter_shift(
    simulator: &impl Simulator,
    circuit: &impl AsRef<Circuit>,
    observable: &Observable,
    values: &[f64],
) -> Result<Gradient> {
    let rule = ShiftRule::new(circuit)?;
    let plan = simulator.plan(rule.circuit())?;
    let value = plan.expectation(observable, &rule.values(values)?)?;
    let gradient = rule.gradient(values, |values| plan.expectation(observable, values))?;
    Ok(Gradient { value, gradient })
}

fn visit(step: &Instruction, each: &mut dyn FnMut(&Call)) {
    match step {
        Instruction::Gate(call) => each(call),
        Instruction::If { body, .. } => body.iter().for_each(|step| visit(step, each)),
        _ => {}
    }
}

/// The frequencies at which an expectation varies with an angle: positive differences of the gate's own.
fn frequencies(call: &Call, k: usize) -> Vec<f64> {
    let mut exponents = call.gate.exponents(k).to_vec();
    if !call.controls.is_empty() {
        exponents.push(0.0); // where a control is 0 nothing turns
    }
    let pairs = exponents.iter().flat_map(|a| exponents.iter().map(move |b| a - b));
    let mut frequencies: Vec<f64> = pairs.filter(|difference| *difference > 1e-12).collect();
    frequencies.sort_unstable_by(f64::total_cmp);
    frequencies.dedup_by(|a, b| (*a - *b).abs() < 1e-12);
    frequencies
}

/// Shifts and weights that give the derivative at 0 of every `sum_w a_w cos(w x) + b_w sin(w x)` over the frequencies.
///
/// The shifts are odd multiples of `pi / (2 w_max)`: for frequencies at equal distance the equidistant rule of Wierichs
/// et al., and for any others the sines still form a Chebyshev system there, so that the equations have one solution.
fn rule(frequencies: &[f64]) -> Vec<(f64, f64)> {
    let count = frequencies.len();
    let Some(highest) = frequencies.last() else { return Vec::new() };
    let nodes: Vec<f64> = (0..count).map(|j| (2 * j + 1) as f64 * FRAC_PI_2 / highest).collect();
    // sum_j x_j sin(w_i s_j) = w_i, by elimination with pivots
    let mut rows: Vec<Vec<f64>> =
        frequencies.iter().map(|w| nodes.iter().map(|s| (w * s).sin()).chain([*w]).collect()).collect();
    for at in 0..count {
        let pivot =
            (at..count).max_by(|a, b| rows[*a][at].abs().total_cmp(&rows[*b][at].abs())).unwrap_or(at);
        rows.swap(at, pivot);
        let row = rows[at].clone();
        for (_, target) in rows.iter_mut().enumerate().filter(|(other, _)| *other != at) {
            let factor = target[at] / row[at];
            target.iter_mut().zip(&row).for_each(|(a, b)| *a -= factor * b);
        }
    }
    let halves = nodes.iter().enumerate().map(|(j, node)| (*node, rows[j][count] / rows[j][j] / 2.0));
    halves.flat_map(|(node, weight)| [(node, weight), (-node, -weight)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Gate;

    fn derivative(frequencies: &[f64], f: impl Fn(f64) -> f64) -> f64 {
        rule(frequencies).iter().map(|(shift, weight)| weight * f(*shift)).sum()
    }

    #[test]
    fn rules_are_exact_for_their_frequencies() {
        for frequencies in [&[1.0][..], &[0.5, 1.0], &[1.0, 2.0], &[1.0, 2.0, 3.0, 4.0], &[0.3, 1.1, 2.7]] {
            let f = |x: f64| {
                let wave = |(k, w): (usize, &f64)| (w * x).sin() * (1.0 + k as f64) + (w * x).cos() * 0.7;
                0.4 + frequencies.iter().enumerate().map(wave).sum::<f64>()
            };
            let exact: f64 = frequencies.iter().enumerate().map(|(k, w)| w * (1.0 + k as f64)).sum();
            assert!((derivative(frequencies, f) - exact).abs() < 1e-12, "{frequencies:?}");
            assert_eq!(rule(frequencies).len(), 2 * frequencies.len());
        }
        assert!(rule(&[]).is_empty());
    }

    #[test]
    fn the_equidistant_rule_has_its_closed_form() {
        // Wierichs et al., eq. (27), for two frequencies 1 and 2
        for ((shift, weight), mu) in rule(&[1.0, 2.0]).iter().step_by(2).zip(1..) {
            let x = f64::from(2 * mu - 1) * std::f64::consts::FRAC_PI_4;
            let sign = if mu % 2 == 1 { 1.0 } else { -1.0 };
            assert!((shift - x).abs() < 1e-14);
            assert!((weight - sign / (8.0 * (x / 2.0).sin().powi(2))).abs() < 1e-14);
        }
    }

    #[test]
    fn controls_double_the_rule() {
        let call = |name: &str| Call::new(Gate::named(name).unwrap(), [Angle::parameter(0)], [0]);
        assert_eq!(frequencies(&call("rx"), 0), [1.0]);
        assert_eq!(frequencies(&call("rx").controlled(&[1]), 0), [0.5, 1.0]);
        assert_eq!(frequencies(&call("rx").controlled(&[1, 2]), 0), [0.5, 1.0]);
        assert_eq!(frequencies(&call("p").controlled(&[1, 2]), 0), [1.0]);
    }
}
