//! `RobustState` against finite differences, itself resumed, and simulated devices.

use std::ops::ControlFlow;
use std::path::PathBuf;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::baseline::{InverseFidelity, cobyla, exact_gradient, parameter_shift, random_start, spsa};
use super::*;
use crate::device::{
    Calibration, CompileOptions, IdealDevice, Layout, NoiseOptions, NoisyDevice, Region, Target,
};
use crate::gradient::ShiftRule;
use crate::optimise::Schedule;
use crate::{Builder, Error, Matrix, Qubits, ansatz, linalg};

fn options(region: &Region) -> CompileOptions {
    CompileOptions { layout: Layout::Fixed(region.qubits.clone()), ..CompileOptions::default() }
}

/// A three-qubit W state on a device, from noise-unaware parameters.
struct Setup {
    device: NoisyDevice,
    region: Region,
    task: Task,
    start: Vec<f64>,
}

fn setup(device: &str) -> Setup {
    let calibration = Calibration::bundled(device).unwrap();
    let region = Region::best(&calibration, 3).unwrap();
    let ansatz = ansatz::u_cx(3, &region.edges, 2).unwrap();
    let task = Task::state(&ansatz, TargetState::w(3).unwrap()).unwrap();
    let start = noise_unaware(&task, &NoiseUnaware { steps: 300, ..NoiseUnaware::default() }).unwrap();
    let device = NoisyDevice::new(&calibration, NoiseOptions::default()).unwrap();
    Setup { device, region, task, start }
}

fn go(_: &Record) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("ketline-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// With the measured state equal to the ideal one, the straight-through gradient is the gradient of the loss.
#[test]
fn without_noise_the_rule_is_the_gradient_of_the_loss() {
    let ansatz = ansatz::u_cx(2, &[(0, 1)], 1).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let target = TargetState::new("haar", linalg::haar_state(4, &mut rng)).unwrap();
    let task = Task::state(&ansatz, target.clone()).unwrap();
    let values = random_start(&task, 9);
    let density = |values: &[f64]| -> Matrix {
        let state = task.cases()[0].ideal().state(values).unwrap();
        linalg::outer(state.as_slice(), state.as_slice())
    };
    for loss in [Loss::Fidelity, Loss::Frobenius, Loss::DominantEigenvector] {
        let t = target.amplitudes();
        let slope = loss.slope(&density(&values), t).unwrap();
        let gradient = task.cases()[0].ideal().gradient(&slope, &values).unwrap().gradient;
        for (k, slope) in gradient.iter().enumerate() {
            let at = |shift: f64| {
                let mut values = values.clone();
                values[k] += shift;
                loss.value(&density(&values), t).unwrap()
            };
            let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope - numeric).abs() < 1e-6, "{loss:?} by parameter {k}: {slope} against {numeric}");
        }
    }
}

#[test]
fn coherent_error_falls_and_the_control_stays() {
    let Setup { device, region, task, start } = setup("jakarta");
    let run = |settings: RobustState| {
        let mut laboratory = ExactLaboratory::new(&device, &task, &options(&region)).unwrap();
        let trained = settings.train(&task, &mut laboratory, &start, &mut go).unwrap();
        (trained.history[0], *trained.history.last().unwrap())
    };
    for (settings, ratio) in [
        (RobustState::newton(12), 50.0),
        (RobustState::adam(Loss::DominantEigenvector, 60), 10.0),
        (RobustState::adam(Loss::Frobenius, 60), 3.0),
    ] {
        let name = format!("{:?} {:?}", settings.loss, settings.update);
        let (before, after) = run(settings);
        assert!(after.fidelity > before.fidelity, "{name}");
        assert!(before.coherent_error > ratio * after.coherent_error, "{name}: {before:?} {after:?}");
    }
    let (before, after) = run(RobustState::adam(Loss::Fidelity, 60));
    assert!(
        (after.fidelity - before.fidelity).abs() < 0.005,
        "the control must show no gain: {before:?} {after:?}"
    );
}

#[test]
fn counts_are_enough() {
    let Setup { device, region, task, start } = setup("manila");
    for estimation in [Estimation::tomography(1024), Estimation::shadows(9, 4096)] {
        let mut laboratory = DeviceLaboratory::new(&device, &task, estimation, &options(&region)).unwrap();
        let run = |laboratory: &mut DeviceLaboratory<'_>| {
            RobustState::newton(15).train(&task, laboratory, &start, &mut go).unwrap()
        };
        let trained = run(&mut laboratory);
        assert_eq!(trained, run(&mut laboratory), "the same seed gives the same run");
        assert_eq!(trained.history[15].executions, 16 * estimation.settings.unwrap_or(27));
        let mut exact = ExactLaboratory::new(&device, &task, &options(&region)).unwrap();
        let mut error = |values: &[f64]| {
            coherent_error(&exact.densities(values, 0).unwrap()[0], task.cases()[0].target().amplitudes())
                .unwrap()
        };
        let (before, after) = (error(&start), error(&trained.values));
        assert!(before > 4.0 * after, "{estimation:?}: {before} to {after}");
    }
}

#[test]
fn a_stopped_run_goes_on_with_the_same_bits() {
    let Setup { device, region, task, start } = setup("manila");
    let folder = folder("resume");
    for (number, mut settings) in
        [RobustState::newton(8), RobustState::adam(Loss::DominantEigenvector, 8)].into_iter().enumerate()
    {
        let estimation = Estimation::tomography(256);
        let mut laboratory = DeviceLaboratory::new(&device, &task, estimation, &options(&region)).unwrap();
        let whole = settings.train(&task, &mut laboratory, &start, &mut go).unwrap();
        let path = folder.join(format!("{number}.json"));
        settings.checkpoint = Some((path.clone(), 3));
        let mut stop = |record: &Record| {
            if record.step == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let part = settings.train(&task, &mut laboratory, &start, &mut stop).unwrap();
        assert_eq!((part.end, part.history.len()), (End::Stopped, 5));
        let rest = settings.train(&task, &mut laboratory, &start, &mut go).unwrap();
        assert_eq!(rest, whole);

        let other = RobustState { seed: 7, ..settings.clone() };
        let error = other.train(&task, &mut laboratory, &start, &mut go).unwrap_err();
        assert!(matches!(error, Error::BadField { .. }), "{error}");
        std::fs::write(&path, "{\"format\": ").unwrap();
        let error = settings.train(&task, &mut laboratory, &start, &mut go).unwrap_err();
        assert!(matches!(error, Error::Json { .. }), "{error}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn patience_ends_a_run() {
    let Setup { device, region, task, start } = setup("manila");
    let mut laboratory = ExactLaboratory::new(&device, &task, &options(&region)).unwrap();
    let settings = RobustState { patience: Some(3), ..RobustState::adam(Loss::Fidelity, 500) };
    let trained = settings.train(&task, &mut laboratory, &start, &mut go).unwrap();
    assert_eq!(trained.end, End::EarlyStop);
    assert!(trained.history.len() < 400, "{}", trained.history.len());
}

#[test]
fn unitaries_are_synthesised() {
    let cx = crate::Gate::named("cx").unwrap().full_matrix(&[]);
    let ansatz = ansatz::u_cx(2, &[(0, 1)], 2).unwrap();
    let task = Task::unitary(&ansatz, &cx).unwrap();
    assert_eq!(task.cases().len(), 5);
    let start = noise_unaware(&task, &NoiseUnaware { restarts: 4, ..NoiseUnaware::default() }).unwrap();
    assert!(task.ideal(&start).unwrap().value < 1e-4);
    let device =
        NoisyDevice::new(&Calibration::bundled("jakarta").unwrap(), NoiseOptions::default()).unwrap();
    let mut laboratory = ExactLaboratory::new(&device, &task, &CompileOptions::default()).unwrap();
    let trained = RobustState::newton(15).train(&task, &mut laboratory, &start, &mut go).unwrap();
    assert!(trained.history[15].coherent_error < trained.history[0].coherent_error / 2.0, "{trained:?}");
}

/// On a device without noise there is nothing to repair, and nothing breaks.
#[test]
fn an_ideal_device_changes_nothing() {
    let Setup { task, start, .. } = setup("manila");
    let device = IdealDevice::new(Target::line(3).unwrap());
    let mut laboratory =
        DeviceLaboratory::new(&device, &task, Estimation::tomography(4096), &CompileOptions::default())
            .unwrap();
    let trained = RobustState::newton(10).train(&task, &mut laboratory, &start, &mut go).unwrap();
    assert!(task.ideal(&trained.values).unwrap().value < 1e-3);
}

#[test]
fn baselines_improve_on_their_start() {
    let Setup { device, region, task, start } = setup("nairobi");
    let laboratory = || ExactLaboratory::new(&device, &task, &options(&region)).unwrap();
    let fidelity = |values: &[f64]| {
        linalg::state_fidelity(
            &laboratory().densities(values, 0).unwrap()[0],
            task.cases()[0].target().amplitudes(),
        )
        .unwrap()
    };
    let before = fidelity(&start);
    let exact = exact_gradient(&task, &laboratory(), &start, Schedule::cosine(0.02, 60), 60).unwrap();
    assert!(fidelity(&exact) > before + 0.005);
    let far = random_start(&task, 3);
    let (circuit, target) = (task.cases()[0].circuit(), task.cases()[0].target());
    let mut estimator = InverseFidelity::new(&device, circuit, target, &region, 1024).unwrap();
    let by_spsa = spsa(&mut estimator, &far, 600, 1).unwrap();
    assert!(fidelity(&by_spsa) > fidelity(&far) + 0.1);
    // COBYLA's linear models do not survive shot noise: it gets a hundred times as many
    let mut estimator = InverseFidelity::new(&device, circuit, target, &region, 100_000).unwrap();
    let by_cobyla = cobyla(&mut estimator, &far, 600, 1).unwrap();
    assert!(fidelity(&by_cobyla) > fidelity(&far) + 0.05);

    let rule = ShiftRule::new(task.cases()[0].circuit()).unwrap();
    let mut estimator = InverseFidelity::new(&device, rule.circuit(), target, &region, 100_000).unwrap();
    let by_shift = parameter_shift(&rule, &mut estimator, &start, 0.02, 20 * rule.shifts().len(), 1).unwrap();
    assert!(fidelity(&by_shift) > before + 0.003);
    assert!(parameter_shift(&rule, &mut estimator, &start, 0.02, 5, 1).is_err());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let Setup { device, region, task, start } = setup("manila");
    let mut exact = ExactLaboratory::new(&device, &task, &options(&region)).unwrap();
    let mut train =
        |settings: RobustState, start: &[f64]| settings.train(&task, &mut exact, start, &mut go).unwrap_err();
    assert!(matches!(train(RobustState::newton(0), &start), Error::Setting { name: "steps", .. }));
    assert!(matches!(train(RobustState::newton(3), &start[1..]), Error::ParameterCount { .. }));
    let mut nan = start.clone();
    nan[2] = f64::NAN;
    assert!(matches!(train(RobustState::newton(3), &nan), Error::ParameterValue { .. }));
    let wrong = RobustState { loss: Loss::Frobenius, ..RobustState::newton(3) };
    assert!(matches!(train(wrong, &start), Error::UpdateLoss { .. }));

    let none = DeviceLaboratory::new(&device, &task, Estimation::tomography(0), &options(&region));
    assert!(matches!(none, Err(Error::NoShots)));
    let mut b = Builder::new("measures");
    let q: Qubits<2> = b.register("q");
    let t: crate::Angle = b.parameter("t");
    b.rx(t, q);
    b.measure(q);
    let measuring = b.finish().unwrap();
    let ghz = || TargetState::ghz(2).unwrap();
    assert!(matches!(Task::state(&measuring, ghz()), Err(Error::NotUnitaryStep { .. })));
    assert!(matches!(Task::state(&ansatz::u_cx(3, &[], 1).unwrap(), ghz()), Err(Error::Width { .. })));
    let fixed = ansatz::u_cx(2, &[(0, 1)], 1).unwrap().bind(&[0.0; 12]).unwrap();
    assert!(matches!(Task::state(&fixed, ghz()), Err(Error::NothingToTrain { .. })));
}
