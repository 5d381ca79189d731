//! The largest batch that fits.

use crate::{Error, Result};

/// The largest number from 1 to `limit` for which `plan` finds room, with what it finds; none if there is no room for 1.
///
/// It doubles until there is none, then halves the interval: what fits at some size is taken to fit at smaller ones.
///
/// ```
/// use ketline_model::Error;
/// use ketline_model::plan::capacity;
///
/// let room = |b: usize| if b <= 37 { Ok(b) } else {
///     Err(Error::DoesNotFit { stage: "0".into(), tensor: "x".into(), bytes: b, needed: b, cap: 37 })
/// };
/// assert_eq!(capacity(1 << 20, room)?, Some((37, 37)));
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// Those of `plan` other than [`Error::DoesNotFit`].
pub fn capacity<T>(limit: usize, mut plan: impl FnMut(usize) -> Result<T>) -> Result<Option<(usize, T)>> {
    let mut probe = |size: usize| match plan(size) {
        Ok(found) => Ok(Some((size, found))),
        Err(Error::DoesNotFit { .. }) => Ok(None),
        Err(error) => Err(error),
    };
    let mut best = None;
    let (mut size, mut above) = (1, limit.saturating_add(1));
    while size < above {
        match probe(size)? {
            Some(found) => {
                best = Some(found);
                size = size.saturating_mul(2).min(limit.max(size + 1));
            }
            None => above = size,
        }
    }
    let mut below = best.as_ref().map_or(0, |(size, _)| *size);
    while below + 1 < above {
        let middle = below + (above - below) / 2;
        match probe(middle)? {
            Some(found) => (below, best) = (middle, Some(found)),
            None => above = middle,
        }
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_size_is_found_from_few_tries() {
        for most in 0..70 {
            for limit in [1, 2, 3, 64, 65, 1000] {
                let mut tries = 0;
                let found = capacity(limit, |size| {
                    tries += 1;
                    assert!((1..=limit).contains(&size));
                    let (stage, tensor) = ("0".into(), "x".into());
                    let wrong = Error::DoesNotFit { stage, tensor, bytes: size, needed: size, cap: most };
                    if size <= most { Ok(()) } else { Err(wrong) }
                });
                let expected = most.min(limit);
                assert_eq!(found.unwrap().map_or(0, |(size, ())| size), expected, "{most} {limit}");
                assert!(tries <= 16, "{tries}");
            }
        }
        let other = capacity(4, |_| Err::<(), _>(Error::Memory { bytes: 1 }));
        assert_eq!(other, Err(Error::Memory { bytes: 1 }));
    }
}
