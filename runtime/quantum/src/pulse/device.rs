//! Devices that the compiler knows: what `#[device(..)]` of `pulse!` reads.

use super::{Frequency, PulseTarget, Timing, drive};
use crate::{Result, Topology};

/// A device that plays pulses, in constants, so that programs are checked against it when they are compiled.
///
/// Control lines are those of its edges, in both directions. A device that only the running program knows is a
/// [`PulseTarget`]; both check the same.
///
/// ```
/// use ketline_quantum::pulse::{Duration, Frequency, PulseDevice, PulseTarget, ScheduleBuilder, Waveform, drive};
/// use ketline_quantum::{Error, Topology};
///
/// struct Bench;
/// impl Topology for Bench {
///     const QUBITS: usize = 2;
///     const EDGES: &'static [(usize, usize)] = &[(0, 1)];
/// }
/// impl PulseDevice for Bench {
///     const DT: f64 = 0.5e-9;
///     const AMPLITUDE: f64 = 0.8;
///     const DRIVE_BAND: Option<(Frequency, Frequency)> =
///         Some((Frequency::gigahertz(4.5), Frequency::gigahertz(5.5)));
/// }
///
/// let mut b = ScheduleBuilder::new("strong");
/// b.play(drive(0), Waveform::constant(Duration::nanoseconds(20.0), 0.9));
/// let error = b.finish()?.check(&PulseTarget::of::<Bench>()?, &[]).unwrap_err();
/// assert!(error.to_string().ends_with("amplitude 0.9 is above the device limit of 0.8"));
/// # Ok::<(), Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "device `{Self}` says nothing about pulses",
    label = "no sample time, no amplitude limit",
    note = "implement `ketline::quantum::pulse::PulseDevice` for it"
)]
pub trait PulseDevice: Topology {
    /// Length of a sample in seconds.
    const DT: f64;

    /// The largest amplitude.
    const AMPLITUDE: f64 = 1.0;

    /// The lowest and the highest frequency that drives and control lines can send, where that is known.
    const DRIVE_BAND: Option<(Frequency, Frequency)> = None;

    /// The carrier of the drive of each qubit, where that is known. Absolute frequencies need it when a program is run.
    const CARRIERS: &'static [Frequency] = &[];

    /// When pulses can be played.
    const TIMING: Timing = Timing { granularity: 1, min_length: 1, pulse_alignment: 1, acquire_alignment: 1 };
}

impl PulseTarget {
    /// The device of a type, for checks when the program runs.
    ///
    /// # Errors
    /// As [`PulseTarget::new`] and [`PulseTarget::with_controls`].
    pub fn of<T: PulseDevice>() -> Result<Self> {
        let name = std::any::type_name::<T>();
        let name = name.rsplit("::").next().unwrap_or(name);
        let both = T::EDGES.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]);
        let mut target =
            Self::new(name, T::DT, T::TIMING, T::QUBITS)?.with_controls(both)?.with_limit(T::AMPLITUDE);
        for (qubit, carrier) in T::CARRIERS.iter().enumerate() {
            target = target.with_carrier(drive(qubit), *carrier, T::DRIVE_BAND);
        }
        Ok(target)
    }
}

macro_rules! bundled {
    ($($(#[doc = $doc:literal])+ $name:ident, $qubits:literal: $edges:expr;)*) => {$(
        $(#[doc = $doc])+
        ///
        /// Samples of 2/9 ns; lengths are multiples of 16 of them and at least 64. Carriers and bands are those of a snapshot:
        /// [`PulseDefaults`](crate::device::PulseDefaults).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name;

        impl Topology for $name {
            const QUBITS: usize = $qubits;
            const EDGES: &'static [(usize, usize)] = &$edges;
        }

        impl PulseDevice for $name {
            const DT: f64 = 2e-9 / 9.0;
            const TIMING: Timing =
                Timing { granularity: 16, min_length: 64, pulse_alignment: 16, acquire_alignment: 16 };
        }

        #[cfg(test)]
        impl $name {
            fn agrees() {
                let name = stringify!($name).to_lowercase();
                let known = crate::device::PulseDefaults::bundled(&name).unwrap();
                let (known, found) = (known.target(), PulseTarget::of::<Self>().unwrap());
                assert!((known.dt() / found.dt() - 1.0).abs() < 1e-12, "{name}");
                assert_eq!((known.timing(), known.width()), (found.timing(), found.width()), "{name}");
                assert_eq!(known.limit(), found.limit(), "{name}");
                assert!(known.controls().eq(found.controls()), "{name}");
            }
        }
    )*};
}

bundled! {
    /// IBM's Jakarta, of 7 qubits, as its pulses were published.
    Jakarta, 7: [(0, 1), (1, 2), (1, 3), (3, 5), (4, 5), (5, 6)];
    /// IBM's Manila, of 5 qubits, as its pulses were published.
    Manila, 5: [(0, 1), (1, 2), (2, 3), (3, 4)];
    /// IBM's Nairobi, of 7 qubits, as its pulses were published.
    Nairobi, 7: [(0, 1), (1, 2), (1, 3), (3, 5), (4, 5), (5, 6)];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundled_devices_are_those_of_the_published_pulses() {
        Jakarta::agrees();
        Manila::agrees();
        Nairobi::agrees();
    }

    struct Band;

    impl Topology for Band {
        const QUBITS: usize = 1;
        const EDGES: &'static [(usize, usize)] = &[];
    }

    impl PulseDevice for Band {
        const DT: f64 = 1e-9;
        const DRIVE_BAND: Option<(Frequency, Frequency)> =
            Some((Frequency::gigahertz(4.5), Frequency::gigahertz(5.5)));
        const CARRIERS: &'static [Frequency] = &[Frequency::gigahertz(5.0)];
    }

    #[test]
    fn carriers_and_bands_are_checked_when_a_program_is_run() {
        let mut b = super::super::ScheduleBuilder::new("far");
        b.set_frequency(drive(0), Frequency::gigahertz(5.9));
        b.play(drive(0), super::super::Waveform::constant(super::super::Duration::samples(16), 0.1));
        let error = b.finish().unwrap().check(&PulseTarget::of::<Band>().unwrap(), &[]).unwrap_err();
        assert_eq!(error.to_string(), "drive(0) at 0 dt (0 ns): 5.9GHz is outside the band 4.5GHz to 5.5GHz");
    }
}
