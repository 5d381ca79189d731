//! A build without `zstd`.

pub(super) const PRESENT: bool = false;

pub(super) fn pack(_: &[u8]) -> Option<Vec<u8>> {
    None
}

pub(super) fn unpack(_: &[u8], _: &mut [u8]) -> Result<usize, String> {
    Err("packed by `zstd`, which this build leaves out".into())
}
