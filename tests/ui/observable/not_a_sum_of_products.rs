// mistake: 57
use ketline::prelude::*;

fn main() {
    let _ = observable!(Z(0) / Z(1));
    let _ = observable!(Z(0).sin());
    let _ = observable!(X(0) == Z(0));
    let _ = observable!(!Z(0) + [X(0)]);
}
