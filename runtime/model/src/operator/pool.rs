//! Pooling of images `[N, channels, height, width]`.

#![allow(unsafe_code)] // images that workers write at once, see `Shared`

use super::window::{Window, images};
use super::{Call, Cost, Operator, Role, Saved, rule};
use crate::kernel::convolution::Geometry;
use crate::kernel::pool;
use crate::kernel::real::{Real, real};
use crate::kernel::shared::Shared;
use crate::{DType, Derivation, Dim, Extent, Result, TensorType};

/// The usual windows, two by two and apart.
const HALVES: Window = Window::square(2, 2, 0);

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
                if self.0 == HALVES {
                    return pool::halve(x, s.size.1, s.out.1, y, places);
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
        let gradient = at.apply(MaxPoolGradient { window: self.0, size }, &operands)?;
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

/// The gradient of [`MaxPool`], from that of its result and the places.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MaxPoolGradient {
    /// The windows.
    pub window: Window,
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
        let result = operands[0].shaped(self.size.clone());
        let out = MaxPool(self.window).results(std::slice::from_ref(&result))?;
        rule::equal(self.name(), "gradient", &operands[0].shape, &out[0].shape)?;
        Ok(vec![result])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let (g, x) = (call.operand_extent(0), call.result_extent(0));
        let (out, pixels) = (g.dims[2] * g.dims[3], x.dims[2] * x.dims[3]);
        let dims = (x.dims[3], g.dims[3]);
        real!(g.dtype, T => {
            let (g, places) = (call.operand::<T>(0), call.operand::<i32>(1));
            let dx = Shared::new(call.result::<T>(0));
            each_plane(call, g.len() / out, |plane| {
                // SAFETY: planes are disjoint.
                let dx = unsafe { dx.part(plane * pixels, pixels) };
                let range = plane * out..(plane + 1) * out;
                if self.window == HALVES {
                    return pool::double(&g[range.clone()], &places[range], dims.1, dims.0, dx);
                }
                dx.fill(0.0);
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
