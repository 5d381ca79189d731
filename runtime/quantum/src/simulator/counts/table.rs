//! Sorted lists of bitstrings and how often each was counted.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::btree_map;
use std::fmt;
use std::iter::Peekable;

/// New bitstrings that wait beside a list of any length before they are put in.
const WAITING: usize = 64;

/// Bitstrings and their counts. A bitstring stands in one of the two parts only.
#[derive(Clone)]
pub(super) struct Table {
    sorted: Sorted,
    /// Bitstrings that came out of order. They are put in when there are enough of them to pay for the move.
    waiting: BTreeMap<u128, u64>,
}

/// Bitstrings in increasing order. A million of different ones is common, so short ones are kept in a quarter of the space.
#[derive(Clone)]
enum Sorted {
    Narrow(Vec<(u32, u32)>),
    Wide(Vec<(u128, u64)>),
}

impl Table {
    pub(super) const fn new() -> Self {
        Self { sorted: Sorted::Narrow(Vec::new()), waiting: BTreeMap::new() }
    }

    /// A list of different bitstrings in increasing order; no count is zero.
    pub(super) fn from_sorted(list: Vec<(u32, u32)>) -> Self {
        Self { sorted: Sorted::Narrow(list), waiting: BTreeMap::new() }
    }

    /// Counts a bitstring `times` more; a count stays at most `u64::MAX`.
    pub(super) fn add(&mut self, bits: u128, times: u64) {
        let len = self.sorted.len();
        let after_all = len == 0 || self.sorted.at(len - 1).0 < bits;
        if after_all && self.waiting.is_empty() {
            self.sorted.push(bits, times);
        } else if let Some(at) = self.sorted.find(bits) {
            let (_, count) = self.sorted.at(at);
            self.sorted.set(at, count.saturating_add(times));
        } else {
            let count = self.waiting.entry(bits).or_default();
            *count = count.saturating_add(times);
            if self.waiting.len() > WAITING + self.len() / 8 {
                self.settle();
            }
        }
    }

    /// Adds another list.
    pub(super) fn merge(&mut self, other: &Self) {
        if other.len() < WAITING + self.len() / 8 {
            other.iter().for_each(|(bits, times)| self.add(bits, times));
            return;
        }
        let mut sum = Sorted::Narrow(Vec::with_capacity(self.len() + other.len()));
        let (mut a, mut b) = (self.iter().peekable(), other.iter().peekable());
        while let (Some(&(left, n)), Some(&(right, m))) = (a.peek(), b.peek()) {
            match left.cmp(&right) {
                Ordering::Less => sum.push(left, n),
                Ordering::Equal => sum.push(left, n.saturating_add(m)),
                Ordering::Greater => sum.push(right, m),
            }
            if left <= right {
                a.next();
            }
            if right <= left {
                b.next();
            }
        }
        a.chain(b).for_each(|(bits, times)| sum.push(bits, times));
        *self = Self { sorted: sum, waiting: BTreeMap::new() };
    }

    pub(super) fn count(&self, bits: u128) -> u64 {
        match self.sorted.find(bits) {
            Some(at) => self.sorted.at(at).1,
            None => self.waiting.get(&bits).copied().unwrap_or(0),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.waiting.len()
    }

    /// All bitstrings in increasing order.
    pub(super) fn iter(&self) -> Iter<'_> {
        Iter { sorted: &self.sorted, at: 0, waiting: self.waiting.iter().peekable() }
    }

    fn settle(&mut self) {
        let mut all = Sorted::Narrow(Vec::with_capacity(self.len()));
        self.iter().for_each(|(bits, times)| all.push(bits, times));
        *self = Self { sorted: all, waiting: BTreeMap::new() };
    }
}

impl Sorted {
    fn len(&self) -> usize {
        match self {
            Self::Narrow(list) => list.len(),
            Self::Wide(list) => list.len(),
        }
    }

    fn at(&self, index: usize) -> (u128, u64) {
        match self {
            Self::Narrow(list) => (list[index].0.into(), list[index].1.into()),
            Self::Wide(list) => list[index],
        }
    }

    fn find(&self, bits: u128) -> Option<usize> {
        match self {
            Self::Narrow(list) => {
                let bits = u32::try_from(bits).ok()?;
                list.binary_search_by_key(&bits, |entry| entry.0).ok()
            }
            Self::Wide(list) => list.binary_search_by_key(&bits, |entry| entry.0).ok(),
        }
    }

    /// Puts a bitstring after all others.
    fn push(&mut self, bits: u128, times: u64) {
        match (&mut *self, u32::try_from(bits), u32::try_from(times)) {
            (Self::Narrow(list), Ok(bits), Ok(times)) => list.push((bits, times)),
            _ => self.widen().push((bits, times)),
        }
    }

    fn set(&mut self, at: usize, times: u64) {
        match (&mut *self, u32::try_from(times)) {
            (Self::Narrow(list), Ok(times)) => list[at].1 = times,
            _ => self.widen()[at].1 = times,
        }
    }

    fn widen(&mut self) -> &mut Vec<(u128, u64)> {
        if let Self::Narrow(list) = self {
            *self = Self::Wide(list.iter().map(|(bits, times)| ((*bits).into(), (*times).into())).collect());
        }
        match self {
            Self::Wide(list) => list,
            Self::Narrow(_) => unreachable!("the list was made wide above"),
        }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The bitstrings of a table in increasing order.
#[derive(Debug)]
pub(super) struct Iter<'a> {
    sorted: &'a Sorted,
    at: usize,
    waiting: Peekable<btree_map::Iter<'a, u128, u64>>,
}

impl fmt::Debug for Sorted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries((0..self.len()).map(|at| self.at(at))).finish()
    }
}

impl Iterator for Iter<'_> {
    type Item = (u128, u64);

    fn next(&mut self) -> Option<(u128, u64)> {
        let sorted = (self.at < self.sorted.len()).then(|| self.sorted.at(self.at));
        let waiting = self.waiting.peek().map(|(bits, times)| (**bits, **times));
        match (sorted, waiting) {
            (Some(entry), Some(other)) if other.0 < entry.0 => self.waiting.next().map(|_| other),
            (None, Some(other)) => self.waiting.next().map(|_| other),
            (entry, _) => {
                self.at += usize::from(entry.is_some());
                entry
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.sorted.len() - self.at + self.waiting.len();
        (left, Some(left))
    }
}

impl ExactSizeIterator for Iter<'_> {}
