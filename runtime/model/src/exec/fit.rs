//! Plans that fit to the byte.

use super::program::{Program, ProgramOptions};
use super::script::Pace;
use crate::plan::{Cluster, Copies, Derived, Planned, Planner, Times};
use crate::{Error, Result, Sizes};

/// How often a plan is made again with less memory.
const TRIES: usize = 12;

/// Plans a model and lays out its stages, under the cap and at the pace of the planner's cluster. The planner knows what is alive at
/// once, an arena also has gaps; where these do not fit, it plans again as if devices had that much less memory.
///
/// ```
/// use ketline_model::Sizes;
/// use ketline_model::exec::{ProgramOptions, fit};
/// use ketline_model::models::Transformer;
/// use ketline_model::plan::{Cluster, Derived, Planner, Times};
///
/// let derived = Derived::new(&Transformer { layers: 4, ..Transformer::default() }.gpt(false)?)?;
/// let sizes = Sizes::new().with("B", 4);
/// let cluster = Cluster { devices: 2, memory: 60_000_000, ..Cluster::pcie_16gb() };
/// let times = Times::of_cluster(&derived, &sizes, &cluster)?;
/// let (planned, programs) = fit(&Planner::new(cluster), &derived, &sizes, &times, &ProgramOptions::default())?;
/// assert!(programs.iter().all(|program| program.bytes() <= 60_000_000));
/// println!("{planned}");
/// # Ok::<(), ketline_model::Error>(())
/// ```
///
/// # Errors
/// Those of the planner and of [`Program::new`]: [`Error::DoesNotFit`] with stage, tensor and bytes, if nothing fits.
pub fn fit(
    planner: &Planner,
    derived: &Derived,
    sizes: &Sizes,
    times: &Times,
    options: &ProgramOptions<'_>,
) -> Result<(Planned, Vec<Program>)> {
    let cap = planner.cluster.memory;
    let host = planner.cluster.host_share(planner.cluster.devices);
    let pace = (planner.cluster.copies == Copies::Overlap).then_some(Pace { times, host });
    let capped = ProgramOptions { cap: Some(usize::try_from(cap).unwrap_or(usize::MAX)), pace, ..*options };
    let mut memory = cap;
    let mut last: Option<Error> = None;
    for _ in 0..TRIES {
        let cluster = Cluster { memory, ..planner.cluster };
        let tight = Planner { cluster, ..planner.clone() };
        let planned = match tight.plan(derived, sizes, times) {
            Ok(planned) => planned,
            // what did not fit under the cap says more than what does not fit under less
            Err(error @ Error::DoesNotFit { .. }) => return Err(last.unwrap_or(error)),
            Err(error) => return Err(error),
        };
        let error = match Program::all(derived, &planned.partition, sizes, &capped) {
            Ok(programs) => return Ok((planned, programs)),
            Err(error) => error,
        };
        let Error::DoesNotFit { needed, .. } = error else { return Err(error) };
        let over = (needed as u64).saturating_sub(cap).max(cap / 256);
        memory = memory.saturating_sub(over);
        last = Some(error);
    }
    Err(last.unwrap_or(Error::Memory { bytes: capped.cap.unwrap_or(usize::MAX) }))
}
