//! How the time of the whole run is shared among its rows.

use std::time::{Duration, Instant};

use super::Row;

/// What a row takes however short its runs are, in seconds: processes start, libraries are loaded, functions compiled.
const OVERHEAD: f64 = 4.0;
/// How many runs of about the best peer's time a row is made of: first runs and rounds, of all that take part.
const RUNS: f64 = 12.0;

/// The time that is left, and the rows that share it.
#[derive(Debug)]
pub struct Budget {
    end: Instant,
    /// The weights of the rows to come, together.
    weights: f64,
}

impl Budget {
    /// The time until `end`, for these rows.
    pub fn new<R: Row>(end: Instant, rows: &[&R]) -> Self {
        Self { end, weights: rows.iter().map(|row| weight(*row)).sum() }
    }

    /// Takes a row's share, and says until when it lasts. What a row leaves over goes to those after it.
    pub fn take(&mut self, row: &impl Row, now: Instant) -> Instant {
        let share = weight(row) / self.weights.max(weight(row));
        self.weights -= weight(row);
        now + self.end.saturating_duration_since(now).mul_f64(share)
    }
}

/// What a row is expected to take, in seconds of an idle machine.
fn weight(row: &impl Row) -> f64 {
    OVERHEAD + RUNS * row.usual()
}

/// How many rounds there may be: as many as take `wanted` seconds, within `bounds` as long as they end in time.
pub(super) fn rounds(round: f64, wanted: f64, bounds: (usize, usize), left: Duration) -> usize {
    let (fewest, most) = bounds;
    let in_time = (left.as_secs_f64() / round) as usize;
    ((wanted / round) as usize).clamp(fewest, most).min(in_time).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::versus::tests::Named;

    #[test]
    fn shares_are_used_up_by_the_last_row() {
        let rows = [&Named { usual: 8.6, ..Named::default() }, &Named { usual: 0.02, ..Named::default() }];
        let start = Instant::now();
        let end = start + Duration::from_secs(100);
        let mut budget = Budget::new(end, &rows);
        let first = budget.take(rows[0], start);
        assert!(first > start + Duration::from_secs(90) && first < end);
        // the first one was early, and the last one has the rest
        assert_eq!(budget.take(rows[1], start + Duration::from_secs(10)), end);
        // too late is no panic: the row is measured once
        let mut late = Budget::new(start, &rows);
        assert_eq!(late.take(rows[0], end), end);
    }

    #[test]
    fn rounds_end_in_time_but_there_is_one() {
        let minute = Duration::from_mins(1);
        assert_eq!(rounds(0.5, 6.0, (5, 15), minute), 12);
        assert_eq!(rounds(0.01, 6.0, (5, 15), minute), 15);
        assert_eq!(rounds(18.0, 6.0, (3, 15), minute), 3);
        assert_eq!(rounds(25.0, 6.0, (3, 15), minute), 2);
        assert_eq!(rounds(25.0, 6.0, (3, 15), Duration::ZERO), 1);
    }
}
