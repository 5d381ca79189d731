//! A Bell pair made of pulses: declares them, draws them, tunes them on a simulated device and runs them with noise.
//!
//! ```text
//! cargo run --release --example pulse_bell
//! ```

use std::process::ExitCode;

use ketline::Error;
use ketline::prelude::*;
use ketline::quantum::device::{Calibration, Hamiltonian, NoiseModel, NoiseOptions};
use ketline::quantum::file;
use ketline::quantum::optimise::Cobyla;
use ketline::quantum::pulse::{Manila, PulseModel, PulseTarget};
use ketline_examples::{Flag, OUT, Report, Table, progress, run};

// ANCHOR: pulses
pulse!(
    /// A quarter turn, with the amplitude and the beta that were published for a qubit.
    #[device(Manila)]
    pub fn quarter(q: Qubit, amp: f64, beta: f64) {
        play(drive(q), drag(duration = 160dt, sigma = 40dt, amp = amp, beta = beta));
    }

    /// Echoed cross-resonance: the control's X between two tones of opposite sign undoes all that does not turn the target
    /// one way or the other, as the control is 0 or 1.
    #[device(Manila)]
    pub fn echoed_cr(c: Qubit, t: Qubit, tone: Angle, phase: Angle) {
        let x = drag(duration = 160dt, sigma = 40dt, amp = 0.1987, beta = -0.608);
        let cr = gaussian_square(duration = 464dt, width = 208dt, sigma = 64dt, amp = tone, phase = phase);
        play(control(c, t), cr);
        barrier(c, t);
        play(drive(c), x);
        barrier(c, t);
        play(control(c, t), -cr);
        barrier(c, t);
        play(drive(c), x);
    }
);
// ANCHOR_END: pulses

// ANCHOR: circuit
circuit!(
    /// `|00> + |11>`, of pulses and virtual rz.
    #[device(Manila)]
    pub fn bell(q: Qubits<2>, tone: Angle, phase: Angle, turn: [Angle; 3]) {
        quarter(q[0], 0.1001, -0.54);
        echoed_cr(q[0], q[1], tone, phase);
        rz(turn[0], q[1]);
        pulse!({
            play(drive(q[1]), drag(duration = 160dt, sigma = 40dt, amp = 0.1173, beta = -0.762));
        });
        rz(turn[1], q[0]);
        rz(turn[2], q[1]);
    }

    /// The pair, measured.
    #[device(Manila)]
    pub fn measured(q: Qubits<2>, tone: Angle, phase: Angle, turn: [Angle; 3]) -> Bits<2> {
        bell(q, tone, phase, turn);
        measure(q)
    }
);
// ANCHOR_END: circuit

const FLAGS: [Flag; 3] = [
    Flag::value("evaluations", "N", "how often the pulses are tried while they are tuned [120]"),
    Flag::value("shots", "N", "how often the pair is measured [4000]"),
    OUT,
];

/// Where tuning starts: the published tone, and half a turn of the target, without which the qubits would be opposite.
const PUBLISHED: [f64; 5] = [0.797, 2.815, std::f64::consts::PI, 0.0, 0.0];

fn main() -> ExitCode {
    run("pulse_bell", "A Bell pair made of pulses on a simulated device.", &FLAGS, |arguments| {
        let evaluations = arguments.number("evaluations", 120, "a whole number >= 1")?;
        let shots = arguments.number("shots", 4000, "a whole number >= 1")?;
        let out = arguments.out()?;

        // ANCHOR: tune
        let manila = PulseTarget::of::<Manila>()?;
        let model = PulseModel::new(&manila, &Hamiltonian::bundled("manila")?);
        let fidelity = observable!(0.25 * (I + X(0) * X(1) - Y(0) * Y(1) + Z(0) * Z(1)));
        let pair = bell()?;
        let try_out = |values: &[f64]| {
            let played = model.apply(&pair.bind(&pair.params(values)?)?, &[0, 1])?;
            StateVector::new().expectation(&played, &fidelity, &[])
        };
        let bar = progress(arguments, "tuning", evaluations as u64);
        let tuned = Cobyla::new(evaluations).minimise(&PUBLISHED, |values| {
            bar.inc(1);
            match try_out(values) {
                // louder than the device plays
                Err(Error::Pulse { .. }) => Ok(1.0),
                found => Ok(1.0 - found?),
            }
        })?;
        bar.finish_and_clear();
        // ANCHOR_END: tune
        let before = try_out(&PUBLISHED)?;

        let timeline = echoed_cr()?.timeline_on(&manila)?;
        print!("{}\n{timeline}\n", measured()?);
        let (drawn, played) = (out.join("pulse_bell.svg"), out.join("echoed_cr.svg"));
        file::write(&drawn, &measured()?.to_svg())?;
        file::write(&played, &timeline.to_svg(&tuned.parameters[..2])?)?;

        // ANCHOR: noise
        let values = MeasuredParams::from_flat(&tuned.parameters)?;
        let calibration = Calibration::bundled("manila")?;
        let noise = NoiseModel::new(&calibration, NoiseOptions::default())?
            .with_pulses(model.clone().with_relaxation(&calibration));
        let noisy = noise.apply(&measured()?.bind(&values)?, &[0, 1])?;
        let counts = DensityMatrix::new().sample(&noisy, &[], shots, arguments.seed()?)?;
        // ANCHOR_END: noise

        let report = model.apply(&pair.bind(&pair.params(&tuned.parameters)?)?, &[0, 1])?;
        let mut table = Table::new(["pulses", "qubits", "samples", "leakage"]);
        for effect in report.effects() {
            let (qubits, leakage) = (format!("{:?}", effect.qubits), format!("{:.1e}", effect.leakage));
            table.row([effect.name.clone(), qubits, effect.duration.to_string(), leakage]);
        }
        let after = 1.0 - tuned.value;
        println!(
            "{table}\nfidelity of the pair without noise: {before:.4} where tuning starts, {after:.4} tuned"
        );
        println!("with noise and readout errors: {counts}");
        println!("drawn in {} and {}", drawn.display(), played.display());

        let mut metrics = Report::new();
        metrics.metric("fidelity_start", before).metric("fidelity", after);
        metrics.metric("leakage", report.effects().iter().map(|effect| effect.leakage).fold(0.0, f64::max));
        metrics.metric("echoed_cr_dt", timeline.duration() as f64);
        metrics.metric("equal", counts.frequency(0b00) + counts.frequency(0b11));
        Ok(metrics)
    })
}
