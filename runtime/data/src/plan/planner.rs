//! Makes plans.

use std::fmt;
use std::sync::Arc;

use super::{Mode, OnDamage, Parts, Plan, Reader};
use crate::columns::batch_bytes;
use crate::dataset::Dataset;
use crate::loader::{Eval, Loader, Position, Train};
use crate::order::{Timed, pieces};
use crate::sample::Sample;
use crate::sampler::Sampler;
use crate::schema::Kind;
use crate::storage::ring;
use crate::{Bytes, Error, Result};

/// The seed of splits where none is given: they stay the same whatever the order's seed is.
const SPLIT_SEED: u64 = 0;
const USUAL_BUDGET: Bytes = Bytes::mib(64);
const USUAL_BATCH: usize = 256;
const MOST_THREADS: usize = 256;
/// The most entries of a ring that Linux makes.
const MOST_UNDER_WAY: usize = 1 << 12;
const MOST_CHUNKS: usize = 1 << 24;

/// Makes a plan for reading a set: settings are checked, and the budget is shared out, when a loader is asked for.
///
/// What is not set comes from the attributes of `dataset!`, else from the values in parentheses.
#[must_use]
pub struct Planner<S: Sample> {
    dataset: Dataset<S>,
    batch: Option<usize>,
    budget: Option<Bytes>,
    threads: Option<usize>,
    ring: Option<usize>,
    decoders: Option<usize>,
    open: Option<usize>,
    ahead: Option<usize>,
    batches: usize,
    lanes: Option<usize>,
    rank: (usize, usize),
    seed: Option<u64>,
    share: Option<(f64, f64)>,
    split_seed: u64,
    unknown_split: Option<String>,
    drop_last: bool,
    verify: bool,
    on_damage: OnDamage,
    sampler: Sampler,
}

impl<S: Sample> fmt::Debug for Planner<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planner")
            .field("dataset", &self.dataset)
            .field("batch", &self.batch)
            .field("budget", &self.budget)
            .field("rank", &self.rank)
            .finish_non_exhaustive()
    }
}

impl<S: Sample> Planner<S> {
    pub(crate) fn new(dataset: Dataset<S>) -> Self {
        Self {
            dataset,
            batch: None,
            budget: None,
            threads: None,
            ring: None,
            decoders: None,
            open: None,
            ahead: None,
            batches: 1,
            lanes: None,
            rank: (0, 1),
            seed: None,
            share: None,
            split_seed: SPLIT_SEED,
            unknown_split: None,
            drop_last: false,
            verify: true,
            on_damage: OnDamage::Fail,
            sampler: Sampler::Once,
        }
    }

    /// Samples in a batch, of all ranks together (256).
    pub fn batch(mut self, samples: usize) -> Self {
        self.batch = Some(samples);
        self
    }

    /// The limit on everything that is resident: open chunks, chunks ahead, batches, tables (64 MiB). Code, stacks of threads
    /// and what the program does with a batch are not the loader's.
    pub fn budget(mut self, bytes: Bytes) -> Self {
        self.budget = Some(bytes);
        self
    }

    /// Threads that read (2).
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Reads by `io_uring`, so many chunks at once, from one thread instead of several (feature `io_uring`, on Linux). For
    /// devices that are fastest when they have much to do.
    ///
    /// Loaders are [`Error::Feature`] in a build without it; epochs are [`Error::Ring`] where the system refuses.
    pub fn ring(mut self, depth: usize) -> Self {
        self.ring = Some(depth);
        self
    }

    /// Threads that decode images (those of the machine).
    pub fn decoders(mut self, threads: usize) -> Self {
        self.decoders = Some(threads);
        self
    }

    /// Chunks that are open at once in each lane (what the budget holds).
    pub fn open_chunks(mut self, chunks: usize) -> Self {
        self.open = Some(chunks);
        self
    }

    /// Chunks that are read ahead in each lane (two a thread or as many as a ring holds, or an eighth of those that the budget holds, if that is more).
    pub fn ahead(mut self, chunks: usize) -> Self {
        self.ahead = Some(chunks);
        self
    }

    /// Batches that may live at once (1): those that the program holds, and those that are made ahead by
    /// [`Ahead`](crate::Ahead).
    pub fn batches_held(mut self, batches: usize) -> Self {
        self.batches = batches;
        self
    }

    /// Lanes of the order (as many as ranks). Any number of ranks that divides them reads the same batches, and a run can go
    /// on with another one.
    pub fn lanes(mut self, lanes: usize) -> Self {
        self.lanes = Some(lanes);
        self
    }

    /// Reads the part of one rank of so many.
    pub fn rank(mut self, rank: usize, ranks: usize) -> Self {
        self.rank = (rank, ranks);
        self
    }

    /// The seed of the order (0).
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Only samples of a split that the type of the samples names.
    pub fn split(mut self, name: &str) -> Self {
        let mut start = 0.0;
        for (known, share) in S::defaults().splits {
            if known == name {
                self.share = Some((start, start + share));
                return self;
            }
            start += share;
        }
        self.unknown_split = Some(name.into());
        self
    }

    /// Only samples of a share of the set, such as `0.0..0.9`, whose chunks are chosen by a seed. Shares that do not overlap
    /// share no sample.
    pub fn share(mut self, share: std::ops::Range<f64>, seed: u64) -> Self {
        self.share = Some((share.start, share.end));
        self.split_seed = seed;
        self
    }

    /// Leaves out batches that are not full on every rank.
    pub fn drop_last(mut self) -> Self {
        self.drop_last = true;
        self
    }

    /// Compares no checksums.
    pub fn without_checksums(mut self) -> Self {
        self.verify = false;
        self
    }

    /// What happens with a damaged chunk, or an image that cannot be decoded ([`OnDamage::Fail`]).
    pub fn on_damage(mut self, policy: OnDamage) -> Self {
        self.on_damage = policy;
        self
    }

    /// How often each sample comes ([`Sampler::Once`]); for training only.
    pub fn sampler(mut self, sampler: Sampler) -> Self {
        self.sampler = sampler;
        self
    }

    /// Takes seed, lanes and open chunks from where a run was left, for [`Loader::resume`].
    pub fn like(mut self, position: &Position) -> Self {
        self.seed = Some(position.seed);
        self.lanes = Some(position.lanes);
        self.open = Some(position.open);
        self
    }

    /// A loader for training: which sample comes is up to it, and each comes once an epoch.
    pub fn train(self) -> Result<Loader<S, Train>> {
        let plan = self.plan(Mode::Redirected)?;
        Ok(Loader::new(self.dataset, plan))
    }

    /// A loader for evaluation: samples come in the order in which they are stored. Ranks read one part of it each.
    pub fn eval(self) -> Result<Loader<S, Eval>> {
        let plan = self.plan(Mode::InOrder)?;
        Ok(Loader::new(self.dataset, plan))
    }

    fn plan(&self, mode: Mode) -> Result<Plan> {
        let defaults = S::defaults();
        let set = &self.dataset.set;
        if let Some(name) = &self.unknown_split {
            let known: Vec<_> = defaults.splits.iter().map(|(name, _)| *name).collect();
            return Err(Error::setting(
                "the split",
                format!("`{name}`"),
                format!("one of [{}]", known.join(", ")),
            ));
        }
        let whole = |name, found: usize, least: usize, most: usize| {
            let right = (least..=most).contains(&found);
            if right { Ok(found) } else { Err(Error::setting(name, found, format!("{least}..={most}"))) }
        };
        let threads =
            whole("the number of threads", self.threads.or(defaults.threads).unwrap_or(2), 1, MOST_THREADS)?;
        let reader = match self.ring {
            Some(_) if !ring::PRESENT => {
                return Err(Error::Feature { what: "reading by io_uring", feature: "io_uring" });
            }
            Some(depth) => Reader::Ring(whole("the depth of the ring", depth, 1, MOST_UNDER_WAY)?),
            None => Reader::Threads(threads),
        };
        let cores = std::thread::available_parallelism().map_or(1, Into::into);
        let decoders = whole("the number of decoders", self.decoders.unwrap_or(cores), 1, MOST_THREADS)?;
        let batches = whole("the number of batches held", self.batches, 1, 1 << 16)?;
        let (rank, ranks) = self.rank;
        if rank >= ranks {
            return Err(Error::setting("the rank", rank, format!("below the number of ranks, {ranks}")));
        }
        let lanes = if mode == Mode::InOrder { ranks } else { self.lanes.unwrap_or(ranks) };
        if lanes == 0 || !lanes.is_multiple_of(ranks) {
            return Err(Error::setting(
                "the number of lanes",
                lanes,
                format!("a multiple of the {ranks} ranks"),
            ));
        }
        let batch =
            whole("the size of a batch", self.batch.or(defaults.batch).unwrap_or(USUAL_BATCH), 1, 1 << 30)?;
        if !batch.is_multiple_of(lanes) {
            return Err(Error::setting(
                "the size of a batch",
                batch,
                format!("a multiple of the {lanes} lanes"),
            ));
        }
        if let Some((start, end)) = self.share
            && !(0.0 <= start && start < end && end <= 1.0 + 1e-9)
        {
            return Err(Error::setting("the share of a split", format!("{start}..{end}"), "a part of 0..1"));
        }
        let sampler = match mode {
            Mode::Redirected => self.sampler.bind(&set.firsts)?,
            Mode::InOrder if matches!(self.sampler, Sampler::Once) => Sampler::Once,
            Mode::InOrder => {
                let reason = "evaluation takes each sample once and in order".into();
                return Err(Error::Sampler { sampler: format!("{:?}", self.sampler), reason });
            }
        };
        let share = self.share.map(|(start, end)| (start, end.min(1.0), self.split_seed));
        let pieces = pieces(set.chunks.iter().map(|chunk| chunk.samples), share);
        let slot = set.largest.0 as u64
            + set.largest.1 as u64
            + 4 * sampler.most(set.most_samples())
            + crate::storage::ALIGNMENT as u64;
        let rows = batch / ranks;
        let tables = size_of::<Timed>() + 8 + 12;
        let parts = Parts {
            chunk: Bytes(slot),
            batch: Bytes(batch_bytes(&set.schema, rows, set.largest_sample())),
            tables: set.memory()
                + Bytes((pieces.len() * tables / ranks) as u64)
                + Bytes(sampler.memory())
                + self.scratch(decoders),
        };
        let (budget, open, ahead) =
            self.share_out(mode, &parts, reader.busy(), (lanes, lanes / ranks), pieces.len())?;
        Ok(Plan {
            mode,
            batch,
            budget,
            reader,
            decoders,
            open,
            ahead,
            batches,
            lanes,
            rank,
            ranks,
            seed: self.seed.or(defaults.seed).unwrap_or_default(),
            drop_last: self.drop_last,
            verify: self.verify,
            on_damage: self.on_damage,
            sampler: Arc::new(sampler),
            pieces: pieces.into(),
            parts,
            shuffled: set.shuffled,
            firsts: set.firsts.clone().into(),
        })
    }

    /// What decoders of images take besides: the files and pixels of those under way.
    fn scratch(&self, decoders: usize) -> Bytes {
        let set = &self.dataset.set;
        let images = set.schema.fields().iter().any(|field| matches!(field.kind, Kind::Jpeg { .. }));
        // A pixel of a JPEG file takes at least a twenty-fourth of its bytes.
        if images { Bytes((decoders * set.largest_sample() * 24) as u64) } else { Bytes(0) }
    }

    /// The budget, and the chunks of each lane that it has open and ahead.
    fn share_out(
        &self,
        mode: Mode,
        parts: &Parts,
        busy: usize,
        (lanes, own): (usize, usize),
        pieces: usize,
    ) -> Result<(Bytes, usize, usize)> {
        let (defaults, set, batches) = (S::defaults(), &self.dataset.set, self.batches);
        let stated = self.budget.or(defaults.budget);
        let budget = stated.unwrap_or(USUAL_BUDGET);
        let fixed = parts.tables + parts.batch * batches as u64;
        let slots = budget.0.saturating_sub(fixed.0) / parts.chunk.0.max(1) / own as u64;
        // More than all chunks of a lane are of no use.
        let slots = (slots as usize).min(pieces.div_ceil(lanes) + 1);
        let wanted_ahead = self.ahead.or(defaults.ahead);
        let per_chunk = set.samples().div_ceil(set.chunks.len().max(1) as u64).max(1) as usize;
        let window = defaults.window.map(|window| window.div_ceil(per_chunk));
        let wanted_open = self.open.or(defaults.open_chunks.max(window));
        let wanted_open = if mode == Mode::InOrder { Some(1) } else { wanted_open };
        let usual_ahead = busy.max(slots / 8).min(slots / 2).max(1);
        let (open, ahead) = match (wanted_open, wanted_ahead) {
            (Some(open), Some(ahead)) => (open, ahead),
            (Some(open), None) if mode == Mode::InOrder => {
                (open, slots.saturating_sub(1).clamp(1, 32 * busy))
            }
            (Some(open), None) => (open, usual_ahead.min(slots.saturating_sub(open)).max(1)),
            (None, ahead) => {
                let ahead = ahead.unwrap_or(usual_ahead);
                (slots.saturating_sub(ahead).max(1), ahead)
            }
        };
        for (name, found) in [("the number of open chunks", open), ("the number of chunks read ahead", ahead)]
        {
            if !(1..=MOST_CHUNKS).contains(&found) {
                return Err(Error::setting(name, found, format!("1..={MOST_CHUNKS}")));
            }
        }
        let open = open.min(pieces.div_ceil(lanes).max(1));
        let needed = fixed + parts.chunk * (own * (open + ahead)) as u64;
        // Where only the chunks were stated, they are the budget.
        let budget = if stated.is_none() && wanted_open.is_some() { budget.max(needed) } else { budget };
        if needed > budget && pieces > 0 {
            let parts = format!(
                "{} for tables, {batches} x {} for batches, {} x {} for chunks",
                parts.tables,
                parts.batch,
                own * (open + ahead),
                parts.chunk
            );
            return Err(Error::Budget { found: budget, needed, parts });
        }
        Ok((budget, open, ahead))
    }
}
