//! Tar files whose members belong together by name, as `WebDataset` packs them.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::{MOST_BYTES, open};
use crate::{Error, Result};

const BLOCK: usize = 512;

/// The samples of a tar file: members that follow each other and share their name up to the first point of its last part.
#[derive(Debug)]
pub struct Tar<R> {
    path: PathBuf,
    reader: R,
    next: Option<TarSample>,
    over: bool,
}

/// A sample of a tar file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TarSample {
    /// The common part of its members' names.
    pub key: String,
    /// What its members hold, by the rest of their names, such as `jpg` and `cls`.
    pub parts: BTreeMap<String, Vec<u8>>,
}

impl Tar<BufReader<std::fs::File>> {
    /// Opens a file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::new(path.as_ref(), BufReader::new(open(path.as_ref())?)))
    }
}

impl<R: Read> Tar<R> {
    /// Reads members from a reader; the path is for messages.
    pub fn new(path: impl Into<PathBuf>, reader: R) -> Self {
        Self { path: path.into(), reader, next: None, over: false }
    }

    fn fail(&self, reason: impl Into<String>) -> Error {
        Error::import(&self.path, reason)
    }

    /// The next file among the members (POSIX ustar, with long names of pax and GNU).
    fn member(&mut self) -> Result<Option<(String, Vec<u8>)>> {
        let mut long = None;
        loop {
            let mut head = [0; BLOCK];
            match self.reader.read_exact(&mut head) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(error) => return Err(Error::file("read", &self.path)(error)),
            }
            if head == [0; BLOCK] {
                return Ok(None);
            }
            let sum: u64 = head
                .iter()
                .enumerate()
                .map(|(at, byte)| u64::from(if (148..156).contains(&at) { b' ' } else { *byte }))
                .sum();
            let (found, size) = (number(&head[148..156]), number(&head[124..136]));
            let (Some(size), true) = (size, found == Some(sum)) else {
                return Err(self.fail("a header has another checksum than it says"));
            };
            if size > MOST_BYTES {
                return Err(self.fail(format!("a member has {size} bytes, expected at most {MOST_BYTES}")));
            }
            let mut body = Vec::new();
            let padded = size.next_multiple_of(BLOCK as u64);
            let read = self
                .reader
                .by_ref()
                .take(padded)
                .read_to_end(&mut body)
                .map_err(Error::file("read", &self.path))?;
            if (read as u64) < size {
                return Err(self.fail(format!("a member ends after {read} of {size} bytes")));
            }
            body.truncate(size as usize);
            match head[156] {
                0 | b'0' => {
                    let (prefix, name) = (text(&head[345..500]), text(&head[..100]));
                    let ustar = &head[257..262] == b"ustar" && !prefix.is_empty();
                    let name = long.take().unwrap_or(if ustar { format!("{prefix}/{name}") } else { name });
                    return Ok(Some((name, body)));
                }
                b'L' => long = Some(text(&body)),
                b'x' => long = pax_path(&body).or(long),
                _ => long = None,
            }
        }
    }

    fn sample(&mut self) -> Result<Option<TarSample>> {
        while !self.over {
            let Some((name, bytes)) = self.member()? else {
                self.over = true;
                break;
            };
            let base = name.rfind('/').map_or(0, |slash| slash + 1);
            // Names that begin with a point are of systems, not of samples.
            let Some(point) = name[base..].find('.').filter(|point| *point > 0) else { continue };
            let (key, part) = (&name[..base + point], &name[base + point + 1..]);
            let sample = self.next.get_or_insert_with(TarSample::default);
            if sample.key != key && !sample.parts.is_empty() {
                let parts = BTreeMap::from([(part.to_owned(), bytes)]);
                return Ok(self.next.replace(TarSample { key: key.to_owned(), parts }));
            }
            key.clone_into(&mut sample.key);
            sample.parts.insert(part.to_owned(), bytes);
        }
        Ok(self.next.take())
    }
}

impl<R: Read> Iterator for Tar<R> {
    type Item = Result<TarSample>;

    fn next(&mut self) -> Option<Self::Item> {
        let sample = self.sample().transpose();
        if matches!(sample, Some(Err(_))) {
            (self.over, self.next) = (true, None);
        }
        sample
    }
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// A number in octal digits, or, after a byte of 0x80, in the bytes themselves.
fn number(bytes: &[u8]) -> Option<u64> {
    if bytes[0] == 0x80 {
        return bytes[1..]
            .iter()
            .try_fold(0_u64, |value, byte| value.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let digits = text(bytes);
    u64::from_str_radix(digits.trim_matches(' '), 8).ok()
}

/// The path in a header of pax: lines of a length, a key and a value.
fn pax_path(body: &[u8]) -> Option<String> {
    let lines = String::from_utf8_lossy(body).into_owned();
    lines.lines().find_map(|line| line.split_once(' ')?.1.strip_prefix("path=").map(Into::into))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn member(name: &str, body: &[u8]) -> Vec<u8> {
        let mut head = vec![0; BLOCK];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[124..135].copy_from_slice(format!("{:011o}", body.len()).as_bytes());
        head[156] = b'0';
        head[148..156].fill(b' ');
        let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
        head[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        head.extend(body);
        head.resize(head.len().next_multiple_of(BLOCK), 0);
        head
    }

    #[test]
    fn members_of_one_name_are_a_sample() {
        let files = [
            ("a/1.jpg", &b"one"[..]),
            ("a/1.cls", b"7"),
            ("a/2.seg.png", b""),
            ("a/2.cls", b"8"),
            ("note", b""),
        ];
        let bytes: Vec<u8> =
            files.iter().flat_map(|(name, body)| member(name, body)).chain([0; 1024]).collect();
        let samples: Vec<_> = Tar::new("t.tar", &bytes[..]).map(Result::unwrap).collect();
        assert_eq!(samples.iter().map(|sample| sample.key.as_str()).collect::<Vec<_>>(), ["a/1", "a/2"]);
        assert_eq!(samples[0].parts["jpg"], b"one");
        assert_eq!(samples[1].parts.keys().collect::<Vec<_>>(), ["cls", "seg.png"]);
        let mut bad = bytes.clone();
        bad[0] ^= 1;
        assert!(Tar::new("t.tar", &bad[..]).next().unwrap().is_err());
        assert!(Tar::new("t.tar", &bytes[..513]).next().unwrap().is_err());
    }
}
