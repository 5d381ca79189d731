//! Exact gradients of noisy circuits.

use super::Gradient;
use super::operator::Operator;
use crate::simulator::pauli::{PauliState, Program, Reverse};
use crate::simulator::{MixedState, memory};
use crate::{C64, Circuit, Error, Result};

/// A noisy circuit compiled for gradients of `Tr[M rho(theta)]`.
///
/// Noise cannot be undone, so the forward sweep keeps the state before each gate with parameters; the backward sweep
/// carries `M` through the adjoint maps (the Heisenberg picture) and meets them.
#[derive(Debug, Clone)]
pub struct DensityAdjoint {
    program: Program,
    /// The adjoint of each step.
    reverses: Vec<Reverse>,
}

impl DensityAdjoint {
    /// Compiles a circuit.
    ///
    /// # Errors
    /// [`Error::NotDifferentiable`] for measurement before the end and conditions.
    pub fn new(circuit: &impl AsRef<Circuit>) -> Result<Self> {
        let circuit = circuit.as_ref();
        let program = Program::new(circuit)?;
        if let Some(step) = program.steps.get(program.certain()) {
            let (step, instead) = (step.name().to_owned(), "`parameter_shift`");
            return Err(Error::NotDifferentiable { method: "density", step, instead });
        }
        let reverses = program.steps.iter().map(Reverse::of).collect();
        Ok(Self { program, reverses })
    }

    /// The expectation of an operator and its gradient.
    ///
    /// # Errors
    /// As [`Operator::check`]; [`Error::ParameterCount`], [`Error::ParameterValue`]; [`Error::TooManyQubits`],
    /// [`Error::Memory`].
    pub fn gradient(&self, operator: &impl Operator, values: &[f64]) -> Result<Gradient> {
        operator.check(self.program.width)?;
        self.sweep(values, |_| Ok(operator))
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
        self.sweep(values, |state| derivative(&state.to_mixed()?))
    }

    fn sweep<O: Operator>(
        &self,
        values: &[f64],
        derivative: impl FnOnce(&PauliState) -> Result<O>,
    ) -> Result<Gradient> {
        let program = &self.program;
        let bound = program.bind(values)?;
        let mut state = PauliState::zero(program.width)?;
        let kept = program.steps.iter().filter(|step| !step.is_constant()).count() as u64;
        memory::check(program.width, PauliState::bytes(program.width).saturating_mul(kept + 4))?;
        let mut before = Vec::with_capacity(kept as usize);
        for step in &program.steps {
            if !step.is_constant() {
                before.push(state.clone());
            }
            program.apply(step, &bound, &mut state);
        }
        let operator = derivative(&state)?;
        operator.check(program.width)?;
        let mut dual = program.dual(&stacked(&operator, program.width))?;
        let value = dual.entries().iter().zip(state.entries()).map(|(d, r)| d * r).sum();
        let mut gradient = vec![0.0; program.parameters().len()];
        for (step, reverse) in program.steps.iter().zip(&self.reverses).rev() {
            let rho = if step.is_constant() { None } else { before.pop() };
            program.back((step, reverse), values, rho.as_ref(), &mut dual, &mut gradient);
        }
        Ok(Gradient { value, gradient })
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
