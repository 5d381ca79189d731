//! Convolution of images `[N, channels, height, width]`.

#![allow(unsafe_code)] // images that workers write at once, see `Shared`

mod weights;

pub use weights::Conv2dWeightGradient;

use super::window::{Window, images};
use super::{Call, Cost, Operator, Role, Saved, rule};
use crate::kernel::convolution::{Contributions, Direct, Geometry, Patches, filters_by_channel};
use crate::kernel::gemm::{self, Product, Strided, Target};
use crate::kernel::real::{Real, real};
use crate::kernel::shared::Shared;
use crate::operator::{Reduce, Reduction};
use crate::{Derivation, Dim, Extent, Result, TensorType};

/// A convolution; operands are images, filters `[filters, channels, height, width]` as PyTorch stores them, and perhaps a bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Conv2d {
    /// From one window to the next, for height and width.
    pub stride: (usize, usize),
    /// Zeros on each side.
    pub padding: (usize, usize),
}

impl Conv2d {
    fn window(self, filters: (Option<usize>, Option<usize>)) -> Window {
        Window {
            size: (filters.0.unwrap_or(0), filters.1.unwrap_or(0)),
            stride: self.stride,
            padding: self.padding,
        }
    }

    fn of(self, filters: &TensorType) -> Window {
        self.window((filters.shape[2].known(), filters.shape[3].known()))
    }

    fn geometry(self, x: &Extent, filters: &Extent, out: &Extent) -> Geometry {
        self.window((Some(filters.dims[2]), Some(filters.dims[3]))).geometry(x, out)
    }
}

/// Runs `task` for every image, with scratch memory of its own.
fn each_image<T: Real>(
    call: &Call<'_>,
    scratch: &mut [T],
    images: usize,
    size: usize,
    task: impl Fn(usize, &mut [T]) + Sync,
) {
    let scratch = Shared::new(scratch);
    call.team().each_worker(images, |worker, k| {
        // SAFETY: each worker has its own part.
        task(k, unsafe { scratch.part(worker * size, size) });
    });
}

/// Runs filters over every image, without patches.
fn each_direct<T: Real>(
    call: &Call<'_>,
    direct: &Direct,
    filters: &[T],
    turned: bool,
    bias: Option<&[T]>,
    x: &[T],
    y: &mut [T],
) {
    let images = call.operand_extent(0).dims[0];
    let (x_size, y_size) = (x.len() / images, y.len() / images);
    let (packed, scratch) = call.scratch::<T>().split_at_mut(direct.filters());
    direct.pack(filters, turned, packed);
    scratch.fill(T::ZERO);
    let (packed, y) = (&*packed, Shared::new(y));
    each_image(call, scratch, images, direct.workspace(), |i, scratch| {
        // SAFETY: images are disjoint.
        let y = unsafe { y.part(i * y_size, y_size) };
        direct.run(packed, bias, &x[i * x_size..(i + 1) * x_size], y, scratch);
    });
}

/// Elements of scratch memory for [`each_direct`].
fn direct_scratch(direct: &Direct, workers: usize) -> usize {
    direct.filters() + workers * direct.workspace()
}

impl Operator for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 2..=3)?;
        rule::real(self.name(), &operands.iter().collect::<Vec<_>>())?;
        let (x, w) = (&operands[0], &operands[1]);
        images(self.name(), x)?;
        images(self.name(), w)?;
        rule::equal(self.name(), "channels", &w.shape[1..2], &x.shape[1..2])?;
        if let Some(bias) = operands.get(2) {
            rule::equal(self.name(), "bias", &bias.shape, &w.shape[..1])?;
        }
        let [height, width] = self.of(w).out(self.name(), x)?;
        Ok(vec![x.shaped(vec![x.shape[0].clone(), w.shape[0].clone(), height, width])])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let shape = self.geometry(call.operand_extent(0), call.operand_extent(1), call.result_extent(0));
        let (m, n, k) = (shape.filters, shape.out_pixels(), shape.patch());
        real!(call.operand_extent(0).dtype, T => {
            let (x, w) = (call.operand::<T>(0), call.operand::<T>(1));
            let bias = (call.operand_count() > 2).then(|| call.operand::<T>(2));
            if let Some(direct) = Direct::forward::<T>(&shape) {
                each_direct(call, &direct, w, false, bias, x, call.result::<T>(0));
                return Ok(());
            }
            let y = Shared::new(call.result::<T>(0));
            let size = gemm::workspace::<T>(m, n, k, 1);
            each_image(call, call.scratch(), call.operand_extent(0).dims[0], size, |i, scratch| {
                // SAFETY: images are disjoint.
                let y = unsafe { y.part(i * m * n, m * n) };
                if let Some(bias) = bias {
                    y.chunks_exact_mut(n).zip(bias).for_each(|(y, &bias)| y.fill(bias));
                }
                let image = &x[i * shape.channels * shape.pixels()..(i + 1) * shape.channels * shape.pixels()];
                Product {
                    team: None,
                    size: (m, n, k),
                    a: &Strided { data: w, along: k, depth: 1 },
                    b: &Patches { image, shape },
                    bias: None,
                    c: Shared::new(y),
                    target: Target { stride: n, accumulate: bias.is_some() },
                }
                .run(scratch);
            });
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let (x, w, g) = (at.operand(0), at.operand(1), at.gradient(0));
        if at.wants(0) {
            let size = at.operand_type(0).shape;
            let dx = at.apply(Conv2dInputGradient { of: *self, size }, &[g, w])?;
            at.add(0, dx)?;
        }
        if at.wants(1) {
            let size = at.operand_type(1).shape;
            let dw = at.apply(Conv2dWeightGradient { of: *self, size }, &[g, x])?;
            at.add(1, dw)?;
        }
        if at.operands() > 2 && at.wants(2) {
            let db =
                at.apply(Reduce { reduction: Reduction::Sum, axes: vec![0, 2, 3], keep: false }, &[g])?;
            at.add(2, db)?;
        }
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        let w = &operands[1].dims;
        let bias = usize::from(operands.len() > 2);
        Cost::streaming((2 * w[1] * w[2] * w[3] + bias) * results[0].elements(), operands, results)
    }

    fn saved(&self) -> Saved {
        Saved { operands: &[0, 1], results: &[] }
    }

    fn workspace(&self, operands: &[Extent], results: &[Extent], threads: usize) -> usize {
        let s = self.geometry(&operands[0], &operands[1], &results[0]);
        real!(operands[0].dtype, T => {
            let elements = match Direct::forward::<T>(&s) {
                Some(direct) => direct_scratch(&direct, threads),
                None => threads * gemm::workspace::<T>(s.filters, s.out_pixels(), s.patch(), 1),
            };
            elements * size_of::<T>()
        })
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        let mut roles = vec![
            vec![Role::Passes(0), Role::Contracts, Role::Whole, Role::Whole],
            vec![Role::Passes(1), Role::Contracts, Role::Whole, Role::Whole],
        ];
        if operands.len() > 2 {
            roles.push(vec![Role::Passes(1)]);
        }
        roles
    }
}

/// The gradient of [`Conv2d`] by the images, from that of its result and the filters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Conv2dInputGradient {
    /// The convolution.
    pub of: Conv2d,
    /// Shape of the images.
    pub size: Vec<Dim>,
}

impl Operator for Conv2dInputGradient {
    fn name(&self) -> &'static str {
        "conv2d_input_gradient"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 2..=2)?;
        let result = operands[0].shaped(self.size.clone());
        let out = self.of.results(&[result.clone(), operands[1].clone()])?;
        rule::equal(self.name(), "gradient", &operands[0].shape, &out[0].shape)?;
        Ok(vec![result])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let shape = self.of.geometry(call.result_extent(0), call.operand_extent(1), call.operand_extent(0));
        let (m, n, k) = (shape.channels, shape.pixels(), shape.filters * shape.kernel.0 * shape.kernel.1);
        real!(call.operand_extent(0).dtype, T => {
            let (g, w) = (call.operand::<T>(0), call.operand::<T>(1));
            if let Some(direct) = Direct::backward::<T>(&shape) {
                each_direct(call, &direct, w, true, None, g, call.result::<T>(0));
                return Ok(());
            }
            let dx = Shared::new(call.result::<T>(0));
            let size = gemm::workspace::<T>(m, n, k, 1);
            let (filters, scratch) = call.scratch::<T>().split_at_mut(m * k);
            filters_by_channel(w, &shape, filters);
            let filters = &*filters;
            each_image(call, scratch, call.operand_extent(0).dims[0], size, |i, scratch| {
                let out = shape.filters * shape.out_pixels();
                Product {
                    team: None,
                    size: (m, n, k),
                    a: &Strided { data: filters, along: 1, depth: m },
                    b: &Contributions { gradient: &g[i * out..(i + 1) * out], shape },
                    bias: None,
                    // SAFETY: images are disjoint.
                    c: Shared::new(unsafe { dx.part(i * m * n, m * n) }),
                    target: Target { stride: n, accumulate: false },
                }
                .run(scratch);
            });
        });
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        let w = &operands[1].dims;
        Cost::streaming(2 * w[0] * w[2] * w[3] * results[0].elements(), operands, results)
    }

    fn workspace(&self, operands: &[Extent], results: &[Extent], threads: usize) -> usize {
        let s = self.of.geometry(&results[0], &operands[1], &operands[0]);
        let k = s.filters * s.kernel.0 * s.kernel.1;
        real!(operands[0].dtype, T => {
            let elements = match Direct::backward::<T>(&s) {
                Some(direct) => direct_scratch(&direct, threads),
                None => threads * gemm::workspace::<T>(s.channels, s.pixels(), k, 1) + s.channels * k,
            };
            elements * size_of::<T>()
        })
    }

    fn relation(&self, _operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![
            vec![Role::Passes(0), Role::Contracts, Role::Whole, Role::Whole],
            vec![Role::Contracts, Role::Passes(1), Role::Whole, Role::Whole],
        ]
    }
}
