//! Convolution and pooling of images `[N, channels, height, width]`.

#![allow(unsafe_code)] // images that workers write at once, see `Shared`

use super::{Call, Cost, Operator, Role, Saved, rule};
use crate::kernel::convolution::{Contributions, Geometry, Patches, PatchesByPixel, filters_by_channel};
use crate::kernel::gemm::{self, Strided, Target};
use crate::kernel::real::{Real, real};
use crate::kernel::shared::Shared;
use crate::operator::{Reduce, Reduction};
use crate::{DType, Derivation, Dim, Extent, Result, TensorType};

/// Partial sums of a filter's gradient, a number that does not depend on threads.
const PARTS: usize = 8;

/// How far windows are apart, and how much zeros surround the image, for height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// Height and width of a window.
    pub size: (usize, usize),
    /// From one window to the next.
    pub stride: (usize, usize),
    /// Zeros on each side.
    pub padding: (usize, usize),
}

impl Window {
    /// Square windows.
    pub const fn square(size: usize, stride: usize, padding: usize) -> Self {
        Self { size: (size, size), stride: (stride, stride), padding: (padding, padding) }
    }

    fn out(self, operator: &'static str, x: &TensorType) -> Result<[Dim; 2]> {
        let along = |axis: usize, size: usize, stride: usize, padding: usize| {
            let all = x.shape[axis].known().map(|n| n + 2 * padding);
            match all {
                Some(all) if size > 0 && stride > 0 && size <= all && padding < size => {
                    Ok(Dim::from((all - size) / stride + 1))
                }
                _ => Err(rule::wrong(
                    operator,
                    "window",
                    format!("{self:?} on {x}"),
                    "one that fits an image of known size",
                )),
            }
        };
        Ok([
            along(2, self.size.0, self.stride.0, self.padding.0)?,
            along(3, self.size.1, self.stride.1, self.padding.1)?,
        ])
    }

    fn geometry(self, x: &Extent, out: &Extent) -> Geometry {
        Geometry {
            channels: x.dims[1],
            filters: out.dims[1],
            size: (x.dims[2], x.dims[3]),
            out: (out.dims[2], out.dims[3]),
            kernel: self.size,
            stride: self.stride,
            padding: self.padding,
        }
    }
}

fn images(operator: &'static str, x: &TensorType) -> Result<()> {
    rule::real(operator, &[x])?;
    if x.rank() == 4 {
        Ok(())
    } else {
        Err(rule::wrong(operator, "operand", x, "images [N, channels, height, width]"))
    }
}

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
    let workers = (scratch.len() / size).clamp(1, images);
    let scratch = Shared::new(scratch);
    call.team().each(workers, |worker| {
        // SAFETY: each worker has its own part.
        let scratch = unsafe { scratch.part(worker * size, size) };
        for k in images * worker / workers..images * (worker + 1) / workers {
            task(k, scratch);
        }
    });
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
            let y = Shared::new(call.result::<T>(0));
            let size = gemm::workspace::<T>(m, n, k);
            each_image(call, call.scratch(), call.operand_extent(0).dims[0], size, |i, scratch| {
                // SAFETY: images are disjoint.
                let y = unsafe { y.part(i * m * n, m * n) };
                if let Some(bias) = bias {
                    y.chunks_exact_mut(n).zip(bias).for_each(|(y, &bias)| y.fill(bias));
                }
                let image = &x[i * shape.channels * shape.pixels()..(i + 1) * shape.channels * shape.pixels()];
                gemm::multiply(
                    None,
                    (m, n, k),
                    &Strided { data: w, along: k, depth: 1 },
                    &Patches { image, shape },
                    None,
                    Shared::new(y),
                    Target { stride: n, accumulate: bias.is_some() },
                    scratch,
                );
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
        let size = real!(operands[0].dtype, T => {
            gemm::workspace::<T>(s.filters, s.out_pixels(), s.patch()) * size_of::<T>()
        });
        size * threads.min(operands[0].dims[0])
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
            let dx = Shared::new(call.result::<T>(0));
            let size = gemm::workspace::<T>(m, n, k);
            let (filters, scratch) = call.scratch::<T>().split_at_mut(m * k);
            filters_by_channel(w, &shape, filters);
            let filters = &*filters;
            each_image(call, scratch, call.operand_extent(0).dims[0], size, |i, scratch| {
                let out = shape.filters * shape.out_pixels();
                gemm::multiply(
                    None,
                    (m, n, k),
                    &Strided { data: filters, along: 1, depth: m },
                    &Contributions { gradient: &g[i * out..(i + 1) * out], shape },
                    None,
                    // SAFETY: images are disjoint.
                    Shared::new(unsafe { dx.part(i * m * n, m * n) }),
                    Target { stride: n, accumulate: false },
                    scratch,
                );
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
            let scratch = gemm::workspace::<T>(s.channels, s.pixels(), k) * threads.min(operands[0].dims[0]);
            (scratch + s.channels * k) * size_of::<T>()
        })
    }

    fn relation(&self, _operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![
            vec![Role::Passes(0), Role::Contracts, Role::Whole, Role::Whole],
            vec![Role::Contracts, Role::Passes(1), Role::Whole, Role::Whole],
        ]
    }
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
        let count = call.operand_extent(0).dims[0];
        let parts = PARTS.min(count);
        real!(call.operand_extent(0).dtype, T => {
            let (g, x) = (call.operand::<T>(0), call.operand::<T>(1));
            let dw = call.result::<T>(0);
            let (sums, scratch) = call.scratch::<T>().split_at_mut(parts * m * n);
            let size = gemm::workspace::<T>(m, n, k);
            let workers = (scratch.len() / size).clamp(1, parts);
            let (shared, scratch) = (Shared::new(sums), Shared::new(scratch));
            call.team().each(workers, |worker| {
                // SAFETY: each worker has its own scratch memory, each part its own sums.
                let scratch = unsafe { scratch.part(worker * size, size) };
                for part in parts * worker / workers..parts * (worker + 1) / workers {
                    let range = count * part / parts..count * (part + 1) / parts;
                    for i in range.clone() {
                        let image = &x[i * shape.channels * shape.pixels()..(i + 1) * shape.channels * shape.pixels()];
                        gemm::multiply(
                            None,
                            (m, n, k),
                            &Strided { data: &g[i * m * k..(i + 1) * m * k], along: k, depth: 1 },
                            &PatchesByPixel(Patches { image, shape }),
                            None,
                            // SAFETY: as above.
                            Shared::new(unsafe { shared.part(part * m * n, m * n) }),
                            Target { stride: n, accumulate: i > range.start },
                            scratch,
                        );
                    }
                }
            });
            dw.fill(0.0);
            for sums in sums.chunks_exact(m * n) {
                dw.iter_mut().zip(sums).for_each(|(y, &x)| *y += x);
            }
        });
        Ok(())
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        let w = &results[0].dims;
        Cost::streaming(2 * w[1] * w[2] * w[3] * operands[0].elements(), operands, results)
    }

    fn workspace(&self, operands: &[Extent], results: &[Extent], threads: usize) -> usize {
        let s = self.of.geometry(&operands[1], &results[0], &operands[0]);
        let parts = PARTS.min(operands[0].dims[0]);
        real!(operands[0].dtype, T => {
            let scratch = gemm::workspace::<T>(s.filters, s.patch(), s.out_pixels()) * threads.min(parts);
            (scratch + parts * s.filters * s.patch()) * size_of::<T>()
        })
    }

    fn relation(&self, _operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![
            vec![Role::Contracts, Role::Passes(0), Role::Whole, Role::Whole],
            vec![Role::Contracts, Role::Passes(1), Role::Whole, Role::Whole],
        ]
    }
}

fn plane_roles() -> Vec<Role> {
    vec![Role::Passes(0), Role::Passes(1), Role::Whole, Role::Whole]
}

/// Runs `task` for every plane: a channel of an image.
fn each_plane(call: &Call<'_>, planes: usize, task: impl Fn(usize) + Sync) {
    call.team().parts(planes, 16, |from, to| (from..to).for_each(&task));
}

/// The windows' largest elements. Result 1 holds their places within a channel, for the derivative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MaxPool(pub Window);

impl Operator for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        let x = &operands[0];
        images(self.name(), x)?;
        let [height, width] = self.0.out(self.name(), x)?;
        let shape = vec![x.shape[0].clone(), x.shape[1].clone(), height, width];
        Ok(vec![x.shaped(shape.clone()), TensorType { dtype: DType::I32, shape }])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let s = self.0.geometry(call.operand_extent(0), call.result_extent(0));
        let (pixels, out) = (s.pixels(), s.out_pixels());
        real!(call.operand_extent(0).dtype, T => {
            let x = call.operand::<T>(0);
            let planes = x.len() / pixels;
            let (y, places) = (Shared::new(call.result::<T>(0)), Shared::new(call.result::<i32>(1)));
            each_plane(call, planes, |plane| {
                let x = &x[plane * pixels..(plane + 1) * pixels];
                // SAFETY: planes are disjoint.
                let (y, places) = unsafe { (y.part(plane * out, out), places.part(plane * out, out)) };
                if s.kernel == (2, 2) && s.stride == (2, 2) && s.padding == (0, 0) {
                    return halve(x, s.size.1, s.out.1, y, places);
                }
                for (k, (y, place)) in y.iter_mut().zip(places).enumerate() {
                    let (mut most, mut at) = (<T as Real>::NEG_INFINITY, 0);
                    for place in windows(&s, k) {
                        // a NaN wins, so that it is not lost
                        if x[place] > most || x[place].is_nan() {
                            (most, at) = (x[place], place);
                        }
                    }
                    (*y, *place) = (most, at as i32);
                }
            });
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let (operands, size) = ([at.gradient(0), at.result(1)], at.operand_type(0).shape);
        let gradient = at.apply(MaxPoolGradient { size }, &operands)?;
        at.add(0, gradient)
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(self.0.size.0 * self.0.size.1 * results[0].elements(), operands, results)
    }

    fn saved(&self) -> Saved {
        Saved { operands: &[], results: &[1] }
    }

    fn relation(&self, _operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![plane_roles()]
    }
}

/// The usual windows, two by two and apart: four candidates without a loop over a window.
fn halve<T: Real>(x: &[T], width: usize, out: usize, y: &mut [T], places: &mut [i32]) {
    for (row, (y, places)) in y.chunks_exact_mut(out).zip(places.chunks_exact_mut(out)).enumerate() {
        let top = 2 * row * width;
        let (upper, lower) = (&x[top..top + 2 * out], &x[top + width..top + width + 2 * out]);
        let pairs = upper.chunks_exact(2).zip(lower.chunks_exact(2));
        for (k, ((y, place), (a, b))) in y.iter_mut().zip(places).zip(pairs).enumerate() {
            let at = (top + 2 * k) as i32;
            let below = at + width as i32;
            let mut best = (a[0], at);
            for next in [(a[1], at + 1), (b[0], below), (b[1], below + 1)] {
                // a NaN wins, so that it is not lost
                #[allow(clippy::eq_op)] // the generic way to ask for NaN
                if next.0 > best.0 || next.0 != next.0 {
                    best = next;
                }
            }
            (*y, *place) = best;
        }
    }
}

/// The gradient of [`MaxPool`], from that of its result and the places.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MaxPoolGradient {
    /// Shape of the images.
    pub size: Vec<Dim>,
}

impl Operator for MaxPoolGradient {
    fn name(&self) -> &'static str {
        "max_pool_gradient"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 2..=2)?;
        images(self.name(), &operands[0])?;
        rule::equal(self.name(), "places", &operands[1].shape, &operands[0].shape)?;
        if self.size.len() != 4 {
            return Err(rule::wrong(self.name(), "shape", format!("{:?}", self.size), "that of images"));
        }
        rule::equal(self.name(), "leading axes", &operands[0].shape[..2], &self.size[..2])?;
        Ok(vec![operands[0].shaped(self.size.clone())])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let (g, x) = (call.operand_extent(0), call.result_extent(0));
        let (out, pixels) = (g.dims[2] * g.dims[3], x.dims[2] * x.dims[3]);
        real!(g.dtype, T => {
            let (g, places) = (call.operand::<T>(0), call.operand::<i32>(1));
            let dx = Shared::new(call.result::<T>(0));
            each_plane(call, g.len() / out, |plane| {
                // SAFETY: planes are disjoint.
                let dx = unsafe { dx.part(plane * pixels, pixels) };
                dx.fill(0.0);
                let range = plane * out..(plane + 1) * out;
                for (&g, &place) in g[range.clone()].iter().zip(&places[range]) {
                    dx[(place as usize).min(pixels - 1)] += g;
                }
            });
        });
        Ok(())
    }

    fn relation(&self, _operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![plane_roles(), plane_roles()]
    }
}

/// The windows' means; zeros around the image count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AveragePool(pub Window);

impl Operator for AveragePool {
    fn name(&self) -> &'static str {
        "average_pool"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        let x = &operands[0];
        images(self.name(), x)?;
        let [height, width] = self.0.out(self.name(), x)?;
        Ok(vec![x.shaped(vec![x.shape[0].clone(), x.shape[1].clone(), height, width])])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let s = self.0.geometry(call.operand_extent(0), call.result_extent(0));
        let (pixels, out) = (s.pixels(), s.out_pixels());
        real!(call.operand_extent(0).dtype, T => {
            let (x, y) = (call.operand::<T>(0), Shared::new(call.result::<T>(0)));
            each_plane(call, x.len() / pixels, |plane| {
                let x = &x[plane * pixels..(plane + 1) * pixels];
                // SAFETY: planes are disjoint.
                for (k, y) in unsafe { y.part(plane * out, out) }.iter_mut().enumerate() {
                    *y = windows(&s, k).map(|place| x[place]).sum::<T>() / (s.kernel.0 * s.kernel.1) as T;
                }
            });
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let (gradient, size) = (at.gradient(0), at.operand_type(0).shape);
        let gradient = at.apply(AveragePoolGradient { window: self.0, size }, &[gradient])?;
        at.add(0, gradient)
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(self.0.size.0 * self.0.size.1 * results[0].elements(), operands, results)
    }

    fn relation(&self, _operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![plane_roles()]
    }
}

/// The places within a channel that window `k` covers.
fn windows(s: &Geometry, k: usize) -> impl Iterator<Item = usize> {
    let s = *s;
    let (top, left) = (k / s.out.1 * s.stride.0, k % s.out.1 * s.stride.1);
    let rows = top.saturating_sub(s.padding.0)..(top + s.kernel.0).saturating_sub(s.padding.0).min(s.size.0);
    rows.flat_map(move |row| {
        let columns =
            left.saturating_sub(s.padding.1)..(left + s.kernel.1).saturating_sub(s.padding.1).min(s.size.1);
        columns.map(move |column| row * s.size.1 + column)
    })
}

/// The gradient of [`AveragePool`], from that of its result.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AveragePoolGradient {
    /// The windows.
    pub window: Window,
    /// Shape of the images.
    pub size: Vec<Dim>,
}

impl Operator for AveragePoolGradient {
    fn name(&self) -> &'static str {
        "average_pool_gradient"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        let result = operands[0].shaped(self.size.clone());
        let out = AveragePool(self.window).results(std::slice::from_ref(&result))?;
        rule::equal(self.name(), "gradient", &operands[0].shape, &out[0].shape)?;
        Ok(vec![result])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let s = self.window.geometry(call.result_extent(0), call.operand_extent(0));
        let (pixels, out) = (s.pixels(), s.out_pixels());
        real!(call.operand_extent(0).dtype, T => {
            let (g, dx) = (call.operand::<T>(0), Shared::new(call.result::<T>(0)));
            each_plane(call, g.len() / out, |plane| {
                // SAFETY: planes are disjoint.
                let dx = unsafe { dx.part(plane * pixels, pixels) };
                dx.fill(0.0);
                for (k, &g) in g[plane * out..(plane + 1) * out].iter().enumerate() {
                    let share = g / (s.kernel.0 * s.kernel.1) as T;
                    windows(&s, k).for_each(|place| dx[place] += share);
                }
            });
        });
        Ok(())
    }

    fn relation(&self, _operands: &[TensorType]) -> Vec<Vec<Role>> {
        vec![plane_roles()]
    }
}
