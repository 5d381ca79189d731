//! How few pulses, entanglers and swaps a compiled circuit takes, and on which qubits.

use super::*;

#[test]
fn runs_take_few_pulses() {
    let target = Target::line(1).unwrap();
    let pulses = |build: &dyn Fn(&mut Builder)| {
        let mut b = Builder::new("run");
        build(&mut b);
        let circuit = b.finish().unwrap();
        let compiled = compile(&circuit, &target, &CompileOptions::default()).unwrap();
        let values = [0.3, 1.1];
        assert!(distance(&circuit, &compiled, &values) < 1e-13, "{circuit}\n{}", compiled.circuit());
        compiled.pulses()
    };
    assert_eq!(
        pulses(&|b| {
            let q = b.qubit("q");
            b.h(q);
            b.t(q);
            b.h(q);
            b.x(q);
        }),
        2
    );
    assert_eq!(
        pulses(&|b| {
            let q = b.qubit("q");
            b.sx(q);
            b.sx(q);
        }),
        1
    );
    assert_eq!(
        pulses(&|b| {
            let q = b.qubit("q");
            b.h(q);
            b.s(q);
            b.h(q);
        }),
        1
    );
    assert_eq!(
        pulses(&|b| {
            let q = b.qubit("q");
            b.h(q);
            b.z(q);
            b.h(q);
        }),
        1
    );
    assert_eq!(
        pulses(&|b| {
            let q = b.qubit("q");
            b.y(q);
            b.x(q);
        }),
        0
    );
    assert_eq!(
        pulses(&|b| {
            let q = b.qubit("q");
            b.h(q);
            b.t(q);
            b.sx(q);
            b.rz(0.3, q);
            b.sx(q);
            b.ry(0.7, q);
        }),
        2
    );
    assert_eq!(
        pulses(&|b| {
            let q = b.qubit("q");
            let [x, z]: [Angle; 2] = b.parameter("a");
            b.ry(x, q);
            b.rz(z, q);
            b.x(q);
        }),
        2
    );
    assert_eq!(
        pulses(&|b| {
            let q = b.qubit("q");
            let [x, z]: [Angle; 2] = b.parameter("a");
            b.h(q);
            b.rz(x, q);
            b.h(q);
            b.s(q);
            b.rx(z, q);
        }),
        3
    );
}

#[test]
fn blocks_and_swaps_take_few_entanglers() {
    let line = Target::line(3).unwrap();
    let mut b = Builder::new("blocks");
    let q: Qubits<3> = b.register("q");
    b.cx(q.at(0), q.at(1));
    b.t(q.at(1));
    b.cx(q.at(1), q.at(0));
    b.ry(0.3, q.at(0));
    b.cx(q.at(0), q.at(1));
    b.h(q.at(0));
    b.cx(q.at(0), q.at(1));
    b.swap(q.at(1), q.at(2));
    let circuit = b.finish().unwrap();
    let compiled = compile(&circuit, &line, &CompileOptions::default()).unwrap();
    assert!(compiled.entanglers() <= 3, "{}", compiled.circuit());
    assert_eq!(compiled.last(), [0, 2, 1]);
    assert!(distance(&circuit, &compiled, &[]) < 1e-12);
    // a cx beside a swap on one pair takes two entanglers
    let mut b = Builder::new("triangle");
    let q: Qubits<3> = b.register("q");
    b.cx(q.at(0), q.at(1));
    b.cx(q.at(1), q.at(2));
    b.cx(q.at(0), q.at(2));
    let triangle = b.finish().unwrap();
    let compiled = compile(&triangle, &line, &CompileOptions::default()).unwrap();
    assert!(compiled.entanglers() <= 4 && compiled.swaps() == 1, "{}", compiled.circuit());
    assert!(distance(&triangle, &compiled, &[]) < 1e-12);
}

/// Swaps along a shortest path for each pair in turn, what one would write first.
fn naive_swaps(circuit: &Circuit, target: &Target) -> usize {
    let mut places = Places::new(&(0..circuit.width()).collect::<Vec<_>>(), target.width());
    let mut swaps = 0;
    for [a, b] in circuit.instructions().iter().filter_map(pair) {
        for (p, q) in route::path(target, places.of[a], places.of[b]) {
            places.swap(p, q);
            swaps += 1;
        }
    }
    swaps
}

#[test]
fn routing_takes_fewer_swaps_than_the_naive_way() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for target in [Target::line(8).unwrap(), Target::ring(8).unwrap(), Target::grid(3, 3).unwrap()] {
        let (mut ours, mut fixed, mut naive) = (0, 0, 0);
        for seed in 0..8 {
            let mut circuit = Circuit::new(8).unwrap();
            for _ in 0..30 {
                let a = rng.random_range(0..8);
                let b = (a + rng.random_range(1..8)) % 8;
                circuit.push(native::call("cx", [], [a, b])).unwrap();
            }
            let options = CompileOptions { seed, optimise: false, ..Default::default() };
            ours += compile(&circuit, &target, &options).unwrap().swaps();
            let identity = Layout::Fixed((0..8).collect());
            fixed +=
                compile(&circuit, &target, &CompileOptions { layout: identity, ..options }).unwrap().swaps();
            naive += naive_swaps(&circuit, &target);
        }
        println!("{}: {ours} swaps, {fixed} from a fixed layout, {naive} naively", target.name());
        assert!(10 * ours < 7 * naive && 10 * fixed < 9 * naive, "{}: {ours} {fixed} {naive}", target.name());
    }
}

#[test]
fn a_circuit_that_fits_takes_no_swaps_and_the_best_qubits() {
    for name in ["manila", "jakarta", "guadalupe", "montreal"] {
        let calibration = Calibration::bundled(name).unwrap();
        let target = Target::from(&calibration);
        let mut b = Builder::new("line");
        let q: Qubits<4> = b.register("q");
        b.cx(q.at(..3), q.at(1..));
        let circuit = b.finish().unwrap();
        let compiled = compile(&circuit, &target, &CompileOptions::default()).unwrap();
        assert_eq!(
            (compiled.swaps(), compiled.circuit().width(), compiled.entanglers()),
            (0, 4, 3),
            "{name}"
        );
        let costs = Costs::of(&target);
        let demand = Demand::of(4, circuit.instructions());
        let found = costs.total(&demand, compiled.physical());
        // by hand: every path of four qubits
        let every = (0..target.width().pow(4)).map(|code| {
            let places: Vec<_> = (0..4).map(|k| code / target.width().pow(k) % target.width()).collect();
            let distinct = (1..4).all(|k| !places[..k].contains(&places[k]));
            if distinct { costs.total(&demand, &places) } else { f64::INFINITY }
        });
        let best = every.fold(f64::INFINITY, f64::min);
        assert!((found - best).abs() < 1e-12, "{name}: {found} {best}");
    }
}
