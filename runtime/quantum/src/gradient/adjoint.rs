//! The adjoint method: one sweep forward, one backward.

use super::Gradient;
use super::operator::Operator;
use crate::circuit::Instruction;
use crate::linalg::inner;
use crate::simulator::program::{Program, Step, split};
use crate::simulator::sweep::engine::Engine;
use crate::simulator::{self, PureState, pages};
use crate::{C64, Circuit, Error, Result};

/// A unitary circuit compiled for gradients of `<psi(theta)| M |psi(theta)>` (Jones and Gacon, arXiv:2009.02823).
///
/// The backward sweep undoes the gates, so two vectors are kept, however deep the circuit is. They lie side by side and
/// run through the kernels of the simulator as one. Measurements that nothing follows are left out, as everywhere.
#[derive(Debug, Clone)]
pub struct Adjoint {
    program: Program<f64>,
    back: Engine<f64>,
}

impl Adjoint {
    /// Compiles a circuit.
    ///
    /// # Errors
    /// [`Error::NotDifferentiable`] for noise, measurement before the end, reset and conditions.
    pub fn new(circuit: &impl AsRef<Circuit>) -> Result<Self> {
        let circuit = circuit.as_ref();
        let program = Program::new(circuit)?;
        if let Some(step) = program.steps.get(program.certain()) {
            let instead = match step {
                Step::Kraus(_) => "`density_gradient`",
                _ => "`parameter_shift`",
            };
            return Err(Error::NotDifferentiable {
                method: "adjoint",
                step: step.name().to_owned(),
                instead,
            });
        }
        let (body, _) = split(circuit)?;
        let calls = body.into_iter().filter_map(|step| match step {
            Instruction::Gate(call) => Some(call),
            _ => None,
        });
        let back = Engine::back(calls, program.width);
        Ok(Self { program, back })
    }

    /// The expectation of an operator and its gradient.
    ///
    /// # Errors
    /// As [`Operator::check`]; [`Error::ParameterCount`], [`Error::ParameterValue`]; [`Error::TooManyQubits`],
    /// [`Error::Memory`].
    pub fn gradient(&self, operator: &impl Operator, values: &[f64]) -> Result<Gradient> {
        let program = &self.program;
        operator.check(program.width)?;
        let mut gradient = vec![0.0; program.parameters().len()];
        program.parameters().check(values)?;
        let bound = self.back.bind(values)?;
        let pair = self.back.pair_width();
        simulator::memory::check(program.width, 16 << pair)?;
        let mut states = pages::zeros(1 << pair);
        let (psi, dual) = states.split_at_mut(1 << (pair - 1));
        let (psi, dual) = (&mut psi[..1 << program.width], &mut dual[..1 << program.width]);
        self.forward(values, psi)?;
        operator.apply(psi, dual);
        let value = inner(psi, dual).re;
        self.back.meet(bound.as_ref(), &mut states, &mut gradient);
        Ok(Gradient { value, gradient })
    }

    /// How many qubits the circuit has.
    pub fn width(&self) -> usize {
        self.program.width
    }

    /// The state at these values: what the gradient is taken at.
    ///
    /// # Errors
    /// [`Error::ParameterCount`], [`Error::ParameterValue`]; [`Error::TooManyQubits`], [`Error::Memory`].
    pub fn state(&self, values: &[f64]) -> Result<PureState> {
        let mut psi = PureState::zero(self.program.width)?.into_vec();
        self.forward(values, &mut psi)?;
        PureState::from_amplitudes(psi)
    }

    /// Runs from zeros.
    fn forward(&self, values: &[f64], psi: &mut [C64]) -> Result<()> {
        let bindings = self.program.bind(values)?;
        psi[0] = C64::ONE;
        self.program.steps.iter().for_each(|step| simulator::apply(step, &bindings, psi));
        Ok(())
    }
}
