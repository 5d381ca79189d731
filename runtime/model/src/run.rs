//! Runs of a plan: one arena, a team, steps.

#![allow(unsafe_code)] // the arena, see each SAFETY

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, Instant};

use ndarray::{ArrayViewD, IxDyn};

use crate::device::Backend;
use crate::graph::{Init, Source, Value};
use crate::hash::fnv1a;
use crate::kernel::half::to_bf16;
use crate::kernel::real::Element;
use crate::kernel::team::Team;
use crate::operator::{Call, Ports, Slot};
use crate::plan::Plan;
use crate::{DType, Error, Extent, Result};

/// The most operands or results of a node.
const SLOTS: usize = 32;

/// A plan with its memory. Steps allocate nothing.
pub struct Run {
    plan: Plan,
    backend: Box<dyn Backend>,
    team: Team,
    ports: Option<Box<dyn Ports>>,
    step: u64,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("bytes", &self.plan.bytes())
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}

impl Plan {
    /// Takes the memory, once, and fills parameters and states as they begin. The same seed gives the same numbers.
    ///
    /// # Errors
    /// [`Error::Memory`], or [`Error::Device`] if the device is not there.
    pub fn start(self, seed: u64) -> Result<Run> {
        let backend = self.device.open(self.bytes())?;
        let team = Team::new(self.threads);
        let mut run = Run { plan: self, backend, team, ports: None, step: 0 };
        let begin: Vec<_> = (run.plan.graph.tensors())
            .filter_map(|(value, tensor)| match tensor.source {
                Source::Parameter(init) | Source::State(init) => Some((value, tensor.name.clone(), init)),
                _ => None,
            })
            .collect();
        for (value, name, init) in begin {
            run.fill(value, &name, init, seed);
        }
        Ok(run)
    }
}

/// A generator of 64-bit numbers (SplitMix64), its start made of a seed and a name.
struct Stream(u64);

impl Stream {
    fn new(seed: u64, name: &str) -> Self {
        // a parameter begins alike whatever stands beside it
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ fnv1a(name))
    }

    /// Uniform from 0 to below 1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

impl Run {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The team that works.
    pub fn team(&self) -> &Team {
        &self.team
    }

    /// Gives the run what carries tensors out of it and into it.
    pub fn attach(&mut self, ports: Box<dyn Ports>) {
        self.ports = Some(ports);
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Sets the number of steps done, on which dropout depends.
    pub fn set_steps(&mut self, steps: u64) {
        self.step = steps;
    }

    fn pointer(&self, offset: usize) -> *mut u8 {
        // SAFETY: offsets of the plan lie within the arena.
        unsafe { self.backend.memory().as_ptr().add(offset) }
    }

    fn fill(&mut self, value: Value, name: &str, init: Init, seed: u64) {
        let mut stream = Stream::new(seed, name);
        let mut next = || match init {
            Init::Constant(constant) => constant,
            Init::Normal(deviation) => deviation * stream.normal(),
            Init::Uniform(bound) => bound * (2.0 * stream.uniform() - 1.0),
        };
        match self.plan.extent(value).dtype {
            DType::F32 => self.slice_mut::<f32>(value).iter_mut().for_each(|x| *x = next() as f32),
            DType::F64 => self.slice_mut::<f64>(value).iter_mut().for_each(|x| *x = next()),
            DType::BF16 => self.slice_mut::<u16>(value).iter_mut().for_each(|x| *x = to_bf16(next() as f32)),
            DType::I32 => self.slice_mut::<i32>(value).iter_mut().for_each(|x| *x = next() as i32),
            DType::I64 => self.slice_mut::<i64>(value).iter_mut().for_each(|x| *x = next() as i64),
            DType::Bool => self.slice_mut::<u8>(value).iter_mut().for_each(|x| *x = u8::from(next() != 0.0)),
        }
    }

    fn checked<T: Element>(&self, value: Value) -> Result<&Extent> {
        let (extent, name) = (self.plan.extent(value), || self.plan.graph.tensor(value).name.clone());
        if self.plan.offsets[value.index()].is_none() {
            return Err(Error::Unknown {
                what: "tensor in this plan",
                name: name(),
                known: "those that are used".into(),
            });
        }
        if extent.dtype == T::DTYPE {
            return Ok(extent);
        }
        Err(Error::Tensor { name: name(), found: T::DTYPE.to_string(), expected: extent.to_string() })
    }

    fn slice_mut<T: Element>(&mut self, value: Value) -> &mut [T] {
        let elements = self.plan.extent(value).elements();
        let offset = self.plan.offsets[value.index()].unwrap_or(0);
        // SAFETY: the plan laid out so many elements of this type there, aligned, and the arena is zeroed.
        unsafe { std::slice::from_raw_parts_mut(self.pointer(offset).cast(), elements) }
    }

    /// The elements of a tensor. What is neither input, parameter, state, output nor kept may have been overwritten.
    ///
    /// # Errors
    /// [`Error::Tensor`], if its elements are of another type; [`Error::Unknown`], if the plan does not need it.
    pub fn values<T: Element>(&self, value: Value) -> Result<&[T]> {
        let elements = self.checked::<T>(value)?.elements();
        let offset = self.plan.offsets[value.index()].unwrap_or(0);
        // SAFETY: as in `slice_mut`.
        Ok(unsafe { std::slice::from_raw_parts(self.pointer(offset).cast(), elements) })
    }

    /// The elements of a tensor, to be changed.
    ///
    /// # Errors
    /// As [`values`](Self::values).
    pub fn values_mut<T: Element>(&mut self, value: Value) -> Result<&mut [T]> {
        self.checked::<T>(value)?;
        Ok(self.slice_mut(value))
    }

    /// A tensor as an array.
    ///
    /// # Errors
    /// As [`values`](Self::values).
    pub fn array<T: Element>(&self, value: Value) -> Result<ArrayViewD<'_, T>> {
        let dims = self.plan.extent(value).dims.clone();
        let values = self.values(value)?;
        ArrayViewD::from_shape(IxDyn(&dims), values).map_err(|_| Error::Values {
            found: values.len(),
            expected: dims.iter().product(),
            shape: dims,
        })
    }

    /// Gives an input, parameter or state its values, in order of its shape.
    ///
    /// # Errors
    /// An unknown name, another type, or another number of values.
    pub fn set<T: Element>(&mut self, name: &str, values: &[T]) -> Result<()> {
        let value = self.plan.graph.find(name)?;
        let extent = self.checked::<T>(value)?;
        if extent.elements() != values.len() {
            let (shape, expected) = (extent.dims.clone(), extent.elements());
            return Err(Error::Values { found: values.len(), shape, expected });
        }
        self.slice_mut(value).copy_from_slice(values);
        Ok(())
    }

    /// Gives an input, parameter or state the values of an array of its shape.
    ///
    /// # Errors
    /// An unknown name, another type, or another shape.
    pub fn set_array<T: Element>(&mut self, name: &str, array: &ArrayViewD<'_, T>) -> Result<()> {
        let value = self.plan.graph.find(name)?;
        let extent = self.checked::<T>(value)?;
        if extent.dims != array.shape() {
            let (found, expected) = (format!("{}{:?}", T::DTYPE, array.shape()), extent.to_string());
            return Err(Error::Tensor { name: name.into(), found, expected });
        }
        self.slice_mut(value).iter_mut().zip(array).for_each(|(to, from)| *to = *from);
        Ok(())
    }

    /// An output's elements, by name.
    ///
    /// # Errors
    /// An unknown name, or another type.
    pub fn output<T: Element>(&self, name: &str) -> Result<&[T]> {
        self.values(self.plan.graph.find_output(name)?)
    }

    /// Memory that was reserved, by its number.
    pub(crate) fn reserved<T: Element>(&self, k: usize) -> *mut [T] {
        let (_, extent, offset) = &self.plan.reserved[k];
        std::ptr::slice_from_raw_parts_mut(self.pointer(*offset).cast(), extent.elements())
    }

    /// The place of a tensor, for optimisers that change several at once.
    pub(crate) fn place<T: Element>(&self, value: Value) -> *mut [T] {
        let offset = self.plan.offsets[value.index()].unwrap_or(0);
        std::ptr::slice_from_raw_parts_mut(self.pointer(offset).cast(), self.plan.extent(value).elements())
    }

    /// Bytes of a tensor, whatever its type.
    pub(crate) fn bytes(&self, value: Value) -> &[u8] {
        let offset = self.plan.offsets[value.index()].unwrap_or(0);
        // SAFETY: as in `slice_mut`; any byte may be read.
        unsafe { std::slice::from_raw_parts(self.pointer(offset), self.plan.extent(value).bytes()) }
    }

    /// Bytes of a tensor, to be replaced by those of another of its type.
    pub(crate) fn bytes_mut(&mut self, value: Value) -> &mut [u8] {
        let offset = self.plan.offsets[value.index()].unwrap_or(0);
        // SAFETY: as in `slice_mut`.
        unsafe { std::slice::from_raw_parts_mut(self.pointer(offset), self.plan.extent(value).bytes()) }
    }

    pub(crate) fn reserved_bytes(&self, k: usize) -> &[u8] {
        let (_, extent, offset) = &self.plan.reserved[k];
        // SAFETY: the plan reserved so many bytes there.
        unsafe { std::slice::from_raw_parts(self.pointer(*offset), extent.bytes()) }
    }

    pub(crate) fn reserved_bytes_mut(&mut self, k: usize) -> &mut [u8] {
        let (_, extent, offset) = &self.plan.reserved[k];
        // SAFETY: the plan reserved so many bytes there.
        unsafe { std::slice::from_raw_parts_mut(self.pointer(*offset), extent.bytes()) }
    }

    /// Takes over parameters and states of the same name and type from another run, such as one that trains.
    ///
    /// # Errors
    /// [`Error::Unknown`] if the other run has no such tensor, [`Error::Tensor`] if it is of another type.
    pub fn copy_parameters(&mut self, from: &Self) -> Result<()> {
        let named: Vec<_> = (self.plan.graph.parameters().chain(self.plan.graph.states()))
            .map(|(value, tensor)| (value, tensor.name.clone()))
            .collect();
        for (value, name) in named {
            let other = from.plan.graph.find(&name)?;
            let (found, expected) = (from.plan.extent(other), self.plan.extent(value));
            if found != expected {
                let (found, expected) = (found.to_string(), expected.to_string());
                return Err(Error::Tensor { name, found, expected });
            }
            self.bytes_mut(value).copy_from_slice(from.bytes(other));
        }
        Ok(())
    }

    /// Runs one node of the plan, the others being where it expects them.
    pub(crate) fn node(&self, k: usize) -> Result<()> {
        static NONE: Extent = Extent { dtype: DType::F32, dims: Vec::new() };
        let step = &self.plan.steps[k];
        let node = &self.plan.graph.nodes()[step.node];
        let mut slots = [Slot { pointer: std::ptr::null_mut(), extent: &NONE }; 2 * SLOTS];
        let (operands, results) = slots.split_at_mut(SLOTS);
        for (slots, values) in [(&mut *operands, &node.operands), (&mut *results, &node.results)] {
            for (slot, value) in slots.iter_mut().zip(values) {
                let offset = self.plan.offsets[value.index()].unwrap_or(0);
                *slot = Slot { pointer: self.pointer(offset), extent: self.plan.extent(*value) };
            }
        }
        let call = Call {
            name: &node.name,
            operands: &operands[..node.operands.len()],
            results: &results[..node.results.len()],
            scratch: (self.pointer(step.scratch.0), step.scratch.1),
            team: &self.team,
            ports: self.ports.as_deref(),
            step: self.step + node.turn,
            taken: Cell::new(0),
        };
        self.backend.run(&*node.operator, &call)
    }

    /// Runs every node once, then replaces the states.
    ///
    /// # Errors
    /// Values that cannot be, such as ids out of range. Parameters and states are then as before.
    pub fn step(&mut self) -> Result<()> {
        self.compute()?;
        self.commit();
        Ok(())
    }

    /// Runs every node once, and leaves the states as they are until [`commit`](Self::commit).
    ///
    /// # Errors
    /// Values that cannot be, such as ids out of range.
    pub fn compute(&mut self) -> Result<()> {
        let done = (0..self.plan.steps.len()).try_for_each(|k| self.node(k));
        self.backend.wait()?;
        done
    }

    /// Replaces the states by what the nodes made of them, and counts the step, or those that it holds.
    pub fn commit(&mut self) {
        for k in 0..self.plan.graph.updates().len() {
            let (state, by) = self.plan.graph.updates()[k];
            let bytes = self.plan.extent(state).bytes();
            let at = |value: Value| self.pointer(self.plan.offsets[value.index()].unwrap_or(0));
            // SAFETY: both hold so many bytes; they may be the same.
            unsafe { std::ptr::copy(at(by), at(state), bytes) };
        }
        self.step += self.plan.turns;
    }

    /// Median time of each node over some steps, by number of the node.
    ///
    /// # Errors
    /// Those of [`step`](Self::step).
    pub fn profile(&mut self, steps: usize) -> Result<Vec<Duration>> {
        let mut times = vec![Vec::with_capacity(steps); self.plan.steps.len()];
        for _ in 0..steps.max(1) {
            for (k, times) in times.iter_mut().enumerate() {
                let since = Instant::now();
                self.node(k)?;
                self.backend.wait()?;
                times.push(since.elapsed());
            }
        }
        Ok(times
            .into_iter()
            .map(|mut times| {
                times.sort_unstable();
                times[times.len() / 2]
            })
            .collect())
    }
}
