//! Convolutions: directly on planes where windows are one pixel apart, as matrix products of patches where they are further.

#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), path = "amx_absent.rs")]
mod amx;
mod direct;
mod filters;
mod padded;
mod patches;
mod vectors;

pub(crate) use direct::Direct;
pub(crate) use filters::FilterGradient;
pub(crate) use patches::{Contributions, Patches, PatchesByPixel, filters_by_channel};

/// A convolution's sizes: channels and pixels of the operand, pixels of the result, kernel, stride, padding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Geometry {
    pub(crate) channels: usize,
    pub(crate) filters: usize,
    pub(crate) size: (usize, usize),
    pub(crate) out: (usize, usize),
    pub(crate) kernel: (usize, usize),
    pub(crate) stride: (usize, usize),
    pub(crate) padding: (usize, usize),
}

impl Geometry {
    /// Elements of a patch.
    pub(crate) fn patch(&self) -> usize {
        self.channels * self.kernel.0 * self.kernel.1
    }

    pub(crate) fn out_pixels(&self) -> usize {
        self.out.0 * self.out.1
    }

    pub(crate) fn pixels(&self) -> usize {
        self.size.0 * self.size.1
    }

    /// Channel, row and column of an element of a patch, or of one over filters.
    fn place(&self, k: usize) -> (usize, usize, usize) {
        let (kh, kw) = self.kernel;
        (k / (kh * kw), k / kw % kh, k % kw)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::real::Real;
    use super::*;

    fn values<T: Real>(n: usize, seed: u64) -> Vec<T> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            T::of((state >> 40) as f64 / f64::from(1 << 24) - 0.5)
        };
        std::iter::repeat_with(next).take(n).collect()
    }

    /// Every product of a convolution: places of filter element, image and result.
    fn products(s: &Geometry, mut each: impl FnMut(usize, usize, usize)) {
        for (filter, at) in (0..s.filters).flat_map(|filter| (0..s.out_pixels()).map(move |at| (filter, at)))
        {
            for k in 0..s.patch() {
                let (channel, i, j) = s.place(k);
                let (y, x) = (at / s.out.1 + i, at % s.out.1 + j);
                let (Some(y), Some(x)) = (y.checked_sub(s.padding.0), x.checked_sub(s.padding.1)) else {
                    continue;
                };
                if y < s.size.0 && x < s.size.1 {
                    each(
                        filter * s.patch() + k,
                        channel * s.pixels() + y * s.size.1 + x,
                        filter * s.out_pixels() + at,
                    );
                }
            }
        }
    }

    /// Some images by filters, and both gradients, against sums in doubles.
    fn compare<T: Real>(s: &Geometry, images: usize, tolerance: f64) {
        let (pixels, out) = (s.channels * s.pixels(), s.filters * s.out_pixels());
        let (image, filters) = (values::<T>(images * pixels, 1), values::<T>(s.filters * s.patch(), 2));
        let (gradient, bias) = (values::<T>(images * out, 3), values::<T>(s.filters, 4));
        let mut expected = [vec![0.0; gradient.len()], vec![0.0; image.len()], vec![0.0; filters.len()]];
        products(s, |w, x, y| {
            for k in 0..images {
                let (x, y) = (k * pixels + x, k * out + y);
                expected[0][y] += filters[w].wide() * image[x].wide();
                expected[1][x] += filters[w].wide() * gradient[y].wide();
                expected[2][w] += image[x].wide() * gradient[y].wide();
            }
        });
        for (k, plane) in expected[0].chunks_exact_mut(s.out_pixels()).enumerate() {
            plane.iter_mut().for_each(|y| *y += bias[k % s.filters].wide());
        }

        let mut found =
            [vec![T::ONE; gradient.len()], vec![T::ONE; image.len()], vec![T::ZERO; filters.len()]];
        let run = |direct: Direct, turned, bias, images: &[T], size: usize, out: &mut [T], to: usize| {
            let mut packed = vec![T::ONE; direct.filters()];
            direct.pack(&filters, turned, &mut packed);
            let mut scratch = vec![T::ZERO; direct.workspace()];
            for (image, out) in images.chunks_exact(size).zip(out.chunks_exact_mut(to)) {
                direct.run(&packed, bias, image, out, &mut scratch);
            }
        };
        let direct = [Direct::forward::<T>(s).unwrap(), Direct::backward::<T>(s).unwrap()];
        run(direct[0], false, Some(&bias[..]), &image, pixels, &mut found[0], out);
        run(direct[1], true, None, &gradient, out, &mut found[1], pixels);
        let by_filters = FilterGradient::new::<T>(s).unwrap();
        let mut sums = vec![T::ZERO; by_filters.sums::<T>()];
        by_filters.add(&image, &gradient, &mut sums, &mut vec![T::ZERO; by_filters.workspace::<T>()]);
        by_filters.add_to(&sums, &mut found[2]);
        for (what, (found, expected)) in found.iter().zip(&expected).enumerate() {
            for (k, (found, expected)) in found.iter().zip(expected).enumerate() {
                let error = (found.wide() - expected).abs();
                assert!(error < tolerance, "{what}, {k}: {found:?} {expected} {s:?}");
            }
        }
    }

    /// Sizes, with no more padding than there can be.
    fn shape(
        channels: usize,
        filters: usize,
        size: (usize, usize),
        kernel: (usize, usize),
        padding: (usize, usize),
    ) -> Geometry {
        let padding = (padding.0.min(kernel.0 - 1), padding.1.min(kernel.1 - 1));
        let out = (size.0 + 2 * padding.0 - kernel.0 + 1, size.1 + 2 * padding.1 - kernel.1 + 1);
        Geometry { channels, filters, size, out, kernel, stride: (1, 1), padding }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn convolutions_are_their_sums(
            channels in 1_usize..5, filters in 1_usize..20, size in (5_usize..12, 5_usize..40),
            kernel in (1_usize..5, 1_usize..5), padding in (0_usize..4, 0_usize..4),
        ) {
            let shape = shape(channels, filters, size, kernel, padding);
            compare::<f32>(&shape, 1, 1e-4);
            compare::<f64>(&shape, 1, 1e-11);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn of_many_channels_too(
            channels in 16_usize..80, filters in 16_usize..80, size in (4_usize..12, 7_usize..40),
            kernel in (1_usize..4, 1_usize..4), padding in (0_usize..3, 0_usize..3), images in 1_usize..4,
        ) {
            compare::<f32>(&shape(channels, filters, size, kernel, padding), images, 2e-4);
        }
    }
}
