//! Arithmetic decomposition: a state prepared by uniformly controlled rotations, with no training at all.

use super::TargetState;
use crate::{Angle, Builder, C64, Circuit, Result};

/// What is too small to be an amplitude or an angle.
const NOTHING: f64 = 1e-12;

/// The circuit that prepares a state exactly on ideal qubits: uniformly controlled RY and RZ from the most significant
/// qubit down, each as a Gray-code chain of CX and rotations (Möttönen, Vartiainen, Bergholm, Salomaa, Quantum Inf.
/// Comput. 5, 467 (2005), the variant without optimisation across multiplexers). At most `2^(n+1) - 4` CX before
/// routing; multiplexers whose angles all vanish are left out.
///
/// # Errors
/// None for a valid [`TargetState`]; the builder's own.
pub fn arithmetic(target: &TargetState) -> Result<Circuit> {
    let mut layers = Vec::new();
    let mut state = target.amplitudes().to_vec();
    while state.len() > 1 {
        let (mut magnitudes, mut tilts, mut turns) = (Vec::new(), Vec::new(), Vec::new());
        for pair in state.chunks_exact(2) {
            let (a, b) = (pair[0], pair[1]);
            let norm = a.norm().hypot(b.norm());
            let (low, high) = match (a.norm() > NOTHING, b.norm() > NOTHING) {
                (true, true) => (a.arg(), b.arg()),
                (true, false) => (a.arg(), a.arg()),
                (false, true) => (b.arg(), b.arg()),
                (false, false) => (0.0, 0.0),
            };
            tilts.push(2.0 * b.norm().atan2(a.norm()));
            turns.push(high - low);
            magnitudes.push(C64::from_polar(norm, f64::midpoint(low, high)));
        }
        layers.push((tilts, turns));
        state = magnitudes;
    }

    let mut b = Builder::new("arithmetic");
    let q = b.qubits("q", target.width());
    for (target, (tilts, turns)) in layers.iter().enumerate().rev() {
        let chain = |b: &mut Builder, angles: &[f64], rotate: &dyn Fn(&mut Builder, Angle)| {
            for (angle, flip) in multiplexed(angles) {
                rotate(b, angle.into());
                if let Some(control) = flip {
                    b.cx(q.at(target + 1 + control), q.at(target));
                }
            }
        };
        chain(&mut b, tilts, &|b, angle| b.ry(angle, q.at(target)));
        chain(&mut b, turns, &|b, angle| b.rz(angle, q.at(target)));
    }
    b.finish()
}

/// The angles of a Gray-code chain for a rotation by `angles[j]` where the controls read `j`, each with the control of
/// the CX that follows it.
fn multiplexed(angles: &[f64]) -> Vec<(f64, Option<usize>)> {
    if angles.iter().all(|angle| angle.abs() < NOTHING) {
        return Vec::new();
    }
    let (count, controls) = (angles.len(), angles.len().trailing_zeros() as usize);
    let gray = |k: usize| k ^ (k >> 1);
    (0..count)
        .map(|k| {
            let signed =
                |(j, angle): (usize, &f64)| if (j & gray(k)).count_ones() % 2 == 0 { *angle } else { -angle };
            let mean = angles.iter().enumerate().map(signed).sum::<f64>() / count as f64;
            // the control whose bit changes in the Gray code, the last one to close the circle
            let flip = (controls > 0).then(|| ((k + 1).trailing_zeros() as usize).min(controls - 1));
            (mean, flip)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::gate::dense;
    use crate::{Instruction, linalg};

    fn prepared(circuit: &Circuit) -> Vec<C64> {
        let calls: Vec<_> = circuit
            .instructions()
            .iter()
            .filter_map(|step| match step {
                Instruction::Gate(call) => Some(call.clone()),
                _ => None,
            })
            .collect();
        dense(&calls, circuit.width(), &[]).column(0).to_vec()
    }

    #[test]
    fn any_state_is_prepared_exactly() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut targets: Vec<_> = (1..=5)
            .map(|n| TargetState::new("haar", linalg::haar_state(1 << n, &mut rng)).unwrap())
            .collect();
        targets.extend(TargetState::NAMES.iter().map(|name| TargetState::named(name, 4).unwrap()));
        for target in targets {
            let circuit = arithmetic(&target).unwrap();
            let overlap = linalg::inner(target.amplitudes(), &prepared(&circuit)).norm();
            assert!((overlap - 1.0).abs() < 1e-12, "{}: {overlap}", target.name());
            let n = target.width();
            assert!(circuit.counts().get("cx").is_none_or(|count| *count <= (1 << (n + 1)) - 4));
        }
    }

    #[test]
    fn real_states_need_half_the_gates() {
        let cx = |name: &str| arithmetic(&TargetState::named(name, 4).unwrap()).unwrap().counts()["cx"];
        assert_eq!(cx("gaussian"), 14);
    }
}
