//! Damage and faults: found, named, and survived.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::common::{Folder, cases, fixed, numbers, record, stored, varying, write};
use ketline_data::storage::{Sink, Source};
use ketline_data::{Bytes, Dataset, Disk, Error, OnDamage, Raw, Settings, Storage};
use proptest::prelude::*;

/// A disk that interrupts, reads and writes less than asked for, fails at a call, or has room for so many bytes.
#[derive(Debug, Default)]
struct Unreliable {
    disk: Disk,
    calls: Arc<AtomicUsize>,
    /// The call that fails; 0 for none.
    fails: usize,
    /// Bytes that fit; 0 for any number.
    room: u64,
    written: Arc<AtomicU64>,
    short: bool,
}

#[derive(Debug)]
struct Faulty<T: ?Sized> {
    calls: Arc<AtomicUsize>,
    fails: usize,
    room: u64,
    written: Arc<AtomicU64>,
    short: bool,
    inner: Box<T>,
}

impl<T: ?Sized> Faulty<T> {
    /// How many bytes of so many a call may take.
    fn allow(&self, bytes: usize) -> io::Result<usize> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if call == self.fails {
            return Err(io::Error::other("the disk fell off"));
        }
        match call % 3 {
            0 if self.short => Err(io::ErrorKind::Interrupted.into()),
            1 if self.short => Ok(bytes.div_ceil(3)),
            _ => Ok(bytes),
        }
    }
}

impl Source for Faulty<dyn Source> {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.allow(buffer.len())?;
        self.inner.read_at(&mut buffer[..bytes], offset)
    }
}

impl Sink for Faulty<dyn Sink> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let allowed = self.allow(bytes.len())?;
        let all = self.written.fetch_add(allowed as u64, Ordering::Relaxed) + allowed as u64;
        if self.room > 0 && all > self.room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.inner.write(&bytes[..allowed])
    }
    fn sync(&mut self) -> io::Result<()> {
        self.allow(0)?;
        self.inner.sync()
    }
}

impl Unreliable {
    fn wrap<T: ?Sized>(&self, inner: Box<T>) -> Faulty<T> {
        let (calls, written) = (Arc::clone(&self.calls), Arc::clone(&self.written));
        Faulty { calls, fails: self.fails, room: self.room, written, short: self.short, inner }
    }

    fn call(&self) -> io::Result<()> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if call == self.fails { Err(io::Error::other("the disk fell off")) } else { Ok(()) }
    }
}

impl Storage for Unreliable {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Source>> {
        self.call()?;
        Ok(Box::new(self.wrap(self.disk.open(path)?)))
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        self.call()?;
        Ok(Box::new(self.wrap(self.disk.create(path)?)))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call()?;
        self.disk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        self.call()?;
        self.disk.list(folder)
    }
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        self.call()?;
        self.disk.make_folder(folder)
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.call()?;
        self.disk.sync_folder(folder)
    }
    fn lock(&self, folder: &Path) -> io::Result<Option<Box<dyn fmt::Debug + Send>>> {
        self.call()?;
        self.disk.lock(folder)
    }
}

fn chunk_file(folder: &Folder) -> PathBuf {
    let files = Disk::default().list(folder.as_ref()).unwrap();
    files.into_iter().find(|path| path.extension().is_some_and(|end| end == "chunks")).unwrap()
}

#[test]
fn interrupted_and_short_calls_go_on() {
    let (folder, schema) = (Folder::new("short"), varying());
    let storage = || Unreliable { short: true, ..Unreliable::default() };
    write(folder.as_ref(), &schema, 500, Settings::new().chunk_samples(20).storage(Arc::new(storage())));
    let dataset = Dataset::<Raw>::open_in(&folder, &storage()).unwrap();
    let mut all = stored(&dataset);
    all.sort_unstable();
    assert_eq!(all, (0..500).collect::<Vec<_>>());
}

/// A failure at any call of the storage leaves the old set, whole, or the new one, whole; and the next writer cleans up.
#[test]
fn a_writer_that_fails_anywhere_leaves_one_set_or_the_other() {
    let (folder, schema) = (Folder::new("fail"), varying());
    write(folder.as_ref(), &schema, 50, Settings::new().chunk_samples(8).in_order());
    let mut failures = 0;
    for fails in 1.. {
        let storage = Unreliable { fails, ..Unreliable::default() };
        let calls = Arc::clone(&storage.calls);
        let written = (|| {
            let settings = Settings::new().chunk_samples(30).in_order().storage(Arc::new(storage));
            let mut writer = settings.create_raw(&folder, &schema)?;
            for number in 0..200 {
                writer.push_bytes(&record(number, &schema))?;
            }
            writer.finish()
        })();
        let found = stored(&Dataset::open(&folder).unwrap()).len();
        if written.is_ok() && calls.load(Ordering::Relaxed) < fails {
            assert_eq!(found, 200);
            break;
        }
        failures += 1;
        assert!(written.is_err() && [50, 200].contains(&found), "call {fails}: {found} samples, {written:?}");
        write(folder.as_ref(), &schema, 50, Settings::new().chunk_samples(8).in_order());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3, "call {fails}");
    }
    assert!(failures > 15, "{failures}");
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let (folder, schema) = (Folder::new("full"), fixed());
    let storage = Unreliable { room: 20_000, ..Unreliable::default() };
    let settings = Settings::new().chunk_bytes(Bytes::kib(8)).in_order().storage(Arc::new(storage));
    let mut writer = settings.create_raw(&folder, &schema).unwrap();
    let error = (0..10_000).find_map(|number| writer.push_bytes(&record(number, &schema)).err()).unwrap();
    assert!(
        matches!(&error, Error::File { source, .. } if source.kind() == io::ErrorKind::StorageFull),
        "{error}"
    );
    drop(writer);
    assert!(matches!(Dataset::open(&folder), Err(Error::NoDataset { .. })));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "only the lock");
}

#[test]
fn a_read_that_fails_is_the_error_of_its_batch() {
    let (folder, schema) = (Folder::new("read"), fixed());
    write(folder.as_ref(), &schema, 500, Settings::new().chunk_samples(20));
    for fails in [8, 15, 25] {
        let dataset =
            Dataset::<Raw>::open_in(&folder, &Unreliable { fails, ..Unreliable::default() }).unwrap();
        let mut epoch = dataset.plan().batch(32).open_chunks(5).ahead(2).train().unwrap().epoch(0).unwrap();
        let error = epoch.find_map(Result::err).unwrap().to_string();
        assert!(error.contains("the disk fell off") && error.contains(".chunks"), "{error}");
        assert!(epoch.next().is_none());
    }
}

#[test]
fn damage_is_named_or_passed_over_and_counted() {
    let (folder, schema) = (Folder::new("damage"), varying());
    write(folder.as_ref(), &schema, 500, Settings::new().chunk_samples(50).in_order());
    let path = chunk_file(&folder);
    let entry = Dataset::open(&folder).unwrap().chunks()[3];
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[entry.offset as usize + 300] ^= 4;
    std::fs::write(&path, &bytes).unwrap();
    let dataset = Dataset::open(&folder).unwrap();
    let error = dataset.verify().unwrap_err().to_string();
    assert!(
        error.contains("chunk 3 (samples 150..200): found checksum ") && error.contains(".chunks"),
        "{error}"
    );
    let plan = || dataset.plan().batch(32).open_chunks(4).ahead(2);
    let error = plan().train().unwrap().epoch(0).unwrap().find_map(Result::err).unwrap();
    assert!(matches!(error, Error::Chunk { chunk: 3, first: 150, end: 200, .. }));
    let mut epoch = plan().on_damage(OnDamage::Skip).train().unwrap().epoch(0).unwrap();
    let mut left: Vec<u32> = Vec::new();
    for batch in epoch.by_ref() {
        left.extend(numbers(batch.unwrap().samples().map(Result::unwrap), &schema));
    }
    assert_eq!((left.len(), epoch.activity().skipped), (450, 50));
    assert!(left.iter().all(|number| !(150..200).contains(number)));
    // a file that is cut, missing, or of another set is found when the set is opened
    std::fs::write(&path, &bytes[..bytes.len() - 4096]).unwrap();
    assert!(matches!(Dataset::open(&folder), Err(Error::Format { what: "a file of bytes", .. })));
    bytes[16] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert!(Dataset::open(&folder).unwrap_err().to_string().contains("a file of another set"));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(Dataset::open(&folder), Err(Error::File { action: "open", .. })));
}

#[test]
fn a_file_that_is_cut_while_it_is_read_is_damage() {
    let (folder, schema) = (Folder::new("cut"), fixed());
    write(folder.as_ref(), &schema, 5000, Settings::new().chunk_samples(500).in_order());
    let dataset = Dataset::open(&folder).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(chunk_file(&folder)).unwrap();
    file.set_len(50_000).unwrap();
    let error = dataset.plan().eval().unwrap().pass().unwrap().find_map(Result::err).unwrap();
    assert!(error.is_damage() && error.to_string().contains("the file ends at 50000"), "{error}");
}

#[test]
fn other_samples_than_the_program_has_are_refused() {
    struct Point;
    impl ketline_data::Sample for Point {
        type Batch<'a> = ();
        fn schema() -> Option<ketline_data::Schema> {
            Some(fixed())
        }
        fn write(&self, _: &mut ketline_data::RecordWriter<'_>) {}
        fn read(_: &mut ketline_data::RecordReader<'_>) -> ketline_data::Result<Self> {
            Ok(Self)
        }
        fn batch(_: &ketline_data::Columns) -> ketline_data::Result<()> {
            Ok(())
        }
    }
    let folder = Folder::new("schema");
    write(folder.as_ref(), &varying(), 5, Settings::new());
    let error = Dataset::<Point>::open_as(&folder).unwrap_err().to_string();
    assert!(error.ends_with("stores `number: u32, text: text`, expected `x: u32[4]`"), "{error}");
    assert!(Settings::new().append::<Point>(&folder).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(2000), max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// Whatever the files hold: an error or samples, no panic, and no more memory than the files have bytes.
    #[test]
    fn any_bytes_are_an_error_or_samples(
        edits in proptest::collection::vec((0.0..1.0, any::<u8>(), 0_u8..4), 1..6), varies: bool, fix in 0_u8..3,
    ) {
        let schema = if varies { varying() } else { fixed() };
        let (mut index, mut chunks) = ketline_data::fuzzing::files_in_memory(&schema, |writer| {
            (0..30).try_for_each(|number| writer.push_bytes(&record(number, &schema)))
        });
        for (place, value, target) in edits {
            let bytes = if target == 0 { &mut chunks } else { &mut index };
            let at = (place * bytes.len() as f64) as usize;
            match (target, value) {
                (3, 0) => bytes.truncate(at),
                (2, _) => bytes[at] = bytes[at].wrapping_add(value),
                _ => bytes[at] = value,
            }
            if bytes.is_empty() {
                return Ok(());
            }
        }
        // A checksum that fits lets the edits through to what comes behind it.
        if fix > 0 {
            ketline_data::fuzzing::fit_checksums(&mut index, if fix == 2 { Some(&chunks) } else { None });
        }
        ketline_data::fuzzing::read(index, chunks);
    }
}
