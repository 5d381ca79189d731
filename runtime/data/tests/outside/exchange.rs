//! Sets that are written for other programs and read back.

use crate::common::Folder;
use ketline_data::import::Columnar;
use ketline_data::{
    Axes2, DType, Dataset, Error, Field as _, Jpeg, Kind, Raw, RecordWriter, Schema, Settings, Tensor, export,
};

/// A field of each kind.
fn schema() -> Schema {
    Schema::new()
        .field("number", u32::kind())
        .field("flag", bool::kind())
        .field("row", Kind::Fixed { dtype: DType::F64, shape: vec![3] })
        .field("tensor", Tensor::<i16, Axes2<2, 3>>::kind())
        .field("flags", Kind::Fixed { dtype: DType::Bool, shape: vec![2] })
        .field("list", Vec::<u64>::kind())
        .field("text", String::kind())
        .field("photo", Jpeg::<3, 8, 8>::kind())
}

fn record(number: u32) -> Vec<u8> {
    let small = number as i16;
    let tensor = Tensor::<i16, Axes2<2, 3>>::from_vec((0..6).map(|at| small + at).collect()).unwrap();
    let mut record = Vec::new();
    RecordWriter::new(&mut record).field(&number).field(&number.is_multiple_of(3));
    (0..3).for_each(|at| record.extend((f64::from(number) + 0.25 * f64::from(at)).to_le_bytes()));
    RecordWriter::new(&mut record).field(&tensor).field(&true).field(&number.is_multiple_of(2));
    RecordWriter::new(&mut record).field(&(0..u64::from(number % 4)).collect::<Vec<_>>());
    RecordWriter::new(&mut record).field(&"é".repeat(number as usize % 3));
    RecordWriter::new(&mut record).field(&Jpeg::<3, 8, 8> { file: vec![number as u8; number as usize % 5] });
    record
}

#[test]
fn arrow_files_hold_the_samples_where_the_build_can() {
    let folder = Folder::new("arrow");
    let mut writer = Settings::new().chunk_samples(64).in_order().create_raw(&folder, &schema()).unwrap();
    (0..200).for_each(|number| writer.push_bytes(&record(number)).unwrap());
    writer.finish().unwrap();
    let set = Dataset::open(&folder).unwrap();
    let path = folder.as_ref().join("set.arrow");
    if cfg!(feature = "arrow") {
        assert_eq!(export::arrow(&set, &path).unwrap(), 200);
        let rows = Columnar::arrow(&path).unwrap();
        assert_eq!(*rows.schema(), schema());
        let rows: Vec<_> = rows.map(Result::unwrap).collect();
        assert_eq!(rows, (0..200).map(|number| Raw(record(number))).collect::<Vec<_>>());
        // nothing is left of a file that cannot be written, and a damaged one is no panic
        assert!(matches!(export::arrow(&set, folder.as_ref().join("no/set.arrow")), Err(Error::File { .. })));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 4, "index, chunks, lock, and the Arrow file");
        let bytes = std::fs::read(&path).unwrap();
        for cut in [0, 7, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            assert!(matches!(Columnar::arrow(&path), Err(Error::Import { .. })), "{cut}");
        }
    } else {
        let missing =
            |error: Error| assert!(matches!(error, Error::Feature { feature: "arrow", .. }), "{error}");
        missing(export::arrow(&set, &path).unwrap_err());
        missing(Columnar::arrow(&path).unwrap_err());
        assert!(!path.exists());
    }
}

#[test]
fn parquet_files_need_their_feature() {
    let error = Columnar::parquet("no-such-file").unwrap_err();
    if cfg!(feature = "parquet") {
        assert!(matches!(error, Error::File { action: "open", .. }), "{error}");
    } else {
        assert_eq!(
            error.to_string(),
            "a Parquet file needs the feature `parquet`, which this build leaves out"
        );
    }
}
