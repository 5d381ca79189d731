//! What a run of a program takes.

use std::fmt;

use super::program::{Program, Step};
use super::state::PauliState;

/// Passes over a Pauli vector, with their arithmetic and traffic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Effort {
    width: usize,
    passes: usize,
    /// How many of them act on one, two or more qubits.
    on: [usize; 3],
    multiply_adds: f64,
    /// Read and written.
    bytes: f64,
}

impl Effort {
    /// The effort of one run in which every condition holds and no measurement splits the state.
    pub(crate) fn of(program: &Program) -> Self {
        let mut effort = Self { width: program.width, passes: 0, on: [0; 3], multiply_adds: 0.0, bytes: 0.0 };
        effort.add(&program.steps);
        effort
    }

    fn add(&mut self, steps: &[Step]) {
        let size = PauliState::bytes(self.width) as f64;
        for step in steps {
            self.passes += 1;
            match step {
                Step::Map(map) => {
                    self.on[map.qubits.len().min(3) - 1] += 1;
                    self.multiply_adds += map.stencil.products() * size / 8.0;
                    self.bytes += map.stencil.touched() * size;
                }
                Step::Wide { call, .. } => {
                    self.on[2] += 1;
                    // rows and columns of a complex matrix
                    let products = 8.0 * (1_u64 << call.target_qubits().len()) as f64;
                    self.multiply_adds += products * size / 8.0;
                    self.bytes += 8.0 * size;
                }
                Step::Measure { .. } => self.bytes += 2.0 * size,
                Step::If { body, .. } => {
                    self.passes -= 1;
                    self.add(body);
                }
            }
        }
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, two, more] = self.on;
        writeln!(
            f,
            "density matrix of {} qubits: {} Pauli coefficients, {}",
            self.width,
            1_u64 << (2 * self.width),
            Bytes(PauliState::bytes(self.width) as f64)
        )?;
        writeln!(f, "passes         {} (on one qubit {one}, on two {two}, on more {more})", self.passes)?;
        writeln!(f, "multiply-adds  {:.3} million", self.multiply_adds / 1e6)?;
        write!(f, "moved          {}", Bytes(self.bytes))
    }
}

/// Bytes in the unit that suits them.
struct Bytes(f64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = self.0;
        let mut units = ["B", "KiB", "MiB", "GiB"].into_iter();
        let mut unit = units.next().unwrap_or_default();
        while value >= 1024.0
            && let Some(larger) = units.next()
        {
            (value, unit) = (value / 1024.0, larger);
        }
        write!(f, "{value:.1} {unit}")
    }
}
