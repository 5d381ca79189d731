//! Found samples reach their goals within their bounds, and lengths are searched in order.

use super::*;
use crate::Gate;
use crate::device::Hamiltonian;
use crate::linalg::Matrix;
use crate::pulse::control;

const DT: f64 = 2e-9 / 9.0;

fn jakarta(qubits: &[usize]) -> Transmons {
    Transmons::new(&Hamiltonian::bundled("jakarta").unwrap(), qubits, 3).unwrap()
}

fn goal(name: &str) -> Goal {
    Goal::Gate(Gate::named(name).unwrap().matrix(&[]))
}

#[test]
fn the_gradient_of_a_search_is_that_of_finite_differences() {
    let transmons = jakarta(&[0, 1]);
    let target = Matrix::eye(4);
    let goal = Goal::Gate(target);
    let grape = Grape { rise: 4, hold: 3, frames: true, limit: 0.8, ..Grape::new(17) };
    let start = grape.start(&[drive(0), control(0, 1)], DT, 3).unwrap();
    let search = Search { grape: &grape, transmons: &transmons, start: &start, goal: &goal };
    let point: Vec<f64> = search.point(2).iter().enumerate().map(|(k, x)| x + 0.03 * k as f64).collect();
    assert_eq!(point.len(), 2 * 2 * 6 + 2);
    let (_, gradient) = search.loss(&point, 2).unwrap();
    for (k, derivative) in gradient.iter().enumerate() {
        let at = |h: f64| {
            let mut moved = point.clone();
            moved[k] += h;
            search.loss(&moved, 2).unwrap().0
        };
        let h = 1e-3;
        let expected = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
        assert!((derivative - expected).abs() < 1e-8, "{k}: {derivative} {expected}");
    }
}

#[test]
fn an_x_within_bounds_is_found_and_can_be_played() {
    let transmons = jakarta(&[0]);
    let grape = Grape { limit: 0.7, rise: 12, hold: 2, frames: true, ..Grape::new(64) };
    let found = grape.find(&transmons, &[drive(0)], DT, &goal("x")).unwrap();
    assert!(1.0 - found.value <= 2e-6 && found.leakage < 1e-5, "{} {:e}", found.value, found.leakage);
    let line = found.samples.line(drive(0)).unwrap();
    assert!(line.iter().enumerate().all(|(k, d)| d.norm() <= grape.bound(k, 64)));
    assert!(line[0].norm() < 0.03 && line[10] == line[11]);
    // As a schedule it is the same gate.
    let schedule = found.schedule("x", &[0]).unwrap();
    let gate = transmons.plan(&schedule.timeline(DT).unwrap()).unwrap().propagator(&[]).unwrap();
    let fidelity = gate.fidelity(&Gate::named("x").unwrap().matrix(&[])).unwrap();
    assert!((fidelity - found.value).abs() < 1e-6);
    // Same seed, same result
    assert_eq!(grape.find(&transmons, &[drive(0)], DT, &goal("x")).unwrap(), found);
}

#[test]
fn the_shortest_is_as_long_as_the_bound_needs() {
    let transmons = jakarta(&[0]);
    let timing = Timing { granularity: 8, min_length: 16, ..Timing::default() };
    let grape = Grape { limit: 0.4, enough: 1.0 - 1e-4, frames: true, ..Grape::new(160) };
    let found = grape.shortest(&transmons, &[drive(0)], DT, &timing, &goal("x")).unwrap().unwrap();
    // A square pulse of the limit takes pi / (0.4 strength dt) samples, and none that stays with two levels takes less.
    let strength = Hamiltonian::bundled("jakarta").unwrap().transmons()[0].strength;
    let least = PI / (0.4 * strength * DT);
    assert!(found.duration as f64 >= least.floor() - 1.0, "{} {least}", found.duration);
    assert!((found.duration as f64) < 2.0 * least, "{} {least}", found.duration);
    assert_eq!(found.found.samples.duration(), found.duration);
    assert!(found.tried.contains(&(found.duration - 8, false)), "{:?}", found.tried);
    assert!(found.found.value >= 1.0 - 1e-4 - 1e-6);
    let weak = Grape { limit: 0.01, evaluations: 10, starts: 1, ..Grape::new(64) };
    assert!(weak.shortest(&transmons, &[drive(0)], DT, &timing, &goal("x")).unwrap().is_none());
}

#[test]
fn settings_out_of_range_are_refused() {
    let transmons = jakarta(&[0]);
    for grape in [
        Grape::new(0),
        Grape { hold: 0, ..Grape::new(4) },
        Grape { limit: f64::NAN, ..Grape::new(4) },
        Grape { starts: 0, ..Grape::new(4) },
    ] {
        let found = grape.find(&transmons, &[drive(0)], DT, &goal("x"));
        assert!(matches!(found, Err(Error::Setting { .. })), "{found:?}");
    }
}
