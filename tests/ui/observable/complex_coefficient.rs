// mistake: 54
use ketline::prelude::*;

fn main() {
    let _ = observable!(2i * X(0));
    let _ = observable!(Z(0) + 0.5j * Z(1));
}
