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

const K: usize = 3;

circuit!(
    /// Names that an expansion might use itself, and every kind of loop.
    pub fn crowded<'a, const N: usize>(
        builder: Qubits<N>,
        output: Qubits<{ K + 1 }>,
        circuit: Qubit,
        items: &'a [usize],
        n: usize,
        theta: [[Angle; N]; 2],
        start: Angle,
    ) -> Bits<2>
    where
        [(); 1]: Sized,
    {
        for edge in 0..N {
            h(builder[edge]);
        }
        for next in 0..4 {
            h(output[next]);
        }
        for end in 0..N {
            for slice in 0..end {
                cz(builder[end], builder[slice]);
            }
        }
        for visits in (0..K).rev() {
            cx(output[visits], output[visits + 1]);
        }
        for k in (0..4u32).step_by(2) {
            rz(f64::from(2u32.pow(k)), output[k as usize]);
        }
        for row in theta {
            for (k, t) in row.iter().enumerate() {
                ry(t, builder[k]);
            }
        }
        let row = theta[1];
        for i in 0..n {
            ry(row[i], builder[i]);
        }
        for i in items {
            x(builder[i]);
            y(builder[*i]);
        }
        caller_of_rows(builder, theta);
        pair(output[1..3], start);
        power(
            n,
            inverse({
                for i in 0..N {
                    control(circuit, {
                        ry(-theta[0][i] / 2.0 + 90deg, builder[i]);
                    });
                }
            }),
        );
        let m = measure(output[0..2]);
        if m[0] {
            x(circuit);
        } else if m[1] {
            z(circuit);
        } else {
            y(circuit);
        }
        reset(output);
        barrier(builder);
        m
    }

    /// Takes an array of parameters.
    pub fn caller_of_rows<const N: usize>(q: Qubits<N>, theta: [[Angle; N]; 2]) {
        for l in 0..2 {
            for i in 0..N {
                rx(theta[l][i] - theta[1 - l][i], q[i]);
            }
        }
    }

    #[cfg(any())]
    fn absent(q: Qubits<2>) {
        h(q[7]);
    }
);

macro_rules! made {
    ($name:ident, $n:literal, $end:expr) => {
        circuit!(
            /// Written by another macro.
            pub fn $name(q: Qubits<$n>) {
                for i in 0..$end {
                    h(q[i]);
                }
                cx(q[0], q[$n - 1]);
            }
        );
    };
}

made!(made_of_three, 3, 2 + 1);

struct Line5;

impl Topology for Line5 {
    const QUBITS: usize = 5;
    const EDGES: &'static [(usize, usize)] = &[(0, 1), (1, 2), (2, 3), (3, 4)];
}

circuit!(
    #[device(Line5)]
    fn on_line(a: Qubits<2>, b: Qubit) {
        cx(a[0], a[1]);
        control(a[1], x(b));
        for i in 0..1 {
            cz(a[i], a[i + 1]);
        }
        swap(b, a[1]);
    }
);

fn main() {
    circuit!(
        fn local(q: Qubits<2>) {
            h(q);
        }
    );
    assert_eq!(local().expect("a circuit").width(), 2);
    assert_eq!(crowded::<3>(&[0, 1], 2).expect("a circuit").width(), 8);
    assert!(crowded::<3>(&[7], 2).is_err());
    assert!(crowded::<3>(&[], 5).is_err());
    assert_eq!(made_of_three().expect("a circuit").counts()["h"], 3);
    assert_eq!(on_line().expect("a circuit").width(), 3);
    assert_eq!(caller::<4>().expect("a circuit").width(), 4);
    assert_eq!(teleport().expect("a circuit").bits(), 3);
}
