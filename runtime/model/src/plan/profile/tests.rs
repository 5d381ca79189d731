use std::fs::File;

use serde_json::json;

use super::file::LONGEST;
use super::*;
use crate::models::{Transformer, mlp};

fn sizes(b: usize) -> Sizes {
    Sizes::new().with("B", b).with("P", b)
}

#[test]
fn lines_go_through_points_and_stay_above_zero() {
    let near = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).abs() + (a.1 - b.1).abs() < 1e-12;
    assert!(near(line(&[(1.0, 3.0), (2.0, 5.0), (4.0, 9.0)]), (1.0, 2.0)));
    assert!(near(line(&[(1.0, 3.0), (2.0, 1.0)]), (2.0, 0.0)));
    assert!(near(line(&[(1.0, 0.0), (2.0, 5.0)]), (0.0, 2.0)));
    assert!(near(line(&[(4.0, 8.0)]), (0.0, 2.0)));
}

/// Times of a table are those that were measured, elsewhere those of the lines.
fn table_of(profile: &Profile, derived: &Derived) {
    let table = |b: usize| profile.table(derived, &sizes(b), b).unwrap();
    assert_eq!(table(2), profile.tables[1]);
    assert_eq!(table(2).clock, Clock::Measured);
    let (three, times) = (table(3), profile.times(derived, 3).unwrap());
    assert!(three.rows.iter().all(|row| row.forward == times.node(row.node)));
    assert_eq!(three.rows.len(), table(2).rows.len());
    let other = profile.table(derived, &sizes(3), 2);
    assert!(matches!(other, Err(Error::Partition { .. })), "{other:?}");
}

#[test]
fn a_profile_is_kept_and_holds_for_its_model_alone() {
    let folder = std::env::temp_dir().join(format!("ketline-profile-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("profile.json");
    let derived = Derived::new(
        &Transformer { layers: 1, length: 8, width: 16, ..Transformer::default() }.bert().unwrap(),
    )
    .unwrap();
    let profiling = Profiling { batches: vec![1, 2], runs: 1, ..Profiling::new(&derived, &sizes) };
    let profile = profiling.cached(&file).unwrap();
    assert_eq!(profiling.load(&file).unwrap(), profile);
    assert_eq!(profiling.cached(&file).unwrap(), profile);
    let times = profile.times(&derived, 3).unwrap();
    assert!(times.all().iter().sum::<f64>() > 0.0);
    table_of(&profile, &derived);

    let both = Profiling { at_once: 2, ..profiling.clone() }.measure().unwrap();
    assert_eq!(both.lines.len(), profile.lines.len());
    let none = Profiling { at_once: 0, ..profiling.clone() }.measure();
    assert!(matches!(none, Err(Error::Setting { .. })));

    let other = Derived::new(&mlp(&[4, 5, 2]).unwrap()).unwrap();
    assert!(matches!(profile.times(&other, 3), Err(Error::Partition { .. })));
    let wrong = |profiling: Profiling<'_>| match profiling.load(&file) {
        Err(Error::Profile { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(wrong(Profiling { derived: &other, ..profiling.clone() }), "model");
    assert_eq!(wrong(Profiling { threads: 2, ..profiling.clone() }), "number of threads");
    assert_eq!(wrong(Profiling { at_once: 2, ..profiling.clone() }), "number of models at once");
    assert_eq!(wrong(Profiling { device: Device::Cuda(0), ..profiling.clone() }), "device");
    assert_eq!(wrong(Profiling { batches: vec![1], ..profiling.clone() }), "micro-batch");

    // every beginning of the file, and some noise
    let whole = std::fs::read(&file).unwrap();
    for end in (0..whole.len()).step_by(97) {
        std::fs::write(&file, &whole[..end]).unwrap();
        assert!(matches!(profiling.load(&file), Err(Error::File { .. })), "{end}");
    }
    let text = String::from_utf8(whole).unwrap();
    for bytes in ["saved", "workspace", "crossing"] {
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let rows = json["tables"][1]["rows"].as_array_mut().unwrap();
        let count = |row: &mut serde_json::Value| match bytes {
            "crossing" => row[bytes][0].as_u64().map(|count| row[bytes][0] = json!(count + 64)),
            _ => row[bytes].as_u64().map(|count| row[bytes] = json!(count + 64)),
        };
        assert!(rows.iter_mut().find_map(count).is_some(), "{bytes}");
        std::fs::write(&file, json.to_string()).unwrap();
        match profiling.load(&file) {
            Err(Error::File { reason, .. }) => assert!(reason.starts_with("with 2 samples"), "{reason}"),
            other => panic!("{bytes}: {other:?}"),
        }
    }
    for (from, to) in [
        ("\"nodes\"", "\"edges\""),
        ("[[", "[[-"),
        ("\"key\":{", "\"key\":[],\"x\":{"),
        ("\"samples\":1}", "\"samples\":3}"),
        ("\"samples\":1}", "\"samples\":-1}"),
        ("\"tables\"", "\"chairs\""),
        ("\"nodes\":[", "\"nodes\":[[0,0],"),
        ("\"forward\":", "\"forward\":-"),
    ] {
        std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
        assert!(matches!(profiling.load(&file), Err(Error::File { .. })), "{from}");
    }
    let version = text.replace(env!("CARGO_PKG_VERSION"), "0.0.0");
    std::fs::write(&file, version).unwrap();
    assert_eq!(wrong(profiling.clone()), "version");
    let long = File::create(&file).unwrap();
    long.set_len(LONGEST + 10).unwrap();
    assert!(matches!(profiling.load(&file), Err(Error::File { .. })));
    std::fs::remove_dir_all(&folder).unwrap();
}
