//! What is legal stays legal, in code that makes every lint an error.
#![deny(missing_docs, warnings, clippy::pedantic)]

/// Names that an expansion must not trip over.
#[allow(dead_code, missing_docs)]
mod strange {
    pub struct Result;
    pub struct Option;
    pub struct Some;
    pub struct Vec;
    pub mod core {}
    pub mod std {}

    ketline::circuit!(
        /// A pair.
        pub fn pair(q: Qubits<2>, t: Angle) {
            rx(t, q[0]);
            cx(q[0], q[1]);
        }
    );
}

use ketline::prelude::*;
use strange::pair;

circuit!(
    /// Calls a circuit of another module by its bare name and by its path.
    pub fn caller<const N: usize>(q: Qubits<N>, t: [Angle; N]) -> Bits<N> {
        let half = N / 2;
        for i in 0..N - 1 {
            pair([q[i], q[i + 1]], t[i] / 2.0);
        }
        for i in (0..half).rev() {
            control(q[i], strange::pair([q[half], q[N - 1]], 90deg));
        }
        power(2, inverse(pair(q[0..2], -0.25turn)));
        measure(q)
    }
);

circuit!(
    #[allow(deprecated)]
    fn teleport(message: Qubit, pair: Qubits<2>) -> Bit {
        h(pair[0]);
        cx(pair[0], pair[1]);
        cx(message, pair[0]);
        h(message);
        let m = measure([message, pair[0]]);
        if m[1] {
            x(pair[1]);
        }
        if !m[0] {
            id(pair[1]);
        } else {
            z(pair[1]);
        }
        measure(pair[1])
    }
);

fn main() {
    assert_eq!(caller::<4>().expect("a circuit").width(), 4);
    assert_eq!(teleport().expect("a circuit").bits(), 3);
}
