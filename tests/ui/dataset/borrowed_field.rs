// mistake: 80
use ketline::prelude::*;

dataset!(
    pub struct Words {
        path: &'static str,
        ids: &[u32],
        place: *const f32,
    }
);

fn main() {}
