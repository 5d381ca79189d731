//! The adjoint method: one sweep forward, one backward.

use super::operator::Operator;
use super::{Gradient, frozen};
use crate::linalg::inner;
use crate::simulator::form::Form;
use crate::simulator::program::{Bindings, Program, Space, Step};
use crate::simulator::{self, PureState};
use crate::{C64, Circuit, Error, Result};

/// A unitary circuit compiled for gradients of `<psi(theta)| M |psi(theta)>` (Jones and Gacon, arXiv:2009.02823).
///
/// The backward sweep undoes the gates one by one, so two vectors are kept, however deep the circuit is. Measurements that
/// nothing follows are left out, as everywhere.
#[derive(Debug, Clone)]
pub struct Adjoint {
    program: Program<f64>,
    /// The inverse of each constant step.
    inverses: Vec<Option<Form<f64>>>,
}

impl Adjoint {
    /// Compiles a circuit.
    ///
    /// # Errors
    /// [`Error::NotDifferentiable`] for noise, measurement before the end, reset and conditions.
    pub fn new(circuit: &impl AsRef<Circuit>) -> Result<Self> {
        let program = Program::stepwise(circuit.as_ref(), Space::Vector)?;
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
        let inverses = frozen(&program.steps);
        Ok(Self { program, inverses })
    }

    /// The expectation of an operator and its gradient.
    ///
    /// # Errors
    /// As [`Operator::check`]; [`Error::ParameterCount`], [`Error::ParameterValue`]; [`Error::TooManyQubits`],
    /// [`Error::Memory`].
    pub fn gradient(&self, operator: &impl Operator, values: &[f64]) -> Result<Gradient> {
        let program = &self.program;
        operator.check(program.width)?;
        let bindings = program.bind(values)?;
        let mut psi = self.forward(&bindings)?;
        simulator::memory::check(program.width, 16 << program.width)?;
        let mut dual = vec![C64::ZERO; psi.len()];
        operator.apply(&psi, &mut dual);
        let value = inner(&psi, &dual).re;
        let mut gradient = vec![0.0; program.parameters().len()];
        for (step, inverse) in program.steps.iter().zip(&self.inverses).rev() {
            match (step, inverse) {
                (Step::Fixed(layout, _), Some(inverse)) => {
                    layout.apply(inverse, &mut psi);
                    layout.apply(inverse, &mut dual);
                }
                (Step::Gate(gate), _) => {
                    let angles = gate.call.values(values);
                    for (layout, form) in gate.layouts.iter().zip(&bindings.forms[gate.slot..]) {
                        let inverse = form.adjoint(layout.dimension());
                        layout.apply(&inverse, &mut psi);
                        for (k, angle) in
                            gate.call.angles.iter().enumerate().filter(|(_, a)| !a.is_constant())
                        {
                            let slope = Form::entries(&gate.call.gate.derivative(&angles, k));
                            let slope = 2.0 * layout.bracket(&slope, &dual, &psi).re;
                            angle.terms().for_each(|(p, coefficient)| gradient[p] += coefficient * slope);
                        }
                        layout.apply(&inverse, &mut dual);
                    }
                }
                _ => {}
            }
        }
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
        PureState::from_amplitudes(self.forward(&self.program.bind(values)?)?)
    }

    fn forward(&self, bindings: &Bindings<f64>) -> Result<Vec<C64>> {
        let mut psi = PureState::zero(self.program.width)?.into_vec();
        for step in &self.program.steps {
            simulator::apply(step, bindings, &mut psi);
        }
        Ok(psi)
    }
}
