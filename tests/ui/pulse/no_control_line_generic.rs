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
    #[device(D)]
    fn ring<D: PulseDevice, const N: usize>(q: Qubits<N>) {
        for k in 0..N {
            play(control(q[k], q[(k + 1) % N]), constant(duration = 10.25ns, amp = 0.2));
        }
    }
);

fn main() {
    let _ = ring::<Heron, 4>();
}
