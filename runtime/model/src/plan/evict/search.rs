//! The search for what a stage evicts: from nothing, and from all.

use super::{Evictor, Outcome};
use crate::plan::stage::Choice;

/// How often a choice is gone over, where it is the last one.
const ROUNDS: usize = 3;
/// Neighbours in price, each way, for which a group is exchanged.
const NEAR: usize = 4;

impl Evictor<'_> {
    /// Nodes, and layers in every way if time is lost; the best one is improved node by node.
    pub(super) fn nodes(&mut self, kept: Outcome) -> Option<Outcome> {
        let begin = self.choice.clone();
        self.group_nodes();
        let mut best = self.search()?;
        if best.seconds > kept.seconds {
            self.group_layers();
            let ways = [Self::layers as fn(&mut Self) -> Option<Outcome>, Self::last_layers];
            best = self.best_of(best, ways, |this, way| {
                this.choice.clone_from(&begin);
                way(this)
            });
            self.group_nodes();
        }
        best = self.improve(best);
        if self.thorough && best.seconds > kept.seconds {
            // where little fits, the way down from all is another one
            best = self.best_of(best, [Choice::Swap, Choice::Recompute], |this, all| {
                this.set_all(all);
                let now = this.outcome();
                this.fits(&now).then(|| this.improve(now))
            });
        }
        Some(best)
    }

    /// What takes least time of what is chosen and of what some ways come to.
    fn best_of<W>(
        &mut self,
        mut best: Outcome,
        ways: impl IntoIterator<Item = W>,
        mut go: impl FnMut(&mut Self, W) -> Option<Outcome>,
    ) -> Outcome {
        let mut chosen = self.choice.clone();
        for way in ways {
            if let Some(found) = go(self, way).filter(|found| found.seconds < best.seconds) {
                best = found;
                chosen.clone_from(&self.choice);
            }
        }
        self.choice = chosen;
        best
    }

    /// The best that is found for whole groups as they are.
    pub(super) fn layers(&mut self) -> Option<Outcome> {
        let found = self.search()?;
        Some(self.improve(found))
    }

    /// Frees until it fits, the cheapest first, and begins at the other end, where all is on the host, if that does not help.
    fn search(&mut self) -> Option<Outcome> {
        let begin = self.choice.clone();
        self.set_all(Choice::Swap);
        let least = self.outcome();
        if !self.early && !self.fits(&least) {
            return None; // no other choice takes less
        }
        let swapped = std::mem::replace(&mut self.choice, begin);
        if let Some(found) = self.free() {
            return Some(found);
        }
        if !self.fits(&least) {
            return None;
        }
        self.choice = swapped;
        let mut now = least;
        // what is cheap to make again does not wait for the link
        for group in 0..self.groups.len() {
            if now.seconds <= self.compute + now.walk.recompute {
                break;
            }
            if !self.groups[group].again.is_empty() {
                now = self.attempt(group, Choice::Recompute, now, |this, new, now| {
                    this.fits(new) && new.seconds < now.seconds
                });
            }
        }
        Some(now)
    }

    /// Swaps what is dearest to make again as long as the link has time, then makes the cheapest again, then swaps in spite of
    /// the time that it takes (the prices are those of Capuchin, ASPLOS 2020).
    fn free(&mut self) -> Option<Outcome> {
        let mut dearest: Vec<usize> = Vec::new();
        let mut time = if self.early { self.stage.backward_seconds() } else { 0.0 };
        for group in (0..self.groups.len()).rev().filter(|&group| self.is_kept(group)) {
            let seconds = self.host.seconds(self.groups[group].bytes as u64);
            if seconds <= time {
                time -= seconds;
                dearest.push(group);
            }
        }
        if !dearest.is_empty()
            && let Some(found) = self.prefix(&dearest, Choice::Swap)
        {
            return Some(found);
        }
        let again = |this: &Self| {
            let groups = 0..this.groups.len();
            groups.filter(|&group| this.is_kept(group) && !this.groups[group].again.is_empty()).collect()
        };
        let cheapest: Vec<usize> = again(self);
        if let Some(found) = self.prefix(&cheapest, Choice::Recompute) {
            return Some(found);
        }
        // all at once is too much where long chains come back together: one by one
        for &group in &cheapest {
            self.set(group, Choice::Keep);
        }
        let mut now = self.outcome();
        for group in cheapest {
            now = self.attempt(group, Choice::Recompute, now, |_, new, now| new.bytes < now.bytes);
        }
        for group in (0..self.groups.len()).rev() {
            if self.fits(&now) {
                return Some(now);
            }
            now = self.attempt(group, Choice::Swap, now, |_, new, now| new.bytes < now.bytes);
        }
        Some(now).filter(|now| self.fits(now))
    }

    /// The shortest beginning of a list of groups that makes room, changed; all of them are if none does.
    fn prefix(&mut self, groups: &[usize], to: Choice) -> Option<Outcome> {
        for &group in groups {
            self.set(group, to);
        }
        let mut found = Some(self.outcome()).filter(|all| self.fits(all))?;
        let (mut below, mut enough) = (0, groups.len());
        // groups before `at` are changed, the others are not
        let mut at = groups.len();
        while below + 1 < enough {
            let middle = below.midpoint(enough);
            self.move_to(groups, to, &mut at, middle);
            let now = self.outcome();
            if self.fits(&now) {
                (enough, found) = (middle, now);
            } else {
                below = middle;
            }
        }
        self.move_to(groups, to, &mut at, enough);
        Some(found)
    }

    fn move_to(&mut self, groups: &[usize], to: Choice, at: &mut usize, end: usize) {
        for &group in groups.get(end..*at).unwrap_or_default() {
            self.set(group, Choice::Keep);
        }
        for &group in groups.get(*at..end).unwrap_or_default() {
            self.set(group, to);
        }
        *at = end;
    }

    /// Takes back what was not needed, the dearest first, lets the link have what it has time for, and takes from it what it has
    /// not; then exchanges what is evicted for what is not.
    fn improve(&mut self, mut now: Outcome) -> Outcome {
        let better = |this: &Self, new: &Outcome, now: &Outcome| this.fits(new) && new.seconds < now.seconds;
        for _ in 0..if self.thorough { ROUNDS } else { 1 } {
            let before = now.seconds;
            for group in (0..self.groups.len()).rev() {
                let bytes = self.groups[group].bytes;
                let room = (self.cluster.memory - now.bytes) as f64;
                // where gradients have yet to grow one more is in flight than where memory is short
                if !self.is_kept(group)
                    && (self.thorough || bytes * self.flight.saturating_sub(2) as f64 <= room)
                {
                    now = self.attempt(group, Choice::Keep, now, |this, new, now| {
                        this.fits(new) && new.seconds <= now.seconds
                    });
                }
                let busy = now.walk.out.max(now.walk.back);
                if self.is_again(group)
                    && (self.thorough || busy + self.host.seconds(bytes as u64) < now.seconds)
                {
                    now = self.attempt(group, Choice::Swap, now, better);
                }
                let waits = now.walk.stall > 0.0 || busy > self.compute + now.walk.recompute;
                if waits && self.choice_of(group) == Choice::Swap && !self.groups[group].again.is_empty() {
                    now = self.attempt(group, Choice::Recompute, now, better);
                }
            }
            if self.thorough && now.seconds > self.compute {
                now = self.exchange(now);
            }
            if now.seconds >= before {
                break;
            }
        }
        now
    }

    /// Keeps one group, or brings it back another way, and changes a neighbour in price instead, where that takes less time.
    fn exchange(&mut self, mut now: Outcome) -> Outcome {
        let count = self.groups.len();
        for group in 0..count {
            let near = group.saturating_sub(NEAR)..(group + NEAR + 1).min(count);
            for to in [Choice::Keep, Choice::Recompute, Choice::Swap] {
                let was = self.choice_of(group);
                if was == Choice::Keep || !self.can_be(group, to) {
                    continue;
                }
                self.set(group, to);
                let mut others = near.clone().filter(|&other| other != group);
                match others.find_map(|other| self.attempt_either(other, now)) {
                    Some(new) => now = new,
                    None => self.set(group, was),
                }
            }
        }
        now
    }

    /// Whether a group may be given a choice that it has not.
    fn can_be(&self, group: usize, to: Choice) -> bool {
        to != self.choice_of(group) && (to != Choice::Recompute || !self.groups[group].again.is_empty())
    }

    /// Evicts a group in another way than it is, if that takes less time.
    fn attempt_either(&mut self, group: usize, now: Outcome) -> Option<Outcome> {
        let was = self.choice_of(group);
        for to in [Choice::Recompute, Choice::Swap] {
            // what it is was tried alone
            if to != was && self.can_be(group, to) {
                self.set(group, to);
                let new = self.outcome();
                if self.fits(&new) && new.seconds < now.seconds {
                    return Some(new);
                }
            }
        }
        self.set(group, was);
        None
    }

    pub(super) fn last_layers(&mut self) -> Option<Outcome> {
        let mut order: Vec<usize> =
            (0..self.groups.len()).filter(|&group| !self.groups[group].again.is_empty()).collect();
        order.sort_by_key(|&group| std::cmp::Reverse(self.units[self.groups[group].again.start]));
        for group in order {
            self.set(group, Choice::Recompute);
            let now = self.outcome();
            if self.fits(&now) {
                return Some(now);
            }
        }
        None
    }

    /// Changes a group if what comes out is wanted.
    fn attempt(
        &mut self,
        group: usize,
        to: Choice,
        now: Outcome,
        wanted: impl Fn(&Self, &Outcome, &Outcome) -> bool,
    ) -> Outcome {
        let was = self.choice_of(group);
        if was == to {
            return now;
        }
        self.set(group, to);
        let new = self.outcome();
        if wanted(self, &new, &now) {
            return new;
        }
        self.set(group, was);
        now
    }
}
