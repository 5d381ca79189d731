// mistake: 85
use ketline::prelude::*;

dataset!(
    pub struct Words<'a> {
        text: &'a str,
    }
);

fn main() {}
