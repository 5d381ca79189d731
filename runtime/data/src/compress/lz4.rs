//! LZ4 blocks by `lz4_flex`.

pub(super) const PRESENT: bool = true;

#[allow(clippy::unnecessary_wraps)] // as its twin
pub(super) fn pack(raw: &[u8]) -> Option<Vec<u8>> {
    Some(lz4_flex::block::compress(raw))
}

pub(super) fn unpack(stored: &[u8], raw: &mut [u8]) -> Result<usize, String> {
    lz4_flex::block::decompress_into(stored, raw).map_err(|error| error.to_string())
}
