//! Exact gradients of noisy circuits.

use super::operator::Operator;
use super::{Gradient, frozen};
use crate::linalg::{inner, kron};
use crate::simulator::form::Form;
use crate::simulator::program::{Parametrised, Program, Space, Step};
use crate::simulator::{self, MixedState};
use crate::{C64, Circuit, Error, Result};

/// A noisy circuit compiled for gradients of `Tr[M rho(theta)]`.
///
/// Noise cannot be undone, so the forward sweep keeps the state before each gate with parameters; the backward sweep
/// carries `M` through the adjoint maps (the Heisenberg picture) and meets them.
#[derive(Debug, Clone)]
pub struct DensityAdjoint {
    program: Program<f64>,
    /// The adjoint of each constant step.
    adjoints: Vec<Option<Form<f64>>>,
}

impl DensityAdjoint {
    /// Compiles a circuit.
    ///
    /// # Errors
    /// [`Error::NotDifferentiable`] for measurement before the end and conditions.
    pub fn new(circuit: &impl AsRef<Circuit>) -> Result<Self> {
        let circuit = circuit.as_ref();
        let program = Program::new(circuit, Space::Density(circuit.width()))?;
        if let Some(step) = program.steps.get(program.certain()) {
            let (step, instead) = (step.name().to_owned(), "`parameter_shift`");
            return Err(Error::NotDifferentiable { method: "density", step, instead });
        }
        let adjoints = frozen(&program.steps);
        Ok(Self { program, adjoints })
    }

    /// The expectation of an operator and its gradient.
    ///
    /// # Errors
    /// As [`Operator::check`]; [`Error::ParameterCount`], [`Error::ParameterValue`]; [`Error::TooManyQubits`],
    /// [`Error::Memory`].
    pub fn gradient(&self, operator: &impl Operator, values: &[f64]) -> Result<Gradient> {
        operator.check(self.program.width)?;
        self.gradient_with(values, |_| Ok(operator))
    }

    /// The gradient of any function of the final state, given by its derivative there: `derivative(rho)` is the Hermitian
    /// `M` with `d loss = Tr[M d rho]`. The value returned is `Tr[M rho]`.
    ///
    /// # Errors
    /// As [`Self::gradient`], and those of `derivative`.
    pub fn gradient_with<O: Operator>(
        &self,
        values: &[f64],
        derivative: impl FnOnce(&MixedState) -> Result<O>,
    ) -> Result<Gradient> {
        let program = &self.program;
        let forms = program.bind(values)?;
        let mut state = MixedState::zero(program.width)?;
        let kept = program.steps.iter().filter(|step| matches!(step, Step::Gate(_))).count() as u64;
        let bytes = simulator::memory::dense(program.width);
        simulator::memory::check(program.width, bytes.saturating_mul(kept + 2))?;
        let mut before = Vec::with_capacity(kept as usize);
        for step in &program.steps {
            if matches!(step, Step::Gate(_)) {
                before.push(state.as_slice().to_vec());
            }
            simulator::apply(step, &forms, state.entries_mut());
        }
        let operator = derivative(&state)?;
        operator.check(program.width)?;
        let mut dual = stacked(&operator, program.width);
        let value = inner(&dual, state.as_slice()).re;
        let mut gradient = vec![0.0; program.parameters().len()];
        for (step, adjoint) in program.steps.iter().zip(&self.adjoints).rev() {
            match (step, adjoint) {
                (Step::Fixed(layout, _), Some(adjoint)) => layout.apply(adjoint, &mut dual),
                (Step::Gate(gate), _) => {
                    let forms = &forms[gate.slot..gate.slot + gate.layouts.len()];
                    if let Some(rho) = before.pop() {
                        slopes(gate, forms, values, &dual, rho, &mut gradient);
                    }
                    for (layout, form) in gate.layouts.iter().zip(forms) {
                        layout.apply(&form.adjoint(layout.dimension()), &mut dual);
                    }
                }
                _ => {}
            }
        }
        Ok(Gradient { value, gradient })
    }
}

/// Adds `Tr[dual d(U rho U^+)]`, which is `2 Re Tr[dual dU rho U^+]`, for each parameter of a gate.
fn slopes(
    gate: &Parametrised,
    forms: &[Form<f64>],
    values: &[f64],
    dual: &[C64],
    mut rho: Vec<C64>,
    gradient: &mut [f64],
) {
    let angles = gate.call.values(values);
    if let ([_, columns], [_, form]) = (gate.layouts.as_slice(), forms) {
        columns.apply(form, &mut rho);
    }
    for (k, angle) in gate.call.angles.iter().enumerate().filter(|(_, angle)| !angle.is_constant()) {
        let slope = gate.call.gate.derivative(&angles, k);
        // a single layout is that of a superoperator
        let slope = match gate.layouts.len() {
            1 => Form::entries(&kron(&slope, &gate.call.matrix(values).mapv(|a| a.conj()))),
            _ => Form::entries(&slope),
        };
        let slope = 2.0 * gate.layouts[0].bracket(&slope, dual, &rho).re;
        angle.terms().for_each(|(p, coefficient)| gradient[p] += coefficient * slope);
    }
}

/// The matrix of an operator, row by row.
fn stacked(operator: &impl Operator, width: usize) -> Vec<C64> {
    let d = 1 << width;
    let mut matrix = vec![C64::ZERO; d * d];
    let (mut basis, mut column) = (vec![C64::ZERO; d], vec![C64::ZERO; d]);
    for j in 0..d {
        basis[j] = C64::ONE;
        operator.apply(&basis, &mut column);
        basis[j] = C64::ZERO;
        column.iter().enumerate().for_each(|(i, entry)| matrix[i * d + j] = *entry);
    }
    matrix
}
