// mistake: 55
use ketline::prelude::*;

fn main() {
    let _ = observable!(X(0) * Y(0));
    let _ = observable!(0.5 * Z(1) * (Y(0) * X(0)) + X(1));
    let _ = observable!(sum(0..3, |i| Z(i) * X(i)));
}
