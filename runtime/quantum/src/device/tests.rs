//! Devices: the quick ways against the plain ones, and what they refuse.

use super::*;
use crate::circuit::Circuit;
use crate::linalg::{frobenius, state_fidelity};
use crate::simulator::{DensityMatrix, Simulator, StateVector};
use crate::tomography::{self, Basis, Measurement, Method, settings};
use crate::{Angle, Builder, Error, Qubits};

fn ansatz() -> Circuit {
    let mut b = Builder::new("ansatz");
    let q: Qubits<4> = b.register("q");
    let theta: [[[Angle; 3]; 4]; 3] = b.parameter("theta");
    for layer in theta {
        for (qubit, [x, y, z]) in layer.into_iter().enumerate() {
            b.u(x, y, z, q.at(qubit));
        }
        b.cx(q.at(..3), q.at(1..));
    }
    b.finish().unwrap()
}

fn values() -> Vec<f64> {
    (0..36).map(|k| (1.7 * f64::from(k)).sin() * 2.0).collect()
}

fn noisy(name: &str) -> NoisyDevice {
    let over_rotation = Some(OverRotation { sigma: 0.02, seed: 4, opposite: false });
    let options = NoiseOptions { over_rotation, ..NoiseOptions::default() };
    NoisyDevice::new(&Calibration::bundled(name).unwrap(), options).unwrap()
}

/// The ansatz with gates between its ends.
fn ring_circuit() -> Circuit {
    let mut circuit = ansatz();
    let mut closing = Builder::new("closing");
    let q: Qubits<4> = closing.register("q");
    closing.cx(q.at(3), q.at(0));
    closing.t(q.at(0));
    closing.cx(q.at(0), q.at(2));
    circuit.append(&closing.finish().unwrap(), &[0, 1, 2, 3]).unwrap();
    circuit
}

/// A ring does not lie on these maps, so the compiled circuit has swaps and qubits end elsewhere.
fn ring(target: &Target) -> Compiled {
    let layout = Layout::Fixed(vec![0, 1, 2, 4]);
    compile(&ring_circuit(), target, &CompileOptions { layout, ..CompileOptions::default() }).unwrap()
}

#[test]
fn measuring_settings_is_running_measured_circuits() {
    for name in ["manila", "guadalupe"] {
        let device = noisy(name);
        let compiled = ring(device.target());
        assert!(compiled.swaps() > 0);
        let all: Vec<_> = settings(4).unwrap().into_iter().step_by(5).collect();
        let exact = device.measure_exactly(&compiled, &values(), &all).unwrap();
        for (setting, exact) in all.iter().zip(&exact) {
            let whole = device.noisy(&compiled.measured(setting).unwrap()).unwrap();
            let plain = DensityMatrix::new().probabilities(&whole, &values()).unwrap();
            let off = exact.counts().iter().zip(&plain).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off < 1e-12, "{name} {setting:?}: {off}");
        }
    }
}

/// A device that has nothing but [`Device::execute`], as a remote one.
struct Plain<'a, D>(&'a D);

impl<D: Device> Device for Plain<'_, D> {
    fn target(&self) -> &Target {
        self.0.target()
    }

    fn execute(&self, jobs: &[Job]) -> crate::Result<Vec<crate::simulator::Counts>> {
        self.0.execute(jobs)
    }
}

/// How many counts differ, as a share of the shots: rounding may move a draw across a border.
fn difference(a: &[Measurement], b: &[Measurement]) -> f64 {
    let pairs = a.iter().zip(b).flat_map(|(a, b)| a.counts().iter().zip(b.counts()));
    pairs.map(|(a, b)| (a - b).abs()).sum::<f64>() / a.iter().map(Measurement::shots).sum::<f64>()
}

#[test]
fn the_defaults_of_the_trait_give_the_same_counts() {
    let all = settings(4).unwrap();
    let device = noisy("jakarta");
    let compiled = ring(device.target());
    let quick = device.measure(&compiled, &values(), &all, 500, 9).unwrap();
    let plain = Plain(&device).measure(&compiled, &values(), &all, 500, 9).unwrap();
    assert!(difference(&quick, &plain) < 1e-3);
    assert!(difference(&quick, &device.measure(&compiled, &values(), &all, 500, 10).unwrap()) > 0.1);
    assert_eq!(device.confusion(&compiled), Plain(&device).confusion(&compiled));

    let ideal = IdealDevice::new(device.target().clone());
    let quick = ideal.measure(&compiled, &values(), &all, 500, 9).unwrap();
    let plain = Plain(&ideal).measure(&compiled, &values(), &all, 500, 9).unwrap();
    assert!(difference(&quick, &plain) < 1e-3);
}

#[test]
fn devices_are_objects() {
    let device: Box<dyn Device> = Box::new(Metered::new(noisy("manila")));
    assert_eq!((device.name(), device.target().width()), ("manila", 5));
}

#[test]
fn without_noise_a_noisy_device_is_ideal() {
    let calibration = Calibration::bundled("jakarta").unwrap();
    let noiseless = NoisyDevice::new(&calibration, NoiseOptions::NONE).unwrap();
    let ideal = IdealDevice::new(Target::from(&calibration));
    let compiled = ring(ideal.target());
    let state = noiseless.density(&compiled, &values()).unwrap();
    assert!(frobenius(&(&state - &ideal.density(&compiled, &values()).unwrap())) < 1e-12);
    // the logical state is that of the circuit before it was compiled
    let pure = StateVector::new().run(&ring_circuit(), &values()).unwrap().into_state().unwrap();
    assert!((state_fidelity(&state, pure.as_slice()).unwrap() - 1.0).abs() < 1e-12);
    let confusion = noiseless.confusion(&compiled);
    assert!(confusion.iter().all(|c| c.p1_given_0 == 0.0 && c.p0_given_1 == 0.0));
}

#[test]
fn tomography_on_a_device_finds_its_state() {
    let device = noisy("manila");
    let compiled = ring(device.target());
    let measurements = device.measure_exactly(&compiled, &values(), &settings(4).unwrap()).unwrap();
    let confusion = device.confusion(&compiled);
    assert_eq!(confusion.len(), 4);
    let estimate = tomography::reconstruct(&measurements, Some(&confusion), Method::LeastSquares).unwrap();
    let truth = device.density(&compiled, &values()).unwrap();
    // the rotations are noisy too, which tomography cannot know
    let off = frobenius(&(&estimate - &truth));
    assert!(off < 0.02, "{off}");
    let blind = tomography::reconstruct(&measurements, None, Method::LeastSquares).unwrap();
    assert!(frobenius(&(&blind - &truth)) > 2.0 * off);
}

#[test]
fn counts_come_in_the_order_of_the_jobs_for_any_number_of_threads() {
    let mut b = Builder::new("flip");
    let q: Qubits<2> = b.register("q");
    let angle: Angle = b.parameter("angle");
    b.ry(angle, q.at(1));
    let bit = b.measure(q.at(1));
    b.when(bit, |b| b.x(q.at(0)));
    let bits = b.measure(q);
    b.returns(bits);
    let device = noisy("lima");
    let compiled = compile(&b.finish().unwrap(), device.target(), &CompileOptions::default()).unwrap();
    let job = |k: u32| Job {
        compiled: compiled.clone(),
        values: vec![f64::from(k) * std::f64::consts::PI],
        shots: 200,
        seed: k.into(),
    };
    let jobs: Vec<_> = (0..6).map(job).collect();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| device.execute(&jobs).unwrap())
    };
    let counts = run(1);
    assert_eq!(counts, run(3));
    for (k, counts) in counts.iter().enumerate() {
        assert_eq!(counts.total(), 200);
        let likely = if k % 2 == 0 { 0b00 } else { 0b11 };
        assert!(counts.frequency(likely) > 0.8, "{k}: {counts}");
    }
}

#[test]
fn a_meter_counts_circuits_and_shots() {
    let device = Metered::new(noisy("manila"));
    let compiled = ring(device.target());
    let measured = compiled.measured(&[Basis::Z; 4]).unwrap();
    let job = Job { compiled: measured, values: values(), shots: 30, seed: 0 };
    device.execute(&[job.clone(), job.clone()]).unwrap();
    device.measure(&compiled, &values(), &settings(4).unwrap(), 10, 0).unwrap();
    assert_eq!(device.tally(), Tally { circuits: 83, shots: 60 + 810 });
    device.execute(&[Job { shots: 0, ..job }]).unwrap_err();
    assert_eq!(device.tally().circuits, 83);
    device.reset();
    assert_eq!(device.tally(), Tally::default());
}

#[test]
fn jobs_that_cannot_run_are_refused() {
    let device = noisy("manila");
    let ideal = IdealDevice::new(device.target().clone());
    let compiled = ring(device.target());
    let measured = compiled.measured(&[Basis::X; 4]).unwrap();
    let job = Job { compiled: measured, values: values(), shots: 10, seed: 0 };
    let both = |job: Job| {
        let jobs = [job];
        [device.execute(&jobs).unwrap_err(), ideal.execute(&jobs).unwrap_err()]
    };
    for error in both(Job { shots: 0, ..job.clone() }) {
        assert_eq!(error, Error::NoShots);
    }
    for error in both(Job { values: vec![0.0; 3], ..job.clone() }) {
        assert!(matches!(error, Error::ParameterCount { found: 3, expected: 36 }));
    }
    for error in both(Job { values: vec![f64::NAN; 36], ..job.clone() }) {
        assert!(matches!(error, Error::ParameterValue { .. }));
    }
    for error in both(Job { compiled: compiled.clone(), ..job.clone() }) {
        assert!(matches!(error, Error::NothingMeasured { .. }));
    }
    let other = noisy("lima");
    assert!(matches!(
        other.execute(&[job]),
        Err(Error::OtherDevice { found, expected, .. }) if found == "manila" && expected == "lima"
    ));
    let short = vec![vec![Basis::X; 3]];
    assert_eq!(device.measure(&compiled, &values(), &settings(4).unwrap(), 0, 0), Err(Error::NoShots));
    assert!(matches!(
        device.measure(&compiled, &values(), &short, 5, 0),
        Err(Error::Dimension { found: 3, expected: 4, .. })
    ));
}

/// Prints how long things take: `cargo test --release -p ketline-quantum --lib times_of -- --ignored --nocapture`.
#[test]
#[ignore = "prints times"]
fn times_of_compiling_and_measuring() {
    let time = |what: &str, times: u32, run: &mut dyn FnMut()| {
        let start = std::time::Instant::now();
        (0..times).for_each(|_| run());
        println!("{what}: {:.3} ms", start.elapsed().as_secs_f64() * 1e3 / f64::from(times));
    };
    for name in ["manila", "jakarta", "montreal"] {
        let device = noisy(name);
        let options = CompileOptions::default();
        time(&format!("{name}, line ansatz"), 20, &mut || {
            compile(&ansatz(), device.target(), &options).unwrap();
        });
        time(&format!("{name}, ring ansatz"), 20, &mut || {
            compile(&ring_circuit(), device.target(), &options).unwrap();
        });
        let compiled = compile(&ring_circuit(), device.target(), &options).unwrap();
        let (width, swaps) = (compiled.circuit().width(), compiled.swaps());
        println!("{name}: {width} wide, {swaps} swaps, {} entanglers", compiled.entanglers());
        let values = values();
        time("density", 20, &mut || {
            device.density(&compiled, &values).unwrap();
        });
        let all = settings(4).unwrap();
        time("81 settings of 1024 shots", 20, &mut || {
            device.measure(&compiled, &values, &all, 1024, 1).unwrap();
        });
    }
}
