//! Linear spaces of bit strings under XOR.

/// A linear space, by a basis whose highest bits, the *pivots*, differ; highest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Subspace {
    basis: Vec<usize>,
}

impl Subspace {
    /// The smallest space with these strings.
    pub(super) fn spanned(strings: impl IntoIterator<Item = usize>) -> Self {
        let mut space = Self::default();
        strings.into_iter().for_each(|string| space.insert(string));
        space
    }

    /// Makes the space hold a string.
    pub(super) fn insert(&mut self, string: usize) {
        let (_, rest) = self.divide(string);
        if rest != 0 {
            let at = self.basis.partition_point(|b| *b > rest);
            self.basis.insert(at, rest);
        }
    }

    pub(super) fn contains(&self, string: usize) -> bool {
        self.divide(string).1 == 0
    }

    pub(super) fn dimension(&self) -> usize {
        self.basis.len()
    }

    pub(super) fn basis(&self) -> &[usize] {
        &self.basis
    }

    /// Which strings of the basis add up to a string of the space: bit `k` is for the one at `k`.
    pub(super) fn coordinates(&self, string: usize) -> usize {
        self.divide(string).0
    }

    /// All strings of the space.
    pub(super) fn members(&self) -> Vec<usize> {
        let mut members = vec![0];
        for b in &self.basis {
            members.extend_from_within(..);
            let half = members.len() / 2;
            members[half..].iter_mut().for_each(|member| *member ^= b);
        }
        members
    }

    /// The string by which coset `number` is known: the one without pivots.
    pub(super) fn representative(&self, number: usize) -> usize {
        let spread = |index: usize, b: &usize| {
            let below = (1 << b.ilog2()) - 1;
            index + (index & !below)
        };
        self.basis.iter().rev().fold(number, spread)
    }

    fn divide(&self, string: usize) -> (usize, usize) {
        self.basis.iter().enumerate().fold((0, string), |(used, rest), (k, b)| {
            if rest >> b.ilog2() & 1 == 1 { (used | 1 << k, rest ^ b) } else { (used, rest) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosets_cover_all_strings_once() {
        let space = Subspace::spanned([0b00110, 0b01100, 0b01010, 0b10001]);
        assert_eq!((space.dimension(), space.members().len()), (3, 8));
        for member in space.members() {
            let used = space.coordinates(member);
            let sum = (0..3).filter(|k| used >> k & 1 == 1).fold(0, |sum, k| sum ^ space.basis()[k]);
            assert!(space.contains(member) && sum == member);
        }
        assert!(!space.contains(0b00001));
        let mut all: Vec<usize> = (0..4)
            .flat_map(|number| space.members().into_iter().map(move |m| (number, m)))
            .map(|(number, member)| space.representative(number) ^ member)
            .collect();
        all.sort_unstable();
        assert_eq!(all, (0..32).collect::<Vec<_>>());
    }
}
