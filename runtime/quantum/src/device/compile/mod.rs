//! Compiling a circuit to a device: native gates on coupled qubits, with as few of them as possible.
//!
//! | pass | what it does |
//! |---|---|
//! | lowering | every gate in `rz`, `sx`, `x` and gates on pairs; a `swap` only renames qubits |
//! | blocks | constant gates on a pair are replaced by their Cartan form where that takes fewer entanglers |
//! | layout | the cheapest placement that needs no swaps, else SABRE from several random ones |
//! | routing | SABRE: swaps where qubits of a gate are apart |
//! | translation | the native gate of each edge in its direction |
//! | runs | one-qubit gates in a row with the fewest pulses; angles stay symbolic |
//!
//! Parameters stay parameters, so a compiled ansatz is bound many times. The global phase is lost.
//!
//! ```
//! use ketline_quantum::device::{Calibration, CompileOptions, Target, compile};
//! use ketline_quantum::{Builder, Qubits};
//!
//! let mut b = Builder::new("ghz");
//! let q: Qubits<3> = b.register("q");
//! b.h(q.at(0));
//! b.cx(q.at(0), q.at(1..));
//! let target = Target::from(&Calibration::bundled("guadalupe")?);
//! let compiled = compile(&b.finish()?, &target, &CompileOptions::default())?;
//! assert_eq!((compiled.circuit().width(), compiled.swaps()), (3, 0));
//! assert_eq!(compiled.entanglers(), 2);
//! # Ok::<(), ketline_quantum::Error>(())
//! ```

mod block;
mod compiled;
mod layout;
mod native;
mod one_qubit;
mod route;
#[cfg(test)]
mod tests;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

pub use compiled::Compiled;

use super::target::Target;
use crate::circuit::{Circuit, Instruction};
use crate::gate::Gate;
use crate::{Error, Result};
use layout::{Costs, Demand};
use native::{PAIRS, pair};
use route::{Move, Order, Places, Route};

/// Qubits of the widest matrix that is compiled: one more takes millions of gates.
const MAX_MATRIX: usize = 5;

/// Where the qubits of a circuit are put.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Layout {
    /// The compiler chooses.
    #[default]
    Auto,
    /// The physical qubit of each qubit of the circuit.
    Fixed(Vec<usize>),
}

/// How a circuit is compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileOptions {
    /// Seed of the layout and routing trials; the result does not depend on the number of threads.
    pub seed: u64,
    /// Where the qubits are put.
    pub layout: Layout,
    /// How many layouts and routings are tried where swaps are needed; 0 counts as 1.
    pub trials: usize,
    /// Whether gates are cancelled and merged; without, each is translated by itself.
    pub optimise: bool,
}

impl Default for CompileOptions {
    fn default() -> Self {
        Self { seed: 0, layout: Layout::Auto, trials: 20, optimise: true }
    }
}

/// Compiles a circuit to a device.
///
/// Measurements, resets, conditions and barriers stay; a condition around gates on several pairs that are apart is routed
/// inside, and everything is back in its place where it ends. Measurements that nothing follows come at the very end, so
/// that no swap passes through a qubit that has been measured for good.
///
/// # Errors
/// [`Error::DeviceTooSmall`], [`Error::NotConnected`]; for a fixed layout that is none: [`Error::Dimension`],
/// [`Error::QubitIndex`], [`Error::RepeatedQubit`]; [`Error::NotCompilable`] for a circuit with noise in it;
/// [`Error::OutOfRange`] for a matrix on more than five qubits.
pub fn compile(circuit: &impl AsRef<Circuit>, target: &Target, options: &CompileOptions) -> Result<Compiled> {
    let circuit = circuit.as_ref();
    let span = tracing::debug_span!("compile", circuit = circuit.name(), device = target.name());
    let _entered = span.enter();
    let width = circuit.width();
    if width > target.width() {
        return Err(Error::DeviceTooSmall {
            circuit: circuit.name().to_owned(),
            found: width,
            device: target.name().to_owned(),
            limit: target.width(),
        });
    }
    let mut wires: Vec<usize> = (0..width).collect();
    let steps = lower(circuit.instructions(), &mut wires, options.optimise)?;
    let (steps, finals) = split_finals(circuit, steps);
    let steps =
        if options.optimise { polish(circuit, width, block::consolidate(width, steps)) } else { steps };

    let costs = Costs::of(target);
    let demand = Demand::of(width, steps.iter().chain(&finals));
    let route = place_and_route(circuit, &steps, &demand, target, &costs, options)?;
    let Assembled { steps, finals, mut physical } = assemble(&steps, &finals, &route, target);
    let at = |place: usize| physical.iter().position(|p| *p == place).unwrap_or(place);
    let last = wires.iter().map(|wire| at(route.end[*wire])).collect();
    let active = physical.len();
    if options.layout == Layout::Auto {
        // what was routed is a circuit on neighbours, and may fit elsewhere with smaller errors
        let demand = Demand::of(active, steps.iter().chain(&finals));
        let better = layout::perfect(&demand, target, &costs);
        if let Some(better) = better.filter(|b| costs.total(&demand, b) < costs.total(&demand, &physical)) {
            physical = better;
        }
    }
    let has_edge = |a: usize, b: usize| target.edge(physical[a], physical[b]).is_some();
    let steps = if options.optimise { block::consolidate(active, steps) } else { steps };
    let mut steps = native::expand_swaps(steps, &has_edge);
    if options.optimise {
        steps = polish(circuit, active, block::consolidate(active, steps));
    }
    steps = native::translate(&steps, target, &physical);
    if options.optimise {
        steps = polish(circuit, active, steps);
    }
    steps.extend(finals);
    Ok(Compiled {
        circuit: circuit.rebuilt(active, steps).into(),
        physical,
        initial: (0..width).collect(),
        last,
        swaps: route.swaps(),
        device: target.name().to_owned(),
    })
}

/// Gates lowered to pulses and pairs. A `swap` outside of conditions renames the wires if `rename`.
fn lower(steps: &[Instruction], wires: &mut [usize], rename: bool) -> Result<Vec<Instruction>> {
    let mut lowered = Vec::with_capacity(steps.len());
    for step in steps {
        match step {
            Instruction::Gate(call) => {
                if let Gate::Unitary(gate) = &call.gate
                    && gate.width() > MAX_MATRIX
                {
                    let what = format!("number of qubits of the matrix `{}`", gate.label());
                    let (found, wanted) = (gate.width() as f64, format!("at most {MAX_MATRIX} to compile"));
                    return Err(Error::OutOfRange { what, found, wanted });
                }
                for call in call.lower_to(&PAIRS).into_iter().filter(|call| !call.qubits.is_empty()) {
                    if rename && call.gate.name() == "swap" {
                        wires.swap(call.qubits[0], call.qubits[1]);
                    } else {
                        lowered.push(Instruction::Gate(call.relabel(|qubit| wires[qubit])));
                    }
                }
            }
            Instruction::If { bit, value, body } => {
                let body = lower(body, wires, false)?;
                lowered.push(Instruction::If { bit: *bit, value: *value, body });
            }
            Instruction::Pulse(call) => return Err(call.refused()),
            Instruction::Channel { channel, .. } => {
                return Err(Error::NotCompilable { step: channel.name().to_owned() });
            }
            step => lowered.push(step.relabel(&|qubit| wires[qubit], &|bit| bit)),
        }
    }
    Ok(lowered)
}

/// The steps without the measurements for good, and these: neither their qubit nor their bit occurs again, not even in a
/// barrier.
fn split_finals(circuit: &Circuit, steps: Vec<Instruction>) -> (Vec<Instruction>, Vec<Instruction>) {
    let (mut qubits, mut bits) = (vec![false; circuit.width()], vec![false; circuit.bits()]);
    let mut is_final = vec![false; steps.len()];
    for (step, is_final) in steps.iter().zip(&mut is_final).rev() {
        if let Instruction::Measure { qubit, bit, .. } = step {
            *is_final = !qubits[*qubit] && !bits[*bit];
        }
        step.qubits().into_iter().for_each(|qubit| qubits[qubit] = true);
        step.bits().into_iter().for_each(|bit| bits[bit] = true);
    }
    let (finals, others): (Vec<_>, Vec<_>) =
        steps.into_iter().zip(is_final).partition(|(_, is_final)| *is_final);
    let bare = |steps: Vec<(Instruction, bool)>| steps.into_iter().map(|(step, _)| step).collect();
    (bare(others), bare(finals))
}

/// Cancels, merges and shortens until nothing changes.
fn polish(circuit: &Circuit, width: usize, mut steps: Vec<Instruction>) -> Vec<Instruction> {
    loop {
        let before = steps.len();
        steps = circuit.rebuilt(width, steps).simplify().instructions().to_vec();
        steps = one_qubit::shorten(width, steps);
        if steps.len() >= before {
            return steps;
        }
    }
}

/// The placement and routing with the least cost among the trials.
fn place_and_route(
    circuit: &Circuit,
    steps: &[Instruction],
    demand: &Demand,
    target: &Target,
    costs: &Costs,
    options: &CompileOptions,
) -> Result<Route> {
    let width = circuit.width();
    let order = Order::new(width, circuit.bits(), steps);
    let trials = options.trials.max(1) as u64;
    let generator = |trial| {
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        rng.set_stream(trial);
        rng
    };
    let disconnected = |needed, reached| Error::NotConnected {
        circuit: circuit.name().to_owned(),
        needed,
        device: target.name().to_owned(),
        reached,
    };
    let start = match &options.layout {
        Layout::Fixed(places) => {
            check_layout(places, width, target)?;
            for [a, b] in demand.pairs.keys() {
                if target.distance(places[*a], places[*b]).is_none() {
                    return Err(disconnected(2, 1));
                }
            }
            Some(places.clone())
        }
        Layout::Auto => layout::perfect(demand, target, costs),
    };
    let backwards = order.reversed();
    let component = target.largest_component();
    let busy = (0..width).filter(|wire| demand.pairs.keys().any(|pair| pair.contains(wire))).count();
    if start.is_none() && busy > component.len() {
        return Err(disconnected(busy, component.len()));
    }
    let attempt = |trial: u64| {
        let mut rng = generator(trial);
        let places = start.clone().unwrap_or_else(|| {
            layout::sabre([&order, &backwards], demand, target, costs, &component, &mut rng)
        });
        let route = route::route(&order, target, &places, &mut rng);
        (layout::cost_of_route(&route, (steps, &order), costs, options.optimise), route)
    };
    let first = attempt(0);
    if first.1.swaps() == 0 {
        return Ok(first.1);
    }
    let others: Vec<_> = (1..trials).into_par_iter().map(attempt).collect();
    // the first of equals, so that the choice does not depend on who was ready first
    let best = others.into_iter().fold(first, |best, next| if next.0 < best.0 { next } else { best });
    Ok(best.1)
}

fn check_layout(places: &[usize], width: usize, target: &Target) -> Result<()> {
    if places.len() != width {
        return Err(Error::Dimension { what: "a layout", found: places.len(), expected: width });
    }
    for (at, place) in places.iter().enumerate() {
        if *place >= target.width() {
            return Err(Error::QubitIndex { qubit: *place, width: target.width() });
        }
        if places[..at].contains(place) {
            return Err(Error::RepeatedQubit { qubit: *place });
        }
    }
    Ok(())
}

/// Routed steps on the physical qubits that take part, renumbered: the circuit's own first, in its order.
struct Assembled {
    steps: Vec<Instruction>,
    /// Measurements for good.
    finals: Vec<Instruction>,
    physical: Vec<usize>,
}

fn assemble(steps: &[Instruction], finals: &[Instruction], route: &Route, target: &Target) -> Assembled {
    let mut places = Places::new(&route.start, target.width());
    let mut routed = Vec::with_capacity(route.moves.len());
    for step in &route.moves {
        match *step {
            Move::Step(at) => {
                let placed = steps[at].relabel(&|wire| places.of[wire], &|bit| bit);
                routed.push(match placed {
                    Instruction::If { bit, value, body } => {
                        Instruction::If { bit, value, body: route_inside(body, target) }
                    }
                    placed => placed,
                });
            }
            Move::Swap(p, q) => {
                routed.push(native::call("swap", [], [p, q]));
                places.swap(p, q);
            }
        }
    }
    let mut physical = route.start.clone();
    let mut number: Vec<Option<usize>> = vec![None; target.width()];
    physical.iter().enumerate().for_each(|(circuit, place)| number[*place] = Some(circuit));
    for place in routed.iter().flat_map(Instruction::qubits) {
        if number[place].is_none() {
            number[place] = Some(physical.len());
            physical.push(place);
        }
    }
    let at = |place: usize| number[place].unwrap_or(place);
    let steps = routed.iter().map(|step| step.relabel(&at, &|bit| bit)).collect();
    let finals = finals.iter().map(|step| step.relabel(&|wire| at(places.of[wire]), &|bit| bit)).collect();
    Assembled { steps, finals, physical }
}

/// The body of a condition, in which qubits that are apart are brought together for one gate and sent back.
fn route_inside(body: Vec<Instruction>, target: &Target) -> Vec<Instruction> {
    let mut routed = Vec::with_capacity(body.len());
    for step in body {
        match (pair(&step), step) {
            (_, Instruction::If { bit, value, body }) => {
                routed.push(Instruction::If { bit, value, body: route_inside(body, target) });
            }
            (Some([a, b]), step) => {
                let path = route::path(target, a, b);
                let beside = path.last().map_or(a, |(_, next)| *next);
                let swap = |(p, q): &(usize, usize)| native::call("swap", [], [*p, *q]);
                routed.extend(path.iter().map(swap));
                routed.push(step.relabel(&|qubit| if qubit == a { beside } else { qubit }, &|bit| bit));
                routed.extend(path.iter().rev().map(swap));
            }
            (None, step) => routed.push(step),
        }
    }
    routed
}
