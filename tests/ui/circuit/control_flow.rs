// mistake: 30
use ketline::prelude::*;

circuit!(
    fn flow(q: Qubits<2>) {
        while true {
            h(q[0]);
        }
        loop {
            h(q[1]);
        }
        match 1 {
            _ => {}
        }
        power(count()?, h(q[0]));
        return;
    }
);

fn main() {}
