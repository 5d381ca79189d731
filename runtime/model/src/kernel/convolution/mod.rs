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
    /// Elements of a filter's plane.
    fn area(&self) -> usize {
        self.kernel.0 * self.kernel.1
    }

    /// Elements of a patch.
    pub(crate) fn patch(&self) -> usize {
        self.channels * self.area()
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

    use super::super::amx;
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

    /// Images, filters, gradients of results, and biases.
    struct Operands<T> {
        shape: Geometry,
        image: Vec<T>,
        filters: Vec<T>,
        gradient: Vec<T>,
        bias: Vec<T>,
    }

    impl<T: Real> Operands<T> {
        fn new(shape: &Geometry, images: usize) -> Self {
            let s = shape;
            Self {
                shape: *s,
                image: values(images * s.channels * s.pixels(), 1),
                filters: values(s.filters * s.patch(), 2),
                gradient: values(images * s.filters * s.out_pixels(), 3),
                bias: values(s.filters, 4),
            }
        }

        /// Elements of an image and of its result.
        fn sizes(&self) -> (usize, usize) {
            (self.shape.channels * self.shape.pixels(), self.shape.filters * self.shape.out_pixels())
        }

        /// The result, and gradients by images and filters, from sums in doubles.
        fn expected(&self) -> [Vec<f64>; 3] {
            let Self { image, filters, gradient, .. } = self;
            let mut sums = [vec![0.0; gradient.len()], vec![0.0; image.len()], vec![0.0; filters.len()]];
            let (image_size, result_size) = self.sizes();
            products(&self.shape, |w, x, y| {
                for k in 0..image.len() / image_size {
                    let (x, y) = (k * image_size + x, k * result_size + y);
                    sums[0][y] += filters[w].wide() * image[x].wide();
                    sums[1][x] += filters[w].wide() * gradient[y].wide();
                    sums[2][w] += image[x].wide() * gradient[y].wide();
                }
            });
            for (plane, bias) in
                sums[0].chunks_exact_mut(self.shape.out_pixels()).zip(self.bias.iter().cycle())
            {
                for y in plane {
                    *y += bias.wide();
                }
            }
            sums
        }

        /// The same by kernels; whether the matrix unit had a part in each of them.
        fn found(&self, with_unit: bool) -> ([Vec<T>; 3], [bool; 3]) {
            let Self { shape, image, filters, gradient, .. } = self;
            let mut forward = Direct::forward::<T>(shape).unwrap();
            let mut backward = Direct::backward::<T>(shape).unwrap();
            let mut by_filters = FilterGradient::new::<T>(shape).unwrap();
            if !with_unit {
                (forward.unit, backward.unit, by_filters.unit) = (None, None, None);
            }
            let run = |direct: &Direct, turned, bias, images: &[T], size: usize, to: usize| {
                let mut packed = vec![T::ONE; direct.filters()];
                direct.pack(filters, turned, &mut packed);
                let mut scratch = vec![T::ZERO; direct.workspace()];
                let mut results = vec![T::ONE; images.len() / size * to];
                for (image, result) in images.chunks_exact(size).zip(results.chunks_exact_mut(to)) {
                    direct.run(&packed, bias, image, result, &mut scratch);
                }
                results
            };
            let (image_size, result_size) = self.sizes();
            let result = run(&forward, false, Some(&self.bias[..]), image, image_size, result_size);
            let by_image = run(&backward, true, None, gradient, result_size, image_size);
            let mut sums = vec![T::ZERO; by_filters.sums::<T>()];
            let mut scratch = vec![T::ONE; by_filters.workspace::<T>()];
            scratch[..by_filters.zeros()].fill(T::ZERO);
            by_filters.add(image, gradient, &mut sums, &mut scratch);
            let mut filter_gradient = vec![T::ZERO; filters.len()];
            by_filters.add_to(&sums, &mut filter_gradient);
            let by_unit = [forward.unit.is_some(), backward.unit.is_some(), by_filters.unit.is_some()];
            ([result, by_image, filter_gradient], by_unit)
        }
    }

    fn compare<T: Real>(shape: &Geometry, images: usize, tolerance: f64) {
        let operands = Operands::<T>::new(shape, images);
        for (what, (found, expected)) in operands.found(true).0.iter().zip(&operands.expected()).enumerate() {
            for (k, (found, expected)) in found.iter().zip(expected).enumerate() {
                let error = (found.wide() - expected).abs();
                assert!(error < tolerance, "{what}, {k}: {found:?} {expected} {shape:?}");
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

    #[test]
    fn of_images_in_bands_too() {
        compare::<f32>(&shape(32, 32, (47, 240), (3, 1), (1, 0)), 2, 2e-3);
        compare::<f32>(&shape(32, 20, (30, 250), (2, 2), (0, 1)), 1, 2e-3);
    }

    #[test]
    fn convolutions_by_the_unit_are_as_near_the_true_ones_as_those_of_multiply_adds() {
        if !amx::has_amx() {
            return;
        }
        // sums of 432 to 5,400 terms
        for (channels, filters, size) in [(64, 48, (9, 16)), (128, 64, (6, 33)), (32, 600, (3, 16))] {
            let operands = Operands::<f32>::new(&shape(channels, filters, size, (3, 3), (1, 1)), 3);
            let expected = operands.expected();
            let [(unit, by_unit), (plain, _)] = [true, false].map(|with_unit| operands.found(with_unit));
            assert_eq!(by_unit, [true; 3]);
            for what in 0..3 {
                let errors = [&unit, &plain].map(|found| {
                    let squares = found[what].iter().zip(&expected[what]);
                    squares.map(|(found, expected)| (found.wide() - expected).powi(2)).sum::<f64>().sqrt()
                });
                let [unit, plain] = errors;
                assert!(
                    unit < 0.9 * plain,
                    "{what} of {channels} channels: {unit} by the unit, {plain} without"
                );
            }
        }
    }

    #[test]
    fn what_is_not_finite_is_as_without_the_unit() {
        let shape = shape(48, 64, (6, 16), (3, 3), (1, 1));
        for (x, w, g) in [(f32::INFINITY, 0.5, 0.5), (0.5, f32::NAN, 0.5), (f32::MAX, 0.5, f32::NEG_INFINITY)]
        {
            let mut operands = Operands::<f32>::new(&shape, 3);
            let (image_size, result_size) = operands.sizes();
            // of the second image of three
            operands.image[image_size + 700] = x;
            operands.filters[99] = w;
            operands.gradient[result_size + 55] = g;
            let [(unit, by_unit), (plain, _)] = [true, false].map(|with_unit| operands.found(with_unit));
            assert!(!amx::has_amx() || by_unit == [true; 3]);
            for (unit, plain) in unit.iter().flatten().zip(plain.iter().flatten()) {
                let same = unit == plain || (unit.is_nan() && plain.is_nan()) || (unit - plain).abs() < 1e-4;
                assert!(same, "{unit} is not {plain}");
            }
        }
    }
}
