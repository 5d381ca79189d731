//! The rows of the table: what is limited, and who takes part.

use ketline_examples::versus::{self, Peer};
use serde_json::{Value, json};

use crate::limit::Slow;
use crate::workload::Workload;

/// What lies in the page cache when a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cache {
    Cold,
    Warm,
}

/// What our loader may take of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Budget {
    Mib(u64),
    /// 5 % of the samples.
    Twentieth,
}

impl Budget {
    pub(crate) fn bytes(self, workload: &Workload) -> u64 {
        match self {
            Self::Mib(mib) => mib << 20,
            Self::Twentieth => workload.all_bytes() / 20,
        }
    }
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
    peers: &'static [Peer],
    /// The least ratio that is wanted.
    pub(crate) goal: f64,
    pub(crate) budget: Budget,
    /// Seconds of the best peer's epoch.
    usual: f64,
}

const fn peer(name: &'static str, option: &'static str) -> Peer {
    Peer { name, option }
}

const PREAD: Peer = peer("torch", "pread/2");
const PREAD_ALONE: Peer = peer("torch", "pread/0");
const MMAP: Peer = peer("torch", "mmap/2");
const GETITEMS: Peer = peer("torch", "getitems/0");
const LIT: Peer = peer("lit", "2");
const LIT_ALONE: Peer = peer("lit", "0");
const SQUIRREL: Peer = peer("squirrel", "");
const GRAIN: Peer = peer("grain", "0");
const WDS: Peer = peer("wds", "0");
const WDS_2: Peer = peer("wds", "2");
const MDS: Peer = peer("mds", "2");
const LANCE: Peer = peer("lance", "");

/// A row with a cold page cache and 64 MiB for us; `usual` is what the best peer took when the goals were set.
const fn row(
    name: &'static str,
    workload: &'static str,
    goal: f64,
    usual: f64,
    peers: &'static [Peer],
) -> Row {
    Row {
        name,
        workload,
        cache: Cache::Cold,
        caps: None,
        slow: None,
        peers,
        goal,
        budget: Budget::Mib(64),
        usual,
    }
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

    const fn twentieth(self) -> Self {
        Self { budget: Budget::Twentieth, ..self }
    }
}

impl versus::Row for Row {
    fn name(&self) -> &str {
        self.name
    }

    fn threads(&self) -> usize {
        2
    }

    fn peers(&self) -> &[Peer] {
        self.peers
    }

    fn usual(&self) -> f64 {
        self.usual
    }

    fn workload(&self) -> Value {
        json!({ "kind": "epoch", "name": self.workload })
    }

    fn agrees(&self, _: &str, ours: f64, theirs: f64) -> bool {
        ours == theirs
    }
}

/// All rows in the order of the table. Those without peers tell what memory is taken.
pub(crate) const ROWS: &[Row] = &[
    row("a_cap_torch", "a", 12.0, 6.0, &[PREAD]).capped(256),
    row("a_cap_best", "a", 4.0, 6.0, &[LIT, LIT_ALONE, SQUIRREL, WDS_2]).capped(256),
    row("b_cap_torch", "b", 2.2, 5.0, &[PREAD]).capped(512),
    row("b_cap_torch_mmap", "b", 40.0, 6.0, &[MMAP]).capped(512),
    row("b_cap_best", "b", 1.3, 6.0, &[GRAIN, WDS, SQUIRREL, MDS, LIT, LANCE]).capped(512),
    row("a_cold_best", "a", 1.0, 2.0, &[GETITEMS, LIT_ALONE]),
    row("b_cold_best", "b", 1.2, 4.0, &[WDS_2, PREAD, MMAP, LIT_ALONE]),
    row("a_warm_best", "a", 1.2, 1.0, &[GETITEMS, LIT_ALONE]).warm(),
    row("b_warm_best", "b", 1.2, 1.5, &[PREAD_ALONE, LIT_ALONE]).warm(),
    row("a_slow_torch", "a", 30.0, 7.0, &[PREAD]).capped(256).slow(),
    row("b_slow_torch", "b", 1.5, 7.0, &[PREAD]).capped(512).slow(),
    row("a_twentieth", "a", 0.0, 0.2, &[]).twentieth(),
    row("b_twentieth", "b", 0.0, 0.2, &[]).twentieth(),
];

/// The rows whose names begin so, or all.
pub(crate) fn named(only: Option<&str>) -> Result<Vec<&'static Row>, String> {
    let Some(only) = only else { return Ok(ROWS.iter().collect()) };
    let asked: Vec<_> = only.split(',').map(str::trim).filter(|prefix| !prefix.is_empty()).collect();
    let unknown = |prefix: &&&str| !ROWS.iter().any(|row| row.name.starts_with(**prefix));
    if let Some(prefix) = asked.iter().find(unknown) {
        let known: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        return Err(format!("no row begins with `{prefix}`; there are {}", known.join(" ")));
    }
    Ok(ROWS.iter().filter(|row| asked.iter().any(|prefix| row.name.starts_with(prefix))).collect())
}
