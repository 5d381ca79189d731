//! A row of the waveform table, and how the table is written.

use crate::C64;

/// A waveform of the table: its arguments, its envelope and the derivative of the envelope.
///
/// Envelopes have the peak 1 and no phase; amplitude and phase are of every waveform. Tests prove every row self-consistent.
#[derive(Debug)]
#[non_exhaustive]
pub struct Row {
    /// The name: that of the constructor.
    pub name: &'static str,
    /// What the envelope is.
    pub doc: &'static str,
    /// Its arguments besides duration, amplitude and phase.
    pub arguments: &'static [Argument],
    /// The envelope.
    pub shape: fn(&Point<'_>) -> C64,
    /// Its derivative by one argument.
    pub slope: fn(&Point<'_>, usize) -> C64,
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// An argument of a waveform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argument {
    /// The name.
    pub name: &'static str,
    /// Which values it may have.
    pub bound: Bound,
}

/// Which values an argument may have, in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Any finite number.
    Any,
    /// More than 0.
    Positive,
    /// From 0 to the duration.
    Within,
}

/// A place in a waveform of which everything is known; times in samples.
#[derive(Debug, Clone, Copy)]
pub struct Point<'a> {
    /// The time since the waveform began.
    pub time: f64,
    /// The duration of the waveform.
    pub duration: f64,
    /// The arguments, in the order of the row.
    pub arguments: &'a [f64],
    /// The samples of a waveform that is given by them.
    pub samples: &'a [C64],
}

macro_rules! waveforms {
    ($($(#[doc = $doc:literal])+ $name:ident($($argument:ident: $kind:ident [$bound:ident]),*) {
        shape: $shape:expr, slope: $slope:expr $(,)?
    })*) => {
        /// All waveforms that are given by a formula.
        pub(super) static TABLE: &[$crate::pulse::waveform::Row] = &[$(
            $crate::pulse::waveform::Row {
                name: stringify!($name),
                doc: concat!($($doc, "\n"),+),
                arguments: &[$($crate::pulse::waveform::Argument {
                    name: stringify!($argument),
                    bound: $crate::pulse::waveform::Bound::$bound,
                }),*],
                shape: $shape,
                slope: $slope,
            }
        ),*];

        /// One constructor a row of the table.
        impl $crate::pulse::Waveform {
            $(
                $(#[doc = $doc])+
                pub fn $name(
                    duration: $crate::pulse::Duration,
                    amp: impl $crate::circuit::IntoAngle
                    $(, $argument: impl Into<$kind>)*
                ) -> Self {
                    let arguments: Vec<Extent> = vec![$(Extent::from($argument.into())),*];
                    Self::of(stringify!($name), duration, amp.into_angle(), arguments)
                }
            )*
        }
    };
}

pub(super) use waveforms;
