//! Products of Pauli matrices as bit masks.

use std::fmt;

use crate::{C64, Error, Result};

/// Qubits that a product can name: the bits of its masks.
pub const MAX_QUBITS: usize = 64;

/// A product of Pauli matrices on different qubits, without a coefficient.
///
/// Qubit `q` carries X where only bit `q` of `x` is set, Z where only that of `z` is, Y where both are, and the identity
/// where neither is. So the product is `i^|x & z| X^x Z^z`, and
/// `P |j> = i^|x & z| (-1)^|z & j| |j ^ x>`: one XOR and one parity a basis state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct PauliProduct {
    pub(super) x: u64,
    pub(super) z: u64,
}

impl PauliProduct {
    /// The empty product.
    pub const IDENTITY: Self = Self { x: 0, z: 0 };

    /// The qubits on which the product flips the basis state (X and Y), as a bit mask.
    pub const fn x_mask(self) -> u64 {
        self.x
    }

    /// The qubits on which the sign depends on the basis state (Z and Y), as a bit mask.
    pub const fn z_mask(self) -> u64 {
        self.z
    }

    /// Whether the matrix is diagonal: only Z and identities.
    pub const fn is_diagonal(self) -> bool {
        self.x == 0
    }

    /// How many qubits carry a Pauli other than the identity.
    pub const fn weight(self) -> usize {
        (self.x | self.z).count_ones() as usize
    }

    /// The least number of qubits that has room for the product.
    pub const fn width(self) -> usize {
        (u64::BITS - (self.x | self.z).leading_zeros()) as usize
    }

    /// Whether the two products commute.
    pub const fn commutes_with(self, other: Self) -> bool {
        ((self.x & other.z).count_ones() + (self.z & other.x).count_ones()).is_multiple_of(2)
    }

    /// The letters and their qubits, in increasing order of qubit.
    pub fn factors(self) -> impl Iterator<Item = (char, usize)> {
        (0..self.width()).filter_map(move |qubit| match (self.x >> qubit & 1, self.z >> qubit & 1) {
            (1, 0) => Some(('X', qubit)),
            (1, 1) => Some(('Y', qubit)),
            (0, 1) => Some(('Z', qubit)),
            _ => None,
        })
    }

    /// The product from one letter (`I`, `X`, `Y`, `Z`) a qubit; the first letter is qubit 0.
    ///
    /// # Errors
    /// [`Error::PauliLetter`] for another letter; [`Error::TooManyQubits`] beyond [`MAX_QUBITS`].
    pub fn parse(letters: &str) -> Result<Self> {
        let mut product = Self::IDENTITY;
        for (qubit, letter) in letters.chars().enumerate() {
            if qubit >= MAX_QUBITS {
                return Err(Error::TooManyQubits { found: letters.chars().count(), limit: MAX_QUBITS });
            }
            let bit = 1_u64 << qubit;
            match letter {
                'I' => {}
                'X' => product.x |= bit,
                'Z' => product.z |= bit,
                'Y' => {
                    product.x |= bit;
                    product.z |= bit;
                }
                _ => return Err(Error::PauliLetter { letter, qubit, product: letters.to_owned() }),
            }
        }
        Ok(product)
    }

    /// The product `self * other` (`other` acts first) and its phase.
    pub fn times(self, other: Self) -> (C64, Self) {
        let product = Self { x: self.x ^ other.x, z: self.z ^ other.z };
        let quarter_turns = self.ys() + other.ys() + 2 * (self.z & other.x).count_ones() + 3 * product.ys();
        (power_of_i(quarter_turns), product)
    }

    /// The factor `i^|x & z|` that every image of a basis state carries.
    pub(crate) fn phase(self) -> C64 {
        power_of_i(self.ys())
    }

    /// `<j ^ x| P |j>` without [`Self::phase`]: the sign of basis state `j`.
    pub(crate) fn sign(self, j: usize) -> f64 {
        if (self.z & j as u64).count_ones() & 1 == 0 { 1.0 } else { -1.0 }
    }

    fn ys(self) -> u32 {
        (self.x & self.z).count_ones()
    }
}

impl fmt::Display for PauliProduct {
    /// `X(0) Z(3)`, as the macro `observable!` writes it; the identity is `I`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::IDENTITY {
            return f.write_str("I");
        }
        for (at, (letter, qubit)) in self.factors().enumerate() {
            write!(f, "{}{letter}({qubit})", if at == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

fn power_of_i(quarter_turns: u32) -> C64 {
    match quarter_turns % 4 {
        0 => C64::ONE,
        1 => C64::I,
        2 => -C64::ONE,
        _ => -C64::I,
    }
}
