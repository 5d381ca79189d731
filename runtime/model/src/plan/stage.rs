//! One stage in memory: when its tensors live, under a choice of what leaves in between.

use std::ops::Range;

use super::chain::{Chain, Maker, Step};
use super::partition::Restore;

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
    workspace: i64,
    reads: Span,
    writes: Span,
    /// The first backward step of its layer.
    layer_back: u32,
}

/// What a choice comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Walk {
    /// Bytes that one micro-batch keeps between its passes.
    pub(crate) kept: u64,
    /// The most bytes alive while one micro-batch goes through.
    pub(crate) peak: u64,
    /// Seconds of nodes that run again.
    pub(crate) recompute: f64,
    /// Bytes of what runs again.
    pub(crate) remade: u64,
    /// Bytes to the host.
    pub(crate) out: u64,
    /// Bytes back.
    pub(crate) back: u64,
    /// Seconds that the device waits for the host, if the backward pass follows right after the forward pass.
    pub(crate) stall: f64,
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
    /// Bytes that gradients of weights read, for schedules that put them off.
    pub(crate) owed: u64,
    // scratch of construction and walks
    local: Vec<u32>,
    gradients: Vec<(u32, u32, u32)>,
    again: Vec<u32>,
    next: Vec<u32>,
    back_at: Vec<u32>,
    last: Vec<u32>,
    last_by: Vec<u32>,
    deltas: [Vec<i64>; 3],
    first_again: Vec<u32>,
    swapped: Vec<i64>,
}

impl Stage {
    /// Lays an interval of nodes out; memory of earlier intervals is used again. Where a schedule splits the backward pass, what
    /// may wait comes last.
    pub(crate) fn load(&mut self, chain: &Chain, nodes: Range<usize>, splits: bool) {
        self.tensors.clear();
        self.rows.clear();
        self.links.clear();
        self.gradients.clear();
        self.local.resize(chain.memory.len(), NEVER);
        let (count, steps) = (nodes.len(), chain.backward_of(&nodes));
        let forward = &chain.forward[nodes.clone()];
        let backward: Vec<&Step> = if splits {
            let steps = &chain.backward[steps];
            steps.iter().filter(|step| !step.waits).chain(steps.iter().filter(|step| step.waits)).collect()
        } else {
            chain.backward[steps].iter().collect()
        };
        self.units = count;
        self.nodes = nodes;
        for (k, step) in forward.iter().enumerate() {
            for &memory in &step.reads {
                let local = self.tensor(chain, memory);
                self.links.push(local);
                self.tensors[local as usize].last_forward = k as u32;
            }
            let reads = (self.links.len() - step.reads.len()) as u32..self.links.len() as u32;
            for &memory in &step.writes {
                let local = self.tensor(chain, memory);
                self.links.push(local);
                self.tensors[local as usize].last_forward = k as u32;
            }
            let writes = reads.end..self.links.len() as u32;
            self.rows.push(Node {
                seconds: step.seconds,
                workspace: step.workspace as i64,
                reads,
                writes,
                layer_back: NEVER,
            });
        }
        for (at, step) in backward.iter().enumerate() {
            let at = at as u32;
            for &memory in &step.reads {
                if self.is_gradient(chain, memory) {
                    self.gradient(memory, at);
                    continue;
                }
                let local = self.tensor(chain, memory) as usize;
                let tensor = &mut self.tensors[local];
                (tensor.first_back, tensor.last_back) = (tensor.first_back.min(at), at);
            }
            for &memory in &step.writes {
                self.gradient(memory, at);
            }
        }
        for (at, step) in backward.iter().enumerate().rev() {
            self.rows[step.home - self.nodes.start].layer_back = at as u32;
        }
        let mut layer = 0;
        while layer < count {
            let number = chain.layer[self.nodes.start + layer];
            let same =
                chain.layer[self.nodes.start + layer..self.nodes.end].iter().take_while(|&&k| k == number);
            let rows = &mut self.rows[layer..layer + same.count()];
            let first = rows.iter().map(|row| row.layer_back).min().unwrap_or(NEVER);
            for row in &mut *rows {
                row.layer_back = first;
            }
            layer += rows.len();
        }
        self.forward_time = begins(forward.iter());
        self.backward_time = begins(backward.iter().copied());
        self.lay_forward(chain, forward);
        self.lay_backward(chain, &backward);
        for tensor in &self.tensors {
            self.local[tensor.memory as usize] = NEVER;
        }
        for &(memory, ..) in &self.gradients {
            self.local[memory as usize] = NEVER;
        }
    }

    /// What comes from later stages is a gradient, be it computed with the loss.
    fn is_gradient(&self, chain: &Chain, memory: u32) -> bool {
        match chain.memory[memory as usize].maker {
            Maker::Host => false,
            Maker::Forward(node) => node >= self.nodes.end,
            Maker::Backward(_) => true,
        }
    }

    fn tensor(&mut self, chain: &Chain, memory: u32) -> u32 {
        if self.local[memory as usize] != NEVER {
            return self.local[memory as usize];
        }
        let of = chain.memory[memory as usize];
        let unit = match of.maker {
            Maker::Forward(node) if self.nodes.contains(&node) => (node - self.nodes.start) as u32,
            _ => {
                self.units += 1;
                self.units as u32 - 1
            }
        };
        let number = self.tensors.len() as u32;
        self.local[memory as usize] = number;
        self.tensors.push(Local {
            memory,
            bytes: of.bytes as i64,
            unit,
            from_host: of.maker == Maker::Host,
            last_forward: NEVER,
            first_back: NEVER,
            last_back: 0,
        });
        number
    }

    fn gradient(&mut self, memory: u32, at: u32) {
        let number = &mut self.local[memory as usize];
        if *number == NEVER {
            *number = self.gradients.len() as u32;
            self.gradients.push((memory, at, at));
        } else {
            self.gradients[*number as usize].2 = at;
        }
    }

    /// Forward: every tensor from its first use to its last.
    fn lay_forward(&mut self, chain: &Chain, forward: &[Step]) {
        self.forward.clear();
        self.forward.resize(forward.len() + 1, 0);
        let mut seen = std::mem::take(&mut self.again);
        seen.clear();
        seen.resize(self.tensors.len(), 0);
        for (k, step) in forward.iter().enumerate() {
            for &local in &self.links[self.rows[k].reads.start as usize..self.rows[k].writes.end as usize] {
                let tensor = &self.tensors[local as usize];
                if seen[local as usize] == 0 {
                    seen[local as usize] = 1;
                    self.forward[k] += tensor.bytes;
                    self.forward[tensor.last_forward as usize + 1] -= tensor.bytes;
                }
            }
            // an operand that nothing reads again makes room for the result
            let dies = |memory: u32| {
                let tensor = &self.tensors[self.local[memory as usize] as usize];
                tensor.last_forward == k as u32 && tensor.first_back == NEVER
            };
            let shared = step.in_place.iter().find(|(from, _)| dies(*from));
            let shared = shared.map_or(0, |(from, _)| chain.memory[*from as usize].bytes as i64);
            self.forward[k] += step.workspace as i64 - shared;
            self.forward[k + 1] -= step.workspace as i64 - shared;
        }
        self.again = seen;
        sum(&mut self.forward);
        self.forward.pop();
    }

    /// Backward: every gradient from its making, or its first use if it comes from elsewhere, to its last use.
    fn lay_backward(&mut self, chain: &Chain, backward: &[&Step]) {
        for list in [&mut self.backward, &mut self.between] {
            list.clear();
            list.resize(backward.len() + 1, 0);
        }
        for &(memory, from, to) in &self.gradients {
            let bytes = chain.memory[memory as usize].bytes as i64;
            self.backward[from as usize] += bytes;
            self.backward[to as usize + 1] -= bytes;
            self.between[from as usize + 1] += bytes;
            self.between[to as usize + 1] -= bytes;
        }
        let mut late = std::mem::take(&mut self.next);
        late.clear();
        for (at, step) in backward.iter().enumerate() {
            let dies = |memory: u32| {
                self.is_gradient(chain, memory) && {
                    let (_, _, to) = self.gradients[self.local[memory as usize] as usize];
                    to == at as u32
                }
            };
            let shared = step.in_place.iter().find(|(from, _)| dies(*from));
            let shared = shared.map_or(0, |(from, _)| chain.memory[*from as usize].bytes as i64);
            self.backward[at] += step.workspace as i64 - shared;
            self.backward[at + 1] -= step.workspace as i64 - shared;
            if step.waits {
                late.extend(&step.reads);
            }
        }
        late.sort_unstable();
        late.dedup();
        self.owed = late.iter().map(|&memory| chain.memory[memory as usize].bytes).sum();
        self.next = late;
        sum(&mut self.backward);
        sum(&mut self.between);
        self.backward.pop();
    }

    /// Seconds of one node's forward pass.
    pub(crate) fn seconds(&self, node: usize) -> f64 {
        self.rows[node].seconds
    }

    /// Tensors that a node reads.
    pub(crate) fn reads(&self, node: usize) -> impl Iterator<Item = &Local> {
        let Span { start, end } = self.rows[node].reads;
        self.links[start as usize..end as usize].iter().map(|&k| &self.tensors[k as usize])
    }

    /// Whether any backward step reads what a tensor holds.
    pub(crate) fn is_saved(tensor: &Local) -> bool {
        tensor.first_back != NEVER
    }

    /// Goes through both passes of one micro-batch. `host` is the bandwidth to the host, by which stalls are judged if the
    /// passes follow each other at once.
    pub(crate) fn walk(&mut self, choice: &[Choice], restore: Restore, host: Option<f64>) -> Walk {
        let mut walk = Walk::default();
        self.demand(choice, restore, &mut walk);
        self.lay(choice, &mut walk);
        if let Some(bandwidth) = host.filter(|_| walk.back > 0) {
            walk.stall = self.stall(choice, bandwidth);
        }
        walk
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
    fn lay(&mut self, choice: &[Choice], walk: &mut Walk) {
        let (nodes, steps) = (self.rows.len(), self.backward.len());
        let [forward, during, before] = &mut self.deltas;
        for (list, len) in [(&mut *forward, nodes), (&mut *during, steps), (&mut *before, steps)] {
            list.clear();
            list.resize(len + 2, 0);
        }
        self.swapped.clear();
        self.swapped.resize(steps + 1, 0);
        for (k, tensor) in self.tensors.iter().enumerate() {
            let (from, to) = (self.back_at[k], self.last[k]);
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
                        walk.back += bytes as u64;
                        walk.out += if tensor.from_host { 0 } else { bytes as u64 };
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
        let mut peak = walk.kept as i64;
        let mut alive = 0;
        for (delta, base) in forward.iter().zip(&self.forward) {
            alive += delta;
            peak = peak.max(alive + base);
        }
        let (mut alive, mut entering) = (0, 0);
        for at in 0..steps {
            alive += during[at];
            entering += before[at];
            peak = peak.max(alive + self.backward[at]);
            let mut node = self.first_again[at];
            if node == NEVER {
                continue;
            }
            let mut now = self.between[at] + entering + self.swapped[at];
            while node != NEVER {
                let row = &self.rows[node as usize];
                let writes = &self.links[row.writes.start as usize..row.writes.end as usize];
                now += writes.iter().map(|&k| self.tensors[k as usize].bytes).sum::<i64>();
                peak = peak.max(now + row.workspace);
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
        walk.peak = peak.unsigned_abs();
    }

    /// How long the host is late if tensors begin to leave after their last use of the forward pass and must be back at their
    /// first use of the backward pass: those used later in between go and come within the time of those used earlier.
    fn stall(&self, choice: &[Choice], bandwidth: f64) -> f64 {
        let forward = self.forward_time.last().copied().unwrap_or(0.0);
        let (mut late, mut bytes) = (0.0_f64, 0.0);
        for (k, tensor) in self.tensors.iter().enumerate().rev() {
            if choice[tensor.unit as usize] != Choice::Swap || self.back_at[k] == NEVER {
                continue;
            }
            let both = if tensor.from_host { 1.0 } else { 2.0 };
            bytes += both * tensor.bytes as f64;
            let left = if tensor.last_forward == NEVER {
                0.0
            } else {
                self.forward_time[tensor.last_forward as usize + 1]
            };
            let free = forward - left + self.backward_time[self.back_at[k] as usize];
            late = late.max(bytes / bandwidth - free);
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

/// When steps begin that follow each other, and when the last one ends.
fn begins<'a>(steps: impl Iterator<Item = &'a Step>) -> Vec<f64> {
    let mut now = 0.0;
    let ends = steps.map(|step| {
        now += step.seconds;
        now
    });
    std::iter::once(0.0).chain(ends).collect()
}

fn sum(list: &mut [i64]) {
    let mut sum = 0;
    for x in list {
        sum += *x;
        *x = sum;
    }
}
