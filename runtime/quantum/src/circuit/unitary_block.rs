//! What stands inside `inverse`, `control` and `power`.

use std::ops::{Deref, DerefMut};

use super::Builder;

/// The [`Builder`] inside `inverse`, `control` and `power`, where circuits that measure have no place. A circuit of
/// `circuit!` that measures is callable on the builder alone, so that the compiler refuses it here.
#[derive(Debug)]
pub struct UnitaryBlock<'b>(&'b mut Builder);

impl<'b> UnitaryBlock<'b> {
    /// The builder for such a block.
    pub fn new(builder: &'b mut Builder) -> Self {
        Self(builder)
    }
}

impl Deref for UnitaryBlock<'_> {
    type Target = Builder;

    fn deref(&self) -> &Builder {
        self.0
    }
}

impl DerefMut for UnitaryBlock<'_> {
    fn deref_mut(&mut self) -> &mut Builder {
        self.0
    }
}
