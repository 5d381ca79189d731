//! A schedule as numbers: what a simulator or a device is given.

use super::Channel;
use crate::{C64, Error, Result};

/// Most samples of all lines together: 256 MiB.
pub(crate) const MAX_TOTAL: usize = 1 << 24;

/// The envelope of one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The channel.
    pub channel: Channel,
    /// Its samples, from the start of the schedule to its end.
    pub samples: Vec<C64>,
}

/// A schedule as numbers: complex envelopes on a grid.
///
/// Sample k is valid over `[k dt, (k + 1) dt)` and was computed at its middle. Envelopes are in the frame of the channel's own
/// carrier, with phases and frequency shifts of the schedule in them: what is sent is `Re[d(t) exp(i w t)]` of the device's
/// strength, with the carrier w. A device's limit is `|d| <= 1`.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    dt: f64,
    duration: usize,
    lines: Vec<Line>,
}

impl Samples {
    /// Samples of `dt` seconds, sorted by channel.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a `dt` that is not positive and finite, [`Error::Shape`] for lines of different lengths or a
    /// channel given twice, [`Error::PulseSample`] for a sample that is not finite.
    pub fn new(dt: f64, mut lines: Vec<Line>) -> Result<Self> {
        check_dt(dt)?;
        lines.sort_by_key(|line| line.channel);
        let duration = lines.first().map_or(0, |line| line.samples.len());
        for (place, line) in lines.iter().enumerate() {
            let channel = line.channel;
            if line.samples.len() != duration {
                let (found, wanted) = (
                    format!("{} samples", line.samples.len()),
                    format!("{duration}, as on {}", lines[0].channel),
                );
                return Err(Error::Shape { what: channel.to_string(), found, wanted });
            }
            if place > 0 && lines[place - 1].channel == channel {
                let (found, wanted) = ("two lines".into(), "one".into());
                return Err(Error::Shape { what: channel.to_string(), found, wanted });
            }
            if let Some(at) = line.samples.iter().position(|sample| !sample.is_finite()) {
                return Err(Error::PulseSample { channel, at, value: line.samples[at] });
            }
        }
        Ok(Self { dt, duration, lines })
    }

    /// Silence of this length where there may be no line at all.
    pub(crate) fn silent(dt: f64, duration: usize) -> Self {
        Self { dt, duration, lines: Vec::new() }
    }

    /// Length of a sample in seconds.
    pub fn dt(&self) -> f64 {
        self.dt
    }

    /// How many samples each line has.
    pub fn duration(&self) -> usize {
        self.duration
    }

    /// The lines, sorted by channel.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The samples of a channel, if anything is played on it.
    pub fn line(&self, channel: Channel) -> Option<&[C64]> {
        let place = self.lines.binary_search_by_key(&channel, |line| line.channel).ok()?;
        Some(&self.lines[place].samples)
    }

    /// The largest modulus of a sample.
    pub fn peak(&self) -> f64 {
        self.lines.iter().flat_map(|line| &line.samples).map(|d| d.norm()).fold(0.0, f64::max)
    }
}

/// How the samples of one channel vary with one parameter, where they do.
#[derive(Debug, Clone, PartialEq)]
pub struct Slope {
    /// The number of the parameter.
    pub parameter: usize,
    /// The channel.
    pub channel: Channel,
    /// The first sample that varies.
    pub start: usize,
    /// The derivative of that sample and of those after it.
    pub samples: Vec<C64>,
}

pub(crate) fn check_dt(dt: f64) -> Result<()> {
    if dt > 0.0 && dt.is_finite() {
        return Ok(());
    }
    let wanted = "a positive number of seconds".into();
    Err(Error::OutOfRange { what: "the sample time dt".into(), found: dt, wanted })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(channel: Channel, samples: &[f64]) -> Line {
        Line { channel, samples: samples.iter().map(|x| C64::new(*x, 0.0)).collect() }
    }

    #[test]
    fn lines_are_sorted_and_found() {
        let lines = vec![line(Channel::Readout(0), &[0.0; 3]), line(Channel::Drive(1), &[0.1, -0.5, 0.2])];
        let samples = Samples::new(1e-9, lines).unwrap();
        assert_eq!(samples.lines()[0].channel, Channel::Drive(1));
        assert_eq!((samples.duration(), samples.peak()), (3, 0.5));
        assert!(samples.line(Channel::Drive(0)).is_none());
    }

    #[test]
    fn what_cannot_be_played_is_refused() {
        let refused = |dt, lines| Samples::new(dt, lines).unwrap_err().to_string();
        assert!(refused(0.0, vec![]).contains("dt is 0"));
        assert!(refused(f64::NAN, vec![]).contains("dt is NaN"));
        let drive = |samples: &[f64]| line(Channel::Drive(0), samples);
        assert_eq!(
            refused(1.0, vec![drive(&[0.0]), line(Channel::Drive(1), &[0.0, 0.0])]),
            "drive(1): found 2 samples, expected 1, as on drive(0)"
        );
        assert_eq!(
            refused(1.0, vec![drive(&[0.0]), drive(&[0.0])]),
            "drive(0): found two lines, expected one"
        );
        assert_eq!(
            refused(1.0, vec![drive(&[0.0, f64::NAN])]),
            "drive(0) at 1 dt: the sample is NaN+0i, expected a finite number"
        );
    }
}
