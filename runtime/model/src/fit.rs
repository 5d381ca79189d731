//! Whether stages fit on devices: what each needs in training, and where they run out of memory.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Graph, Pass, Source, Value};
use crate::{DType, Error, Gradient, Result, Sizes};

/// Tensors of the size of a parameter that training holds: itself, its gradient, and two moments of Adam.
const COPIES: u64 = 4;

/// What a stage needs on its device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// How often it stands there, one after another.
    pub repeat: u64,
    /// Bytes of its parameters.
    pub parameters: u64,
    /// Bytes that it keeps of each micro-batch between its forward and its backward pass.
    pub kept: u64,
}

/// Equal devices in a row, each with the stages that follow those of the one before it.
///
/// Micro-batches go through them one after another, each forward and then back as soon as it can (1F1B): device `i` of `n`,
/// counted from 1, keeps what `n - i + 1` micro-batches left there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Devices {
    /// How many.
    pub count: u64,
    /// Bytes of each.
    pub memory: u64,
    /// Micro-batches of a step; as many are in flight at most.
    pub micro_batches: u64,
}

/// The stage for which there is no device with enough memory left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    /// Number of the stage.
    pub stage: usize,
    /// Number of the last device, counted from 1.
    pub device: u64,
    /// Bytes that this device would hold.
    pub needed: u64,
    /// Those of them that are parameters, gradients and moments.
    pub parameters: u64,
    /// Those of them that are kept for the backward pass.
    pub kept: u64,
    /// Micro-batches in flight on this device.
    pub micro_batches: u64,
}

impl Shortage {
    /// Gives each device as many stages as it can hold; if stages are left, no other cut has room for them either, since what
    /// a device holds only grows with its stages, and fewer micro-batches are in flight on later devices.
    pub const fn find(stages: &[Needs], on: Devices) -> Option<Self> {
        let (mut stage, mut copy, mut device) = (0, 0, 1);
        let (mut parameters, mut kept) = (0_u64, 0_u64);
        while stage < stages.len() {
            if copy == stages[stage].repeat {
                (stage, copy) = (stage + 1, 0);
                continue;
            }
            let ahead = on.count.saturating_sub(device) + 1;
            let micro_batches = if ahead < on.micro_batches { ahead } else { on.micro_batches };
            let with = Self {
                stage,
                device,
                parameters: parameters.saturating_add(stages[stage].parameters.saturating_mul(COPIES)),
                kept: kept.saturating_add(stages[stage].kept.saturating_mul(micro_batches)),
                micro_batches,
                needed: 0,
            };
            let with = Self { needed: with.parameters.saturating_add(with.kept), ..with };
            if with.needed <= on.memory {
                (parameters, kept, copy) = (with.parameters, with.kept, copy + 1);
            } else if device >= on.count {
                return Some(with);
            } else {
                (device, parameters, kept) = (device + 1, 0, 0);
            }
        }
        None
    }
}

impl Graph {
    /// What each stage needs in training, with these sizes of a micro-batch; one entry if there are no stages.
    ///
    /// What is kept is what nodes of the backward pass read of the forward pass, each tensor once in each stage. The loss is
    /// the output `loss`, or the sum of all real outputs.
    ///
    /// # Errors
    /// A size without value, a node without derivative, no real output.
    pub fn needs(&self, sizes: &Sizes) -> Result<Vec<Needs>> {
        let mut graph = self.clone();
        let loss = graph.loss()?;
        let parameters: Vec<Value> = graph.parameters().map(|(value, _)| value).collect();
        let gradients = graph.differentiate(loss, &parameters, &[])?;
        let kept: Vec<Value> = (gradients.into_iter().flatten())
            .filter_map(|gradient| match gradient {
                Gradient::Dense(value) => Some(value),
                Gradient::Rows { .. } => None,
            })
            .collect();
        let graph = graph.pruned(&kept);
        let mut needs = vec![Needs { repeat: 1, ..Needs::default() }; graph.stages().len().max(1)];
        let bytes = |value: Value| {
            let tensor = graph.tensor(value);
            tensor.ty.resolve(sizes, &tensor.name).map(|extent| extent.bytes() as u64)
        };
        let mut homes: BTreeMap<Value, usize> = BTreeMap::new();
        let mut read: BTreeSet<(usize, Value)> = BTreeSet::new();
        for node in graph.nodes() {
            for &operand in &node.operands {
                let memory = graph.behind_views(operand);
                match graph.tensor(memory).source {
                    Source::Parameter(_) => {
                        homes.entry(memory).or_insert(node.stage);
                    }
                    Source::Node { node: of, .. } if graph.nodes()[of].pass == Pass::Backward => {}
                    Source::Input | Source::Node { .. } if node.pass == Pass::Backward => {
                        read.insert((node.stage, memory));
                    }
                    _ => {}
                }
            }
        }
        for (parameter, stage) in homes {
            needs[stage].parameters += bytes(parameter)?;
        }
        for (stage, value) in read {
            needs[stage].kept += bytes(value)?;
        }
        Ok(needs)
    }

    /// Whether the stages fit on these devices in training; `sizes` are those of a micro-batch.
    ///
    /// # Errors
    /// [`Error::StageDoesNotFit`], [`Error::Setting`] for no device or more devices than stages, and those of [`needs`](Self::needs).
    pub fn fits(&self, sizes: &Sizes, on: Devices) -> Result<()> {
        let needs = self.needs(sizes)?;
        if !(1..=needs.len() as u64).contains(&on.count) {
            let found = on.count.to_string();
            return Err(Error::Setting { name: "number of devices", found, expected: "1 to that of stages" });
        }
        match Shortage::find(&needs, on) {
            None => Ok(()),
            Some(shortage) => Err(Error::StageDoesNotFit {
                stage: self.stage_name(shortage.stage).into(),
                device: shortage.device,
                devices: on.count,
                needed: shortage.needed,
                memory: on.memory,
            }),
        }
    }

    /// The output `loss`, or the sum of all real outputs.
    fn loss(&mut self) -> Result<Value> {
        if let Ok(loss) = self.find_output("loss") {
            return Ok(loss);
        }
        let outputs: Vec<Value> = self.outputs().iter().map(|&(_, value)| value).collect();
        let mut all: Option<Value> = None;
        for value in outputs {
            if matches!(self.ty(value).dtype, DType::F32) {
                let axes: Vec<usize> = (0..self.ty(value).rank()).collect();
                let sum = if axes.is_empty() { value } else { self.sum(value, &axes)? };
                all = Some(match all {
                    None => sum,
                    Some(before) => self.add(before, sum)?,
                });
            }
        }
        all.ok_or_else(|| Error::Loss { found: "no output of type F32".into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(count: u64, memory: u64) -> Devices {
        Devices { count, memory, micro_batches: count }
    }

    #[test]
    fn stages_are_packed_from_the_front() {
        let stage = Needs { repeat: 4, parameters: 10, kept: 5 };
        // two devices of two stages each: 2 * 40 + 2 * 5 * 2 = 100 on the first, 2 * 40 + 2 * 5 = 90 on the second
        assert_eq!(Shortage::find(&[stage], on(2, 100)), None);
        let short = Shortage::find(&[stage], on(2, 99)).unwrap();
        assert_eq!((short.stage, short.device, short.needed, short.micro_batches), (0, 2, 135, 1));
        assert_eq!(Shortage::find(&[stage; 2], on(8, 80)), None);
        assert_eq!(Shortage::find(&[stage; 2], on(7, 80)).map(|short| short.stage), Some(1));
        let one = Devices { count: 8, memory: 45, micro_batches: 1 };
        assert_eq!(Shortage::find(&[stage; 2], one), None);
    }

    /// Every way to cut a few stages, tried.
    #[test]
    fn no_other_cut_has_room() {
        let fits = |stages: &[Needs], on: Devices| -> bool {
            let n = stages.len();
            let count = on.count as usize;
            // boundaries of devices as digits of a number
            (0..(n + 1).pow(count as u32 - 1)).any(|code| {
                let mut cuts: Vec<usize> =
                    (0..count - 1).map(|k| code / (n + 1).pow(k as u32) % (n + 1)).collect();
                cuts.insert(0, 0);
                cuts.push(n);
                cuts.is_sorted()
                    && cuts.windows(2).enumerate().all(|(device, cut)| {
                        let own = &stages[cut[0]..cut[1]];
                        let flight = (on.count - device as u64).min(on.micro_batches);
                        let bytes: u64 = own.iter().map(|s| COPIES * s.parameters + flight * s.kept).sum();
                        bytes <= on.memory
                    })
            })
        };
        let mut state = 1_u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let (mut yes, mut no) = (0, 0);
        for _ in 0..500 {
            let stages: Vec<_> =
                (0..5).map(|_| Needs { repeat: 1, parameters: next(10), kept: next(20) }).collect();
            let on = Devices { count: 1 + next(4), memory: 20 + next(100), micro_batches: 1 + next(4) };
            let found = Shortage::find(&stages, on).is_none();
            assert_eq!(found, fits(&stages, on), "{stages:?} {on:?}");
            (yes, no) = (yes + usize::from(found), no + usize::from(!found));
        }
        assert!(yes > 50 && no > 50, "{yes} {no}");
    }
}
