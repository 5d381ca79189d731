//! Circuits compiled for runs with many parameter values: constant steps are matrices, fused where that is cheaper.

use super::bits;
use super::form::Form;
use super::fuse::{self, Draft, What};
use super::kernel::Layout;
use super::precision::Precision;
use super::pure::MAX_QUBITS;
use super::sweep::bound::Bound;
use super::sweep::engine::Engine;
use crate::circuit::{Confusion, Instruction, Parameters};
use crate::gate::Call;
use crate::linalg::dagger;
use crate::{C64, Channel, Circuit, Error, Matrix, Result};

/// A circuit ready to run on state vectors.
#[derive(Debug, Clone)]
pub(crate) struct Program<T> {
    pub(crate) width: usize,
    parameters: Parameters,
    pub(crate) steps: Vec<Step<T>>,
    /// Measurements that nothing follows.
    pub(crate) readouts: Vec<Readout>,
    /// The classical bits of the result, the first is the least significant.
    pub(crate) outputs: Vec<usize>,
}

/// A measurement that nothing follows: the state is read out and never used again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Readout {
    pub(crate) qubit: usize,
    pub(crate) bit: usize,
    pub(crate) confusion: Option<Confusion>,
}

/// A step of a program. `live` are the bits that a later step reads.
#[derive(Debug, Clone)]
pub(crate) enum Step<T> {
    Fixed(Layout, Form<T>),
    Gate(Parametrised),
    /// A run of gates, planned together.
    Unitary {
        engine: Box<Engine<T>>,
        /// Where its bound tables are.
        slot: usize,
    },
    Kraus(Kraus<T>),
    Measure {
        qubit: usize,
        bit: usize,
        confusion: Confusion,
        live: u128,
    },
    Reset {
        qubit: usize,
        flip: Layout,
    },
    If {
        bit: usize,
        value: bool,
        body: Vec<Step<T>>,
        live: u128,
    },
}

/// A gate whose matrix depends on the parameters.
#[derive(Debug, Clone)]
pub(crate) struct Parametrised {
    pub(crate) call: Call,
    pub(crate) layout: Layout,
    /// Where its bound form is.
    pub(crate) slot: usize,
}

/// What steps need beside the values of parameters.
#[derive(Debug, Clone)]
pub(crate) struct Bindings<T> {
    /// The matrices of the parametrised gates.
    pub(crate) forms: Vec<Form<T>>,
    /// The tables of the planned unitaries; those without parameters have their own.
    pub(crate) bounds: Vec<Option<Bound<T>>>,
}

/// A channel as alternatives of which one happens.
#[derive(Debug, Clone)]
pub(crate) struct Kraus<T> {
    pub(crate) name: String,
    pub(crate) layout: Layout,
    pub(crate) operators: Vec<Form<T>>,
    /// `K^+ K` of each, row by row: its expectation is the probability.
    pub(crate) effects: Vec<Vec<C64>>,
    /// The probabilities where they do not depend on the state; the operators are then unitary.
    pub(crate) probabilities: Option<Vec<f64>>,
}

impl<T: Precision> Program<T> {
    /// Compiles a circuit. Gates are planned together, unless noise is between them.
    pub(crate) fn new(circuit: &Circuit) -> Result<Self> {
        if circuit.width() > MAX_QUBITS {
            return Err(Error::TooManyQubits { found: circuit.width(), limit: MAX_QUBITS });
        }
        bits::check(circuit.bits())?;
        let (body, readouts) = split(circuit)?;
        let outputs = results(circuit)?;
        let is_planned = !has_channel(circuit.instructions());
        let mut lowering = Lowering { width: circuit.width(), is_planned, forms: 0, bounds: 0 };
        let mut steps = lowering.steps(&body)?;
        mark_live(&mut steps, 0);
        let parameters = circuit.parameters().clone();
        Ok(Self { width: circuit.width(), parameters, steps, readouts, outputs })
    }

    /// What steps need for these values; finite values may still give an angle that is not.
    pub(crate) fn bind(&self, values: &[f64]) -> Result<Bindings<T>> {
        fn bind<T: Precision>(steps: &[Step<T>], values: &[f64], bindings: &mut Bindings<T>) -> Result<()> {
            for (number, step) in steps.iter().enumerate() {
                match step {
                    Step::Gate(gate) => {
                        let angles = gate.call.values(values);
                        if !angles.iter().all(|angle| angle.is_finite()) {
                            return Err(Error::Angle { gate: gate.call.name(), step: number });
                        }
                        bindings.forms.push(Form::of(&gate.call.gate.matrix(&angles)));
                    }
                    Step::Unitary { engine, .. } => bindings.bounds.push(engine.bind(values)?),
                    Step::If { body, .. } => bind(body, values, bindings)?,
                    _ => {}
                }
            }
            Ok(())
        }
        self.parameters.check(values)?;
        let mut bindings = Bindings { forms: Vec::new(), bounds: Vec::new() };
        bind(&self.steps, values, &mut bindings)?;
        Ok(bindings)
    }

    /// How many parameters there are.
    pub(crate) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The planned runs of gates, but for those under conditions.
    pub(crate) fn engines(&self) -> impl Iterator<Item = &Engine<T>> {
        self.steps.iter().filter_map(|step| match step {
            Step::Unitary { engine, .. } => Some(engine.as_ref()),
            _ => None,
        })
    }

    /// How many leading steps need no chance.
    pub(crate) fn certain(&self) -> usize {
        let certain =
            |step: &&Step<T>| matches!(step, Step::Fixed(..) | Step::Gate(_) | Step::Unitary { .. });
        self.steps.iter().take_while(certain).count()
    }

    /// The bits of the result that are recorded before the end.
    pub(crate) fn kept(&self) -> u128 {
        let read_out = |bit: &usize| self.readouts.iter().any(|readout| readout.bit == *bit);
        self.outputs.iter().filter(|bit| !read_out(bit)).fold(0, |mask, bit| mask | 1 << bit)
    }

    /// Passes over the state that a run takes.
    pub(crate) fn passes(&self) -> usize {
        fn passes<T: Precision>(steps: &[Step<T>]) -> usize {
            let of = |step: &Step<T>| match step {
                Step::Unitary { engine, .. } => engine.passes(),
                Step::If { body, .. } => passes(body),
                _ => 1,
            };
            steps.iter().map(of).sum()
        }
        passes(&self.steps)
    }
}

/// The steps that act on the state, and the measurements at the end that only read it.
pub(crate) fn split(circuit: &Circuit) -> Result<(Vec<&Instruction>, Vec<Readout>)> {
    let (mut qubits, mut bits) = (vec![false; circuit.width()], vec![false; circuit.bits()]);
    let (mut body, mut readouts) = (Vec::new(), Vec::new());
    for step in circuit.instructions().iter().rev() {
        if matches!(step, Instruction::Barrier { .. }) {
            continue;
        }
        match step {
            Instruction::Measure { qubit, bit, confusion } if !qubits[*qubit] && !bits[*bit] => {
                readouts.push(Readout { qubit: *qubit, bit: *bit, confusion: checked(*confusion)? });
            }
            _ => body.push(step),
        }
        step.qubits().into_iter().for_each(|qubit| qubits[qubit] = true);
        step.bits().into_iter().for_each(|bit| bits[bit] = true);
    }
    body.reverse();
    readouts.reverse();
    if circuit.bits() == 0 {
        // nothing is measured: all qubits are the result
        readouts.extend((0..circuit.width()).map(|qubit| Readout { qubit, bit: qubit, confusion: None }));
    }
    Ok((body, readouts))
}

/// The classical bits of the result.
pub(super) fn results(circuit: &Circuit) -> Result<Vec<usize>> {
    let outputs: Vec<usize> = match (circuit.outputs(), circuit.bits()) {
        (&[], 0) => (0..circuit.width()).collect(),
        (&[], bits) => (0..bits).collect(),
        (outputs, _) => outputs.to_vec(),
    };
    bits::check(outputs.len())?;
    Ok(outputs)
}

/// Refuses a confusion whose entries are no probabilities.
pub(super) fn checked(confusion: Option<Confusion>) -> Result<Option<Confusion>> {
    let entries = confusion.iter().flat_map(|c| [c.p1_given_0, c.p0_given_1]);
    match entries.into_iter().find(|p| !(0.0..=1.0).contains(p)) {
        Some(found) => Err(Error::OutOfRange {
            what: "the probability of a wrong readout".into(),
            found,
            wanted: "a number from 0 to 1".into(),
        }),
        None => Ok(confusion),
    }
}

/// Whether noise is among these steps.
fn has_channel(steps: &[Instruction]) -> bool {
    steps.iter().any(|step| match step {
        Instruction::Channel { .. } => true,
        Instruction::If { body, .. } => has_channel(body),
        _ => false,
    })
}

/// From instructions to steps.
struct Lowering {
    width: usize,
    /// Whether runs of gates become one step.
    is_planned: bool,
    /// Slots given to parametrised gates and to planned unitaries.
    forms: usize,
    bounds: usize,
}

impl Lowering {
    fn steps<T: Precision>(&mut self, body: &[&Instruction]) -> Result<Vec<Step<T>>> {
        if !self.is_planned {
            return self.stepwise(body);
        }
        let mut steps = Vec::new();
        let is_gate = |step: &&Instruction| step.is_unitary();
        for part in body.chunk_by(|a, b| is_gate(a) && is_gate(b)) {
            if !is_gate(&part[0]) {
                steps.extend(self.stepwise(part)?);
                continue;
            }
            let calls = part.iter().filter_map(|step| match step {
                Instruction::Gate(call) => Some(call),
                _ => None,
            });
            let engine = Engine::new(calls, self.width);
            if !engine.is_identity() {
                steps.push(Step::Unitary { engine: Box::new(engine), slot: self.bounds });
                self.bounds += 1;
            }
        }
        Ok(steps)
    }

    fn stepwise<T: Precision>(&mut self, body: &[&Instruction]) -> Result<Vec<Step<T>>> {
        let drafts = body.iter().filter_map(|step| Draft::of(step)).collect();
        let mut steps = Vec::new();
        for draft in fuse::fuse(drafts) {
            let qubits = draft.qubits;
            match draft.what {
                What::Unitary { matrix, targets, controls } => {
                    let form = Form::of(&matrix);
                    if !form.is_identity() {
                        steps.push(Step::Fixed(Layout::new(&targets, controls), form));
                    }
                }
                What::Gate(call) => {
                    let layout = Layout::new(call.target_qubits(), call.control_qubits());
                    steps.push(Step::Gate(Parametrised { call: call.clone(), layout, slot: self.forms }));
                    self.forms += 1;
                }
                What::Channel(channel) => steps.push(Step::Kraus(Kraus::new(channel, &qubits))),
                What::Other(Instruction::Measure { qubit, bit, confusion }) => {
                    let confusion = checked(*confusion)?.unwrap_or_default();
                    steps.push(Step::Measure { qubit: *qubit, bit: *bit, confusion, live: 0 });
                }
                What::Other(Instruction::If { bit, value, body }) => {
                    let body = self.steps(&body.iter().collect::<Vec<_>>())?;
                    steps.push(Step::If { bit: *bit, value: *value, body, live: 0 });
                }
                What::Other(Instruction::Pulse(call)) => return Err(call.refused()),
                What::Other(_) => {
                    steps.extend(
                        qubits
                            .iter()
                            .map(|qubit| Step::Reset { qubit: *qubit, flip: Layout::new(&[*qubit], []) }),
                    );
                }
            }
        }
        Ok(steps)
    }
}

impl<T> Step<T> {
    /// The name of the kind of step.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Fixed(..) => "gate",
            Self::Gate(gate) => gate.call.gate.name(),
            Self::Unitary { .. } => "gates",
            Self::Kraus(kraus) => &kraus.name,
            Self::Measure { .. } => "measure",
            Self::Reset { .. } => "reset",
            Self::If { .. } => "if",
        }
    }
}

impl<T: Precision> Kraus<T> {
    fn new(channel: &Channel, qubits: &[usize]) -> Self {
        let effects: Vec<Matrix> = channel.kraus().iter().map(|k| dagger(k).dot(k)).collect();
        let even = |effect: &Matrix| {
            let p = effect[(0, 0)].re;
            let deviation = (effect - &(Matrix::eye(effect.nrows()) * C64::from(p))).mapv(C64::norm);
            deviation.iter().all(|d| *d < 1e-14).then_some(p.max(0.0))
        };
        let probabilities: Option<Vec<f64>> = effects.iter().map(even).collect();
        let scale = |at: usize| match &probabilities {
            Some(list) if list[at] > 0.0 => 1.0 / list[at].sqrt(),
            _ => 1.0,
        };
        let operators = channel.kraus().iter().enumerate();
        Self {
            name: channel.name().to_owned(),
            layout: Layout::new(qubits, []),
            operators: operators
                .map(|(at, k)| Form::of(&without_dust(&(k * C64::from(scale(at))))))
                .collect(),
            effects: effects.iter().map(|effect| effect.iter().copied().collect()).collect(),
            probabilities,
        }
    }
}

/// The matrix with entries that rounding left beside 0 and 1 put right, so that cheap forms are found.
fn without_dust(matrix: &Matrix) -> Matrix {
    const DUST: f64 = 4.0 * f64::EPSILON;
    matrix.mapv(|a| {
        if a.norm() < DUST {
            C64::ZERO
        } else if (a - C64::ONE).norm() < DUST {
            C64::ONE
        } else {
            a
        }
    })
}

/// Notes at each step which bits are read later, given those that are read after the last; returns those before the first.
fn mark_live<T>(steps: &mut [Step<T>], mut after: u128) -> u128 {
    for step in steps.iter_mut().rev() {
        match step {
            Step::Measure { bit, live, .. } => {
                *live = after;
                after &= !(1 << *bit);
            }
            Step::If { bit, body, live, .. } => {
                *live = after;
                after |= mark_live(body, after) | 1 << *bit;
            }
            _ => {}
        }
    }
    after
}
