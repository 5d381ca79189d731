//! The rows of the table: what is limited, and who takes part.

use crate::limit::Slow;

/// A peer with its worker processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// A function of `peers/loaders.py`.
    pub(crate) name: &'static str,
    pub(crate) workers: usize,
    /// A function of `peers/formats.py` that writes what it reads; none for the flat file.
    pub(crate) format: Option<&'static str>,
}

/// What lies in the page cache when a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cache {
    Cold,
    Warm,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// The name of its metric.
    pub(crate) name: &'static str,
    pub(crate) workload: &'static str,
    pub(crate) cache: Cache,
    /// Limits on memory, page cache included, in MiB: ours, and the peers', which need more.
    pub(crate) caps: Option<(u64, u64)>,
    pub(crate) slow: Option<Slow>,
    pub(crate) peers: &'static [Peer],
    /// The least ratio that is wanted.
    pub(crate) goal: f64,
    /// Our budget in MiB.
    pub(crate) budget: u64,
}

const fn peer(name: &'static str, workers: usize, format: Option<&'static str>) -> Peer {
    Peer { name, workers, format }
}

const PREAD: Peer = peer("torch_pread", 2, None);
const PREAD_ALONE: Peer = peer("torch_pread", 0, None);
const MMAP: Peer = peer("torch_mmap", 2, None);
const GETITEMS: Peer = peer("torch_getitems", 0, None);
const LIT: Peer = peer("lit", 2, Some("lit"));
const LIT_ALONE: Peer = peer("lit", 0, Some("lit"));
const SQUIRREL: Peer = peer("squirrel", 0, Some("squirrel"));
const GRAIN: Peer = peer("grain", 0, Some("grain"));
const WDS: Peer = peer("wds", 0, Some("wds"));
const WDS_2: Peer = peer("wds", 2, Some("wds"));
const MDS: Peer = peer("mds", 2, Some("mds"));
const LANCE: Peer = peer("lance_take", 0, Some("lance"));

const fn row(name: &'static str, workload: &'static str, goal: f64, peers: &'static [Peer]) -> Row {
    Row { name, workload, cache: Cache::Cold, caps: None, slow: None, peers, goal, budget: 64 }
}

impl Row {
    const fn capped(self, theirs: u64) -> Self {
        Self { caps: Some((96, theirs)), ..self }
    }

    const fn slow(self) -> Self {
        Self { slow: Some(Slow { bytes: 200_000_000, reads: 1000 }), ..self }
    }

    const fn warm(self) -> Self {
        Self { cache: Cache::Warm, ..self }
    }
}

/// All rows in the order of the table.
pub(crate) const ROWS: &[Row] = &[
    row("a_cap_torch", "a", 12.0, &[PREAD]).capped(256),
    row("a_cap_best", "a", 4.0, &[LIT, LIT_ALONE, SQUIRREL, WDS_2]).capped(256),
    row("b_cap_torch", "b", 2.2, &[PREAD]).capped(512),
    row("b_cap_torch_mmap", "b", 40.0, &[MMAP]).capped(512),
    row("b_cap_best", "b", 1.3, &[GRAIN, WDS, SQUIRREL, MDS, LIT, LANCE]).capped(512),
    row("a_cold_best", "a", 1.0, &[GETITEMS, LIT_ALONE]),
    row("b_cold_best", "b", 1.2, &[WDS_2, PREAD, MMAP, LIT_ALONE]),
    row("a_warm_best", "a", 1.2, &[GETITEMS, LIT_ALONE]).warm(),
    row("b_warm_best", "b", 1.2, &[PREAD_ALONE, LIT_ALONE]).warm(),
    row("a_slow_torch", "a", 30.0, &[PREAD]).capped(256).slow(),
    row("b_slow_torch", "b", 1.5, &[PREAD]).capped(512).slow(),
];
