//! One stage in memory: when its tensors live, under a choice of what leaves in between.

use std::ops::Range;

use super::chain::Chain;
use super::cluster::{Copies, Link};
use super::partition::Restore;

mod load;
mod walk;

pub(crate) use walk::Walk;

/// No place.
const NEVER: u32 = u32::MAX;

/// What becomes of what a node made, or of a tensor that came from elsewhere, between the passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Choice {
    /// It stays if anything reads it again.
    Keep,
    /// It waits on the host.
    Swap,
    /// It is made again if anything reads it again.
    Recompute,
}

/// A tensor of the forward pass in a stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Local {
    /// Number of its memory in the chain.
    pub(crate) memory: u32,
    pub(crate) bytes: i64,
    /// Its node, counted from the first of the stage; or the number of nodes plus its place among tensors from elsewhere.
    pub(crate) unit: u32,
    pub(crate) from_host: bool,
    /// The last forward node that uses it; `NEVER` if none does.
    pub(crate) last_forward: u32,
    /// The first and last backward step that read it; `NEVER` and 0 if none does.
    pub(crate) first_back: u32,
    pub(crate) last_back: u32,
}

/// A part of a flat list.
type Span = Range<u32>;

#[derive(Debug, Clone)]
struct Node {
    seconds: f64,
    /// Bytes of parameters that it reads, and no backward step.
    parameters: u64,
    workspace: i64,
    reads: Span,
    writes: Span,
    /// The first backward step of its layer.
    layer_back: u32,
}

/// How tensors go to the host and come back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Host {
    pub(crate) link: Link,
    pub(crate) copies: Copies,
    /// Whether they are asked back so early in the backward pass that they are there in time, as far as the link allows.
    pub(crate) early: bool,
    /// Whether the backward pass follows right after the forward pass.
    pub(crate) at_once: bool,
}

/// The memory of one stage, made once for an interval of nodes; then each [`walk`](Self::walk) takes about a microsecond.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stage {
    pub(crate) nodes: Range<usize>,
    pub(crate) tensors: Vec<Local>,
    /// Number of units: nodes, and tensors from elsewhere.
    pub(crate) units: usize,
    rows: Vec<Node>,
    links: Vec<u32>,
    /// Bytes alive at each node of the forward pass, whatever is chosen.
    forward: Vec<i64>,
    /// Bytes alive at each step of the backward pass besides tensors of the forward pass; and right before it.
    backward: Vec<i64>,
    between: Vec<i64>,
    /// Seconds from the beginning of each pass to that of each node.
    forward_time: Vec<f64>,
    backward_time: Vec<f64>,
    /// The first backward step that waits.
    waiting: usize,
    /// Bytes of gradients of the stage's parameters that steps before one have made; the last is for all.
    grown: Vec<u64>,
    /// Bytes of parameters that no backward step reads from one on.
    released: Vec<u64>,
    // scratch of construction and walks
    local: Vec<u32>,
    gradients: Vec<(u32, u32, u32)>,
    again: Vec<u32>,
    next: Vec<u32>,
    back_at: Vec<u32>,
    come_at: Vec<u32>,
    starts: Vec<f64>,
    order: Vec<(u32, u32)>,
    last: Vec<u32>,
    last_by: Vec<u32>,
    deltas: [Vec<i64>; 3],
    first_again: Vec<u32>,
    swapped: Vec<i64>,
}

impl Stage {
    /// Seconds of one node's forward pass.
    pub(crate) fn seconds(&self, node: usize) -> f64 {
        self.rows[node].seconds
    }

    /// Bytes of gradients of the stage's parameters that backward passes make: those that do not wait, and all.
    pub(crate) fn gradients(&self) -> (u64, u64) {
        let all = self.grown.last().copied().unwrap_or(0);
        (self.grown.get(self.waiting).copied().unwrap_or(all), all)
    }

    /// Tensors that a node reads.
    pub(crate) fn reads(&self, node: usize) -> impl Iterator<Item = &Local> {
        let Span { start, end } = self.rows[node].reads;
        self.links[start as usize..end as usize].iter().map(|&k| &self.tensors[k as usize])
    }

    /// Seconds of the backward pass, without what runs again.
    pub(crate) fn backward_seconds(&self) -> f64 {
        self.backward_time.last().copied().unwrap_or(0.0)
    }

    /// Whether any backward step reads what a tensor holds.
    pub(crate) fn is_saved(tensor: &Local) -> bool {
        tensor.first_back != NEVER
    }

    /// Goes through both passes of one micro-batch.
    pub(crate) fn walk(&mut self, choice: &[Choice], restore: Restore, host: Host) -> Walk {
        let mut walk = Walk::default();
        self.demand(choice, restore, &mut walk);
        self.come_at.clone_from(&self.back_at);
        if host.early {
            walk.stall = self.ask(choice, &host.link);
        }
        self.lay(choice, &host.link, &mut walk);
        match host.copies {
            Copies::Wait => walk.stall = walk.out + walk.back,
            Copies::Overlap if !host.early => walk.stall = walk.back,
            Copies::Overlap if host.at_once && walk.swapped > 0 => {
                walk.stall = walk.stall.max(self.stall(choice, &host.link));
            }
            Copies::Overlap => {}
        }
        walk
    }

    /// Lets the link bring one tensor after another, each just in time: when their memory must be there, and how late the first
    /// one is that cannot be asked for before the pass begins.
    fn ask(&mut self, choice: &[Choice], link: &Link) -> f64 {
        let steps = self.backward.len();
        self.starts.clear();
        let mut again = 0.0;
        for at in 0..steps {
            self.starts.push(self.backward_time[at] + again);
            let mut node = self.first_again[at];
            while node != NEVER {
                again += self.rows[node as usize].seconds;
                node = self.next[node as usize];
            }
        }
        self.order.clear();
        for (k, tensor) in self.tensors.iter().enumerate() {
            if self.back_at[k] != NEVER && choice[tensor.unit as usize] == Choice::Swap {
                self.order.push((self.back_at[k], k as u32));
            }
        }
        self.order.sort_unstable_by(|a, b| b.cmp(a));
        // nothing is asked for before its turn begins, be it that of gradients that waited
        let (mut begin, mut free, mut step, mut late) = (self.waiting, f64::INFINITY, steps, 0.0);
        for &(at, k) in &self.order {
            if (at as usize) < begin {
                late += self.starts.get(begin).map_or(0.0, |start| (start - free).max(0.0));
                (begin, free) = (0, f64::INFINITY);
            }
            free = free.min(self.starts[at as usize]) - link.seconds(self.tensors[k as usize].bytes as u64);
            step = step.min(at as usize);
            while step > begin && self.starts[step] > free {
                step -= 1;
            }
            self.come_at[k as usize] = step as u32;
        }
        late + self.starts.get(begin).map_or(0.0, |start| (start - free).max(0.0))
    }

    /// When what is needed comes back: nodes from the last to the first, since what runs again needs its operands.
    fn demand(&mut self, choice: &[Choice], restore: Restore, walk: &mut Walk) {
        for list in [&mut self.back_at, &mut self.last, &mut self.last_by] {
            list.clear();
        }
        for tensor in &self.tensors {
            self.back_at.push(tensor.first_back);
            self.last.push(tensor.last_back);
            self.last_by.push(NEVER);
        }
        let steps = self.backward.len();
        self.again.clear();
        self.again.resize(self.rows.len(), NEVER);
        self.next.clear();
        self.next.resize(self.rows.len(), NEVER);
        self.first_again.clear();
        self.first_again.resize(steps + 1, NEVER);
        for (k, node) in self.rows.iter().enumerate().rev() {
            let writes = node.writes.start as usize..node.writes.end as usize;
            let mut at = NEVER;
            for &local in &self.links[writes.clone()] {
                at = at.min(self.back_at[local as usize]);
            }
            if choice[k] == Choice::Keep || at == NEVER {
                continue;
            }
            if restore == Restore::Layer {
                at = at.min(node.layer_back);
            }
            for &local in &self.links[writes] {
                let back = &mut self.back_at[local as usize];
                if *back != NEVER && (choice[k] == Choice::Recompute || restore == Restore::Layer) {
                    *back = at;
                }
            }
            if choice[k] != Choice::Recompute {
                continue;
            }
            self.again[k] = at;
            (self.next[k], self.first_again[at as usize]) = (self.first_again[at as usize], k as u32);
            walk.recompute += node.seconds;
            walk.read_again += node.parameters;
            for &local in &self.links[node.reads.start as usize..node.reads.end as usize] {
                let local = local as usize;
                let unused = self.back_at[local] == NEVER;
                self.back_at[local] = self.back_at[local].min(at);
                if unused || at > self.last[local] {
                    (self.last[local], self.last_by[local]) = (at, k as u32);
                }
            }
        }
    }

    /// Adds up what lives when.
    fn lay(&mut self, choice: &[Choice], link: &Link, walk: &mut Walk) {
        let (nodes, steps) = (self.rows.len(), self.backward.len());
        let [forward, during, before] = &mut self.deltas;
        for (list, len) in [(&mut *forward, nodes), (&mut *during, steps), (&mut *before, steps)] {
            list.clear();
            list.resize(len + 2, 0);
        }
        self.swapped.clear();
        self.swapped.resize(steps + 1, 0);
        for (k, tensor) in self.tensors.iter().enumerate() {
            let (from, to) = (self.come_at[k], self.last[k]);
            if from == NEVER {
                continue;
            }
            let bytes = tensor.bytes;
            // what ends within a chain of nodes that run again is gone when the step itself runs
            let gone = u32::from(self.last_by[k] != NEVER);
            match choice[tensor.unit as usize] {
                Choice::Keep => {
                    walk.kept += bytes as u64;
                    let left =
                        if tensor.last_forward == NEVER { 0 } else { tensor.last_forward as usize + 1 };
                    forward[left] += bytes;
                    during[0] += bytes;
                    before[0] += bytes;
                }
                chosen => {
                    if chosen == Choice::Swap {
                        walk.swapped += bytes as u64;
                        walk.back += link.seconds(bytes as u64);
                        walk.out += if tensor.from_host { 0.0 } else { link.seconds(bytes as u64) };
                        self.swapped[from as usize] += bytes;
                    } else {
                        walk.remade += bytes as u64;
                    }
                    during[from as usize] += bytes;
                    before[from as usize + 1] += bytes;
                }
            }
            during[to as usize + 1 - gone as usize] -= bytes;
            before[to as usize + 1] -= bytes;
        }
        walk.forward = walk.kept;
        let mut alive = 0;
        for (delta, base) in forward.iter().zip(&self.forward) {
            alive += delta;
            walk.forward = walk.forward.max((alive + base).unsigned_abs());
        }
        let (mut alive, mut entering) = (0, 0);
        for at in 0..steps {
            alive += during[at];
            entering += before[at];
            if at == self.waiting {
                walk.owed = (entering + self.between[at]).unsigned_abs();
            }
            let peak = &mut walk.backward[usize::from(at >= self.waiting)];
            let (grown, released) = (self.grown[at], self.released[at]);
            peak.reach(alive + self.backward[at], grown, released);
            let mut node = self.first_again[at];
            if node == NEVER {
                continue;
            }
            let mut now = self.between[at] + entering + self.swapped[at];
            while node != NEVER {
                let row = &self.rows[node as usize];
                let writes = &self.links[row.writes.start as usize..row.writes.end as usize];
                now += writes.iter().map(|&k| self.tensors[k as usize].bytes).sum::<i64>();
                peak.reach(now + row.workspace, grown, released);
                for &k in writes {
                    if self.back_at[k as usize] == NEVER {
                        now -= self.tensors[k as usize].bytes;
                    }
                }
                for &k in &self.links[row.reads.start as usize..row.reads.end as usize] {
                    if self.last_by[k as usize] == node && self.last[k as usize] as usize == at {
                        now -= self.tensors[k as usize].bytes;
                    }
                }
                node = self.next[node as usize];
            }
        }
    }

    /// How long the host is late if tensors begin to leave after their last use of the forward pass and must be back at their
    /// first use of the backward pass: those used later in between go and come within the time of those used earlier.
    fn stall(&self, choice: &[Choice], link: &Link) -> f64 {
        let forward = self.forward_time.last().copied().unwrap_or(0.0);
        let (mut late, mut busy) = (0.0_f64, 0.0);
        for (k, tensor) in self.tensors.iter().enumerate().rev() {
            if choice[tensor.unit as usize] != Choice::Swap || self.back_at[k] == NEVER {
                continue;
            }
            let both = if tensor.from_host { 1.0 } else { 2.0 };
            busy += both * link.seconds(tensor.bytes as u64);
            let left = if tensor.last_forward == NEVER {
                0.0
            } else {
                self.forward_time[tensor.last_forward as usize + 1]
            };
            let free = forward - left + self.backward_time[self.back_at[k] as usize];
            late = late.max(busy - free);
        }
        late
    }

    /// What a choice evicts, as numbers of memory; it must be the one of the last walk.
    pub(crate) fn evicted<'a>(&'a self, choice: &'a [Choice]) -> impl Iterator<Item = (u32, Choice)> + 'a {
        (self.tensors.iter().zip(&self.back_at))
            .filter(|(_, back_at)| **back_at != NEVER)
            .map(|(tensor, _)| (tensor.memory, choice[tensor.unit as usize]))
            .filter(|(_, choice)| *choice != Choice::Keep)
    }

    /// The largest tensor, by number of its memory.
    pub(crate) fn largest(&self, chain: &Chain) -> Option<usize> {
        let all = self.tensors.iter().map(|tensor| tensor.memory);
        let all = all.chain(self.gradients.iter().map(|(memory, ..)| *memory));
        all.map(|memory| memory as usize).max_by_key(|&memory| chain.memory[memory].bytes)
    }
}
