//! The sweeps: states forwards, density matrices forwards, and duals backwards for gradients.
#![allow(unsafe_code)] // kernels
#![allow(clippy::inline_always)] // instructions of the processor are only used inside of a function that has them

use super::kernel::{add_outer, add_scaled, apply, padded, real_product, scale_into};
use super::plan::{MAX_DEGREE, Substep};
use super::{Piecewise, System};
use crate::C64;
use crate::simulator::sweep::vector::{Kernel, Lanes};

/// 1/n!, with one more than degrees need.
static INVERSE_FACTORIALS: [f64; MAX_DEGREE + 2] = {
    let mut table = [1.0; MAX_DEGREE + 2];
    let mut n = 1;
    while n < table.len() {
        table[n] = table[n - 1] / n as f64;
        n += 1;
    }
    table
};

/// time · (drift + Σ value · control), as padded columns.
///
/// # Safety
/// The processor has the instructions of `V`; all matrices have one padded size, and there is a control for each value.
#[inline(always)]
unsafe fn generator<V: Lanes<Real = f64>>(
    drift: &[C64],
    controls: &[Vec<C64>],
    values: &[f64],
    time: f64,
    a: &mut [C64],
) {
    // SAFETY: as the caller's
    unsafe {
        scale_into::<V>(time, drift, a);
        for (control, value) in controls.iter().zip(values) {
            if *value != 0.0 {
                add_scaled::<V>(time * value, control, a);
            }
        }
    }
}

/// state ← exp(A) state, with exp as a polynomial.
///
/// # Safety
/// The processor has the instructions of `V`; `a` is a matrix of the length of the padded columns.
#[inline(always)]
unsafe fn advance<V: Lanes<Real = f64>>(
    a: &[C64],
    dim: usize,
    degree: u32,
    state: &mut [C64],
    terms: (&mut [C64], &mut [C64]),
) {
    let (mut term, mut next) = terms;
    // SAFETY: as the caller's; both terms are columns as `state` is
    unsafe {
        if degree == 0 {
            return;
        }
        apply::<V>(a, dim, state, 1.0, term);
        for n in 2..=degree {
            apply::<V>(a, dim, term, 1.0 / f64::from(n), next);
            add_scaled::<V>(1.0, term, state);
            std::mem::swap(&mut term, &mut next);
        }
        add_scaled::<V>(1.0, term, state);
    }
}

/// Carries states through all steps.
pub(super) struct States<'a> {
    pub(super) system: &'a System,
    pub(super) controls: &'a Piecewise,
    pub(super) substeps: &'a [Substep],
    /// Padded columns.
    pub(super) columns: &'a mut [C64],
    /// The states before each part of a step are written here, if asked for.
    pub(super) history: Option<&'a mut Vec<C64>>,
}

impl Kernel<f64> for States<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes<Real = f64>>(mut self) {
        let (dim, stride) = (self.system.dim(), padded(self.system.dim()));
        let mut a = vec![C64::ZERO; dim * stride];
        let (mut term, mut next) = (vec![C64::ZERO; stride], vec![C64::ZERO; stride]);
        for substep in self.substeps {
            if let Some(history) = self.history.as_mut() {
                history.extend_from_slice(self.columns);
            }
            let values = self.controls.step(substep.step as usize);
            // SAFETY: as the caller's; the matrices of the system, `a` and all columns are padded alike
            unsafe {
                generator::<V>(&self.system.drift, &self.system.controls, values, substep.time, &mut a);
                for state in self.columns.chunks_exact_mut(stride) {
                    advance::<V>(&a, dim, substep.degree, state, (&mut term, &mut next));
                }
            }
        }
    }
}

/// Carries a density matrix through all steps.
pub(super) struct Density<'a> {
    pub(super) system: &'a System,
    pub(super) controls: &'a Piecewise,
    pub(super) substeps: &'a [Substep],
    /// Padded rows.
    pub(super) rho: &'a mut [C64],
}

impl Kernel<f64> for Density<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes<Real = f64>>(self) {
        let dissipator = &self.system.dissipator;
        let length = self.rho.len();
        let mut a = vec![C64::ZERO; length];
        let (mut term, mut next) = (vec![C64::ZERO; length], vec![C64::ZERO; length]);
        for substep in self.substeps {
            let values = self.controls.step(substep.step as usize);
            // SAFETY: as the caller's; the matrices of the system, `a` and all terms are padded alike
            unsafe {
                generator::<V>(&dissipator.drift, &dissipator.controls, values, substep.time, &mut a);
                term.copy_from_slice(self.rho);
                for n in 1..=substep.degree {
                    dissipator.apply::<V>(&a, substep.time, &term, 1.0 / f64::from(n), &mut next);
                    add_scaled::<V>(1.0, &next, self.rho);
                    std::mem::swap(&mut term, &mut next);
                }
            }
        }
    }
}

/// Carries duals back through all steps, and takes the derivative by each control of each step on the way.
///
/// With A the generator of a part times its time, and dA its derivative, the polynomial of degree m changes by
/// Σ A^p dA A^q / (p + q + 1)! over p + q < m. So <χ| d exp(A) |ψ> = Tr(dA G) with G = Σ |A^q ψ> <(A†)^p χ| / (p + q + 1)!,
/// which is summed once for all controls. A† is -A.
pub(super) struct Duals<'a> {
    pub(super) system: &'a System,
    pub(super) controls: &'a Piecewise,
    pub(super) substeps: &'a [Substep],
    /// The states before each part.
    pub(super) history: &'a [C64],
    /// The duals of the final states, as padded columns.
    pub(super) columns: &'a mut [C64],
    /// Rows are steps, columns controls.
    pub(super) gradient: &'a mut [f64],
}

impl Kernel<f64> for Duals<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes<Real = f64>>(self) {
        let (dim, stride) = (self.system.dim(), padded(self.system.dim()));
        let controls = self.system.controls.len();
        let mut a = vec![C64::ZERO; dim * stride];
        let mut g = vec![C64::ZERO; dim * stride];
        let mut powers = vec![C64::ZERO; MAX_DEGREE * stride];
        let (mut dual, mut next, mut mixed) =
            (vec![C64::ZERO; stride], vec![C64::ZERO; stride], vec![C64::ZERO; stride]);
        let before = self.history.chunks_exact(self.columns.len());
        for (substep, before) in self.substeps.iter().zip(before).rev() {
            let step = substep.step as usize;
            let degree = substep.degree as usize;
            g.fill(C64::ZERO);
            // SAFETY: as the caller's; the matrices of the system, `a`, `g` and all columns are padded alike
            unsafe {
                generator::<V>(
                    &self.system.drift,
                    &self.system.controls,
                    self.controls.step(step),
                    substep.time,
                    &mut a,
                );
                for (state, chi) in before.chunks_exact(stride).zip(self.columns.chunks_exact_mut(stride)) {
                    powers[..stride].copy_from_slice(state);
                    for q in 1..degree {
                        let (known, new) = powers.split_at_mut(q * stride);
                        apply::<V>(&a, dim, &known[(q - 1) * stride..], 1.0, &mut new[..stride]);
                    }
                    dual.copy_from_slice(chi);
                    for p in 0..degree {
                        scale_into::<V>(INVERSE_FACTORIALS[p + 1], &powers[..stride], &mut mixed);
                        for q in 1..degree - p {
                            add_scaled::<V>(
                                INVERSE_FACTORIALS[p + q + 1],
                                &powers[q * stride..][..stride],
                                &mut mixed,
                            );
                        }
                        add_outer::<V>(&mixed, &dual, dim, &mut g);
                        apply::<V>(&a, dim, &dual, -1.0, &mut next);
                        std::mem::swap(&mut dual, &mut next);
                        add_scaled::<V>(INVERSE_FACTORIALS[p + 1], &dual, chi);
                    }
                }
                let slots = &mut self.gradient[step * controls..(step + 1) * controls];
                for (slot, control) in slots.iter_mut().zip(&self.system.controls) {
                    // Tr(dA G) is the product with dA† = -dA.
                    *slot -= 2.0 * substep.time * real_product::<V>(control, &g);
                }
            }
        }
    }
}
