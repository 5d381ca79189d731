// mistake: 49
use ketline::prelude::*;
use ketline::quantum::pulse::PulseDevice;

struct Heron;

impl Topology for Heron {
    const QUBITS: usize = 4;
    const EDGES: &'static [(usize, usize)] = &[(0, 1), (1, 2), (2, 3)];
}

impl PulseDevice for Heron {
    const DT: f64 = 0.5e-9;
    const DRIVE_BAND: Option<(Frequency, Frequency)> =
        Some((Frequency::gigahertz(4.5), Frequency::gigahertz(5.5)));
}

pulse!(
    #[device(Heron)]
    fn far(q: Qubits<4>) {
        let tone = gaussian_square(duration = 848dt, width = 592dt, sigma = 64dt, amp = 0.2);
        play(control(q[0], q[3]), tone);
        for k in 0..2 {
            play(control(q[k], q[2]), tone);
        }
    }

    #[device(Heron)]
    fn nowhere(q: Qubits<4>) {
        delay(control(q[1], q[1]), 10ns);
        delay(control(q[1], q[4]), 10ns);
    }
);

fn main() {}
