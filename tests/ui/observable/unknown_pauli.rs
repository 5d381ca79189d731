// mistake: 56
use ketline::prelude::*;

fn main() {
    let _ = observable!(W(0));
    let _ = observable!(0.5 * z(1) + XX(0, 1));
}
