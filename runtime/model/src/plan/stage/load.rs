//! How the memory of a stage is laid out, whatever is chosen later.

use std::ops::Range;

use super::{Local, NEVER, Node, Stage};
use crate::plan::chain::{Chain, Maker, Step};

impl Stage {
    /// Lays an interval of nodes out; memory of earlier intervals is used again. Where a schedule splits the backward pass, what
    /// may wait comes last.
    pub(in crate::plan) fn load(&mut self, chain: &Chain, nodes: Range<usize>, splits: bool) {
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
                parameters: step.parameters,
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
        self.waiting = if splits { backward.partition_point(|step| !step.waits) } else { backward.len() };
        self.grown.clear();
        self.released.clear();
        self.grown.push(0);
        let (mut grown, mut released) = (0, 0);
        for step in &backward {
            self.released.push(released);
            released += step.last_reads;
            let own = step.gradients.iter().filter(|(first, _)| self.nodes.contains(first));
            grown += own.map(|(_, bytes)| bytes).sum::<u64>();
            self.grown.push(grown);
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
        }
        sum(&mut self.backward);
        sum(&mut self.between);
        self.backward.pop();
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
