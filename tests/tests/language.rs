//! Programs of the language: what `circuit!` accepts, and what the circuits then hold.

use ketline::prelude::*;
use ketline::quantum::Instruction;
use ketline::quantum::device::{CompileOptions, Target, compile};
use ketline::quantum::gradient::{adjoint, parameter_shift};
use ketline::quantum::pulse::{PulseDevice, PulseTarget};
use ketline::{Error, Result};

circuit!(
    /// Prepares and measures a Bell pair.
    pub fn bell(q: Qubits<2>) -> Bits<2> {
        h(q[0]);
        cx(q[0], q[1]);
        measure(q)
    }
);

circuit!(
    /// Hardware-efficient ansatz, `L` layers deep.
    pub fn ansatz<const N: usize, const L: usize>(q: Qubits<N>, theta: [[Angle; N]; L]) {
        for l in 0..L {
            for i in 0..N {
                ry(theta[l][i], q[i]);
            }
            for i in 0..N - 1 {
                cz(q[i], q[i + 1]);
            }
        }
    }
);

circuit!(
    /// QAOA for MaxCut on a graph known when the circuit is built.
    pub fn qaoa<const N: usize, const P: usize>(
        q: Qubits<N>,
        edges: &[(usize, usize)],
        gamma: [Angle; P],
        beta: [Angle; P],
    ) -> Bits<N> {
        h(q);
        for p in 0..P {
            for (i, j) in edges {
                rzz(2.0 * gamma[p], q[i], q[j]);
            }
            rx(2.0 * beta[p], q);
        }
        measure(q)
    }
);

mod library {
    use ketline::prelude::*;

    circuit!(
        /// The Fourier transform.
        pub(crate) fn fourier<const N: usize>(q: Qubits<N>) {
            for i in (0..N).rev() {
                h(q[i]);
                for j in 0..i {
                    cp(0.5turn / f64::from(1_u32 << (i - j)), q[j], q[i]);
                }
            }
            for i in 0..N / 2 {
                swap(q[i], q[N - 1 - i]);
            }
        }

        /// A pair and a single qubit.
        pub(crate) fn mixed(a: Qubits<2>, b: Qubit, t: Angle) {
            control(b, rx(t, a));
            inverse({
                s(b);
                cx(a[0], b);
            });
            power(3, x(a[1]));
        }
    );
}

circuit!(
    fn user(q: Qubits<5>, t: [Angle; 2]) -> Bit {
        library::fourier(q[0..3]);
        inverse(library::fourier(q));
        library::mixed(q[3..], q[0], t[0]);
        library::mixed([q[1], q[4]], q[0], t[1] + 90deg);
        let m = measure(q[2]);
        if !m {
            x(q[2]);
        } else {
            reset(q[0]);
        }
        barrier(q);
        m
    }
);

circuit!(
    fn graph_state<G: Graph, const N: usize>(q: Qubits<N>) {
        h(q);
        for (i, j) in G::EDGES {
            cz(q[i], q[j]);
        }
    }
);

struct Triangle;

impl Graph for Triangle {
    const EDGES: &'static [(usize, usize)] = &[(0, 1), (1, 2), (2, 0)];
}

struct Line5;

impl Topology for Line5 {
    const QUBITS: usize = 5;
    const EDGES: &'static [(usize, usize)] = &[(0, 1), (1, 2), (2, 3), (3, 4)];
}

circuit!(
    #[device(Line5)]
    fn on_line(q: Qubits<4>, r: Qubit) {
        for i in 0..3 {
            cx(q[i], q[i + 1]);
        }
        cx(q[3], r);
    }
);

circuit!(
    #[allow(deprecated)]
    fn one_based(q: Qubits<3>, edges: &[(usize, usize)], at: usize, t: [Angle; 2]) -> Bit {
        for (i, j) in edges {
            cx(q[i - 1], q[j - 1]);
        }
        rx(t[at], q[0]);
        let m = measure(q);
        m[at]
    }
);

#[test]
fn bell_is_what_it_says() -> Result<()> {
    let bell = bell()?;
    assert_eq!((bell.width(), bell.bits(), bell.outputs()), (2, 2, &[0, 1][..]));
    assert_eq!(
        bell.counts().into_iter().collect::<Vec<_>>(),
        [("cx".into(), 1), ("h".into(), 1), ("measure".into(), 2)]
    );
    Ok(())
}

#[test]
fn parameters_keep_their_names() -> Result<()> {
    let program = ansatz::<3, 2>()?;
    assert_eq!(program.parameters().names()[4], "theta[1][1]");
    let values = AnsatzParams { theta: [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]] };
    assert!(program.bind(&values)?.parameters().is_empty());
    assert_eq!(program.params(&values.to_flat())?, values);
    let short = program.params(&[0.0; 5]);
    assert_eq!(short, Err(Error::ParameterCount { found: 5, expected: 6 }));
    assert_eq!((AnsatzParams::<3, 2>::NAME, AnsatzParams::<3, 2>::WIDTH), ("ansatz", 3));
    Ok(())
}

#[test]
fn what_takes_a_circuit_takes_a_program_as_it_is_built() -> Result<()> {
    let simulator = StateVector::new();
    let counts = simulator.sample(&bell()?, &[], 100, 7)?;
    assert_eq!(counts.count(0b00) + counts.count(0b11), 100);
    assert_eq!(simulator.probabilities(&bell()?, &[])?.len(), 4);
    let zz = observable!(Z(0) * Z(1));
    assert!((simulator.expectation(&bell()?, &zz, &[])? - 1.0).abs() < 1e-12);
    assert_eq!(simulator.run(&bell()?, &[])?.into_state()?.amplitudes().len(), 4);
    let compiled = compile(&bell()?, &Target::line(2)?, &CompileOptions::default())?;
    assert_eq!(compiled.circuit().width(), 2);
    let values = [0.3, 0.4];
    let swept = adjoint(&ansatz::<2, 1>()?, &zz, &values)?;
    let shifted = parameter_shift(&simulator, &ansatz::<2, 1>()?, &zz, &values)?;
    for (a, b) in swept.gradient.iter().zip(&shifted.gradient) {
        assert!((a - b).abs() < 1e-12);
    }
    Ok(())
}

circuit!(
    /// Its depth says nothing about its parameters.
    fn deep<const N: usize, const L: usize>(q: Qubits<N>, t: Angle) {
        for l in 0..L {
            rx(t, q[l % N]);
        }
    }
);

#[test]
fn parameters_have_the_generics_that_they_need() -> Result<()> {
    let program: Program<DeepParams<2>> = deep::<2, 3>()?;
    assert_eq!(program.bind(&DeepParams { t: 0.1 })?.counts()["rx"], 3);
    Ok(())
}

#[test]
fn plain_values_are_read_when_the_circuit_is_built() -> Result<()> {
    let program = qaoa::<4, 2>(&[(0, 1), (1, 2), (2, 3)])?;
    assert_eq!(program.counts()["rzz"], 6);
    assert_eq!(program.parameters().names(), ["gamma[0]", "gamma[1]", "beta[0]", "beta[1]"]);
    Ok(())
}

/// Mistake 7 of the table.
#[test]
fn edges_from_a_file_are_checked_when_the_circuit_is_built() {
    let loops = qaoa::<4, 1>(&[(0, 1), (3, 3)]).map(drop);
    assert!(matches!(loops, Err(Error::SameQubit { ref gate, qubit: 3, .. }) if gate == "rzz"), "{loops:?}");
    let far = qaoa::<4, 1>(&[(0, 9)]).map(drop);
    assert!(matches!(far, Err(Error::QubitRange { qubit: 9, width: 4, .. })), "{far:?}");
}

#[test]
fn circuits_call_circuits() -> Result<()> {
    let user = user()?;
    assert_eq!(user.parameters().names(), ["t[0]", "t[1]"]);
    assert_eq!(user.outputs(), [0]);
    assert_eq!(graph_state::<Triangle, 3>()?.counts()["cz"], 3);
    assert_eq!(on_line()?.counts()["cx"], 4);
    Ok(())
}

#[test]
fn index_arithmetic_on_run_time_values_never_panics() {
    assert!(one_based(&[(1, 2), (2, 3)], 1).is_ok());
    let zero = one_based(&[(0, 1)], 1).map(drop);
    assert!(matches!(zero, Err(Error::QubitRange { width: 3, .. })), "{zero:?}");
    let angle = one_based(&[], 2).map(drop);
    assert!(matches!(angle, Err(Error::Angle { .. })), "{angle:?}");
}

#[test]
fn observables_are_arithmetic() -> Result<()> {
    let ising = observable!(-1.0 * Z(0) * Z(1) - 0.5 * (X(0) + X(1)));
    assert_eq!(ising.to_string(), "-0.5 X(0) - 0.5 X(1) - Z(0) Z(1)");
    let edges = [(0, 1), (1, 2)];
    let maxcut = observable!(sum(edges, |(i, j)| 0.5 * (1.0 - Z(i) * Z(j))));
    assert_eq!(maxcut.to_string(), "1 - 0.5 Z(0) Z(1) - 0.5 Z(1) Z(2)");
    let weighted = [(0, 1, 0.25)];
    let (n, h) = (3, 0.5);
    let whole = observable!(
        &ising + sum(&weighted, |(i, j, w)| w * Y(i) * Y(j)) - h * sum(1..n, |k| X(k - 1)) + 2 * I
    );
    assert_eq!(whole.to_string(), "2 - X(0) - X(1) + 0.25 Y(0) Y(1) - Z(0) Z(1)");

    let turned = ansatz::<2, 1>()?;
    let values = AnsatzParams { theta: [[0.3, 0.4]] };
    let found = turned.expectation(&StateVector::new(), &ising, &values)?;
    // Product state before `cz`, which leaves Z alone and turns X(0) to X(0) Z(1).
    let (a, b) = (0.3_f64, 0.4_f64);
    let wanted = -a.cos() * b.cos() - 0.5 * (a.sin() * b.cos() + b.sin() * a.cos());
    assert!((found - wanted).abs() < 1e-12, "found {found}, wanted {wanted}");

    let bell = bell()?;
    assert_eq!(bell.observe(&ising)?, &*ising);
    let wide = bell.observe(&maxcut).map(drop);
    assert_eq!(wide, Err(Error::ObservableWidth { qubit: 2, width: 2 }));
    Ok(())
}

struct Bench;

impl Topology for Bench {
    const QUBITS: usize = 2;
    const EDGES: &'static [(usize, usize)] = &[(0, 1)];
}

impl PulseDevice for Bench {
    const DT: f64 = 0.5e-9;
    const AMPLITUDE: f64 = 0.8;
    const DRIVE_BAND: Option<(Frequency, Frequency)> =
        Some((Frequency::gigahertz(4.5), Frequency::gigahertz(5.5)));
    const CARRIERS: &'static [Frequency] = &[Frequency::gigahertz(5.0), Frequency::gigahertz(5.1)];
}

pulse!(
    fn tone(q: Qubit, amp: f64, length: Duration) {
        delay(drive(q), 10ns);
        play(drive(q), gaussian(duration = length, sigma = 20ns, amp = amp));
    }

    fn trained(q: Qubits<2>, amp: [Angle; 2], to: Frequency) {
        for k in 0..2 {
            set_frequency(drive(q[k]), to);
            play(drive(q[k]), constant(duration = 50ns, amp = amp[k]));
        }
    }
);

circuit!(
    fn played(q: Qubits<2>, amp: Angle, theta: Angle) {
        ry(theta, q[0]);
        trained(q, [amp, 2.0 * amp], Frequency::gigahertz(5.05));
        tone(q[1], 0.1, Duration::nanoseconds(60.0));
        pulse!({
            play(control(q[1], q[0]), constant(duration = 50ns, amp = amp, phase = theta));
        });
    }
);

/// Mistake 43 of the table, and what else only a running program shows.
#[test]
fn values_of_pulses_are_checked_when_they_meet_a_device() -> Result<()> {
    let bench = PulseTarget::of::<Bench>()?;
    let check = |amp, nanoseconds| tone(amp, Duration::nanoseconds(nanoseconds))?.check(&bench, &[]);
    check(0.5, 80.0)?;
    let loud = check(0.9, 80.0).unwrap_err();
    assert!(
        matches!(&loud, Error::Pulse { fault, .. }
        if matches!(**fault, Error::Amplitude { limit: 0.8, value } if (value - 0.9).abs() < 1e-3)),
        "{loud}"
    );
    let off = check(0.5, 80.3).unwrap_err();
    assert!(matches!(&off, Error::Pulse { fault, .. } if matches!(**fault, Error::OffGrid { .. })), "{off}");
    let high = trained(Frequency::gigahertz(6.0))?.check(&bench, &[0.1, 0.1]).unwrap_err();
    assert!(matches!(&high, Error::Pulse { fault, .. } if matches!(**fault, Error::Band { .. })), "{high}");
    let trained = trained(Frequency::gigahertz(5.0))?;
    assert_eq!(trained.parameters().names(), ["amp[0]", "amp[1]"]);
    let bound = trained.bind(&TrainedParams { amp: [0.1, 0.9] })?;
    assert!(bound.check(&bench, &[]).unwrap_err().to_string().starts_with("drive(1) at 0 dt"));
    Ok(())
}

#[test]
fn circuits_hold_pulses() -> Result<()> {
    let played = played()?;
    let names: Vec<String> = played.instructions().iter().map(Instruction::name).collect();
    assert_eq!(names, ["ry", "trained", "tone", "pulse"]);
    let bound = played.bind(&PlayedParams { amp: 0.2, theta: 0.3 })?;
    let calls: Vec<_> = bound
        .instructions()
        .iter()
        .filter_map(|step| match step {
            Instruction::Pulse(call) => Some((call.qubits.clone(), call.bound())),
            _ => None,
        })
        .collect();
    assert_eq!(calls[0].0, [0, 1]);
    let text = calls[0].1.as_ref().expect("bound").to_string();
    assert!(text.contains("play(drive(1), constant(duration = 50ns, amp = 0.4))"), "{text}");
    assert_eq!(calls[1].0, [1]);
    let text = calls[2].1.as_ref().expect("bound").to_string();
    assert!(text.contains("play(control(1, 0), constant(duration = 50ns, amp = 0.2, phase = "), "{text}");
    let refused = StateVector::new().run(&played, &[0.2, 0.3]).map(drop);
    assert!(matches!(refused, Err(Error::PulseStep { .. })), "{refused:?}");
    // A mistake inside the pulses is one of the circuit.
    let error = wrong(3).map(drop);
    assert!(matches!(error, Err(Error::QubitRange { qubit: 3, width: 2, .. })), "{error:?}");
    Ok(())
}

circuit!(
    fn wrong(q: Qubits<2>, k: usize) {
        h(q);
        pulse!({
            play(drive(q[k]), constant(duration = 50ns, amp = 0.2));
        });
    }
);
