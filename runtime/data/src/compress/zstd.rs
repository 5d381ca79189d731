//! Zstandard frames by its own library.

pub(super) const PRESENT: bool = true;

pub(super) fn pack(raw: &[u8]) -> Option<Vec<u8>> {
    zstd::bulk::compress(raw, zstd::DEFAULT_COMPRESSION_LEVEL).ok()
}

pub(super) fn unpack(stored: &[u8], raw: &mut [u8]) -> Result<usize, String> {
    zstd::bulk::decompress_to_buffer(stored, raw).map_err(|error| error.to_string())
}
