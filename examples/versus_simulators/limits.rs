//! What this machine could do at best: bytes and arithmetic a second on one processor.

use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead, stdin};
use std::time::Instant;

use ketline_examples::versus::Complaint;
use serde_json::{Value, json};

/// Doubles of the memory that is passed over: 256 MiB, the state of 24 qubits, so that no cache keeps it.
const MEMORY: usize = 1 << 25;
/// Doubles that are timed at once. Like the steps below they take about a millisecond, so that some of them end before
/// another process gets the processor; the best counts.
const CHUNK: usize = 1 << 22;
/// Independent sums: enough to hide the latency of a multiply-add.
const SUMS: usize = 12;
/// Multiply-adds of each lane of each sum.
const STEPS: usize = 500_000;
const ROUNDS: usize = 200;
/// Passes over all of the memory.
const PASSES: usize = 20;
/// Layers of the limited row.
const LAYERS: f64 = 20.0;

/// Limits of one processor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limits {
    /// Bytes a second read and written in place, from memory.
    pub(crate) bandwidth: f64,
    /// Floating-point operations a second in `f64`; a multiply-add is two.
    pub(crate) arithmetic: f64,
}

/// Answers the first question with what was measured.
pub(crate) fn serve() -> Result<(), Box<dyn Error>> {
    stdin().lock().read_line(&mut String::new())?;
    println!("{}", Limits::measure().json());
    Ok(())
}

impl Limits {
    fn measure() -> Self {
        let mut memory = vec![1.0_f64; MEMORY];
        let mut bandwidth = 0.0_f64;
        for _ in 0..PASSES {
            for chunk in memory.chunks_mut(CHUNK) {
                let (start, bytes) = (Instant::now(), 2.0 * size_of_val(chunk) as f64);
                pass(chunk);
                black_box(chunk);
                bandwidth = bandwidth.max(bytes / start.elapsed().as_secs_f64());
            }
        }
        let sums = (0..ROUNDS).map(|_| {
            let start = Instant::now();
            let operations = multiply_adds();
            operations / start.elapsed().as_secs_f64()
        });
        Self { bandwidth, arithmetic: sums.fold(0.0, f64::max) }
    }

    fn json(self) -> Value {
        json!({ "bandwidth": self.bandwidth, "arithmetic": self.arithmetic })
    }

    pub(crate) fn read(answer: &Value) -> Result<Self, Complaint> {
        let number = |name: &str| answer[name].as_f64().ok_or_else(|| format!("no {name} in {answer}"));
        Ok(Self { bandwidth: number("bandwidth")?, arithmetic: number("arithmetic")? })
    }

    /// The floor, in seconds, for [`LAYERS`] layers of U3 on `width` qubits in `f64`.
    ///
    /// U3(θ, φ, λ) = diag(1, e^iφ) RY(θ) diag(1, e^iλ). A diagonal goes through a CX as a diagonal, so all of them meet
    /// between two layers and cost a layer, not a gate; they are left out here, and CX are moves. What remains is RY: of a
    /// pair of amplitudes (a, b) it makes (c a - s b, s a + c b), with real c and s. That is a product and a multiply-add
    /// for each of the two reals of each amplitude: four instructions that an arithmetic unit starts as it starts a
    /// multiply-add, each two operations of the peak. So
    ///
    /// ```text
    /// floor = max(layers · width · 2^width · 4 · 2 / peak, 2 · 16 · 2^width / bandwidth)
    /// ```
    ///
    /// where the second is to read and write the state once. For 24 qubits and 58.6 GFLOP/s the first is 1.1 s. It is a
    /// yardstick that any simulator can be held against, no law: (a - t b, b + t a) with t = s / c, and the factors c
    /// kept for the end, would take half.
    pub(crate) fn floor(&self, width: usize) -> f64 {
        let amplitudes = (1_u64 << width) as f64;
        let operations = LAYERS * width as f64 * amplitudes * 4.0 * 2.0;
        let bytes = 2.0 * 16.0 * amplitudes;
        (operations / self.arithmetic).max(bytes / self.bandwidth)
    }
}

fn pass(memory: &mut [f64]) {
    for value in memory {
        *value *= 1.000_000_1;
    }
}

/// Runs the widest multiply-adds that the processor has, and counts their operations.
#[allow(unsafe_code)]
fn multiply_adds() -> f64 {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512F.
            return unsafe { x86::avx512() };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has AVX2 and FMA.
            return unsafe { x86::avx2() };
        }
    }
    portable()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{_mm256_fmadd_pd, _mm256_set1_pd, _mm512_fmadd_pd, _mm512_set1_pd};
    use std::hint::black_box;

    use super::{STEPS, SUMS};

    #[target_feature(enable = "avx512f")]
    pub(super) fn avx512() -> f64 {
        let (factor, term) = (_mm512_set1_pd(0.999_999), _mm512_set1_pd(1e-9));
        // equal sums would be one
        let mut sums = black_box([_mm512_set1_pd(1.0); SUMS]);
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = _mm512_fmadd_pd(*sum, factor, term);
            }
        }
        black_box(sums);
        (2 * 8 * SUMS * STEPS) as f64
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn avx2() -> f64 {
        let (factor, term) = (_mm256_set1_pd(0.999_999), _mm256_set1_pd(1e-9));
        let mut sums = black_box([_mm256_set1_pd(1.0); SUMS]);
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = _mm256_fmadd_pd(*sum, factor, term);
            }
        }
        black_box(sums);
        (2 * 4 * SUMS * STEPS) as f64
    }
}

/// Where the compiler knows of multiply-adds it makes them of this.
fn portable() -> f64 {
    let mut sums = black_box([[1.0_f64; 2]; SUMS]);
    for _ in 0..STEPS {
        for sum in sums.iter_mut().flatten() {
            *sum = if cfg!(target_arch = "aarch64") {
                sum.mul_add(0.999_999, 1e-9)
            } else {
                *sum * 0.999_999 + 1e-9
            };
        }
    }
    black_box(sums);
    (2 * 2 * SUMS * STEPS) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_the_higher_of_the_two() {
        let limits = Limits { bandwidth: 54e9, arithmetic: 58.6e9 };
        assert!((limits.floor(24) - 1.1).abs() < 0.01);
        let slow = Limits { bandwidth: 1e6, ..limits };
        assert!(slow.floor(24) > 500.0);
        assert_eq!(Limits::read(&limits.json()), Ok(limits));
    }
}
