//! Where a run is: enough to go on from there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::plan::Plan;

/// Where a run is: the next batch, and the order that it belongs to. As text it is one line.
///
/// ```
/// use ketline_data::Position;
///
/// let text = "epoch=3 batch=17 seed=7 lanes=8 open=20 size=256 samples=60000 set=99";
/// let position: Position = text.parse()?;
/// assert_eq!((position.epoch, position.batch, position.to_string().as_str()), (3, 17, text));
/// # Ok::<(), ketline_data::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Position {
    /// The epoch.
    pub epoch: u64,
    /// The next batch.
    pub batch: u64,
    /// The seed of the order.
    pub seed: u64,
    /// Its lanes.
    pub lanes: usize,
    /// Open chunks of each lane.
    pub open: usize,
    /// Samples in a batch of all ranks.
    pub size: usize,
    /// Samples that take part.
    pub samples: u64,
    /// The number of the set.
    pub set: u64,
}

impl Position {
    pub(crate) fn of(plan: &Plan, set: u64, epoch: u64, batch: u64) -> Self {
        Self {
            epoch,
            batch,
            seed: plan.seed,
            lanes: plan.lanes,
            open: plan.open,
            size: plan.batch,
            samples: plan.samples(),
            set,
        }
    }

    pub(crate) fn entries(&self) -> [(&'static str, u64); 8] {
        [
            ("epoch", self.epoch),
            ("batch", self.batch),
            ("seed", self.seed),
            ("lanes", self.lanes as u64),
            ("open", self.open as u64),
            ("size", self.size as u64),
            ("samples", self.samples),
            ("set", self.set),
        ]
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.entries().map(|(name, value)| format!("{name}={value}"));
        f.write_str(&parts.join(" "))
    }
}

impl FromStr for Position {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |name: &str| {
            Error::setting("a position", format!("`{text}`"), format!("a text with `{name}=NUMBER`"))
        };
        let number = |name: &str| {
            let mut parts = text.split_whitespace().filter_map(|part| part.split_once('='));
            parts
                .find(|(key, _)| *key == name)
                .and_then(|(_, value)| value.parse::<u64>().ok())
                .ok_or_else(|| wrong(name))
        };
        let size = |name: &str| number(name).and_then(|value| value.try_into().map_err(|_| wrong(name)));
        Ok(Self {
            epoch: number("epoch")?,
            batch: number("batch")?,
            seed: number("seed")?,
            lanes: size("lanes")?,
            open: size("open")?,
            size: size("size")?,
            samples: number("samples")?,
            set: number("set")?,
        })
    }
}
