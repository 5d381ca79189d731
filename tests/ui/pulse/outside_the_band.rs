// mistake: 53
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

const HIGH: Frequency = Frequency::gigahertz(6.1);

pulse!(
    #[device(Heron)]
    fn shrill(q: Qubits<2>) {
        set_frequency(drive(q[0]), 5.9GHz);
        set_frequency(control(q[0], q[1]), HIGH);
        set_frequency(readout(q[0]), 7.1GHz);
    }
);

fn main() {}
