//! The gradient of a convolution by its filters.

use std::ops::Range;

use super::super::{Call, Cost, Operator, Role, rule};
use super::Conv2d;
use crate::kernel::convolution::{FilterGradient, Geometry, Patches, PatchesByPixel};
use crate::kernel::gemm::{self, Product, Strided, Target};
use crate::kernel::real::{Real, real};
use crate::kernel::shared::Shared;
use crate::{Dim, Extent, Result, TensorType};

/// Partial sums of a filter's gradient, a number that does not depend on threads.
const PARTS: usize = 8;

/// Sums of so many elements over images in a number of parts, with scratch memory of a worker that begins with zeros.
#[derive(Clone, Copy)]
struct Sums {
    parts: usize,
    size: usize,
    workspace: usize,
    zeros: usize,
}

impl Sums {
    fn new<T: Real>(s: &Geometry, images: usize) -> Self {
        // of two images at least, which the matrix unit takes together; the sums of each part take memory
        let parts = PARTS.min(images.div_ceil(2));
        match FilterGradient::new::<T>(s) {
            Some(direct) => Self {
                parts,
                size: direct.sums::<T>(),
                workspace: direct.workspace::<T>(),
                zeros: direct.zeros(),
            },
            None => Self {
                parts,
                size: s.filters * s.patch(),
                workspace: gemm::workspace::<T>(s.filters, s.patch(), s.out_pixels(), 1),
                zeros: 0,
            },
        }
    }
}

/// Sums over images: `add` adds images to the sums of their part, `join` takes these in order.
fn each_part<T: Real>(
    call: &Call<'_>,
    Sums { parts, size, workspace, zeros }: Sums,
    add: impl Fn(Range<usize>, &mut [T], &mut [T]) + Sync,
    join: impl FnMut(&[T]),
) {
    let count = call.operand_extent(0).dims[0];
    let (sums, scratch) = call.scratch::<T>().split_at_mut(parts * size);
    sums.fill(T::ZERO);
    for scratch in scratch.chunks_exact_mut(workspace.max(1)) {
        scratch[..zeros].fill(T::ZERO);
    }
    let (shared, scratch) = (Shared::new(sums), Shared::new(scratch));
    call.team().each_worker(parts, |worker, part| {
        let images = count * part / parts..count * (part + 1) / parts;
        // SAFETY: each part has its own sums, each worker its own scratch memory.
        unsafe { add(images, shared.part(part * size, size), scratch.part(worker * workspace, workspace)) };
    });
    sums.chunks_exact(size).for_each(join);
}

/// The gradient of [`Conv2d`] by the filters, from that of its result and the images.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Conv2dWeightGradient {
    /// The convolution.
    pub of: Conv2d,
    /// Shape of the filters.
    pub size: Vec<Dim>,
}

impl Operator for Conv2dWeightGradient {
    fn name(&self) -> &'static str {
        "conv2d_weight_gradient"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 2..=2)?;
        let result = operands[0].shaped(self.size.clone());
        let out = self.of.results(&[operands[1].clone(), result.clone()])?;
        rule::equal(self.name(), "gradient", &operands[0].shape, &out[0].shape)?;
        Ok(vec![result])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let shape = self.of.geometry(call.operand_extent(1), call.result_extent(0), call.operand_extent(0));
        let (m, n, k) = (shape.filters, shape.patch(), shape.out_pixels());
        let (gradient, image) = (m * k, shape.channels * shape.pixels());
        real!(call.operand_extent(0).dtype, T => {
            let (g, x) = (call.operand::<T>(0), call.operand::<T>(1));
            let dw = call.result::<T>(0);
            dw.fill(0.0);
            let sums = Sums::new::<T>(&shape, call.operand_extent(0).dims[0]);
            if let Some(direct) = FilterGradient::new::<T>(&shape) {
                each_part(
                    call,
                    sums,
                    |Range { start, end }, sums, scratch| {
                        let (g, x) = (&g[start * gradient..end * gradient], &x[start * image..end * image]);
                        direct.add(x, g, sums, scratch);
                    },
                    |sums| direct.add_to(sums, dw),
                );
                return Ok(());
            }
            each_part(
                call,
                sums,
                |images, sums, scratch| {
                    for i in images {
                        Product {
                            team: None,
                            size: (m, n, k),
                            a: &Strided { data: &g[i * gradient..(i + 1) * gradient], along: k, depth: 1 },
                            b: &PatchesByPixel(Patches { image: &x[i * image..(i + 1) * image], shape }),
                            bias: None,
                            c: Shared::new(sums),
                            target: Target { stride: n, accumulate: true },
                        }
                        .run(scratch);
                    }
                },
                |sums| dw.iter_mut().zip(sums).for_each(|(y, &x)| *y += x),
            );
        });
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        let w = &results[0].dims;
        Cost::streaming(2 * w[1] * w[2] * w[3] * operands[0].elements(), operands, results)
    }

    fn workspace(&self, operands: &[Extent], results: &[Extent], threads: usize) -> usize {
        let s = self.of.geometry(&operands[1], &results[0], &operands[0]);
        real!(operands[0].dtype, T => {
            let Sums { parts, size, workspace, .. } = Sums::new::<T>(&s, operands[0].dims[0]);
            (parts * size + threads * workspace) * size_of::<T>()
        })
    }

    fn relation(&self, _operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![
            vec![Role::Contracts, Role::Passes(0), Role::Whole, Role::Whole],
            vec![Role::Contracts, Role::Passes(1), Role::Whole, Role::Whole],
        ]
    }
}
