// mistake: 85
use ketline::prelude::*;

dataset!(
    pub fn digits() {}
);

fn main() {}
