//! The problems: a transmon under a DRAG pulse, and two that are coupled under a cross-resonance pulse. Times in ns, angular
//! frequencies in rad/ns.

use std::f64::consts::{PI, TAU};

use ketline::quantum::C64;
use ketline::quantum::linalg::{Matrix, dagger, identity, kron};
use ndarray::Array2;
use serde_json::{Value, json};

/// A sample of IBM's devices.
const DT: f64 = 2.0 / 9.0;

/// Anharmonicity of all transmons.
const ANHARMONICITY: f64 = -TAU * 0.33;

/// H(t) = drift + Σ `sample_k(t)` `control_k`, collapse operators, and the first state.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) dt: f64,
    pub(crate) drift: Matrix,
    pub(crate) controls: Vec<Matrix>,
    /// A row is a step, a column a control.
    pub(crate) samples: Array2<f64>,
    pub(crate) collapse: Vec<Matrix>,
    pub(crate) initial: Vec<C64>,
}

impl Problem {
    /// A Gaussian of 160 samples with the derivative in quadrature, which turns the qubit by half a turn.
    pub(crate) fn transmon() -> Self {
        let (count, sigma) = (160, 40.0);
        let a = lowering();
        let half = f64::from(count) / 2.0;
        let gauss = |t: f64| (-0.5 * (t / sigma).powi(2)).exp();
        let mut g: Vec<f64> = (0..count).map(|k| gauss(f64::from(k) + 0.5 - half) - gauss(half)).collect();
        let area: f64 = g.iter().sum::<f64>() * DT;
        for g in &mut g {
            *g *= PI / area;
        }
        let last = g.len() - 1;
        let slope = |k: usize| {
            let (low, high) = (k.saturating_sub(1), (k + 1).min(last));
            (g[high] - g[low]) / ((high - low) as f64 * DT)
        };
        let samples =
            Array2::from_shape_fn(
                (g.len(), 2),
                |(k, c)| if c == 0 { g[k] } else { -slope(k) / ANHARMONICITY },
            );
        Self {
            dt: DT,
            drift: anharmonic(&a),
            controls: vec![(&a + &dagger(&a)) * C64::from(0.5), (dagger(&a) - &a) * C64::new(0.0, 0.5)],
            samples,
            collapse: Vec::new(),
            initial: vec![C64::from(1.0), C64::from(0.0), C64::from(0.0)],
        }
    }

    /// A tone of 1000 samples on the first of two coupled transmons, in the frame of the second.
    pub(crate) fn pair() -> Self {
        let count = 1000;
        let (high, low) = (kron(&lowering(), &identity(3)), kron(&identity(3), &lowering()));
        let exchange = dagger(&high).dot(&low) + high.dot(&dagger(&low));
        let drift = number(&high) * C64::from(TAU * 0.1)
            + anharmonic(&high)
            + anharmonic(&low)
            + exchange * C64::from(TAU * 0.0025);
        let samples = Array2::from_shape_fn((count, 1), |(k, _)| {
            let edge = (k as f64 + 0.5).min(count as f64 - k as f64 - 0.5);
            let envelope = if edge < 100.0 { (-0.5 * ((edge - 100.0) / 40.0).powi(2)).exp() } else { 1.0 };
            TAU * 0.05 * envelope
        });
        let mut initial = vec![C64::from(0.0); 9];
        (initial[0], initial[3]) = (C64::from(0.5_f64.sqrt()), C64::from(0.5_f64.sqrt()));
        Self {
            dt: DT,
            drift,
            controls: vec![(&high + &dagger(&high)) * C64::from(0.5)],
            samples,
            collapse: Vec::new(),
            initial,
        }
    }

    /// [`Self::pair`] with T1 of 100 us and T2 of 80 us.
    pub(crate) fn open_pair() -> Self {
        let (high, low) = (kron(&lowering(), &identity(3)), kron(&identity(3), &lowering()));
        let (decay, dephasing) = (1.0 / 100e3, 1.0 / 80e3 - 0.5 / 100e3);
        let (decay, dephasing) = (C64::from(f64::sqrt(decay)), C64::from(f64::sqrt(2.0 * dephasing)));
        let collapse = vec![&high * decay, &low * decay, number(&high) * dephasing, number(&low) * dephasing];
        Self { collapse, ..Self::pair() }
    }

    /// As peers read it.
    pub(crate) fn json(&self) -> Value {
        let part = |m: &Matrix, of: fn(&C64) -> f64| -> Vec<Vec<f64>> {
            m.rows().into_iter().map(|row| row.iter().map(of).collect()).collect()
        };
        let matrix = |m: &Matrix| json!({ "re": part(m, |z| z.re), "im": part(m, |z| z.im) });
        let samples: Vec<Vec<f64>> = self.samples.rows().into_iter().map(|row| row.to_vec()).collect();
        json!({
            "dt": self.dt,
            "drift": matrix(&self.drift),
            "controls": self.controls.iter().map(matrix).collect::<Vec<_>>(),
            "samples": samples,
            "collapse": self.collapse.iter().map(matrix).collect::<Vec<_>>(),
            "initial": self.initial.iter().map(|z| [z.re, z.im]).collect::<Vec<_>>(),
        })
    }
}

fn lowering() -> Matrix {
    let mut a = Matrix::zeros((3, 3));
    (a[[0, 1]], a[[1, 2]]) = (C64::from(1.0), C64::from(2.0_f64.sqrt()));
    a
}

fn number(a: &Matrix) -> Matrix {
    dagger(a).dot(a)
}

/// α/2 n (n - 1)
fn anharmonic(a: &Matrix) -> Matrix {
    let n = number(a);
    n.dot(&(&n - &identity(n.nrows()))) * C64::from(0.5 * ANHARMONICITY)
}
