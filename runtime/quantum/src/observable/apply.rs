//! Pauli products acting on states: one pass over the amplitudes a product.

use super::PauliProduct;
use crate::C64;

/// Adds `coefficient * P psi` to `out`.
pub(crate) fn accumulate(product: PauliProduct, coefficient: f64, psi: &[C64], out: &mut [C64]) {
    let (flip, phase) = (product.x as usize, product.phase() * coefficient);
    for (j, amplitude) in psi.iter().enumerate() {
        out[j ^ flip] += phase * (amplitude * product.sign(j));
    }
}
