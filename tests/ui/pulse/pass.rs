#![deny(warnings, missing_docs, clippy::pedantic)]
//! Pulse programs that compile and do what they say.
use ketline::prelude::*;
use ketline::quantum::pulse::{PulseDevice, PulseTarget};

/// Of the examples.
#[derive(Debug)]
pub struct Heron;

impl Topology for Heron {
    const QUBITS: usize = 4;
    const EDGES: &'static [(usize, usize)] = &[(0, 1), (1, 2), (2, 3)];
}

impl PulseDevice for Heron {
    const DT: f64 = 0.5e-9;
    const DRIVE_BAND: Option<(Frequency, Frequency)> =
        Some((Frequency::gigahertz(4.5), Frequency::gigahertz(5.5)));
    const CARRIERS: &'static [Frequency] = &[Frequency::gigahertz(5.0); 4];
}

/// A redefined `Result` disturbs nobody.
pub type Result<T> = std::result::Result<T, String>;

const WIDTH: Duration = Duration::nanoseconds(100.0);

pulse!(
    /// An echoed cross-resonance `zx90`.
    #[device(Heron)]
    pub fn echoed_cr(c: Qubit, t: Qubit, amp: f64) {
        let x = drag(duration = 160dt, sigma = 40dt, amp = 0.186, beta = -1.24);
        let cr = gaussian_square(duration = 848dt, width = 592dt, sigma = 64dt, amp = amp);
        play(control(c, t), cr);
        barrier(c, t);
        play(drive(c), x);
        barrier(c, t);
        play(control(c, t), -cr);
        barrier(c, t);
        play(drive(c), x);
        shift_phase(drive(t), -90deg);
    }
);

pulse!(
    /// Every instruction and waveform.
    #[device(Heron)]
    pub fn all<const N: usize>(q: Qubits<N>, amp: [Angle; N], phi: Angle, shape: Waveform, data: &[ketline::quantum::C64]) -> Bits<2> {
        let length = 160ns + 2.0 * 16dt;
        for k in 0..N {
            play(drive(q[k]), cosine(duration = length, amp = amp[k], phase = phi + 90deg));
        }
        barrier(q);
        play(drive(q[0]), 0.5 * shape);
        play(drive(q[0]), -shape);
        play(drive(q[0]), sampled(samples = data, phase = 0.25turn));
        play(drive(q[0]), constant(duration = 16dt, amp = 1));
        play(drive(q[0]), gaussian(duration = WIDTH, amp = 1, sigma = 12.5dt));
        play(drive(q[0]), lifted_gaussian(duration = WIDTH, amp = -0.5, sigma = phi));
        play(drive(q[0]), sech(duration = WIDTH, amp = 0.5, sigma = 20ns));
        play(drive(q[0]), 2.0 * gaussian_square(duration = 400dt, amp = 0.6, sigma = 20dt, rise = 60dt) / 2.0);
        play(drive(q[0]), gaussian_square_drag(duration = 400dt, amp = 0.6, sigma = 20dt, width = 200dt, beta = phi));
        set_frequency(drive(q[0]), 5.1GHz);
        shift_frequency(drive(q[0]), -5MHz);
        set_phase(drive(q[0]), phi);
        echoed_cr(q[0], q[1], 0.3);
        delay(acquire(q[0]), 10ns);
        at(drive(q[1]), 10us);
        let line = readout(q[0]);
        play(line, constant(duration = 1us, amp = 0.1));
        let first = capture(acquire(q[0]), 1us);
        [first, capture(acquire(q[1]), 1us)]
    }
);

mod inner {
    use super::Heron;
    use ketline::prelude::*;

    pulse!(
        /// On any device.
        #[device(D)]
        pub fn x90<D: super::PulseDevice>(q: Qubit, amp: Angle) {
            play(drive(q), drag(duration = 64dt, sigma = 16dt, amp = amp, beta = -1.0));
        }

        pub(super) fn read(q: Qubit) -> Bit {
            capture(acquire(q), 1us)
        }
    );

    pub(super) type Here = Heron;
}

pulse!(
    fn reads(q: Qubits<2>) -> Bits<2> {
        let first = inner::read(q[0]);
        let second = inner::read(q[1]);
        [second, first]
    }
);

circuit!(
    /// Gates and pulses.
    #[device(Heron)]
    pub fn hybrid(q: Qubits<3>, theta: Angle, amp: [Angle; 2]) -> Bits<3> {
        h(q);
        echoed_cr(q[0], q[1], 0.25);
        for k in 0..2 {
            inner::x90::<inner::Here>(q[k], 2.0 * amp[k]);
            pulse!({
                play(drive(q[k]), drag(duration = 64dt, sigma = 16dt, amp = amp[k], beta = -1.0));
                shift_phase(drive(q[k]), theta);
            });
        }
        rz(theta, q[2]);
        measure(q)
    }
);

fn main() {
    let heron = PulseTarget::of::<Heron>().expect("a device");
    let echoed = echoed_cr(0.3).expect("a program");
    echoed.check(&heron, &[]).expect("the device can play it");
    assert_eq!(echoed.duration(heron.dt()).expect("whole samples"), 2 * (160 + 848));
    assert!(echoed.to_string().contains("play(control(0, 1), gaussian_square(duration = 848dt, amp = -0.3"));

    let shape = Waveform::constant(Duration::samples(32), 0.5);
    let data = vec![ketline::quantum::C64::new(0.1, 0.2); 16];
    let every = all::<2>(shape, &data).expect("a program");
    assert_eq!((every.outputs(), every.bits()), (&[0, 1][..], 2));
    let params = AllParams { amp: [0.1, 0.2], phi: 30.0 };
    every.bind(&params).expect("two numbers").check(&heron, &[]).expect("the device can play it");
    assert_eq!(reads().expect("a program").outputs(), &[1, 0]);

    let circuit = hybrid().expect("a circuit");
    assert_eq!((circuit.counts()["echoed_cr"], circuit.counts()["x90"], circuit.counts()["pulse"]), (1, 2, 2));
    let bound = circuit.bind(&HybridParams { theta: 0.3, amp: [0.1, 0.2] }).expect("a circuit");
    assert!(bound.to_string().contains("∿ x90(0.4)"), "{bound}");
}
