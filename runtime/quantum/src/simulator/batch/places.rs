//! Where a matrix acts among the slots.

/// The groups of slots that a matrix mixes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Places {
    /// The first slot of each group.
    pub(super) bases: Vec<u16>,
    /// What leads from there (XOR) to the slot of each row.
    pub(super) offsets: Vec<u16>,
}

impl Places {
    /// Those of a matrix on `targets`, the first the least significant bit, where all `controls` are 1; basis states lie
    /// in the slots of their own numbers.
    pub(super) fn new(targets: &[usize], controls: impl IntoIterator<Item = usize>, width: usize) -> Self {
        let spread = |row: usize| {
            targets.iter().enumerate().fold(0, |slot, (k, target)| slot | (row >> k & 1) << target)
        };
        let controls = controls.into_iter().fold(0, |mask, control| mask | 1 << control);
        let fixed = controls | spread((1 << targets.len()) - 1);
        Self {
            bases: (0..1_usize << width)
                .filter(|slot| slot & fixed == controls)
                .map(|slot| slot as u16)
                .collect(),
            offsets: (0..1 << targets.len()).map(|row| spread(row) as u16).collect(),
        }
    }

    /// The dimension of the matrix.
    pub(super) fn dimension(&self) -> usize {
        self.offsets.len()
    }
}
