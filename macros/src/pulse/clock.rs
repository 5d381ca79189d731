//! When channels are busy, as far as literals and constants show: for `at`.

use std::collections::BTreeMap;

use syn::{Expr, parse_quote};

/// A time: nanoseconds, samples, and constants whose value rustc knows.
#[derive(Clone, Default, Debug)]
pub(crate) struct Time {
    pub(crate) nanoseconds: f64,
    pub(crate) samples: f64,
    /// Each with what it is multiplied by.
    pub(crate) constants: Vec<(f64, Expr)>,
}

/// How far apart two times may be and still be one, in nanoseconds or samples.
const SLACK: f64 = 1e-6;

impl Time {
    pub(crate) fn plus(mut self, other: &Self, factor: f64) -> Self {
        self.nanoseconds += factor * other.nanoseconds;
        self.samples += factor * other.samples;
        self.constants.extend(other.constants.iter().map(|(times, expr)| (factor * times, expr.clone())));
        self
    }

    /// Whether this is above 0; `None` where literals do not show it.
    pub(crate) fn is_positive(&self) -> Option<bool> {
        Self::default().is_before(self).or_else(|| self.is_at_most(&Self::default()).map(|at_most| !at_most))
    }

    fn is_before(&self, other: &Self) -> Option<bool> {
        other.is_at_most(self).map(|at_most| !at_most)
    }

    /// Whether this is at most `other`; `None` where literals do not show it.
    pub(crate) fn is_at_most(&self, other: &Self) -> Option<bool> {
        if !self.constants.is_empty() || !other.constants.is_empty() {
            return None;
        }
        let (ns, dt) = (other.nanoseconds - self.nanoseconds, other.samples - self.samples);
        if ns >= -SLACK && dt >= -SLACK {
            Some(true)
        } else if ns <= SLACK && dt <= SLACK {
            Some(false)
        } else {
            None
        }
    }

    /// The time in samples of `device`, for rustc to compute.
    pub(crate) fn in_samples(&self, device: &syn::Path) -> Expr {
        // what is beyond all numbers is too long in any case
        let finite = |value: f64| if value.is_finite() { value } else { f64::MAX };
        let (ns, dt) = (finite(self.nanoseconds), finite(self.samples));
        let terms = self.constants.iter().map(|(times, expr)| -> Expr {
            let times = finite(*times);
            parse_quote!(#times * ::ketline::__private0_1::samples::<#device>(#expr))
        });
        let own: Expr = parse_quote!(
            ::ketline::__private0_1::samples::<#device>(::ketline::quantum::pulse::Duration::nanoseconds(#ns))
                + #dt
        );
        terms.fold(own, |sum, term| parse_quote!(#sum + #term))
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.nanoseconds, self.samples) {
            (ns, 0.0) => write!(f, "{}ns", short(ns)),
            (0.0, dt) => write!(f, "{}dt", short(dt)),
            (ns, dt) => write!(f, "{}dt + {}ns", short(dt), short(ns)),
        }
    }
}

fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The clock of each channel, by its text; each channel with its qubits.
#[derive(Default)]
pub(crate) struct Clocks {
    channels: BTreeMap<String, (Vec<String>, Option<Time>)>,
    /// When the last barrier of each qubit was.
    floors: BTreeMap<String, Option<Time>>,
    /// After a loop, or where channels are not told apart, nothing is known.
    lost: bool,
}

impl Clocks {
    pub(crate) fn lose(&mut self) {
        self.lost = true;
    }

    /// When a channel is free; `None` where that is not known.
    pub(crate) fn free(&self, channel: &str, qubits: &[String]) -> Option<Time> {
        if self.lost {
            return None;
        }
        match self.channels.get(channel) {
            Some((_, clock)) => clock.clone(),
            None => latest(qubits.iter().filter_map(|qubit| self.floors.get(qubit))),
        }
    }

    pub(crate) fn set(&mut self, channel: &str, qubits: &[String], time: Option<Time>) {
        self.channels.insert(channel.to_owned(), (qubits.to_vec(), time));
    }

    /// All channels of these qubits wait for each other.
    pub(crate) fn align(&mut self, qubits: &[String]) {
        let of = |its: &[String]| its.iter().any(|qubit| qubits.contains(qubit));
        let clocks = self.channels.values().filter(|(its, _)| of(its)).map(|(_, clock)| clock);
        let time = latest(clocks.chain(qubits.iter().filter_map(|qubit| self.floors.get(qubit))));
        for (its, clock) in self.channels.values_mut() {
            if of(its) {
                clock.clone_from(&time);
            }
        }
        self.floors.extend(qubits.iter().map(|qubit| (qubit.clone(), time.clone())));
    }
}

/// The latest of times, if literals show which it is.
fn latest<'a>(times: impl Iterator<Item = &'a Option<Time>>) -> Option<Time> {
    // of one constant and nothing, the constant
    let is_zero = |time: &Time| time.constants.is_empty() && time.nanoseconds == 0.0 && time.samples == 0.0;
    let mut latest = Time::default();
    for time in times {
        let time = time.as_ref()?;
        if is_zero(&latest) || (!is_zero(time) && latest.is_at_most(time)?) {
            latest = time.clone();
        }
    }
    Some(latest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ns(nanoseconds: f64) -> Time {
        Time { nanoseconds, ..Time::default() }
    }

    fn dt(samples: f64) -> Time {
        Time { samples, ..Time::default() }
    }

    #[test]
    fn times_of_two_units_are_compared_where_that_is_certain() {
        assert_eq!(ns(100.0).is_at_most(&ns(160.0)), Some(true));
        assert_eq!(ns(160.0).is_at_most(&ns(100.0)), Some(false));
        assert_eq!(ns(160.0).is_at_most(&dt(160.0)), None);
        assert_eq!(ns(160.0).is_at_most(&ns(160.0).plus(&dt(8.0), 1.0)), Some(true));
        assert_eq!((ns(0.0).is_positive(), dt(1.0).is_positive()), (Some(false), Some(true)));
        assert_eq!(dt(-1.0).is_positive(), Some(false));
        assert_eq!(dt(160.0).plus(&ns(20.0), 1.0).to_string(), "160dt + 20ns");
    }

    #[test]
    fn barriers_align() {
        let mut clocks = Clocks::default();
        let [a, b] = ["a", "b"].map(|qubit| vec![qubit.to_owned()]);
        clocks.set("drive(a)", &a, Some(ns(160.0)));
        clocks.align(&["a".into(), "b".into()]);
        assert_eq!(clocks.free("drive(b)", &b).map(|time| time.nanoseconds), Some(160.0));
        clocks.set("drive(b)", &b, Some(dt(1000.0)));
        clocks.align(&["a".into(), "b".into()]);
        assert!(clocks.free("drive(a)", &a).is_none(), "160 ns and 1000 dt");
    }
}
