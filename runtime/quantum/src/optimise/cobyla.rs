//! COBYLA: linear models on a simplex, for few parameters and no gradient.

use std::cell::RefCell;

use ::cobyla::{Func, RhoBeg, StopTols, minimize};

use super::minimum::Record;
use super::{Minimum, check_setting};
use crate::{Error, Result};

/// Constrained optimisation by linear approximation (Powell 1994), here with bounds as the only constraints.
/// The first simplex costs one evaluation more than there are parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cobyla {
    /// First radius of the simplex, in units of the parameters; finite and positive.
    pub radius: f64,
    /// Radius at which to stop; 0 spends all evaluations.
    pub tolerance: f64,
    /// Most evaluations of the objective; never exceeded.
    pub evaluations: usize,
    /// Lower and upper bound of every parameter; infinite ones don't bind. A binding bound may be overstepped
    /// on the way.
    pub bounds: (f64, f64),
}

impl Cobyla {
    /// Without bounds, first radius 0.1, stopping at radius 1e-6.
    pub const fn new(evaluations: usize) -> Self {
        Self { radius: 0.1, tolerance: 1e-6, evaluations, bounds: (f64::NEG_INFINITY, f64::INFINITY) }
    }

    /// Minimises `objective` from `start` and returns the best point evaluated. The objective is not called
    /// again after its first error.
    ///
    /// # Errors
    /// Those of the objective; [`Error::NotFinite`] if the start or a value is NaN or infinite;
    /// [`Error::Setting`] if a setting is out of range or the start out of bounds.
    pub fn minimise(&self, start: &[f64], objective: impl FnMut(&[f64]) -> Result<f64>) -> Result<Minimum> {
        self.check(start)?;
        let run = RefCell::new(Run {
            objective,
            record: Record::new("the start", start)?,
            failure: None,
            worst: 0.0,
        });
        if start.is_empty() {
            run.borrow_mut().evaluate(start, self.evaluations);
        } else {
            let tolerances = StopTols { xtol_abs: vec![self.tolerance; start.len()], ..StopTols::default() };
            // Its own verdict carries nothing that the record does not: any end is an end.
            let _ = minimize(
                |x: &[f64], (): &mut ()| run.borrow_mut().evaluate(x, self.evaluations),
                start,
                &vec![self.bounds; start.len()],
                &[] as &[&dyn Func<()>],
                (),
                self.evaluations,
                RhoBeg::All(self.radius),
                Some(tolerances),
            );
        }
        let Run { record, failure, .. } = run.into_inner();
        failure.map_or_else(|| Ok(record.best()), Err)
    }

    fn check(&self, start: &[f64]) -> Result<()> {
        let radius = self.radius;
        check_setting("radius", radius, radius.is_finite() && radius > 0.0, "a finite number > 0")?;
        let tolerance = self.tolerance;
        check_setting(
            "tolerance",
            tolerance,
            tolerance.is_finite() && tolerance >= 0.0,
            "a finite number >= 0",
        )?;
        let valid = (1..=i32::MAX as usize).contains(&self.evaluations);
        check_setting("evaluations", self.evaluations as f64, valid, "at least 1 and below 2^31")?;
        let (low, high) = self.bounds;
        check_setting("lower bound", low, low < high, "a number below the upper bound")?;
        start.iter().filter(|x| x.is_finite()).try_for_each(|&x| {
            check_setting("start", x, (low..=high).contains(&x), "a number within the bounds")
        })
    }
}

struct Run<F> {
    objective: F,
    record: Record,
    failure: Option<Error>,
    worst: f64,
}

impl<F: FnMut(&[f64]) -> Result<f64>> Run<F> {
    /// The value at `x`; past the budget or an error, the worst one so far, so that the simplex shrinks to
    /// its end.
    fn evaluate(&mut self, x: &[f64], budget: usize) -> f64 {
        if self.failure.is_some() || self.record.evaluations() >= budget {
            return self.worst;
        }
        match (self.objective)(x).and_then(|value| self.record.push(x, value).map(|()| value)) {
            Ok(value) => {
                self.worst = if self.record.evaluations() == 1 { value } else { self.worst.max(value) };
                value
            }
            Err(error) => {
                self.failure = Some(error);
                self.worst
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rosenbrock(x: &[f64]) -> f64 {
        (1.0 - x[0]).powi(2) + 10.0 * (x[1] - x[0] * x[0]).powi(2)
    }

    #[test]
    fn finds_the_minimum_of_a_curved_valley() {
        let minimum = Cobyla { radius: 0.5, ..Cobyla::new(3000) }
            .minimise(&[-1.0, 1.0], |x| Ok(rosenbrock(x)))
            .unwrap();
        assert!(minimum.value < 1e-4, "{minimum:?}");
        assert_eq!(minimum.value, rosenbrock(&minimum.parameters));
        assert_eq!(minimum.evaluations, minimum.trace.len());
    }

    #[test]
    fn the_budget_is_never_exceeded() {
        for budget in [1, 2, 5, 37] {
            let mut calls = 0;
            let minimum = Cobyla { tolerance: 0.0, ..Cobyla::new(budget) }.minimise(&[0.3; 6], |x| {
                calls += 1;
                Ok(x.iter().map(|x| x.sin().powi(2)).sum())
            });
            assert_eq!(minimum.unwrap().evaluations, budget);
            assert_eq!(calls, budget);
        }
    }

    #[test]
    fn a_binding_bound_holds() {
        let cobyla = Cobyla { bounds: (-0.5, 2.0), ..Cobyla::new(500) };
        let minimum = cobyla.minimise(&[1.0, 1.0], |x| Ok((x[0] + 3.0).powi(2) + x[1].powi(2))).unwrap();
        assert!(
            (minimum.parameters[0] + 0.5).abs() < 1e-3 && minimum.parameters[1].abs() < 1e-3,
            "{minimum:?}"
        );
    }

    #[test]
    fn errors_of_the_objective_come_back_and_end_the_calls() {
        let mut calls = 0;
        let outcome = Cobyla::new(100).minimise(&[0.0; 3], |_| {
            calls += 1;
            if calls < 4 { Ok(f64::from(calls)) } else { Ok(f64::NAN) }
        });
        assert!(matches!(outcome, Err(Error::NotFinite { what: "the objective", index: 3, .. })));
        assert_eq!(calls, 4);
    }

    #[test]
    fn bad_settings_are_refused_before_any_evaluation() {
        let settings = [
            Cobyla { radius: f64::NAN, ..Cobyla::new(9) },
            Cobyla { tolerance: -1.0, ..Cobyla::new(9) },
            Cobyla { bounds: (1.0, 0.0), ..Cobyla::new(9) },
            Cobyla { bounds: (1.0, 2.0), ..Cobyla::new(9) },
            Cobyla::new(0),
            Cobyla::new(usize::MAX),
        ];
        for cobyla in settings {
            let outcome = cobyla.minimise(&[0.0], |_| panic!("must not be evaluated"));
            assert!(matches!(outcome, Err(Error::Setting { .. })));
        }
        let start = Cobyla::new(9).minimise(&[f64::INFINITY], |_| Ok(0.0));
        assert!(matches!(start, Err(Error::NotFinite { what: "the start", .. })));
        assert_eq!(Cobyla::new(9).minimise(&[], |_| Ok(2.0)).unwrap().value, 2.0);
    }
}
