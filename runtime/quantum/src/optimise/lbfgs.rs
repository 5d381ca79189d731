//! L-BFGS with bounds: the curvature of the last steps, for smooth objectives with an exact gradient.

use std::collections::VecDeque;

use super::minimum::Record;
use super::{Minimum, check_finite, check_setting};
use crate::{Error, Result};

/// What a step must gain of what the slope promises (Armijo), and how much of the slope may be left (Wolfe).
const SUFFICIENT: f64 = 1e-4;
const LEFT: f64 = 0.9;

/// Trials of a line search.
const TRIALS: usize = 12;

/// How much further the next trial may be: curvatures that differ by orders of magnitude are common among pulses.
const FURTHER: (f64, f64) = (2.0, 1e4);

/// The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno (Liu and Nocedal 1989), with bounds by projection: a
/// parameter at a bound that its gradient pushes against rests, the others take a quasi-Newton step (Bertsekas 1982).
#[derive(Debug, Clone, PartialEq)]
pub struct Lbfgs {
    /// How many steps are remembered; at least 1.
    pub memory: usize,
    /// Stops when no derivative of a parameter that can move is larger; finite and not negative.
    pub tolerance: f64,
    /// Stops when a step gains less; finite and not negative. What an inexact objective is off by belongs here.
    pub progress: f64,
    /// Stops when the value is as small.
    pub goal: f64,
    /// Length of the first step; finite and positive.
    pub first: f64,
    /// Most evaluations of the objective.
    pub evaluations: usize,
    /// Lower and upper bound of each parameter; none, if it is empty.
    pub bounds: Vec<(f64, f64)>,
}

impl Lbfgs {
    /// Without bounds, 20 steps remembered, stopping where derivatives are below 1e-10, first step of 0.1.
    pub const fn new(evaluations: usize) -> Self {
        Self {
            memory: 20,
            tolerance: 1e-10,
            progress: 0.0,
            goal: f64::NEG_INFINITY,
            first: 0.1,
            evaluations,
            bounds: Vec::new(),
        }
    }

    /// Minimises `objective`, which gives the value and the gradient, from `start`, and returns the best point evaluated. All
    /// points are within the bounds.
    ///
    /// # Errors
    /// Those of the objective; [`Error::NotFinite`] if the start, a value or a derivative is NaN or infinite; [`Error::Dimension`]
    /// for a gradient or bounds of another number of parameters; [`Error::Setting`] if a setting is out of range or the start out
    /// of bounds.
    pub fn minimise(
        &self,
        start: &[f64],
        mut objective: impl FnMut(&[f64]) -> Result<(f64, Vec<f64>)>,
    ) -> Result<Minimum> {
        self.check(start)?;
        let mut record = Record::new("the start", start)?;
        let mut evaluate = |x: &[f64], record: &mut Record| -> Result<Point> {
            let (value, gradient) = objective(x)?;
            record.push(x, value)?;
            if gradient.len() != x.len() {
                let (what, found) = ("the gradient", gradient.len());
                return Err(Error::Dimension { what, found, expected: x.len() });
            }
            check_finite("the gradient", &gradient)?;
            Ok(Point { x: x.to_vec(), value, gradient })
        };
        let mut here = evaluate(start, &mut record)?;
        let mut pairs: VecDeque<Pair> = VecDeque::new();
        while record.evaluations() < self.evaluations && here.value > self.goal {
            let free: Vec<bool> = (0..start.len()).map(|k| !self.rests(&here, k)).collect();
            let slope: Vec<f64> =
                here.gradient.iter().zip(&free).map(|(g, free)| if *free { *g } else { 0.0 }).collect();
            if slope.iter().all(|g| g.abs() <= self.tolerance) {
                break;
            }
            let mut direction = descent(&slope, &pairs, &free);
            let mut scale = 1.0;
            if dot(&direction, &slope) >= 0.0 || pairs.is_empty() {
                pairs.clear();
                direction = slope.iter().map(|g| -g).collect();
                scale = self.first / dot(&direction, &direction).sqrt();
            }
            let Some(next) = self.search(&here, &direction, scale, &mut record, &mut evaluate)? else {
                // No progress along a quasi-Newton direction may be that of stale pairs.
                if pairs.is_empty() {
                    break;
                }
                pairs.clear();
                continue;
            };
            let gain = here.value - next.value;
            let pair = Pair::new(&here, &next);
            if pair.curvature > f64::EPSILON * dot(&pair.change, &pair.change) {
                pairs.push_back(pair);
                if pairs.len() > self.memory {
                    pairs.pop_front();
                }
            }
            here = next;
            if gain < self.progress {
                break;
            }
        }
        Ok(record.best())
    }

    /// A point further along that is better by enough, if one is found.
    fn search(
        &self,
        here: &Point,
        direction: &[f64],
        scale: f64,
        record: &mut Record,
        evaluate: &mut impl FnMut(&[f64], &mut Record) -> Result<Point>,
    ) -> Result<Option<Point>> {
        let (mut low, mut high, mut step) = (0.0, f64::INFINITY, scale);
        let mut best: Option<Point> = None;
        for _ in 0..TRIALS {
            if record.evaluations() >= self.evaluations {
                break;
            }
            let x: Vec<f64> =
                (0..direction.len()).map(|k| self.within(k, here.x[k] + step * direction[k])).collect();
            let moved: Vec<f64> = x.iter().zip(&here.x).map(|(a, b)| a - b).collect();
            let promised = dot(&here.gradient, &moved);
            if promised >= 0.0 {
                break;
            }
            let there = evaluate(&x, record)?;
            if there.value > here.value + SUFFICIENT * promised {
                high = step;
                // Where a parabola through both values and the slope is lowest
                let lowest = -0.5 * promised / (there.value - here.value - promised);
                let tried = low + (step - low) * lowest.clamp(0.1, 0.5);
                step = if low > 0.0 { 0.5 * (low + high) } else { tried };
            } else {
                let left = dot(&there.gradient, &moved);
                let enough = left >= LEFT * promised;
                if best.as_ref().is_none_or(|best| there.value < best.value) {
                    best = Some(there);
                }
                if enough {
                    break;
                }
                low = step;
                // Where the slope vanishes if it goes on changing as it did
                let further = (promised / (promised - left)).clamp(FURTHER.0, FURTHER.1);
                let further = if further.is_finite() { further } else { FURTHER.0 };
                step = if high.is_finite() { 0.5 * (low + high) } else { further * step };
            }
        }
        Ok(best)
    }

    fn within(&self, k: usize, value: f64) -> f64 {
        self.bounds.get(k).map_or(value, |(low, high)| value.clamp(*low, *high))
    }

    /// Whether a parameter is at a bound and its gradient pushes against it.
    fn rests(&self, point: &Point, k: usize) -> bool {
        self.bounds.get(k).is_some_and(|(low, high)| {
            (point.x[k] <= *low && point.gradient[k] > 0.0)
                || (point.x[k] >= *high && point.gradient[k] < 0.0)
        })
    }

    fn check(&self, start: &[f64]) -> Result<()> {
        check_setting("memory", self.memory as f64, self.memory >= 1, "at least 1")?;
        let (tolerance, first) = (self.tolerance, self.first);
        let valid = tolerance.is_finite() && tolerance >= 0.0;
        check_setting("tolerance", tolerance, valid, "a finite number >= 0")?;
        let valid = self.progress.is_finite() && self.progress >= 0.0;
        check_setting("progress", self.progress, valid, "a finite number >= 0")?;
        check_setting("goal", self.goal, !self.goal.is_nan(), "a number")?;
        check_setting("first step", first, first.is_finite() && first > 0.0, "a finite number > 0")?;
        check_setting("evaluations", self.evaluations as f64, self.evaluations >= 1, "at least 1")?;
        let (found, expected) = (self.bounds.len(), start.len());
        if found != expected && found > 0 {
            return Err(Error::Dimension { what: "the list of bounds", found, expected });
        }
        for (&x, &(low, high)) in start.iter().zip(&self.bounds) {
            check_setting("lower bound", low, low < high, "a number below the upper bound")?;
            if x.is_finite() {
                check_setting("start", x, (low..=high).contains(&x), "a number within the bounds")?;
            }
        }
        Ok(())
    }
}

struct Point {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

/// What a step moved, and how it changed the gradient.
struct Pair {
    moved: Vec<f64>,
    change: Vec<f64>,
    /// Their product.
    curvature: f64,
}

impl Pair {
    fn new(from: &Point, to: &Point) -> Self {
        let moved: Vec<f64> = to.x.iter().zip(&from.x).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = to.gradient.iter().zip(&from.gradient).map(|(a, b)| a - b).collect();
        let curvature = dot(&moved, &change);
        Self { moved, change, curvature }
    }
}

/// The quasi-Newton direction of the parameters that are free, by the two loops of Nocedal (1980).
fn descent(slope: &[f64], pairs: &VecDeque<Pair>, free: &[bool]) -> Vec<f64> {
    let mut q = slope.to_vec();
    let mut weights = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let weight = dot(&pair.moved, &q) / pair.curvature;
        add(-weight, &pair.change, &mut q);
        weights.push(weight);
    }
    if let Some(last) = pairs.back() {
        let scale = last.curvature / dot(&last.change, &last.change);
        for x in &mut q {
            *x *= scale;
        }
    }
    for (pair, weight) in pairs.iter().zip(weights.into_iter().rev()) {
        let back = dot(&pair.change, &q) / pair.curvature;
        add(weight - back, &pair.moved, &mut q);
    }
    q.iter().zip(free).map(|(x, free)| if *free { -x } else { 0.0 }).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(factor: f64, x: &[f64], y: &mut [f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rosenbrock(x: &[f64]) -> (f64, Vec<f64>) {
        let (mut value, mut gradient) = (0.0, vec![0.0; x.len()]);
        for k in 0..x.len() - 1 {
            let (a, b) = (1.0 - x[k], x[k + 1] - x[k] * x[k]);
            value += a * a + 100.0 * b * b;
            gradient[k] -= 2.0 * a + 400.0 * x[k] * b;
            gradient[k + 1] += 200.0 * b;
        }
        (value, gradient)
    }

    #[test]
    fn finds_the_bottom_of_a_curved_valley() {
        let start = [-1.2, 1.0, -0.5, 0.8, 1.3];
        let found = Lbfgs::new(300).minimise(&start, |x| Ok(rosenbrock(x))).unwrap();
        assert!(found.value < 1e-18 && found.evaluations < 150, "{} {}", found.value, found.evaluations);
        assert!(found.parameters.iter().all(|x| (x - 1.0).abs() < 1e-8));
    }

    #[test]
    fn bounds_hold_at_every_point_and_bind_where_they_should() {
        let bounds = vec![(-2.0, 0.5), (-2.0, 2.0), (-2.0, 2.0)];
        let method = Lbfgs { bounds, ..Lbfgs::new(300) };
        let found = method
            .minimise(&[-1.0, 2.0, -2.0], |x| {
                assert!(x[0] <= 0.5 && x.iter().all(|x| x.abs() <= 2.0));
                Ok(rosenbrock(x))
            })
            .unwrap();
        // With the first at its bound, the others are where their own derivatives vanish.
        assert_eq!(found.parameters[0], 0.5);
        let (_, gradient) = rosenbrock(&found.parameters);
        assert!(gradient[0] < 0.0 && gradient[1].abs() < 1e-6 && gradient[2].abs() < 1e-6, "{gradient:?}");
    }

    #[test]
    fn curvatures_may_differ_by_orders_of_magnitude() {
        // As the amplitude and the beta of a DRAG pulse
        let objective = |x: &[f64]| {
            let (a, b) = (x[0] - 0.195 + 3e-4 * (x[1] + 1.06), x[1] + 1.06);
            Ok((43.0 * a * a + 4e-7 * b * b, vec![86.0 * a, 86.0 * a * 3e-4 + 8e-7 * b]))
        };
        let found = Lbfgs { first: 0.01, ..Lbfgs::new(60) }.minimise(&[0.17, 0.0], objective).unwrap();
        assert!((found.parameters[1] + 1.06).abs() < 1e-3 && found.evaluations < 25, "{found:?}");
        let soon = Lbfgs { first: 0.01, progress: 1e-4, ..Lbfgs::new(60) };
        assert!(soon.minimise(&[0.17, 0.0], objective).unwrap().evaluations < found.evaluations);
    }

    #[test]
    fn budgets_goals_and_errors_end_it() {
        let start = [-1.2, 1.0];
        let mut calls = 0;
        let found = Lbfgs::new(7).minimise(&start, |x| {
            calls += 1;
            Ok(rosenbrock(x))
        });
        assert_eq!((found.unwrap().evaluations, calls), (7, 7));
        let good = Lbfgs { goal: 0.1, ..Lbfgs::new(300) }.minimise(&start, |x| Ok(rosenbrock(x))).unwrap();
        assert!(good.value <= 0.1 && good.value > 1e-9);
        let failing = Lbfgs::new(300).minimise(&start, |_| Err(Error::QubitIndex { qubit: 1, width: 1 }));
        assert!(matches!(failing, Err(Error::QubitIndex { .. })));
        let nan = Lbfgs::new(300).minimise(&start, |_| Ok((1.0, vec![f64::NAN, 0.0])));
        assert!(matches!(nan, Err(Error::NotFinite { what: "the gradient", .. })));
        let short = Lbfgs::new(300).minimise(&start, |_| Ok((1.0, vec![0.0])));
        assert!(matches!(short, Err(Error::Dimension { found: 1, .. })));
        let outside =
            Lbfgs { bounds: vec![(0.0, 1.0); 2], ..Lbfgs::new(300) }.minimise(&start, |x| Ok(rosenbrock(x)));
        assert!(matches!(outside, Err(Error::Setting { name: "start", .. })));
        let flat = Lbfgs::new(300).minimise(&start, |x| Ok((1.0, vec![0.0; x.len()]))).unwrap();
        assert_eq!((flat.parameters, flat.evaluations), (start.to_vec(), 1));
    }
}
