//! Waveforms: an envelope by name, with arguments that may be trainable.

mod extent;
mod lifted;
mod row;
mod table;

use std::fmt;
use std::ops::{Div, Mul, Neg};
use std::sync::Arc;

use super::unit::short;
use super::{Channel, Duration};
use crate::circuit::IntoAngle;
use crate::{Angle, C64, Error, Result};

pub use extent::{Extent, Number};
pub use row::{Argument, Bound, Point, Row};

/// The envelope of one pulse: `amp * exp(i phase) * shape(t)`, sampled in the middle of each sample.
///
/// | constructor | argument | |
/// |---|---|---|
/// | [`constant`](Self::constant) | | flat |
/// | [`gaussian`](Self::gaussian) | sigma | cut |
/// | [`lifted_gaussian`](Self::lifted_gaussian) | sigma | zero at its ends |
/// | [`drag`](Self::drag) | sigma, beta | with its derivative in quadrature |
/// | [`gaussian_square`](Self::gaussian_square) | sigma, width | flat top; [`by its rise`](Self::gaussian_square_rise) |
/// | [`gaussian_square_drag`](Self::gaussian_square_drag) | sigma, width, beta | both |
/// | [`cosine`](Self::cosine) | | one period, lifted |
/// | [`sech`](Self::sech) | sigma | zero at its ends |
/// | [`sampled`](Self::sampled) | samples | anything |
///
/// Amplitude, phase and arguments may be affine expressions of trainable parameters. A negated or scaled waveform keeps its
/// arguments, beta among them.
///
/// ```
/// use ketline_quantum::pulse::{Duration, Waveform};
///
/// let dt = Duration::samples;
/// let x = Waveform::drag(dt(160), 0.186, dt(40), -1.24);
/// let samples = (-x).samples(1e-9, &[])?;
/// assert_eq!(samples.len(), 160);
/// assert!((samples[80].re + 0.186).abs() < 1e-4);
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Waveform {
    row: &'static Row,
    duration: Duration,
    amp: Angle,
    phase: Angle,
    arguments: Vec<Extent>,
    samples: Arc<[C64]>,
}

/// All waveforms that are given by a formula.
pub fn table() -> &'static [Row] {
    table::TABLE
}

impl Waveform {
    /// `name` is that of a row, `arguments` are as many as it has: constructors see to both.
    fn of(name: &str, duration: Duration, amp: Angle, arguments: Vec<Extent>) -> Self {
        let row = table::TABLE.iter().find(|row| row.name == name).unwrap_or(&table::SAMPLED);
        Self { row, duration, amp, phase: Angle::ZERO, arguments, samples: Arc::default() }
    }

    /// A waveform by the name of its row, with its arguments by name.
    ///
    /// # Errors
    /// [`Error::WaveformName`] for a waveform that is not in the table, [`Error::WaveformArgument`] for an argument that is
    /// unknown, missing or given twice.
    pub fn named(
        name: &str,
        duration: Duration,
        amp: impl IntoAngle,
        arguments: &[(&str, Extent)],
    ) -> Result<Self> {
        let Some(row) = table::TABLE.iter().find(|row| row.name == name) else {
            let known = table::TABLE.iter().map(|row| row.name).collect::<Vec<_>>().join(", ");
            return Err(Error::WaveformName { name: name.into(), known });
        };
        let refused = |argument: &str, fault| {
            let names = ["duration", "amp", "phase"].into_iter().chain(row.arguments.iter().map(|a| a.name));
            let known = names.collect::<Vec<_>>().join(", ");
            Err(Error::WaveformArgument { waveform: row.name, argument: argument.into(), fault, known })
        };
        for (place, (argument, _)) in arguments.iter().enumerate() {
            if row.arguments.iter().all(|known| known.name != *argument) {
                return refused(argument, "is unknown");
            }
            if arguments[..place].iter().any(|(other, _)| other == argument) {
                return refused(argument, "is given twice");
            }
        }
        let mut ordered = Vec::with_capacity(row.arguments.len());
        for wanted in row.arguments {
            match arguments.iter().find(|(name, _)| *name == wanted.name) {
                Some((_, value)) => ordered.push(*value),
                None => return refused(wanted.name, "is missing"),
            }
        }
        Ok(Self::of(row.name, duration, amp.into_angle(), ordered))
    }

    /// [`gaussian_square`](Self::gaussian_square) with the length of each flank instead of that of the top.
    pub fn gaussian_square_rise(
        duration: Duration,
        amp: impl IntoAngle,
        sigma: impl Into<Extent>,
        rise: impl Into<Extent>,
    ) -> Self {
        let width = Extent::from(duration) - rise.into() * 2.0;
        Self::gaussian_square(duration, amp, sigma, width)
    }

    /// Samples from the user, one a sample of the device.
    pub fn sampled(samples: impl Into<Arc<[C64]>>) -> Self {
        let samples = samples.into();
        Self {
            row: &table::SAMPLED,
            duration: Duration::count(samples.len()),
            amp: Angle::radians(1.0),
            phase: Angle::ZERO,
            arguments: Vec::new(),
            samples,
        }
    }

    /// The same waveform with this phase instead of its own.
    #[must_use]
    pub fn with_phase(self, phase: impl IntoAngle) -> Self {
        Self { phase: phase.into_angle(), ..self }
    }

    /// The same waveform with this amplitude instead of its own.
    #[must_use]
    pub fn with_amp(self, amp: impl IntoAngle) -> Self {
        Self { amp: amp.into_angle(), ..self }
    }

    /// The row of the table.
    pub fn row(&self) -> &'static Row {
        self.row
    }

    /// How long it lasts.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// The amplitude, in units of the device's full output.
    pub fn amp(&self) -> Angle {
        self.amp
    }

    /// The phase in radians.
    pub fn phase(&self) -> Angle {
        self.phase
    }

    /// The argument of this name.
    pub fn argument(&self, name: &str) -> Option<Extent> {
        let place = self.row.arguments.iter().position(|argument| argument.name == name)?;
        self.arguments.get(place).copied()
    }

    /// What undoes the waveform when it is played in its place in a reversed schedule: the amplitude is negated and the
    /// envelope made anew, so that a DRAG keeps its beta. Samples from the user have no beta to keep; they are negated and
    /// played backwards.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let samples = self.samples.iter().rev().copied().collect();
        Self { samples, ..-self.clone() }
    }

    /// The envelope on samples of `dt` seconds, with these values of the parameters.
    ///
    /// # Errors
    /// [`Error::OffGrid`], and [`Error::OutOfRange`] for an argument outside of its range or a value that is not finite.
    pub fn samples(&self, dt: f64, parameters: &[f64]) -> Result<Vec<C64>> {
        super::samples::check_dt(dt)?;
        Ok(self.shape(dt, parameters)?.samples().collect())
    }

    /// The waveform with numbers for all that can vary.
    pub(crate) fn shape(&self, dt: f64, parameters: &[f64]) -> Result<Shape<'_>> {
        let length = self.duration.resolve(dt)?;
        let arguments: Vec<f64> = self.arguments.iter().map(|a| a.value(dt, parameters)).collect();
        let refused = |argument: &str, found, wanted: String| {
            Err(Error::OutOfRange { what: format!("`{argument}` of `{}`", self.row.name), found, wanted })
        };
        if length == 0 {
            return refused("duration", 0.0, "at least one sample".into());
        }
        for (argument, value) in self.row.arguments.iter().zip(&arguments) {
            let (fits, wanted) = match argument.bound {
                Bound::Any => (true, String::new()),
                Bound::Positive => (*value > 0.0, "more than 0 samples".into()),
                Bound::Within => (
                    (0.0..=length as f64).contains(value),
                    format!("0 to {length} samples, the length of the pulse"),
                ),
            };
            if !fits {
                return refused(argument.name, *value, wanted);
            }
        }
        let (amp, phase) = (self.amp.value(parameters), self.phase.value(parameters));
        for (name, value) in [("amp", amp), ("phase", phase)]
            .into_iter()
            .chain(self.row.arguments.iter().map(|a| a.name).zip(arguments.iter().copied()))
        {
            if !value.is_finite() {
                return refused(name, value, "a finite number".into());
            }
        }
        Ok(Shape { waveform: self, length, amp, turn: C64::cis(phase), arguments })
    }

    /// Refuses samples from the user that are not finite.
    pub(crate) fn check(&self, channel: Channel) -> Result<()> {
        match self.samples.iter().position(|sample| !sample.is_finite()) {
            Some(at) => Err(Error::PulseSample { channel, at, value: self.samples[at] }),
            None => Ok(()),
        }
    }

    /// All expressions of parameters.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = Angle> + '_ {
        [self.amp, self.phase].into_iter().chain(self.arguments.iter().map(|a| a.varied))
    }

    pub(crate) fn map(&self, of: impl Fn(Angle) -> Angle) -> Self {
        Self {
            amp: of(self.amp),
            phase: of(self.phase),
            arguments: self.arguments.iter().map(|argument| argument.map(&of)).collect(),
            ..self.clone()
        }
    }

    /// Writes it as the language does.
    pub(crate) fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        mut name: impl FnMut(usize, &mut fmt::Formatter<'_>) -> fmt::Result,
    ) -> fmt::Result {
        write!(f, "{}(duration = {}, amp = ", self.row.name, self.duration)?;
        number(self.amp, f, &mut name)?;
        if self.phase != Angle::ZERO {
            write!(f, ", phase = ")?;
            self.phase.write(f, &mut name)?;
        }
        for (argument, value) in self.row.arguments.iter().zip(&self.arguments) {
            write!(f, ", {} = ", argument.name)?;
            match argument.bound {
                Bound::Any => number(value.varied, f, &mut name)?,
                _ => value.write(f, &mut name)?,
            }
        }
        write!(f, ")")
    }
}

/// Plain numbers are not written as multiples of pi.
fn number(
    value: Angle,
    f: &mut fmt::Formatter<'_>,
    name: impl FnMut(usize, &mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    if value.is_constant() { f.write_str(&short(value.offset())) } else { value.write(f, name) }
}

impl fmt::Display for Waveform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, |p, f| write!(f, "p{p}"))
    }
}

impl Neg for Waveform {
    type Output = Self;

    fn neg(self) -> Self {
        Self { amp: -self.amp, ..self }
    }
}

impl Mul<f64> for Waveform {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self { amp: self.amp * factor, ..self }
    }
}

impl Div<f64> for Waveform {
    type Output = Self;

    fn div(self, divisor: f64) -> Self {
        Self { amp: self.amp / divisor, ..self }
    }
}

impl Mul<Waveform> for f64 {
    type Output = Waveform;

    fn mul(self, waveform: Waveform) -> Waveform {
        waveform * self
    }
}

/// A waveform with numbers for all that can vary.
#[derive(Debug)]
pub(crate) struct Shape<'a> {
    waveform: &'a Waveform,
    pub(crate) length: usize,
    amp: f64,
    turn: C64,
    arguments: Vec<f64>,
}

impl Shape<'_> {
    fn point(&self, sample: usize) -> Point<'_> {
        Point {
            time: sample as f64 + 0.5,
            duration: self.length as f64,
            arguments: &self.arguments,
            samples: &self.waveform.samples,
        }
    }

    pub(crate) fn samples(&self) -> impl Iterator<Item = C64> + '_ {
        (0..self.length).map(|k| self.turn * (self.waveform.row.shape)(&self.point(k)) * self.amp)
    }

    /// The parameters that the samples vary with, in increasing order.
    pub(crate) fn parameters(&self) -> Vec<usize> {
        let mut all: Vec<usize> =
            self.waveform.expressions().flat_map(|e| e.terms().map(|(p, _)| p).collect::<Vec<_>>()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The derivative of sample number `sample` by a parameter.
    pub(crate) fn slope(&self, sample: usize, parameter: usize) -> C64 {
        let by = |expression: Angle| {
            expression.terms().find(|(p, _)| *p == parameter).map_or(0.0, |(_, coefficient)| coefficient)
        };
        let (waveform, point) = (self.waveform, self.point(sample));
        let shape = (waveform.row.shape)(&point);
        let (by_amp, by_phase) = (by(waveform.amp), by(waveform.phase));
        let mut slope = shape * C64::new(by_amp, by_phase * self.amp);
        for (k, argument) in waveform.arguments.iter().enumerate() {
            let factor = by(argument.varied);
            if factor != 0.0 {
                slope += (waveform.row.slope)(&point, k) * (factor * self.amp);
            }
        }
        self.turn * slope
    }
}

#[cfg(test)]
mod tests;
