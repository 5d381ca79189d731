//! Text with some of it hidden, for masked language models.

#![allow(clippy::cast_possible_wrap)] // ids and places are 32 bits wide

/// Crops with some positions hidden: ids with the mask's in these places, the places, and what stood there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// Ids, with that of the mask in hidden places.
    pub ids: Vec<i32>,
    /// Hidden places among all ids.
    pub positions: Vec<i32>,
    /// What stood there.
    pub targets: Vec<i32>,
}

impl Hidden {
    /// One position in so many is hidden.
    pub const ONE_IN: usize = 7;

    /// Every seventh position, shifted by a number that differs from step to step, so that each is hidden some day.
    pub fn new(mut ids: Vec<i32>, step: u64, mask: i32) -> Self {
        let count = ids.len() / Self::ONE_IN;
        let positions: Vec<i32> = (0..count)
            .map(|k| {
                let mix =
                    (step.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ k as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                (k * Self::ONE_IN + (mix >> 40) as usize % Self::ONE_IN) as i32
            })
            .collect();
        let targets = positions.iter().map(|&at| std::mem::replace(&mut ids[at as usize], mask)).collect();
        Self { ids, positions, targets }
    }
}
