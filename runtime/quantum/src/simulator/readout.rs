//! From states to the bits of a result.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::bits::{self, BitMap};
use super::counts::Counts;
use super::program::{Program, Readout};
use super::sampling;
use super::state::{Ensemble, QuantumState};
use crate::{Error, Result};

/// The probabilities of all values of the result of a program, over all branches.
pub(crate) fn probabilities<T, S: QuantumState>(
    program: &Program<T>,
    ensemble: &Ensemble<S>,
) -> Result<Vec<f64>> {
    listed(&program.readouts, &program.outputs, ensemble)
}

/// The probabilities of all values of the bits `outputs` after the measurements at the end, over all branches.
pub(crate) fn listed<S: QuantumState>(
    readouts: &[Readout],
    outputs: &[usize],
    ensemble: &Ensemble<S>,
) -> Result<Vec<f64>> {
    bits::check_listed(outputs.len())?;
    let used: Vec<&Readout> = readouts.iter().filter(|r| outputs.contains(&r.bit)).collect();
    let qubits: Vec<usize> = used.iter().map(|readout| readout.qubit).collect();
    // where each bit of the result comes from: a qubit read out last, or a bit recorded before
    let (mut late, mut early) = (Vec::new(), Vec::new());
    for (to, bit) in outputs.iter().enumerate() {
        match used.iter().position(|readout| readout.bit == *bit) {
            Some(from) => late.push((from, to)),
            None => early.push((*bit, to)),
        }
    }
    let map = BitMap::new(&late);
    let mut sum = vec![0.0; 1 << outputs.len()];
    for branch in ensemble.branches() {
        let mut part = branch.state.probabilities_of(&qubits)?;
        for (at, readout) in used.iter().enumerate() {
            confuse(&mut part, at, readout);
        }
        let recorded =
            early.iter().fold(0, |index, (bit, to)| index | usize::from(branch.bits >> bit & 1 == 1) << to);
        for (j, p) in part.into_iter().enumerate() {
            sum[recorded | map.map(j)] += branch.probability * p;
        }
    }
    Ok(sum)
}

/// Moves probability between the values of bit `at` as a readout error does.
fn confuse(probabilities: &mut [f64], at: usize, readout: &Readout) {
    let Some(confusion) = readout.confusion else { return };
    for block in probabilities.chunks_exact_mut(2 << at) {
        let (zeros, ones) = block.split_at_mut(1 << at);
        for (zero, one) in zeros.iter_mut().zip(ones) {
            let (up, down) = (*zero * confusion.p1_given_0, *one * confusion.p0_given_1);
            (*zero, *one) = (*zero - up + down, *one - down + up);
        }
    }
}

/// Refuses to sample nothing.
pub(crate) fn check_shots(shots: usize) -> Result<()> {
    if shots == 0 { Err(Error::NoShots) } else { Ok(()) }
}

/// Counts of the bits `outputs` of a program that leaves nothing to chance but its last measurements. Bits that nothing
/// measures are 0 and are not listed, so that a wide register of which little is used can be sampled.
pub(crate) fn sample_listed<S: QuantumState>(
    readouts: &[Readout],
    outputs: &[usize],
    ensemble: &Ensemble<S>,
    shots: usize,
    seed: u64,
) -> Result<Counts> {
    let measured = |bit: &usize| readouts.iter().any(|readout| readout.bit == *bit);
    let bits: Vec<usize> = outputs.iter().copied().filter(measured).collect();
    let probabilities = listed(readouts, &bits, ensemble)?;
    let narrow = sample(&probabilities, shots, &mut ChaCha8Rng::seed_from_u64(seed))?;
    if bits.len() == outputs.len() {
        return Ok(narrow);
    }
    let places: Vec<usize> = (0..outputs.len()).filter(|at| measured(&outputs[*at])).collect();
    let mut counts = Counts::new(outputs.len())?;
    for (outcome, times) in narrow.iter() {
        let spread = |wide: u128, (from, to): (usize, &usize)| wide | (outcome >> from & 1) << to;
        counts.add(places.iter().enumerate().fold(0, spread), times);
    }
    Ok(counts)
}

/// Counts of `shots` independent draws from `probabilities`, in time linear in both.
pub(crate) fn sample<R: Rng>(probabilities: &[f64], shots: usize, rng: &mut R) -> Result<Counts> {
    check_shots(shots)?;
    sampling::draw(probabilities, shots, rng.next_u64())
}
