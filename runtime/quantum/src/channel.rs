//! Quantum channels: what noise does to the state of a few qubits.

use std::sync::OnceLock;

use ndarray::Array2;

use crate::{C64, Error, Matrix, Result};

mod standard;

/// Most qubits one channel may act on: a superoperator of `k` qubits has `16^k` entries.
pub const MAX_QUBITS: usize = 4;

/// How far a channel may be from preserving the trace, or from being completely positive, entry by entry.
const TOLERANCE: f64 = 1e-9;

/// A completely positive, trace-preserving map on `k` qubits.
///
/// It is kept as its *superoperator* `S`, for density matrices stacked row by row:
/// `vec(rho)[i * d + j] = rho[i, j]` with `d = 2^k`, so `vec(channel(rho)) = S vec(rho)` and
/// `S = sum_m K_m (x) conj(K_m)`. Kraus operators `K_m` are derived from it when they are first asked for. Operand 0
/// is the least significant bit of `i` and `j`.
///
/// ```
/// use ketline_quantum::Channel;
///
/// let relaxation = Channel::thermal_relaxation(300e-9, 120e-6, 80e-6)?;
/// let noise = Channel::depolarizing(0.001, 1)?.then(&relaxation)?;
/// assert!((noise.average_gate_fidelity() - 0.99784).abs() < 1e-5);
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Channel {
    name: String,
    qubits: usize,
    superoperator: Matrix,
    kraus: OnceLock<Vec<Matrix>>,
}

impl Channel {
    /// The channel `rho -> sum_m K_m rho K_m^dagger`.
    ///
    /// The operators must be square, of one size `2^k` with `1 <= k <= `[`MAX_QUBITS`], finite, and preserve the
    /// trace: `sum_m K_m^dagger K_m = 1`.
    pub fn from_kraus(operators: Vec<Matrix>) -> Result<Self> {
        let Some(first) = operators.first() else {
            return Err(Error::Shape {
                what: "list of Kraus operators".into(),
                found: "0 operators".into(),
                wanted: "at least 1".into(),
            });
        };
        let d = first.nrows();
        let qubits = qubits_of("Kraus operator", first, 1)?;
        let mut superoperator = Matrix::zeros((d * d, d * d));
        for operator in &operators {
            if operator.dim() != (d, d) {
                return Err(shape("Kraus operator", operator, d));
            }
            superoperator = superoperator + kron(operator, &operator.mapv(|z| z.conj()));
        }
        let channel = Self::from_map(qubits, superoperator);
        channel.check_trace()?;
        Ok(Self { kraus: OnceLock::from(operators), ..channel })
    }

    /// The channel with this superoperator (`4^k` by `4^k`, density matrices stacked row by row).
    ///
    /// The map must be finite, trace preserving and completely positive.
    pub fn from_superoperator(superoperator: Matrix) -> Result<Self> {
        let qubits = qubits_of("superoperator", &superoperator, 2)?;
        let channel = Self::from_map(qubits, superoperator);
        channel.check_trace()?;
        let (operators, error) = channel.factor();
        if error > TOLERANCE {
            return Err(Error::NotAChannel { property: "completely positive", deviation: error });
        }
        Ok(Self { kraus: OnceLock::from(operators), ..channel })
    }

    /// The unitary channel `rho -> U rho U^dagger`.
    pub fn unitary(matrix: Matrix) -> Result<Self> {
        Ok(Self::from_kraus(vec![matrix])?.named("unitary"))
    }

    /// The channel that does nothing to `qubits` qubits.
    pub fn identity(qubits: usize) -> Result<Self> {
        check_width(qubits)?;
        Ok(Self::from_map(qubits, Array2::eye(1 << (2 * qubits))).named("identity"))
    }

    /// The same channel under another name; drawings show it.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// A short name for drawings.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// On how many qubits it acts.
    pub fn qubits(&self) -> usize {
        self.qubits
    }

    /// The superoperator, `4^k` by `4^k`, for density matrices stacked row by row.
    pub fn superoperator(&self) -> &Matrix {
        &self.superoperator
    }

    /// Kraus operators: those given, or as many as the rank of the map demands.
    pub fn kraus(&self) -> &[Matrix] {
        self.kraus.get_or_init(|| self.factor().0)
    }

    /// First this channel, then `next` on the same qubits.
    pub fn then(&self, next: &Self) -> Result<Self> {
        if self.qubits != next.qubits {
            return Err(Error::Shape {
                what: "channel to compose with".into(),
                found: format!("{} qubits", next.qubits),
                wanted: format!("{} qubits", self.qubits),
            });
        }
        let name = match (self.name.as_str(), next.name.as_str()) {
            ("identity", _) => &next.name,
            (_, "identity") => &self.name,
            (a, b) if a == b => &self.name,
            _ => "noise",
        };
        Ok(Self::from_map(self.qubits, next.superoperator.dot(&self.superoperator)).named(name))
    }

    /// This channel on the first operands beside `high` on the following ones.
    pub fn tensor(&self, high: &Self) -> Result<Self> {
        let k = self.qubits + high.qubits;
        check_width(k)?;
        let low: Vec<usize> = (0..self.qubits).collect();
        let rest: Vec<usize> = (self.qubits..k).collect();
        self.embed(&low, k)?.then(&high.embed(&rest, k)?)
    }

    /// This channel on the operands `places` of `width`, and nothing on the others.
    pub fn embed(&self, places: &[usize], width: usize) -> Result<Self> {
        check_width(width)?;
        let distinct = places.iter().enumerate().all(|(n, p)| *p < width && !places[..n].contains(p));
        if places.len() != self.qubits || !distinct {
            return Err(Error::Shape {
                what: "places of a channel".into(),
                found: format!("{places:?}"),
                wanted: format!("{} distinct numbers below {width}", self.qubits),
            });
        }
        let (d, small) = (1_usize << width, 1_usize << self.qubits);
        let mask: usize = places.iter().map(|p| 1 << p).sum();
        // The bits of `index` that stand in `places`, gathered in their order.
        let inner =
            |index: usize| -> usize { places.iter().enumerate().map(|(n, p)| (index >> p & 1) << n).sum() };
        let wide = Array2::from_shape_fn((d * d, d * d), |(row, column)| {
            let (i, j, k, l) = (row / d, row % d, column / d, column % d);
            if i & !mask == k & !mask && j & !mask == l & !mask {
                self.superoperator[[inner(i) * small + inner(j), inner(k) * small + inner(l)]]
            } else {
                C64::ZERO
            }
        });
        Ok(Self::from_map(width, wide).named(self.name.clone()))
    }

    /// What the channel makes of the density matrix `rho`, `2^k` by `2^k`.
    pub fn apply(&self, rho: &Matrix) -> Result<Matrix> {
        let d = 1 << self.qubits;
        if rho.dim() != (d, d) {
            return Err(shape("density matrix", rho, d));
        }
        let stacked: ndarray::Array1<C64> = rho.iter().copied().collect();
        let after = self.superoperator.dot(&stacked);
        Ok(Array2::from_shape_fn((d, d), |(i, j)| after[i * d + j]))
    }

    /// Fidelity of the channel's Choi state with that of the identity, `tr(S) / d^2`.
    pub fn process_fidelity(&self) -> f64 {
        self.superoperator.diag().iter().map(|z| z.re).sum::<f64>() / (1_usize << (2 * self.qubits)) as f64
    }

    /// Mean fidelity of a Haar-random pure state with what the channel makes of it: `(d F_pro + 1) / (d + 1)`
    /// (Nielsen 2002, Horodecki 1999).
    pub fn average_gate_fidelity(&self) -> f64 {
        let d = (1_usize << self.qubits) as f64;
        (d * self.process_fidelity() + 1.0) / (d + 1.0)
    }

    /// A map known to be a channel by the way it was made.
    fn from_map(qubits: usize, superoperator: Matrix) -> Self {
        Self { name: "channel".into(), qubits, superoperator, kraus: OnceLock::new() }
    }

    fn check_trace(&self) -> Result<()> {
        let d = 1 << self.qubits;
        let mut deviation: f64 = 0.0;
        for (column, entries) in self.superoperator.columns().into_iter().enumerate() {
            let trace: C64 = (0..d).map(|i| entries[i * d + i]).sum();
            let wanted = if column / d == column % d { 1.0 } else { 0.0 };
            let off = (trace - wanted).norm();
            // `f64::max` would drop a NaN.
            if !off.is_finite() || entries.iter().any(|z| !z.is_finite()) {
                return Err(Error::NotAChannel { property: "finite", deviation: f64::INFINITY });
            }
            deviation = deviation.max(off);
        }
        if deviation > TOLERANCE {
            return Err(Error::NotAChannel { property: "trace preserving", deviation });
        }
        Ok(())
    }

    /// Kraus operators by a Cholesky factorisation of the Choi matrix with the largest pivot first, and the largest
    /// entry left over: zero for a completely positive map.
    fn factor(&self) -> (Vec<Matrix>, f64) {
        let d = 1_usize << self.qubits;
        // Choi[(i, k), (j, l)] = S[(i, j), (k, l)], so that a column (i, k) is a Kraus operator stacked row by row.
        let mut rest = Array2::from_shape_fn((d * d, d * d), |(a, b)| {
            self.superoperator[[(a / d) * d + b / d, (a % d) * d + b % d]]
        });
        let mut operators = Vec::new();
        for _ in 0..d * d {
            let diagonal = rest.diag().mapv(|z| z.re);
            let (pivot, largest) = diagonal
                .iter()
                .enumerate()
                .fold((0, 0.0), |best, (n, x)| if *x > best.1 { (n, *x) } else { best });
            if largest < 1e-15 {
                break;
            }
            let column = rest.column(pivot).mapv(|z| z / largest.sqrt());
            for (a, x) in column.iter().enumerate() {
                for (b, y) in column.iter().enumerate() {
                    rest[[a, b]] -= x * y.conj();
                }
            }
            operators.push(Array2::from_shape_fn((d, d), |(i, k)| column[i * d + k]));
        }
        let error = rest.iter().map(|z| z.norm()).fold(0.0, f64::max);
        (operators, error)
    }
}

impl PartialEq for Channel {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.superoperator == other.superoperator
    }
}

/// The Kronecker product: `high` on the more significant index, `low` on the less significant.
fn kron(high: &Matrix, low: &Matrix) -> Matrix {
    let (rows, columns) = low.dim();
    Array2::from_shape_fn((high.nrows() * rows, high.ncols() * columns), |(i, j)| {
        high[[i / rows, j / columns]] * low[[i % rows, j % columns]]
    })
}

fn check_width(qubits: usize) -> Result<()> {
    if (1..=MAX_QUBITS).contains(&qubits) {
        return Ok(());
    }
    Err(Error::Shape {
        what: "channel".into(),
        found: format!("{qubits} qubits"),
        wanted: format!("1 to {MAX_QUBITS} qubits"),
    })
}

/// The `k` of a square matrix of dimension `2^(k * power)`.
fn qubits_of(what: &str, matrix: &Matrix, power: usize) -> Result<usize> {
    (1..=MAX_QUBITS).find(|k| matrix.dim() == (1 << (k * power), 1 << (k * power))).ok_or_else(|| {
        Error::Shape {
            what: what.into(),
            found: format!("{} x {}", matrix.nrows(), matrix.ncols()),
            wanted: format!("a square of side {}^k with k from 1 to {MAX_QUBITS}", 1 << power),
        }
    })
}

fn shape(what: &str, found: &Matrix, side: usize) -> Error {
    Error::Shape {
        what: what.into(),
        found: format!("{} x {}", found.nrows(), found.ncols()),
        wanted: format!("{side} x {side}"),
    }
}

#[cfg(test)]
mod tests;
