//! Windows over images.

use super::Rule;
use crate::pipeline::check::value::{Condition, Tensor};
use crate::pipeline::model::DType;
use crate::pipeline::size::Size;

/// The size after windows have gone along an axis.
fn windows(at: &mut Rule<'_, '_>, size: &Size) -> Option<Size> {
    let (window, stride, padding) = (at.size("size"), at.size("stride"), at.size("padding"));
    let all = size.plus(&padding.times(&Size::number(2)));
    let tokens = at.at("size");
    let words = "windows of \0 do not fit \0 pixels".to_owned();
    at.require(
        &tokens,
        Condition::AtMost(window.clone(), all.clone()),
        words,
        vec![window.clone(), all.clone()],
    );
    if let (Some(window), Some(all)) = (window.value(), all.value())
        && window > all
    {
        return None;
    }
    let steps = all.plus(&window.times(&Size::number(-1)));
    let steps = match (steps.value(), stride.value()) {
        (_, Some(1)) => steps,
        (Some(steps), Some(stride)) if stride > 0 => Size::number(steps / stride),
        // rounded down, which is not followed
        _ => Size::unknown(),
    };
    Some(steps.plus(&Size::number(1)))
}

fn image(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = at.real(0)?;
    at.rank(0, 4, "images [batch, channels, height, width]")?;
    Some(x)
}

pub(in crate::pipeline::layer) fn conv2d(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = image(at)?;
    let (filters, size) = (at.size("filters"), at.size("size"));
    at.parameter(x.dtype, &[filters.clone(), x.shape[1].clone(), size.clone(), size]);
    at.parameter(x.dtype, std::slice::from_ref(&filters));
    at.keep(&x);
    let (height, width) = (windows(at, &x.shape[2])?, windows(at, &x.shape[3])?);
    Some(at.result(x.dtype, vec![x.shape[0].clone(), filters, height, width]))
}

fn pool(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let x = image(at)?;
    let (height, width) = (windows(at, &x.shape[2])?, windows(at, &x.shape[3])?);
    Some(at.result(x.dtype, vec![x.shape[0].clone(), x.shape[1].clone(), height, width]))
}

pub(in crate::pipeline::layer) fn max_pool(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    let out = pool(at)?;
    if out.wanted {
        at.keep_besides(DType::I32, &out.shape);
    }
    Some(out)
}

pub(in crate::pipeline::layer) fn average_pool(at: &mut Rule<'_, '_>) -> Option<Tensor> {
    pool(at)
}
