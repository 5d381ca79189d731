//! Assertions of `dataset!`'s expansion; no part of it is stable. Each ends the evaluation of a constant with a message, which
//! the compiler shows at the caller's tokens.

use std::marker::PhantomData;

use crate::{Columns, Field, Kind, RecordReader, RecordWriter, Result};

/// Longest message of an assertion, in bytes; what is longer is cut.
const LENGTH: usize = 320;

struct Message {
    text: [u8; LENGTH],
    length: usize,
}

impl Message {
    const fn new() -> Self {
        Self { text: [0; LENGTH], length: 0 }
    }

    const fn words(mut self, words: &str) -> Self {
        let (words, mut at) = (words.as_bytes(), 0);
        while at < words.len() && self.length < LENGTH {
            self.text[self.length] = words[at];
            (self.length, at) = (self.length + 1, at + 1);
        }
        self
    }

    const fn number(mut self, number: u64) -> Self {
        let mut unit = 1;
        while number / unit >= 10 {
            unit *= 10;
        }
        while unit > 0 && self.length < LENGTH {
            self.text[self.length] = b'0' + (number / unit % 10) as u8;
            (self.length, unit) = (self.length + 1, unit / 10);
        }
        self
    }

    /// An amount of memory in the largest unit of which it has at least one.
    const fn bytes(self, bytes: u64) -> Self {
        match bytes {
            0x4000_0000.. => self.number(bytes >> 30).words(" GiB"),
            0x10_0000.. => self.number(bytes >> 20).words(" MiB"),
            0x400.. => self.number(bytes >> 10).words(" KiB"),
            _ => self.number(bytes).words(" B"),
        }
    }

    #[track_caller]
    const fn fail(&self) -> ! {
        match std::str::from_utf8(self.text.split_at(self.length).0) {
            Ok(text) => panic!("{}", text),
            Err(_) => panic!("this dataset cannot be stored"),
        }
    }
}

/// A size must be at least 1.
///
/// # Panics
/// If it is not; the compiler then shows the message.
#[track_caller]
pub const fn size(size: usize) {
    assert!(size > 0, "a size of 0 leaves nothing to store");
}

/// A count must be at least 1.
///
/// # Panics
/// If it is not; the compiler then shows the message.
#[track_caller]
pub const fn at_least_one(count: usize, message: &str) {
    if count == 0 {
        Message::new().words(message).fail();
    }
}

/// A range must fit in its type.
///
/// # Panics
/// If it does not; the compiler then shows the message.
#[track_caller]
pub const fn range(first: i128, last: i128, least: i128, greatest: i128, message: &str) {
    if first < least || last > greatest {
        Message::new().words(message).fail();
    }
}

/// A window must hold a chunk.
///
/// # Panics
/// If it does not; the compiler then shows the message.
#[track_caller]
pub const fn window(window: usize, samples: usize) {
    if window < samples {
        let message = Message::new().words("a shuffle window of ").number(window as u64);
        let message = message.words(" samples is smaller than one chunk (").number(samples as u64);
        message.words("), so chunks would leave in order").fail();
    }
}

/// Chunks must fit in the memory.
///
/// # Panics
/// If they do not; the compiler then shows the message.
#[track_caller]
pub const fn memory(chunks: u64, chunk: u64, memory: u64, text: &str) {
    if chunks.saturating_mul(chunk) > memory {
        let message = Message::new().number(chunks).words(" chunks of ").bytes(chunk);
        message.words(" exceed `memory = ").words(text).words("`").fail();
    }
}

/// Shares must add up to 1.
///
/// # Panics
/// If they do not; the compiler then shows the message.
#[track_caller]
pub const fn splits(shares: &[f64]) {
    let (mut sum, mut at) = (0.0, 0);
    while at < shares.len() {
        sum += shares[at];
        at += 1;
    }
    let thousandths = (sum * 1000.0 + 0.5) as u64;
    if sum < 1.0 - 1e-9 || sum > 1.0 + 1e-9 {
        let message = Message::new().words("the splits add up to ").number(thousandths / 1000).words(".");
        let rest = thousandths % 1000;
        message.number(rest / 100).number(rest / 10 % 10).number(rest % 10).fail();
    }
}

/// The fewest bytes that a field takes of a chunk.
pub const fn least<F: Field>() -> u64 {
    match F::SIZE {
        Some(size) => size as u64,
        None => 4,
    }
}

/// A field of a sample, as the expansion calls it.
///
/// Where its type cannot be stored, one error says so at the type. The calls beside it then mean [`Unstored`], so that they
/// say nothing more: a method by value is looked for before one by reference.
#[derive(Debug)]
pub struct Slot<T>(PhantomData<fn() -> T>);

impl<T> Slot<T> {
    /// For any type.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// What a slot of a type that is stored can do.
pub trait Stored<T: Field> {
    /// What is stored.
    fn kind(self) -> Kind;
    /// Writes the field.
    fn write(self, value: &T, record: &mut RecordWriter<'_>);
    /// Reads the field.
    fn read(self, record: &mut RecordReader<'_>) -> Result<T>;
    /// The values of a batch.
    fn column<'a>(self, columns: &'a Columns, name: &str) -> Result<T::Column<'a>>;
}

impl<T: Field> Stored<T> for Slot<T> {
    fn kind(self) -> Kind {
        T::kind()
    }

    fn write(self, value: &T, record: &mut RecordWriter<'_>) {
        record.field(value);
    }

    fn read(self, record: &mut RecordReader<'_>) -> Result<T> {
        record.field()
    }

    fn column<'a>(self, columns: &'a Columns, name: &str) -> Result<T::Column<'a>> {
        T::column(columns, name)
    }
}

/// What stands in for it where the program does not compile.
#[allow(missing_docs, clippy::unimplemented)]
pub trait Unstored<T> {
    fn kind(&self) -> Kind {
        unimplemented!()
    }
    fn write(&self, _: &T, _: &mut RecordWriter<'_>) {}
    fn read(&self, _: &mut RecordReader<'_>) -> Result<T> {
        unimplemented!()
    }
    fn column<C>(&self, _: &Columns, _: &str) -> Result<C> {
        unimplemented!()
    }
}

impl<T> Unstored<T> for Slot<T> {}
