// mistake: 41
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

const SHORT: Duration = Duration::nanoseconds(0.7);

pulse!(
    #[device(Heron)]
    fn off_grid(q: Qubit) {
        play(drive(q), gaussian(duration = 160.3ns, sigma = 40.3ns, amp = 0.2));
        delay(drive(q), SHORT);
        at(drive(q), 1us + 0.1ns);
    }

    #[device(Heron)]
    fn between(q: Qubit) {
        delay(drive(q), 10.5dt);
    }
);

fn main() {}
