//! What the processor and its memory do at best.
#![allow(unsafe_code)] // vector instructions
#![allow(clippy::inline_always)] // what runs inside a function with vector instructions must be part of it

use std::fmt;
use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Instant;

use super::memory;
use super::precision::Precision;
use super::sweep::vector::{Dispatch, Kernel, Lanes, Level};

/// Independent sums: as many as hide the latency of a multiply-add, and registers have room for.
const SUMS: usize = 12;

/// Multiply-adds of each lane of each sum: under a millisecond.
const STEPS: usize = 50_000;

/// Numbers of the buffer that is passed over: 64 MiB, more than most caches.
const NUMBERS: usize = 1 << 23;

/// The same where memory is short.
const FEW_NUMBERS: usize = 1 << 21;

/// The best of so many measurements counts: others may have used the processor meanwhile.
const ROUNDS: usize = 4;

/// The limits of this machine for a simulator, measured with the vector instructions that its kernels use.
///
/// ```
/// use ketline_quantum::simulator::Machine;
///
/// let machine = Machine::measured();
/// println!("{machine}");
/// assert!(machine.single > 0.0 && machine.bandwidth > 0.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Machine {
    /// Floating-point operations a second of one thread in `f64`; a multiply-add is two.
    pub double: f64,
    /// The same in `f32`.
    pub single: f64,
    /// Bytes a second that one thread reads from memory and writes back in place, both counted.
    pub bandwidth: f64,
    /// The same for all threads together.
    pub total_bandwidth: f64,
    /// How many threads these are: those of rayon where the measurement was asked for.
    pub threads: usize,
}

impl Machine {
    /// The limits, measured when they are first asked for; that takes some tens of milliseconds and, for so
    /// long, 64 MiB.
    pub fn measured() -> &'static Self {
        static MACHINE: LazyLock<Machine> = LazyLock::new(Machine::measure);
        &MACHINE
    }

    fn measure() -> Self {
        let threads = rayon::current_num_threads();
        let numbers = match memory::check(0, 4 * size_of::<f64>() as u64 * NUMBERS as u64) {
            Ok(()) => NUMBERS,
            Err(_) => FEW_NUMBERS,
        };
        let mut buffer = vec![1.0; numbers];
        let bandwidth = bandwidth(&mut buffer, 1);
        // several threads can do what one can
        let total_bandwidth =
            if threads == 1 { bandwidth } else { self::bandwidth(&mut buffer, threads).max(bandwidth) };
        Self { double: peak::<f64>(), single: peak::<f32>(), bandwidth, total_bandwidth, threads }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "one thread     {:.1} GFLOP/s in f64, {:.1} in f32",
            self.double / 1e9,
            self.single / 1e9
        )?;
        let (one, all) = (self.bandwidth / 1e9, self.total_bandwidth / 1e9);
        write!(f, "memory         {one:.1} GB/s with one thread, {all:.1} with {}", self.threads)
    }
}

/// Floating-point operations a second of one thread.
fn peak<T: Precision>() -> f64 {
    let round = |_| {
        let start = Instant::now();
        // SAFETY: the kernel touches no memory of others
        let operations = unsafe { T::run(Level::best(), MultiplyAdds) };
        operations as f64 / start.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(round).fold(0.0, f64::max)
}

/// Bytes a second that are read and written in place.
fn bandwidth(buffer: &mut [f64], threads: usize) -> f64 {
    let bytes = 2.0 * size_of_val(buffer) as f64;
    let part = buffer.len().div_ceil(threads);
    let round = |_| {
        let start = Instant::now();
        // SAFETY: as `Scale` asks for nothing
        let scale = |part| unsafe { f64::run(Level::best(), Scale(part)) };
        if threads == 1 {
            scale(buffer);
        } else {
            // not those of rayon: one of them may be waiting for this measurement
            std::thread::scope(|scope| {
                for part in buffer.chunks_mut(part) {
                    scope.spawn(move || scale(part));
                }
            });
        }
        bytes / start.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(round).fold(0.0, f64::max)
}

/// Multiply-adds in registers; returns the number of operations.
struct MultiplyAdds;

impl<T: Precision> Kernel<T> for MultiplyAdds {
    type Output = usize;

    #[inline(always)]
    unsafe fn run<V: Lanes<Real = T>>(self) -> usize {
        // SAFETY: as the caller's
        unsafe {
            let number = |value| V::splat(T::narrow(black_box(value)));
            let (factor, term) = (number(0.999), number(1e-3));
            let mut sums = [number(1.0); SUMS];
            for _ in 0..STEPS {
                let mut k = 0;
                while k < SUMS {
                    sums[k] = sums[k].mul_add(factor, term);
                    k += 1;
                }
            }
            let sum = sums.into_iter().fold(T::zero(), |sum, v| sum + v.sum());
            black_box(sum);
        }
        2 * STEPS * SUMS * V::LANES
    }
}

/// Multiplies all numbers by almost 1.
struct Scale<'a>(&'a mut [f64]);

impl Kernel<f64> for Scale<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes<Real = f64>>(self) {
        // SAFETY: the vectors are parts of the slice
        unsafe {
            let factor = V::splat(0.999_999_9);
            for part in self.0.chunks_exact_mut(V::LANES) {
                V::load(part.as_ptr()).mul(factor).store(part.as_mut_ptr());
            }
        }
    }
}

/// What bounds a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The bandwidth of the memory.
    Memory,
    /// The floating-point peak of the processor.
    Arithmetic,
}

/// The least time of a run by what it moves and computes, against what this machine does at best.
///
/// It is a bound for states that do not fit in the cache; smaller ones are not limited by memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// Bytes read from memory and written to it.
    pub bytes: f64,
    /// Floating-point operations; a multiply-add is two.
    pub operations: f64,
    /// Bytes a second of the threads that take part.
    pub bandwidth: f64,
    /// Floating-point operations a second of the threads that take part.
    pub peak: f64,
    /// How many threads take part.
    pub threads: usize,
}

impl Prediction {
    pub(super) fn new<T>(bytes: f64, operations: f64, threads: usize) -> Self {
        let machine = Machine::measured();
        let peak = if size_of::<T>() == 4 { machine.single } else { machine.double };
        let bandwidth = if threads > 1 { machine.total_bandwidth } else { machine.bandwidth };
        Self { bytes, operations, bandwidth, peak: peak * threads as f64, threads }
    }

    /// The least time in seconds that moving the bytes takes.
    pub fn memory_seconds(&self) -> f64 {
        self.bytes / self.bandwidth
    }

    /// The least time in seconds that the arithmetic takes.
    pub fn arithmetic_seconds(&self) -> f64 {
        self.operations / self.peak
    }

    /// The longer of the two: both can go on at the same time.
    pub fn seconds(&self) -> f64 {
        self.memory_seconds().max(self.arithmetic_seconds())
    }

    /// Which of the two it is.
    pub fn limit(&self) -> Limit {
        if self.memory_seconds() > self.arithmetic_seconds() { Limit::Memory } else { Limit::Arithmetic }
    }
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = 1e3 * self.seconds();
        let limit = match self.limit() {
            Limit::Memory => "memory",
            Limit::Arithmetic => "arithmetic",
        };
        let s = if self.threads == 1 { "" } else { "s" };
        writeln!(f, "at least       {milliseconds:.3} ms with {} thread{s}, bound by {limit}", self.threads)?;
        let (moved, bandwidth) = (self.bytes / 1e9, self.bandwidth / 1e9);
        writeln!(
            f,
            "memory         {:.3} ms: {moved:.3} GB at {bandwidth:.1} GB/s",
            1e3 * self.memory_seconds()
        )?;
        let (done, peak) = (self.operations / 1e9, self.peak / 1e9);
        write!(
            f,
            "arithmetic     {:.3} ms: {done:.3} GFLOP at {peak:.1} GFLOP/s",
            1e3 * self.arithmetic_seconds()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_of_memory_and_arithmetic_binds() {
        let prediction = Prediction { bytes: 6e9, operations: 2e9, bandwidth: 2e9, peak: 4e9, threads: 1 };
        assert_eq!((prediction.seconds(), prediction.limit()), (3.0, Limit::Memory));
        assert_eq!(
            prediction.to_string(),
            "at least       3000.000 ms with 1 thread, bound by memory\n\
             memory         3000.000 ms: 6.000 GB at 2.0 GB/s\n\
             arithmetic     500.000 ms: 2.000 GFLOP at 4.0 GFLOP/s"
        );
        let fast = Prediction { bandwidth: 2e12, threads: 2, ..prediction };
        assert_eq!((fast.seconds(), fast.limit()), (0.5, Limit::Arithmetic));
    }

    #[test]
    fn this_machine_is_measured_once() {
        let machine = Machine::measured();
        let figures = [machine.double, machine.single, machine.bandwidth, machine.total_bandwidth];
        assert!(figures.into_iter().all(|figure| figure > 1e6 && figure.is_finite()), "{machine}");
        assert!(std::ptr::eq(machine, Machine::measured()));
    }
}
