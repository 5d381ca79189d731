//! The crate from outside. One program, since each would compile the simulators that it uses anew.

mod absurd_circuits;
mod aer_noise;
mod calibration_fuzz;
mod qasm_corpus;
mod qasm_gates;
mod qasm_language;
mod qasm_round_trip;
mod qasm_text;
