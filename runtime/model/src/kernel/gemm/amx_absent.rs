//! Where there is no matrix unit that is known here: no product [`suits`].

use super::super::real::Real;
use super::{Part, Product, Source, fma};

pub(super) fn suits<T: Real>(_m: usize, _n: usize, _k: usize) -> bool {
    false
}

pub(super) fn workspace(_m: usize, _n: usize, _k: usize, _threads: usize) -> usize {
    0
}

pub(super) fn run<T: Real, A: Source<T>, B: Source<T>>(
    product: &Product<'_, T, A, B>,
    workspace: &mut [T],
    then: impl Fn(Part) + Sync,
) {
    fma::run(product, workspace, then);
}
