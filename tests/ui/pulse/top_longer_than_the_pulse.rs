// mistake: 45
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
    fn wide(c: Qubit, t: Qubit) {
        play(control(c, t), gaussian_square(duration = 848dt, width = 900dt, sigma = 64dt, amp = 0.2));
    }

    #[device(Heron)]
    fn wider(c: Qubit, t: Qubit) {
        play(control(c, t), gaussian_square(duration = 848dt, width = 450ns, sigma = 64dt, amp = 0.2));
    }
);

fn main() {}
