// mistake: 5
use ketline::prelude::*;

circuit!(
    fn all_pairs(q: Qubits<3>) {
        for i in 0..3 {
            for j in 0..3 {
                cz(q[i], q[j]);
            }
        }
    }
);

fn main() {}
