//! Workers that die, fail or hang in the middle of a pipeline's steps: everybody else ends, and knows why.

use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use ketline_fabric::{Endpoint, Error, Options, Result};
use proptest::prelude::*;

use crate::run;

/// How a worker fails.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// It panics and drops its endpoint.
    Panic,
    /// It returns without a word.
    Leave,
    /// It tells the others.
    Abort,
    /// It stays, and does nothing.
    Hang,
}

const PATIENCE: Duration = Duration::from_millis(20);

/// Steps of a pipeline: micro-batches go up through the stages and come back down, and all stages meet after each step.
fn work(end: &dyn Endpoint, micro_batches: u64, at: &mut dyn FnMut() -> Result<()>) -> Result<()> {
    let (rank, last) = (end.rank(), end.size() - 1);
    let mut bytes = [0; 24];
    for _ in 0..3 {
        for batch in 0..micro_batches {
            at()?;
            if rank > 0 {
                end.receive(rank - 1, batch, &mut bytes)?;
            }
            if rank < last {
                end.send(rank + 1, batch, &bytes)?;
            }
        }
        for batch in 0..micro_batches {
            at()?;
            if rank < last {
                end.receive(rank + 1, batch, &mut bytes)?;
            }
            if rank > 0 {
                end.send(rank - 1, batch, &bytes)?;
            }
        }
        for peer in 0..end.size() {
            at()?;
            end.send(peer, u64::MAX, &[])?;
        }
        for peer in 0..end.size() {
            at()?;
            end.receive(peer, u64::MAX, &mut [])?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn everybody_ends_when_one_fails(
        size in 2..6usize,
        micro_batches in 1..5u64,
        messages in 4..6usize,
        victim in any::<usize>(),
        point in 0..40usize,
        // hanging takes as long as patience does, so it is rarer
        fault in prop_oneof![
            8 => Just(Fault::Panic), 8 => Just(Fault::Leave), 8 => Just(Fault::Abort), 1 => Just(Fault::Hang)
        ],
    ) {
        let victim = victim % size;
        let options = Options { messages, patience: if matches!(fault, Fault::Hang) { PATIENCE } else { Duration::from_secs(30) } };
        let start = Instant::now();
        let ends = run(size, &options, |end| {
            let mut steps = 0;
            let mut fell = false;
            let mut at = || {
                steps += 1;
                if end.rank() != victim || steps <= point {
                    return Ok(());
                }
                fell = true;
                match fault {
                    // without the hook, which would print 500 times
                    Fault::Panic => panic::resume_unwind(Box::new("dies")),
                    Fault::Leave => Err(Error::Gone { peer: victim }),
                    Fault::Abort => {
                        end.abort("gave up");
                        Err(Error::Aborted { rank: victim, reason: "gave up".into() })
                    }
                    Fault::Hang => {
                        std::thread::sleep(4 * PATIENCE);
                        Err(Error::Gone { peer: victim })
                    }
                }
            };
            let result = panic::catch_unwind(AssertUnwindSafe(|| work(end, micro_batches, &mut at)));
            (result.unwrap_or(Err(Error::Gone { peer: victim })), fell)
        });
        prop_assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        let ends: Vec<_> = ends.into_iter().map(|end| end.expect("caught above")).collect();
        let fell = ends[victim].1;
        for (rank, (end, _)) in ends.iter().enumerate() {
            match end {
                // the last messages of a step may have come through before the fault
                Ok(()) => prop_assert!(!fell || rank != victim),
                Err(_) if rank == victim => {}
                // who gives up because another one did is `Gone` as well; so little patience may end on a busy machine too
                Err(Error::Gone { peer }) => {
                    prop_assert!(*peer != rank && (fell || matches!(fault, Fault::Hang)));
                }
                Err(Error::Aborted { rank: who, .. }) => prop_assert!(matches!(fault, Fault::Abort) && *who == victim),
                Err(Error::Patience { .. }) => prop_assert!(matches!(fault, Fault::Hang)),
                Err(other) => prop_assert!(false, "rank {} ended with {}", rank, other),
            }
        }
        if fell && point < 10 {
            // the meeting after the first step was not reached
            prop_assert!(ends.iter().all(|(end, _)| end.is_err()), "{ends:?}");
        }
    }
}
