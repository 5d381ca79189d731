//! The rows of the table: what is measured, against whom, and how much faster it should be.

use ketline_examples::versus::{self, Peer, Seen};
use serde_json::{Value, json};

use crate::definition::{Definition, Family, Kind};

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
    /// What the best peer took when the goals were set, in seconds: so much time the row is worth.
    pub(crate) usual: f64,
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

    /// The same row with one thread, where this one has two.
    pub(crate) fn on_one_thread(&self) -> Option<&'static Self> {
        Self::named(&format!("{}_t1", self.name.strip_suffix("_t2")?))
    }

    pub(crate) fn definition(&self) -> Definition {
        Definition::new(self.kind, self.family, self.width, self.precision)
    }
}

impl versus::Row for Row {
    fn name(&self) -> &str {
        self.name
    }

    fn threads(&self) -> usize {
        self.threads
    }

    fn peers(&self) -> &[Peer] {
        self.peers
    }

    fn usual(&self) -> f64 {
        self.usual
    }

    fn workload(&self) -> Value {
        json!(self.definition())
    }

    fn seen(&self) -> Option<Seen> {
        self.seen
    }

    /// Bytes of one state vector, where the row asks for one, or for its gradient.
    fn state_bytes(&self) -> Option<f64> {
        let amplitude = if self.precision == "f32" { 8.0 } else { 16.0 };
        let one = match (self.kind, self.family) {
            (Kind::State | Kind::Expectation, _) => true,
            (Kind::Gradients, Family::Ansatz { sets, .. }) => sets == 1,
            _ => false,
        };
        one.then(|| amplitude * (1_u64 << self.width) as f64)
    }

    /// How much the values of both sides may differ, for a value of this name: relative where nothing is drawn, absolute
    /// (six standard errors) for the mean number of ones among finitely many shots.
    fn agrees(&self, value: &str, ours: f64, theirs: f64) -> bool {
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
const SCALUQ_SERIAL: Peer = with("scaluq", "serial");
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

const fn row(name: &'static str, kind: Kind, family: Family, width: usize, (usual, goal): (f64, f64)) -> Row {
    Row {
        name,
        kind,
        family,
        width,
        precision: "f64",
        threads: 1,
        peers: DOUBLE,
        usual,
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
    row("w1_n24_f64_t1", Kind::State, W1, 24, (8.6, 4.0)),
    row("w1_n24_f64_t2", Kind::State, W1, 24, (9.1, 6.0))
        .against(&[LIGHTNING, QULACS_2, AER, SCALUQ])
        .two_threads(),
    row("w1_n24_f32_t1", Kind::State, W1, 24, (1.6, 1.5)).single().against(&[QSIM_2, QSIM_3, QSIM_4]),
    row("w1_n24_f32_t2", Kind::State, W1, 24, (0.83, 1.5))
        .single()
        .against(&[QSIM_2, QSIM_3, QSIM_4])
        .two_threads(),
    row("w1_n20_f64_t1", Kind::State, W1, 20, (0.22, 2.5)),
    row("w1_n16_f64_t1", Kind::State, W1, 16, (0.01, 2.0)),
    row("w1_n12_f64_t1", Kind::State, W1, 12, (0.75e-3, 1.5))
        .against(&[SCALUQ_SERIAL, SCALUQ, LIGHTNING, QULACS_2])
        .seen("spinoza", 0.7521e-3, "scaluq", 1.115e-3),
    row("w1_n20_f32_t1", Kind::State, W1, 20, (0.073, 1.3)).single(),
    row("w2_n24_f64_t1", Kind::State, Family::Fourier, 24, (4.7, 4.0)).against(&[
        LIGHTNING,
        SCALUQ,
        MINDQUANTUM,
    ]),
    row("w2_n20_f64_t1", Kind::State, Family::Fourier, 20, (0.089, 2.0))
        .against(&[LIGHTNING, SCALUQ, MINDQUANTUM])
        .seen("spinoza", 0.0894, "lightning", 0.1251),
    row("w3_n24_f64_t1", Kind::Expectation, Family::Qaoa, 24, (7.6, 5.0)).against(&[LIGHTNING, SCALUQ]),
    row("w3_n20_f64_t1", Kind::Expectation, Family::Qaoa, 20, (0.24, 3.0)).against(&[
        LIGHTNING,
        SCALUQ,
        MINDQUANTUM,
    ]),
    row("w4_n20_f64_t1", Kind::Gradients, W4, 20, (2.7, 4.0)).against(&[LIGHTNING, MINDQUANTUM]),
    row("w4_n18_f64_t1", Kind::Gradients, W4, 18, (0.3, 3.0)).against(GRADIENT),
    row("w4_n14_f64_t1", Kind::Gradients, W4, 14, (0.022, 3.0)).against(GRADIENT),
    row("w4_n10_f64_t1", Kind::Gradients, W4, 10, (0.0023, 3.0)).against(&[
        MINDQUANTUM,
        QULACS,
        LIGHTNING,
        TENSORCIRCUIT,
    ]),
    row("w5_n4_values", Kind::Values, W5, 4, (0.0018, 2.0)).against(&[SCALUQ_SERIAL, SCALUQ, TENSORCIRCUIT]),
    row("w5_n5_values", Kind::Values, W5, 5, (0.0033, 2.0)).against(&[SCALUQ_SERIAL, SCALUQ, TENSORCIRCUIT]),
    row("w5_n4_grad", Kind::Gradients, W5, 4, (0.018, 8.0)).against(&[TENSORCIRCUIT, MINDQUANTUM]),
    row("w5_n5_grad", Kind::Gradients, W5, 5, (0.043, 8.0)).against(&[TENSORCIRCUIT, MINDQUANTUM]),
    row("w6_n5", Kind::Density, W6, 5, (0.0051, 3.0))
        .against(&[AER, QULACS])
        .seen("QuEST", 5.127e-3, "aer", 6.689e-3),
    row("w6_n7", Kind::Density, W6, 7, (0.048, 3.0)).against(&[AER]).seen("QuEST", 47.58e-3, "aer", 126.7e-3),
    row("w6_n10", Kind::Density, W6, 10, (4.6, 3.0)).against(&[AER]).seen("QuEST", 5.039, "aer", 4.543),
    row("w6_n5_traj", Kind::Trajectories, W6, 5, (0.2, 5.0)).against(&[MINDQUANTUM, AER]),
    row("w6_n7_traj", Kind::Trajectories, W6, 7, (0.44, 5.0)).against(&[MINDQUANTUM, AER]),
    row("w7_n20", Kind::Samples, W7, 20, (0.21, 4.0)).against(&[QULACS, SCALUQ]),
    row("w1_n16_f32_t1", Kind::State, W1, 16, (0.0051, 1.3)).single().extra(),
    row("w1_n12_f32_t1", Kind::State, W1, 12, (0.0014, 1.3)).single().extra(),
    row("w2_n24_f32_t1", Kind::State, Family::Fourier, 24, (2.0, 2.0)).single().extra(),
    row("w2_n20_f32_t1", Kind::State, Family::Fourier, 20, (0.071, 2.0)).single().extra(),
    row("w3_n16_f64_t1", Kind::Expectation, Family::Qaoa, 16, (0.008, 2.0)).extra(),
    row("w3_n24_f32_t1", Kind::Expectation, Family::Qaoa, 24, (2.6, 2.0)).single().extra(),
    row("w3_n20_f32_t1", Kind::Expectation, Family::Qaoa, 20, (0.083, 2.0)).single().extra(),
    row("w3_n16_f32_t1", Kind::Expectation, Family::Qaoa, 16, (0.0053, 2.0)).single().extra(),
    row("w1_n20_f64_t2", Kind::State, W1, 20, (0.19, 2.5)).two_threads().extra(),
    row("w3_n20_f64_t2", Kind::Expectation, Family::Qaoa, 20, (0.16, 3.0)).two_threads().extra(),
    row("w4_n18_f64_t2", Kind::Gradients, W4, 18, (0.3, 3.0)).against(GRADIENT).two_threads().extra(),
    row("w6_n5_traj_t2", Kind::Trajectories, W6, 5, (0.1, 5.0))
        .against(&[MINDQUANTUM, AER])
        .two_threads()
        .extra(),
];

#[cfg(test)]
mod tests {
    use super::*;
    use versus::Row as _;

    #[test]
    fn names_say_what_is_measured() {
        for row in ROWS {
            assert_eq!(Row::named(row.name).map(|found| found.width), Some(row.width));
            assert!(row.name.contains(&format!("n{}", row.width)));
            assert_eq!(row.name.contains("f32"), row.precision == "f32", "{}", row.name);
            assert_eq!(row.name.contains("t2"), row.threads == 2, "{}", row.name);
            assert!(!row.peers.is_empty() && row.goal > 1.0 && row.usual > 0.0);
            assert!(row.seen.is_none_or(|seen| row.peers.iter().any(|peer| peer.to_string() == seen.beside)));
        }
        assert_eq!(ROWS.iter().filter(|row| !row.extra).count(), 26);
    }

    #[test]
    fn a_peer_seen_scales_with_the_one_beside_it() {
        let seen = Row::named("w6_n7").and_then(|row| row.seen).unwrap();
        assert!((seen.scaled(126.7e-3) - 47.58e-3).abs() < 1e-12 && seen.scaled(1.0) < 0.5);
    }

    #[test]
    fn only_rows_of_one_state_have_its_size() {
        let bytes = |name| Row::named(name).unwrap().state_bytes();
        assert_eq!(bytes("w1_n24_f32_t1"), Some(8.0 * 16_777_216.0));
        assert_eq!(bytes("w4_n10_f64_t1"), Some(16.0 * 1024.0));
        assert_eq!((bytes("w5_n4_grad"), bytes("w6_n5")), (None, None));
        assert_eq!(
            Row::named("w1_n24_f64_t2").and_then(Row::on_one_thread).map(|row| row.name),
            Some("w1_n24_f64_t1")
        );
        assert!(Row::named("w7_n20").and_then(Row::on_one_thread).is_none());
    }

    #[test]
    fn values_agree_within_their_precision() {
        let exact = Row::named("w1_n24_f64_t1").unwrap();
        assert!(exact.agrees("p0", 6e-8, 6e-8 * (1.0 + 1e-10)) && !exact.agrees("p0", 6e-8, 6.1e-8));
        let drawn = Row::named("w6_n5_traj").unwrap();
        assert!(drawn.agrees("ones", 2.4, 2.5) && !drawn.agrees("ones", 2.4, 3.0));
    }
}
