//! When a buffer is in use.

use std::fmt;

/// Steps in which memory is in use: ranges from the first step that writes to the last that reads, apart and in order. A range
/// from -1 begins before the first step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Life(Vec<(isize, isize)>);

impl Life {
    /// In use from one step to another, both included.
    pub fn new(from: isize, to: isize) -> Self {
        Self(vec![(from, to)])
    }

    /// The ranges.
    pub fn ranges(&self) -> &[(isize, isize)] {
        &self.0
    }

    /// The first step; the largest number, if there is none.
    pub fn first(&self) -> isize {
        self.0.first().map_or(isize::MAX, |range| range.0)
    }

    /// The last step; the smallest number, if there is none.
    pub fn last(&self) -> isize {
        self.0.last().map_or(isize::MIN, |range| range.1)
    }

    /// Whether there is a step in both.
    pub fn meets(&self, other: &Self) -> bool {
        self.0.iter().any(|a| other.0.iter().any(|b| a.0 <= b.1 && b.0 <= a.1))
    }

    /// Whether one ends and the other begins in step `k`, and no other step is in both, but for those in which the other ends and
    /// the one begins again, if these give `back`.
    pub(super) fn hands_over(&self, to: &Self, k: isize, back: impl Fn(isize) -> bool) -> bool {
        let ends = self.0.iter().any(|range| range.1 == k);
        let begins = to.0.iter().any(|range| range.0 == k);
        ends && begins
            && self.0.iter().all(|a| {
                to.0.iter().all(|b| {
                    let apart = a.0.max(b.0) > a.1.min(b.1);
                    apart || (a.1 == k && b.0 == k) || (b.1 == a.0 && b.0 < a.0 && back(a.0))
                })
            })
    }

    /// In use when either is.
    pub(super) fn with(&self, other: &Self) -> Self {
        let mut all: Vec<_> = self.0.iter().chain(&other.0).copied().collect();
        all.sort_unstable();
        let mut ranges: Vec<(isize, isize)> = Vec::new();
        for range in all {
            match ranges.last_mut() {
                Some(before) if range.0 <= before.1 + 1 => before.1 = before.1.max(range.1),
                _ => ranges.push(range),
            }
        }
        Self(ranges)
    }

    /// In use in this step as well, and between.
    pub(super) fn reach(&mut self, k: isize) {
        *self = Self::new(self.first().min(k), self.last().max(k));
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges: Vec<_> = self.0.iter().map(|(from, to)| format!("{from}..={to}")).collect();
        f.write_str(&ranges.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_meet_and_join() {
        let hollow = Life::new(-1, 3).with(&Life::new(8, 9));
        assert_eq!(hollow.to_string(), "-1..=3, 8..=9");
        assert!(!hollow.meets(&Life::new(4, 7)) && hollow.meets(&Life::new(7, 8)));
        let no = |_| false;
        assert!(hollow.hands_over(&Life::new(3, 7), 3, no) && !hollow.hands_over(&Life::new(3, 8), 3, no));
        assert!(!hollow.hands_over(&Life::new(9, 12), 3, no) && hollow.hands_over(&Life::new(9, 12), 9, no));
        assert!(hollow.hands_over(&Life::new(3, 8), 3, |step| step == 8));
        assert_eq!(hollow.with(&Life::new(4, 7)), Life::new(-1, 9));
        assert_eq!((hollow.first(), hollow.last()), (-1, 9));
    }
}
