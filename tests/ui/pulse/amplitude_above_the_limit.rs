// mistake: 42
use ketline::prelude::*;
use ketline::quantum::pulse::PulseDevice;

struct Quiet;

impl Topology for Quiet {
    const QUBITS: usize = 1;
    const EDGES: &'static [(usize, usize)] = &[];
}

impl PulseDevice for Quiet {
    const DT: f64 = 0.5e-9;
    const AMPLITUDE: f64 = 0.8;
}

const LOUD: f64 = 0.9;

pulse!(
    fn loud(q: Qubit) {
        play(drive(q), gaussian(duration = 160ns, sigma = 40ns, amp = 1.3));
        play(drive(q), 0.5 * gaussian(duration = 160ns, sigma = 40ns, amp = 1.3));
    }
);

pulse!(
    #[device(Quiet)]
    fn louder(q: Qubit) {
        play(drive(q), gaussian(duration = 160dt, sigma = 40dt, amp = -0.85));
        play(drive(q), gaussian(duration = 160dt, sigma = 40dt, amp = LOUD));
    }
);

fn main() {}
