//! Rules: what shape a layer gives, what its parameters are, and what the backward pass reads. Each says what the runtime's
//! operators say, with names for sizes.

pub(super) mod arrangement;
pub(super) mod attention;
pub(super) mod dense;
pub(super) mod elementwise;
pub(super) mod image;
pub(super) mod loss;
pub(super) mod table;

use super::apply::Apply;
use crate::pipeline::check::value::Tensor;
use crate::pipeline::size::Size;

type Rule<'w, 'a> = Apply<'w, 'a>;

/// The last size, and those before it.
fn split(x: &Tensor) -> (Size, Vec<Size>) {
    let (last, lead) =
        x.shape.split_last().map_or((Size::unknown(), &[][..]), |(last, lead)| (last.clone(), lead));
    (last, lead.to_vec())
}

fn product(sizes: &[Size]) -> Size {
    sizes.iter().fold(Size::number(1), |product, size| product.times(size))
}

fn with_last(lead: Vec<Size>, last: Size) -> Vec<Size> {
    [lead, vec![last]].concat()
}
