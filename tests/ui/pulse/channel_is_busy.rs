// mistake: 48
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

const LONG: Duration = Duration::nanoseconds(200.0);

pulse!(
    fn early(q: Qubits<2>) {
        play(drive(q[0]), gaussian(duration = 160ns, sigma = 40ns, amp = 0.2));
        at(drive(q[0]), 100ns);
        barrier(q);
        delay(readout(q[1]), 100ns);
        at(readout(q[1]), 150ns);
    }
);

pulse!(
    #[device(Heron)]
    fn earlier(q: Qubit) {
        play(drive(q), gaussian(duration = LONG, sigma = 40ns, amp = 0.2));
        at(drive(q), 300dt);
    }
);

fn main() {}
