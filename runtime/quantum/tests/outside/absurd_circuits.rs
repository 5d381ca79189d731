//! Whatever is asked of a builder, a circuit or a simulator: an answer or a typed error, never a panic.

use ketline_quantum::gate::{self, Call, Gate};
use ketline_quantum::simulator::{DensityMatrix, Simulator, StateVector, Trajectories};
use ketline_quantum::{
    Angle, Bit, Builder, C64, Circuit, Error, Instruction, Matrix, Observable, Qubit, QubitSlice, Result,
    gradient,
};
use proptest::prelude::*;

/// One wish. Numbers are indices, counts or angles, as the wish needs them, sensible or not.
#[derive(Debug, Clone)]
struct Wish {
    kind: u8,
    numbers: [usize; 3],
    angle: f64,
    inner: Vec<Wish>,
}

fn number() -> impl Strategy<Value = usize> {
    prop_oneof![60 => 0..3_usize, 2 => 3..80_usize, 1 => Just(usize::MAX), 1 => any::<usize>()]
}

fn angle() -> impl Strategy<Value = f64> {
    prop_oneof![30 => -7.0..7.0_f64, 3 => Just(0.0), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => any::<f64>()]
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    let leaf = (any::<u8>(), [number(), number(), number()], angle())
        .prop_map(|(kind, numbers, angle)| Wish { kind, numbers, angle, inner: Vec::new() });
    let nested = leaf.prop_recursive(3, 24, 4, |inner| {
        (any::<u8>(), [number(), number(), number()], angle(), prop::collection::vec(inner, 0..4))
            .prop_map(|(kind, numbers, angle, inner)| Wish { kind, numbers, angle, inner })
    });
    prop::collection::vec(nested, 0..16)
}

/// A size that is small or absurd: what is merely large would only take long.
fn size(number: usize, small: usize) -> usize {
    if (small..=1 << 30).contains(&number) { 4 } else { number }
}

/// What a builder has handed out so far.
struct Handles {
    q: QubitSlice,
    one: Qubit,
    theta: Vec<Angle>,
    bits: Vec<Bit>,
}

fn build(wishes: &[Wish], width: usize) -> Result<Circuit> {
    let mut b = Builder::new("absurd");
    let q = b.qubits("q", width);
    let (one, theta) = (b.qubit("one"), b.parameters("theta", 3));
    let mut handles = Handles { q, one, theta, bits: Vec::new() };
    add(&mut b, &mut handles, wishes);
    b.finish()
}

fn add(b: &mut Builder, h: &mut Handles, wishes: &[Wish]) {
    for wish in wishes {
        let [i, j, k] = wish.numbers;
        let q = h.q.clone();
        let angle = h.theta[i % 3] * wish.angle + h.theta[j % 3];
        match wish.kind % 24 {
            0 => b.h(q.at(i)),
            1 => b.rx(angle, &q),
            2 => b.cx(q.at(i), q.at(j)),
            3 => b.cx(q.at(i..), q.at(..j)),
            4 => b.ccx(q.at(i), h.one, q.at(k)),
            5 => b.u(wish.angle, angle, h.theta[0], q.at(i..=j)),
            6 => b.cu(angle, 0.1, wish.angle, angle, h.one, q.at(j)),
            7 => b.cswap(q.at(i), q.at(j), q.at(k)),
            8 => b.xx_plus_yy(angle, wish.angle, q.at(i), q.at(j)),
            9 => b.gphase(angle),
            10 => h.bits.push(b.measure(q.at(i))),
            11 => h.bits.extend(b.measure(q.at(i..j))),
            12 => b.reset(&q),
            13 => b.barrier(q.at(i..)),
            14 | 15 => match h.bits.get(i % 5).copied() {
                Some(bit) if j % 2 == 0 => b.when(bit, |b| add(b, h, &wish.inner)),
                Some(bit) => b.when(!bit, |b| add(b, h, &wish.inner)),
                None => b.h(h.one),
            },
            16 => b.inverse(|b| add(b, h, &wish.inner)),
            17 => b.control(q.at(i), |b| add(b, h, &wish.inner)),
            18 => b.power(size(i, 4), |b| add(b, h, &wish.inner)),
            19 => {
                let rows = [0, 1, 2, 3, 4, 8][i % 6];
                b.unitary(&(Matrix::eye(rows) * C64::from_polar(1.0, wish.angle)), q.at(j..k));
            }
            20 => match build(&wish.inner, i % 3) {
                Ok(inner) => b.append(&inner, q.at(j..k)),
                Err(error) => b.fail(error),
            },
            21 => {
                let name = ["q", "r", "s"][i % 3];
                let more = b.qubits(name, size(j, 4));
                b.h(&more);
            }
            22 => b.returns(h.bits.clone()),
            _ => {
                let added = b.parameters(["theta", "phi"][i % 2], size(j, 80));
                for angle in &added {
                    b.ry(angle, h.one);
                }
            }
        }
    }
}

/// Asks a circuit everything that has an answer for any circuit; `values` may be absurd.
fn ask(circuit: &Circuit, values: &[f64]) {
    let _ = (circuit.to_string(), circuit.to_svg(), circuit.depth(), circuit.counts());
    let _ = (circuit.inverse(), circuit.control(1), circuit.power(2), circuit.power(0), circuit.unroll());
    let simple = circuit.simplify();
    assert!(simple.instructions().len() <= circuit.instructions().len());
    let _ = circuit.bind(values);
    let sensible = vec![0.3; circuit.parameters().len()];
    circuit.bind(&sensible).expect("finite values, few terms and small coefficients").to_string();
    if circuit.width() > 6 || circuit.bits() > 10 || circuit.instructions().len() > 200 {
        return;
    }
    assert!(circuit.lower().counts().keys().all(|name| {
        ["rz", "sx", "x", "cx", "gphase", "measure", "reset", "barrier", "if"].contains(&name.as_str())
    }));
    let observable = Observable::z(0) + Observable::x(circuit.width() - 1);
    for values in [values, &sensible] {
        let vector = StateVector::new().probabilities(circuit, values);
        let matrix = DensityMatrix::new().probabilities(circuit, values);
        match (vector, matrix) {
            (Ok(vector), Ok(matrix)) => {
                for probabilities in [&vector, &matrix] {
                    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{probabilities:?}");
                    assert!(probabilities.iter().all(|p| *p > -1e-9), "{probabilities:?}");
                }
                // each simulator adds angles in its own order, and so rounds them differently
                let tolerance = 1e-9 + 8.0 * f64::EPSILON * turned(circuit.instructions(), values);
                assert!(
                    vector.iter().zip(&matrix).all(|(a, b)| (a - b).abs() < tolerance),
                    "{vector:?} {matrix:?} {tolerance}"
                );
            }
            // finite angles may be infinite once they are added, which not every simulator does with the same ones
            (Err(Error::Angle { .. }), _) | (_, Err(Error::Angle { .. }))
                if turned(circuit.instructions(), values) > 1e300 => {}
            (Err(one), Err(other)) => assert_eq!(one, other),
            // a state vector keeps more branches apart than a density matrix
            (Err(Error::Branches { .. }), _) => {}
            (one, other) => panic!("{one:?}, but {other:?}"),
        }
        let _ = StateVector::single().sample(circuit, values, 5, 1);
        let _ = Trajectories::new(3, 2).expectation(circuit, &observable, values);
        let _ = gradient::adjoint(circuit, &observable, values);
    }
}

/// The sum of the parts of all angles, each without its sign.
fn turned(steps: &[Instruction], values: &[f64]) -> f64 {
    let of_angle = |angle: &Angle| {
        let terms = angle.terms().map(|(p, c)| (c * values.get(p).copied().unwrap_or(0.0)).abs());
        terms.sum::<f64>() + angle.offset().abs()
    };
    let of_step = |step: &Instruction| match step {
        Instruction::Gate(call) => call.angles.iter().map(of_angle).sum(),
        Instruction::If { body, .. } => turned(body, values),
        _ => 0.0,
    };
    steps.iter().map(of_step).sum()
}

/// Whether an angle is so steep that finite values make it infinite.
fn is_steep(circuit: &Circuit) -> bool {
    circuit.bind(&vec![0.3; circuit.parameters().len()]).is_err()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn builders_never_panic(
        wishes in wishes(),
        width in 0..4_usize,
        values in prop::collection::vec(angle(), 0..6),
    ) {
        if let Ok(circuit) = build(&wishes, width)
            && !is_steep(&circuit)
        {
            ask(&circuit, &values);
        }
    }

    #[test]
    fn circuits_of_any_calls_never_panic(
        width in 0..4_usize,
        calls in prop::collection::vec(
            (any::<usize>(), prop::collection::vec(number(), 0..5), prop::collection::vec(angle(), 0..4), any::<u8>()),
            0..24,
        ),
    ) {
        let mut circuit = Circuit::new(width).unwrap();
        for (row, qubits, angles, kind) in calls {
            let row = &gate::table()[row % gate::table().len()];
            let fit = kind % 2 == 0;
            let (operands, count) = if fit { (row.operands.len(), row.angles.len()) } else { (qubits.len(), angles.len()) };
            let angles: Vec<_> = angles.into_iter().map(Angle::radians).take(count).collect();
            let qubits: Vec<_> = qubits.into_iter().take(operands).collect();
            let call = Call::new(Gate::Standard(row), angles, qubits.clone());
            let step = match kind % 7 {
                0 => Instruction::Measure { qubit: qubits.len(), bit: qubits.first().copied().unwrap_or(0), confusion: None },
                1 => Instruction::If { bit: kind as usize % 3, value: true, body: vec![call.into()] },
                2 => Instruction::Barrier { qubits },
                3 => call.controlled(&[width.saturating_sub(1)]).into(),
                _ => call.into(),
            };
            let before = circuit.clone();
            if circuit.push(step).is_err() {
                prop_assert_eq!(&circuit, &before, "a refused step leaves nothing behind");
            }
        }
        if circuit.width() > 0 {
            ask(&circuit, &[]);
        }
    }
}
