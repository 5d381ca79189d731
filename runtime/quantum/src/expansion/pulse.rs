//! What the expansion of `pulse!` names.

use crate::circuit::{Bit, Bits, Operand, QubitSlice};
use crate::pulse::{Duration, PulseDevice, PulseProgram, ScheduleBuilder};
use crate::{Angle, Builder, Declaration, Result};

/// A duration in samples of a device.
pub const fn samples<T: PulseDevice>(duration: Duration) -> f64 {
    duration.in_samples(T::DT)
}

/// Whether so many samples are a whole number of them.
pub const fn whole(samples: f64) -> bool {
    Duration::dt(samples).is_whole(1.0)
}

/// Whether a pulse of so many samples is one that the device can time. Other faults of its length are other messages.
pub const fn playable<T: PulseDevice>(samples: f64) -> bool {
    if !whole(samples) || samples < 1.0 {
        return true;
    }
    let samples = samples.round() as usize;
    samples >= T::TIMING.min_length && samples.is_multiple_of(T::TIMING.granularity)
}

/// Whether an amplitude is one that a device can play.
pub const fn at_most(amplitude: f64, limit: f64) -> bool {
    amplitude.abs() <= limit
}

/// The band of the drives of a device in gigahertz, of which everything is part where none is known.
pub const fn band<T: PulseDevice>() -> (f64, f64) {
    match T::DRIVE_BAND {
        Some((low, high)) => (low.in_hertz() / 1e9, high.in_hertz() / 1e9),
        None => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

/// Whether a drive of a device can send a frequency in hertz.
pub const fn in_band<T: PulseDevice>(hertz: f64) -> bool {
    match T::DRIVE_BAND {
        Some((low, high)) => low.in_hertz() <= hertz && hertz <= high.in_hertz(),
        None => true,
    }
}

/// The bit of this number.
pub fn bit(index: usize) -> Bit {
    Bit::new(index)
}

/// What a pulse program can return: `N` captured bits.
#[diagnostic::on_unimplemented(
    message = "expected {N} captured bits, found `{Self}`",
    label = "not {N} captured bits"
)]
pub trait Captured<const N: usize> {
    /// The numbers of the bits.
    fn numbers(self) -> Vec<usize>;
}

impl Captured<0> for () {
    fn numbers(self) -> Vec<usize> {
        Vec::new()
    }
}

impl Captured<1> for Bit {
    fn numbers(self) -> Vec<usize> {
        vec![self.index()]
    }
}

impl<const N: usize> Captured<N> for [Bit; N] {
    fn numbers(self) -> Vec<usize> {
        self.iter().map(|bit| bit.index()).collect()
    }
}

impl<const N: usize> Captured<N> for Bits<N> {
    fn numbers(self) -> Vec<usize> {
        self.iter().map(|bit| bit.index()).collect()
    }
}

/// The end of a constructor.
pub fn pulse_program<D: Declaration, O: Captured<N>, const N: usize>(
    builder: ScheduleBuilder,
    outputs: O,
) -> Result<PulseProgram<D>> {
    PulseProgram::new(builder, outputs.numbers())
}

/// What calling a pulse program gives.
pub trait FromBits {
    /// From the bits that it returns.
    fn from_bits(bits: &[Bit]) -> Self;
}

impl FromBits for () {
    fn from_bits(_: &[Bit]) -> Self {}
}

impl FromBits for Bit {
    fn from_bits(bits: &[Bit]) -> Self {
        bits.first().copied().unwrap_or(Self::MISSING)
    }
}

impl<const N: usize> FromBits for Bits<N> {
    fn from_bits(bits: &[Bit]) -> Self {
        Self::new(std::array::from_fn(|k| bits.get(k).copied().unwrap_or(Bit::MISSING)))
    }
}

/// Angles in arrays of any shape.
pub trait Angles {
    /// Appends them in flat order.
    fn collect(&self, flat: &mut Vec<Angle>);
}

impl Angles for Angle {
    fn collect(&self, flat: &mut Vec<Angle>) {
        flat.push(*self);
    }
}

impl<T: Angles, const N: usize> Angles for [T; N] {
    fn collect(&self, flat: &mut Vec<Angle>) {
        for inner in self {
            inner.collect(flat);
        }
    }
}

/// What pulse programs are called in: other programs, and circuits.
pub trait Player {
    /// Appends the numbers of qubits.
    fn gather(&mut self, name: &str, operand: impl Operand, qubits: &mut Vec<usize>);

    /// Calls a program.
    fn play_program<D: Declaration, B: FromBits>(
        &mut self,
        program: Result<PulseProgram<D>>,
        qubits: Vec<usize>,
        arguments: Vec<Angle>,
    ) -> B;
}

impl Player for ScheduleBuilder {
    fn gather(&mut self, name: &str, operand: impl Operand, qubits: &mut Vec<usize>) {
        qubits.extend(self.places(name, operand));
    }

    fn play_program<D: Declaration, B: FromBits>(
        &mut self,
        program: Result<PulseProgram<D>>,
        qubits: Vec<usize>,
        arguments: Vec<Angle>,
    ) -> B {
        match program {
            Ok(program) => {
                let first = self.call(&program, &qubits, &arguments);
                let bits: Vec<Bit> = program.outputs().iter().map(|bit| Bit::new(first + bit)).collect();
                B::from_bits(&bits)
            }
            Err(error) => {
                self.fail(error);
                B::from_bits(&[])
            }
        }
    }
}

impl Player for Builder {
    fn gather(&mut self, name: &str, operand: impl Operand, qubits: &mut Vec<usize>) {
        qubits.extend(self.places(name, &operand));
    }

    fn play_program<D: Declaration, B: FromBits>(
        &mut self,
        program: Result<PulseProgram<D>>,
        qubits: Vec<usize>,
        arguments: Vec<Angle>,
    ) -> B {
        match program {
            Ok(program) => self.pulse(&program, QubitSlice::new(qubits), &arguments),
            Err(error) => self.fail(error),
        }
        B::from_bits(&[])
    }
}
