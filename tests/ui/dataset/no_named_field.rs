// mistake: 85
use ketline::prelude::*;

dataset!(
    pub struct Pair(u8, u8);

    pub struct Empty {}

    pub enum Either {
        Left(u8),
    }

    pub union Bits {
        float: f32,
        bits: u32,
    }
);

fn main() {}
