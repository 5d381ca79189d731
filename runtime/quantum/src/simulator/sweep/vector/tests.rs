//! Every kind of vector against plain arrays.

use super::*;

/// All methods on some numbers, one after the other.
struct All<'a, T>(&'a [T]);

impl<T: Precision> Kernel<T> for All<'_, T> {
    type Output = Vec<Vec<T>>;

    #[inline(always)]
    unsafe fn run<V: Lanes<Real = T>>(self) -> Vec<Vec<T>> {
        let n = V::LANES;
        assert!(n.is_power_of_two() && n >= 2 && self.0.len() >= 3 * n);
        // SAFETY: the processor has the instructions, and there are enough numbers
        unsafe {
            let at = |k: usize| V::load(self.0.as_ptr().add(k * n));
            let (a, b, c) = (at(0), at(1), at(2));
            let reversed = V::index(|k| n - 1 - k);
            let results = [
                V::splat(self.0[1]),
                a.add(b),
                a.sub(b),
                a.mul(b),
                a.mul_add(b, c),
                a.mul_sub_from(b, c),
                a.mul_alternate(b, c),
                a.exchange(),
                a.real_parts(),
                a.imaginary_parts(),
                a.permute(reversed),
                a.select(b, c),
                a.times(b.real_parts(), b.imaginary_parts()),
                V::splat(a.sum()),
            ];
            let list = |v: &V| {
                let mut lanes = vec![T::zero(); n];
                v.store(lanes.as_mut_ptr());
                lanes
            };
            results.iter().map(list).collect()
        }
    }
}

fn check<T: Precision>() {
    let numbers: Vec<T> = (0..48).map(|k| T::narrow((f64::from(k) * 1.37).sin())).collect();
    for level in Level::all() {
        let n = T::lanes(*level);
        let (a, b, c) = (&numbers[..n], &numbers[n..2 * n], &numbers[2 * n..3 * n]);
        // SAFETY: there are enough numbers for three vectors of any level
        let found = unsafe { T::run(*level, All(&numbers)) };
        let sum = a.iter().fold(T::zero(), |sum, x| sum + *x);
        for k in 0..n {
            let even = k % 2 == 0;
            let (re, im) = (b[k & !1], b[k | 1]);
            let product = if even { a[k] * re - a[k ^ 1] * im } else { a[k] * re + a[k ^ 1] * im };
            let wanted = [
                numbers[1],
                a[k] + b[k],
                a[k] - b[k],
                a[k] * b[k],
                a[k] * b[k] + c[k],
                c[k] - a[k] * b[k],
                if even { a[k] * b[k] - c[k] } else { a[k] * b[k] + c[k] },
                a[k ^ 1],
                a[k & !1],
                a[k | 1],
                a[n - 1 - k],
                if c[k] < T::zero() { b[k] } else { a[k] },
                product,
                sum,
            ];
            for (method, wanted) in wanted.iter().enumerate() {
                let difference = (found[method][k] - *wanted).widen().abs();
                assert!(difference < 1e-5, "{}, method {method}, lane {k}", level.name());
            }
        }
    }
}

#[test]
fn every_level_computes_the_same() {
    check::<f64>();
    check::<f32>();
}
