// mistake: 81
use ketline::prelude::*;

use std::time::Instant;

dataset!(
    pub struct Events {
        at: Instant,
        label: u8,
    }
);

fn main() {}
