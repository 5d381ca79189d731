//! The rows of the table: what is measured, against whom, and how much faster it should be.

use crate::definition::{Definition, Family, Kind};

/// Another simulator with its option; see `peers.py` for what each takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) option: &'static str,
}

/// What a peer that no registry has was seen to take, beside one that is measured here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Seen {
    pub(crate) peer: &'static str,
    pub(crate) seconds: f64,
    pub(crate) beside: &'static str,
    pub(crate) beside_seconds: f64,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// The name of its metric.
    pub(crate) name: &'static str,
    kind: Kind,
    family: Family,
    pub(crate) width: usize,
    precision: &'static str,
    pub(crate) threads: usize,
    /// Those that have a chance.
    pub(crate) peers: &'static [Peer],
    /// The least ratio that is wanted.
    pub(crate) goal: f64,
    pub(crate) seen: Option<Seen>,
    /// Whether it is measured only when it is asked for.
    pub(crate) extra: bool,
}

impl Row {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        ROWS.iter().find(|row| row.name == name)
    }

    pub(crate) fn definition(&self) -> Definition {
        Definition::new(self.kind, self.family, self.width, self.precision)
    }

    /// How much the values of both sides may differ, for a value of this name: relative where nothing is drawn, absolute
    /// (six standard errors) for the mean number of ones among finitely many shots.
    pub(crate) fn agrees(&self, value: &str, ours: f64, theirs: f64) -> bool {
        let difference = (ours - theirs).abs();
        if value == "ones" {
            // a bit has a variance of at most 1/4, and neighbours may be correlated; both sides are drawn
            let shots = self.definition().shots as f64;
            return difference <= 6.0 * (self.width as f64 * 0.5 / shots).sqrt();
        }
        let tolerance = match (self.precision, self.kind) {
            ("f32", _) => 5e-3,
            // Aer leaves out small Kraus operators: it differs by 2e-7 from all others
            (_, Kind::Density) => 1e-6,
            _ => 1e-9,
        };
        difference <= tolerance * ours.abs().max(theirs.abs())
    }
}

const fn peer(name: &'static str) -> Peer {
    Peer { name, option: "" }
}

const fn with(name: &'static str, option: &'static str) -> Peer {
    Peer { name, option }
}

const LIGHTNING: Peer = peer("lightning");
const SCALUQ: Peer = peer("scaluq");
const QULACS: Peer = peer("qulacs");
const QULACS_2: Peer = with("qulacs", "2");
const QSIM_2: Peer = with("qsim", "2");
const QSIM_3: Peer = with("qsim", "3");
const QSIM_4: Peer = with("qsim", "4");
const AER: Peer = peer("aer");
const MINDQUANTUM: Peer = peer("mindquantum");
const TENSORCIRCUIT: Peer = peer("tensorcircuit");

const W1: Family = Family::Random { layers: 20 };
const W7: Family = Family::Random { layers: 3 };
const W4: Family = Family::Ansatz { layers: 10, sets: 1 };
const W5: Family = Family::Ansatz { layers: 3, sets: 1000 };
const W6: Family = Family::Noisy { layers: 50 };

const DOUBLE: &[Peer] = &[LIGHTNING, SCALUQ, QULACS_2];
const SINGLE: &[Peer] = &[QSIM_2, QSIM_3, LIGHTNING];
const GRADIENT: &[Peer] = &[LIGHTNING, MINDQUANTUM, QULACS];

const fn row(name: &'static str, kind: Kind, family: Family, width: usize, goal: f64) -> Row {
    Row {
        name,
        kind,
        family,
        width,
        precision: "f64",
        threads: 1,
        peers: DOUBLE,
        goal,
        seen: None,
        extra: false,
    }
}

impl Row {
    const fn single(self) -> Self {
        Self { precision: "f32", peers: SINGLE, ..self }
    }

    const fn two_threads(self) -> Self {
        Self { threads: 2, ..self }
    }

    const fn against(self, peers: &'static [Peer]) -> Self {
        Self { peers, ..self }
    }

    const fn extra(self) -> Self {
        Self { extra: true, ..self }
    }

    const fn seen(self, peer: &'static str, seconds: f64, beside: &'static str, beside_seconds: f64) -> Self {
        Self { seen: Some(Seen { peer, seconds, beside, beside_seconds }), ..self }
    }
}

/// All rows in the order of the table.
pub(crate) const ROWS: &[Row] = &[
    row("w1_n24_f64_t1", Kind::State, W1, 24, 4.0),
    row("w1_n24_f64_t2", Kind::State, W1, 24, 6.0).two_threads(),
    row("w1_n24_f32_t1", Kind::State, W1, 24, 1.5).single().against(&[QSIM_2, QSIM_3, QSIM_4]),
    row("w1_n24_f32_t2", Kind::State, W1, 24, 1.5).single().against(&[QSIM_2, QSIM_3, QSIM_4]).two_threads(),
    row("w1_n20_f64_t1", Kind::State, W1, 20, 2.5),
    row("w1_n16_f64_t1", Kind::State, W1, 16, 2.0),
    row("w1_n12_f64_t1", Kind::State, W1, 12, 1.5).seen("spinoza", 0.7521e-3, "scaluq", 1.115e-3),
    row("w1_n20_f32_t1", Kind::State, W1, 20, 1.3).single(),
    row("w2_n24_f64_t1", Kind::State, Family::Fourier, 24, 4.0).against(&[LIGHTNING, SCALUQ, MINDQUANTUM]),
    row("w2_n20_f64_t1", Kind::State, Family::Fourier, 20, 2.0)
        .against(&[LIGHTNING, SCALUQ, MINDQUANTUM])
        .seen("spinoza", 0.0894, "lightning", 0.1251),
    row("w3_n24_f64_t1", Kind::Expectation, Family::Qaoa, 24, 5.0).against(&[LIGHTNING, SCALUQ]),
    row("w3_n20_f64_t1", Kind::Expectation, Family::Qaoa, 20, 3.0).against(&[LIGHTNING, SCALUQ, MINDQUANTUM]),
    row("w4_n20_f64_t1", Kind::Gradients, W4, 20, 4.0).against(&[LIGHTNING, MINDQUANTUM]),
    row("w4_n18_f64_t1", Kind::Gradients, W4, 18, 3.0).against(GRADIENT),
    row("w4_n14_f64_t1", Kind::Gradients, W4, 14, 3.0).against(GRADIENT),
    row("w4_n10_f64_t1", Kind::Gradients, W4, 10, 3.0).against(&[
        MINDQUANTUM,
        QULACS,
        LIGHTNING,
        TENSORCIRCUIT,
    ]),
    row("w5_n4_values", Kind::Values, W5, 4, 2.0).against(&[SCALUQ, TENSORCIRCUIT]),
    row("w5_n5_values", Kind::Values, W5, 5, 2.0).against(&[SCALUQ, TENSORCIRCUIT]),
    row("w5_n4_grad", Kind::Gradients, W5, 4, 8.0).against(&[TENSORCIRCUIT, MINDQUANTUM]),
    row("w5_n5_grad", Kind::Gradients, W5, 5, 8.0).against(&[TENSORCIRCUIT, MINDQUANTUM]),
    row("w6_n5", Kind::Density, W6, 5, 3.0).against(&[AER, QULACS]).seen("QuEST", 5.127e-3, "aer", 6.689e-3),
    row("w6_n7", Kind::Density, W6, 7, 3.0).against(&[AER]).seen("QuEST", 47.58e-3, "aer", 126.7e-3),
    row("w6_n10", Kind::Density, W6, 10, 3.0).against(&[AER]).seen("QuEST", 5.039, "aer", 4.543),
    row("w6_n5_traj", Kind::Trajectories, W6, 5, 5.0).against(&[MINDQUANTUM, AER]),
    row("w6_n7_traj", Kind::Trajectories, W6, 7, 5.0).against(&[MINDQUANTUM, AER]),
    row("w7_n20", Kind::Samples, W7, 20, 4.0).against(&[QULACS, SCALUQ]),
    row("w1_n16_f32_t1", Kind::State, W1, 16, 1.3).single().extra(),
    row("w1_n12_f32_t1", Kind::State, W1, 12, 1.3).single().extra(),
    row("w2_n24_f32_t1", Kind::State, Family::Fourier, 24, 2.0).single().extra(),
    row("w2_n20_f32_t1", Kind::State, Family::Fourier, 20, 2.0).single().extra(),
    row("w3_n16_f64_t1", Kind::Expectation, Family::Qaoa, 16, 2.0).extra(),
    row("w3_n24_f32_t1", Kind::Expectation, Family::Qaoa, 24, 2.0).single().extra(),
    row("w3_n20_f32_t1", Kind::Expectation, Family::Qaoa, 20, 2.0).single().extra(),
    row("w3_n16_f32_t1", Kind::Expectation, Family::Qaoa, 16, 2.0).single().extra(),
    row("w6_n5_traj_t2", Kind::Trajectories, W6, 5, 5.0).against(&[MINDQUANTUM, AER]).two_threads().extra(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_measured() {
        for row in ROWS {
            assert_eq!(Row::named(row.name).map(|found| found.width), Some(row.width));
            assert!(row.name.contains(&format!("n{}", row.width)));
            assert_eq!(row.name.contains("f32"), row.precision == "f32", "{}", row.name);
            assert_eq!(row.name.contains("t2"), row.threads == 2, "{}", row.name);
            assert!(!row.peers.is_empty() && row.goal > 1.0);
        }
        assert_eq!(ROWS.iter().filter(|row| !row.extra).count(), 26);
    }

    #[test]
    fn values_agree_within_their_precision() {
        let exact = Row::named("w1_n24_f64_t1").unwrap();
        assert!(exact.agrees("p0", 6e-8, 6e-8 * (1.0 + 1e-10)) && !exact.agrees("p0", 6e-8, 6.1e-8));
        let drawn = Row::named("w6_n5_traj").unwrap();
        assert!(drawn.agrees("ones", 2.4, 2.5) && !drawn.agrees("ones", 2.4, 3.0));
    }
}
