//! Hamiltonians of snapshots, and files that are none.

use super::*;

const CONF: &str = r#"{
    "backend_name": "ibmq_pair", "n_qubits": 2, "dt": 0.2222222222222222, "coupling_map": [[0, 1], [1, 0]],
    "u_channel_lo": [[{"q": 1, "scale": [1.0, 0.0]}], [{"q": 0, "scale": [1.0, 0.0]}]],
    "hamiltonian": {
        "h_str": ["_SUM[i,0,1,wq{i}/2*(I{i}-Z{i})]", "jq0q1*Sp0*Sm1", "omegad0*X1||U1", "omegad1*X0||U0"],
        "vars": {"wq0": 32.9, "wq1": 31.5, "delta0": -2.1, "delta1": -2.2, "omegad0": 0.97, "omegad1": 0.81,
                 "jq0q1": 0.0123}
    }
}"#;

#[test]
fn a_published_hamiltonian_is_read_in_si_units() {
    let h = Hamiltonian::from_ibm(CONF).unwrap();
    assert_eq!((h.name(), h.width(), h.warnings()), ("pair", 2, &[][..]));
    assert!((h.dt().unwrap() - 2e-9 / 9.0).abs() < 1e-20);
    assert_eq!(h.transmons()[1].anharmonicity, -2.2e9);
    assert!((h.exchange(1, 0).unwrap().strength - 0.0123e9).abs() < 1.0);
    let line = h.line(0, 1).unwrap();
    assert!((line.strength - 0.81e9 / PUBLISHED_STRENGTH).abs() < 1.0);
    assert_eq!((h.lines()[1].control, h.lines()[1].target), (1, 0));
    assert!(h.exchange(0, 0).is_none() && h.line(1, 1).is_none());
}

#[test]
fn traps_are_flagged_or_refused() {
    let with = |from: &str, to: &str| {
        assert!(CONF.contains(from));
        Hamiltonian::from_ibm(&CONF.replace(from, to))
    };
    let traps = |h: Hamiltonian| h.warnings().iter().map(|w| w.trap).collect::<Vec<_>>();
    assert_eq!(traps(with("0.0123", "0.0").unwrap()), [Trap::NoCoupling]);
    assert_eq!(traps(with("0.0123", "0.0003").unwrap()), [Trap::WeakCoupling]);
    assert_eq!(traps(with("\"jq0q1\": 0.0123", "\"jq\": 1").unwrap()), [Trap::NoCoupling]);
    assert_eq!(traps(with("0.2222222222222222", "3.55e-9").unwrap()), [Trap::DtInSeconds]);
    for (from, to, field) in [
        ("-2.1,", "0.0,", "hamiltonian.vars.delta0"),
        ("0.97", "0", "hamiltonian.vars.omegad0"),
        ("32.9", "5.2", "hamiltonian.vars.wq0"),
        ("0.0123", "12.3", "hamiltonian.vars.jq0q1"),
        ("{\"q\": 0", "{\"q\": 2", "u_channel_lo[1][0].q"),
        ("{\"q\": 0", "{\"q\": 1", "u_channel_lo[1]"),
        ("X1||U1", "X9||U1", "hamiltonian.h_str[2]"),
        ("X1||U1", "X1||V1", "hamiltonian.h_str"),
        ("0.2222222222222222", "-1", "dt"),
    ] {
        let Err(Error::BadField { field: found, .. }) = with(from, to) else { panic!("{field} is wrong") };
        assert_eq!(found, field);
    }
    let missing = with("\"wq1\"", "\"wx1\"").unwrap_err();
    assert!(matches!(missing, Error::MissingField { ref field, .. } if field == "hamiltonian.vars.wq1"));
    let none = Hamiltonian::from_ibm(r#"{"backend_name": "a", "n_qubits": 1, "hamiltonian": {"vars": {}}}"#);
    assert!(matches!(none, Err(Error::MissingField { .. })));
}

#[test]
fn the_compact_form_says_the_same() {
    let h = Hamiltonian::from_ibm(CONF).unwrap().with_source("a bench");
    assert_eq!(Hamiltonian::parse("pair", &h.to_compact()).unwrap(), h);
    let weak = h.to_compact().replace("12300000.0", "300000.0");
    let traps = |text: &str| -> Vec<Trap> {
        Hamiltonian::parse("pair", text).unwrap().warnings().iter().map(|w| w.trap).collect()
    };
    assert_eq!(traps(&weak), [Trap::WeakCoupling]);
    assert_eq!(traps(&h.to_compact().replace("[0,1,12300000.0]", "")), [Trap::NoCoupling]);
    for (from, to) in [("\"version\": 1", "\"version\": 2"), ("[0,1,12300000.0]", "[0,9,12300000.0]")] {
        let text = h.to_compact().replace(from, to);
        assert!(matches!(Hamiltonian::parse("pair", &text), Err(Error::BadField { .. })));
    }
    for name in Hamiltonian::bundled_names() {
        let h = Hamiltonian::bundled(name).unwrap();
        assert!(h.name() == name && !h.source().is_empty() && h.dt().is_some(), "{name}");
    }
    assert!(matches!(Hamiltonian::bundled("nowhere"), Err(Error::UnknownDevice { .. })));
}

proptest::proptest! {
    /// `PROPTEST_CASES=1000000` tries a million.
    #[test]
    fn damaged_files_are_refused_or_read_but_never_panic(
        changes in proptest::collection::vec((0_usize..2000, 0_u8..128), 1..6)
    ) {
        let h = Hamiltonian::from_ibm(CONF).unwrap();
        for text in [CONF.to_owned(), h.to_compact()] {
            let mut bytes = text.into_bytes();
            for (at, byte) in &changes {
                let place = at % bytes.len();
                bytes[place] = *byte;
            }
            if let Ok(text) = String::from_utf8(bytes)
                && let Ok(read) = Hamiltonian::parse("damaged", &text)
            {
                proptest::prop_assert!(Hamiltonian::parse("again", &read.to_compact()).is_ok());
            }
        }
    }
}

#[test]
fn a_hamiltonian_of_ones_own_is_checked() {
    let transmon = Transmon { frequency: TAU * 5e9, anharmonicity: -TAU * 0.33e9, strength: TAU * 0.1e9 };
    let one = |transmon| Hamiltonian::new("mine", vec![transmon], vec![], vec![]);
    assert!(one(transmon).is_ok());
    assert!(matches!(one(Transmon { frequency: 5.0, ..transmon }), Err(Error::OutOfRange { .. })));
    assert!(matches!(one(Transmon { strength: f64::NAN, ..transmon }), Err(Error::OutOfRange { .. })));
    assert!(matches!(Hamiltonian::new("mine", vec![], vec![], vec![]), Err(Error::TargetWidth { .. })));
    let exchanges = vec![Exchange { a: 0, b: 1, strength: 0.0 }];
    let found = Hamiltonian::new("mine", vec![transmon], exchanges, vec![]);
    assert!(matches!(found, Err(Error::Edge { .. })));
}
