//! Which parameters a mixer has.

use crate::{Error, Result};

/// Whether a parameter is one for all qubits, or one for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// One for all qubits.
    All,
    /// One for each qubit: multi-angle QAOA (Herrman et al. 2022), where the mixer is gates.
    Each,
}

/// Which parameters a mixer has, for each layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freedom {
    /// The angle: the amplitude of the pulse.
    pub angle: Sharing,
    /// The phase of the pulse: the axis of the rotation in the equator. `None` leaves it at X.
    pub phase: Option<Sharing>,
    degenerate: bool,
}

impl Freedom {
    /// One angle for all qubits, about X: QAOA.
    pub const fn shared() -> Self {
        Self { angle: Sharing::All, phase: None, degenerate: false }
    }

    /// An angle for each qubit, about X: multi-angle QAOA.
    pub const fn angles() -> Self {
        Self { angle: Sharing::Each, phase: None, degenerate: false }
    }

    /// The same with a phase.
    #[must_use]
    pub const fn with_phase(self, phase: Sharing) -> Self {
        Self { phase: Some(phase), ..self }
    }

    /// Lets a mixer pass that makes the problem trivial: to see that it does.
    #[must_use]
    pub const fn allow_degenerate(self) -> Self {
        Self { degenerate: true, ..self }
    }

    /// How many parameters the mixer of a layer has.
    pub fn count(self, qubits: usize) -> usize {
        let of = |sharing| match sharing {
            Sharing::All => 1,
            Sharing::Each => qubits,
        };
        of(self.angle) + self.phase.map_or(0, of)
    }

    /// Refuses what alone can turn |+> into any product state.
    pub(super) fn check(self) -> Result<()> {
        if self.phase == Some(Sharing::Each) && self.angle == Sharing::Each && !self.degenerate {
            return Err(Error::DegenerateMixer);
        }
        Ok(())
    }

    /// The angle and the phase of a qubit, from the parameters of a layer; `straight` is the phase of X.
    pub(super) fn of<T: Copy>(self, values: &[T], straight: T, qubit: usize, qubits: usize) -> (T, T) {
        let place = |sharing| if sharing == Sharing::All { 0 } else { qubit };
        let phases = if self.angle == Sharing::All { 1 } else { qubits };
        let phase = self.phase.map_or(straight, |sharing| values[phases + place(sharing)]);
        (values[place(self.angle)], phase)
    }
}
