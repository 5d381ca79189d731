use ketline::prelude::*;

circuit!();

circuit!(
    struct Register;
);

circuit!(
    fn nothing() -> usize {
        h(q[0])
    }
);

circuit!(
    fn unsized_register(q: Qubits) {
        h(q[0]);
    }
);

circuit!(
    fn swap(q: Qubits<2>) {
        cx(q[0], q[1]);
    }
);

circuit!(
    async fn odd(self, mut q: Qubit) {
        q[0].h();
        println!("{}", 1);
        x = 3;
        inverse(h);
        control(q);
    }
);

circuit!(
    fn value(q: Qubits<2>) {
        let m = measure(q);
        if m == 1 {
            h(q[-1]);
        }
        h(q[1..1]);
        m
    }
);

fn main() {}
