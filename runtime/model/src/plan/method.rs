//! Ways to choose cuts: DawnPiper's, the best ones, and what other planners do.

use std::fmt;

use super::binary::binary;
use super::evict::Grain;
use super::exact::exact;
use super::partition::Restore;
use super::price::{Cuts, Priced, Stages};
use super::refine::refine;

/// How a partition is found.
///
/// The baselines stand in the same runtime, with the same prices; they cut at layers (see [`Graph::stages`](crate::Graph::stages)),
/// and where their papers search, they get the best cuts that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Cuts at nodes, by halves, then improved pair by pair (DawnPiper, arXiv:2505.05856); nodes are swapped or run again.
    Halves,
    /// The best cuts at nodes.
    Exact,
    /// As many layers on each stage; nothing leaves memory.
    EqualLayers,
    /// Layers cut for time; all run again (GPipe, arXiv:1811.06965).
    GPipe,
    /// Layers cut for time, whatever memory there is (PipeDream, arXiv:1806.03377).
    PipeDream,
    /// Layers cut for time among cuts that fit.
    PipeDreamInMemory,
    /// Layers, of which the last ones of a stage run again: all that vPipe's published planner writes out.
    VPipeRecompute,
    /// Layers, each of which may be swapped or run again as a whole (vPipe, TPDS 2021).
    VPipe,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Halves,
        Self::Exact,
        Self::EqualLayers,
        Self::GPipe,
        Self::PipeDream,
        Self::PipeDreamInMemory,
        Self::VPipeRecompute,
        Self::VPipe,
    ];

    pub(crate) const fn grain(self) -> Grain {
        match self {
            Self::Halves | Self::Exact => Grain::Nodes,
            Self::EqualLayers | Self::PipeDream | Self::PipeDreamInMemory => Grain::Nothing,
            Self::GPipe => Grain::AllLayers,
            Self::VPipeRecompute => Grain::LastLayers,
            Self::VPipe => Grain::Layers,
        }
    }

    /// When what it evicts comes back.
    pub const fn restore(self) -> Restore {
        match self {
            Self::Halves | Self::Exact => Restore::Node,
            _ => Restore::Layer,
        }
    }

    /// Whether memory plays no part in where it cuts.
    pub(crate) const fn is_blind(self) -> bool {
        matches!(self, Self::PipeDream | Self::EqualLayers)
    }

    /// The cuts that it finds; none if there are none that fit. `room` are some that do.
    pub(crate) fn cuts(self, row: &mut Priced<'_>, room: Vec<usize>) -> Option<Cuts> {
        match self {
            Self::Halves => halves(row, room),
            Self::Exact => {
                let close = halves(row, room);
                let bound = close.as_ref().map_or(f64::INFINITY, |cuts| cuts.seconds);
                exact(row, bound).or(close)
            }
            Self::EqualLayers => equal_layers(row),
            _ => exact(row, f64::INFINITY),
        }
    }
}

/// Halves, or cuts at layers if some are better: so no planner of layers can be.
fn halves(row: &mut Priced<'_>, room: Vec<usize>) -> Option<Cuts> {
    let found = binary(row).or_else(|| Cuts::priced(row, room)).map(|cuts| refine(row, cuts));
    let bound = found.as_ref().map_or(f64::INFINITY, |cuts| cuts.seconds);
    match row.at_layers(|row| exact(row, bound)) {
        Some(cuts) => Some(refine(row, cuts)),
        None => found,
    }
}

fn equal_layers(row: &mut Priced<'_>) -> Option<Cuts> {
    let starts: Vec<usize> = (0..row.nodes()).filter(|&node| node == 0 || row.can_cut(node)).collect();
    let (layers, stages) = (starts.len(), row.stages());
    if layers < stages {
        return None;
    }
    Cuts::priced(row, (1..stages).map(|x| starts[(x * layers).div_ceil(stages)]).collect())
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Halves => "DawnPiper",
            Self::Exact => "DawnPiper, exact",
            Self::EqualLayers => "equal layers",
            Self::GPipe => "GPipe",
            Self::PipeDream => "PipeDream",
            Self::PipeDreamInMemory => "PipeDream in memory",
            Self::VPipeRecompute => "vPipe, recompute",
            Self::VPipe => "vPipe",
        })
    }
}
