//! Packed chunks.

#[cfg_attr(not(feature = "lz4"), path = "compress/lz4_absent.rs")]
mod lz4;
#[cfg_attr(not(feature = "zstd"), path = "compress/zstd_absent.rs")]
mod zstd;

use crate::format::Codec;
use crate::{Error, Result};

/// Whether this build can pack and unpack so.
pub(crate) fn check(codec: Codec) -> Result<()> {
    match codec {
        Codec::Zstd if !zstd::PRESENT => {
            Err(Error::Feature { what: "a chunk packed by zstd", feature: "zstd" })
        }
        Codec::Lz4 if !lz4::PRESENT => Err(Error::Feature { what: "a chunk packed by lz4", feature: "lz4" }),
        _ => Ok(()),
    }
}

/// Packs a chunk; `None` if that would not make it smaller.
pub(crate) fn pack(codec: Codec, raw: &[u8]) -> Option<Vec<u8>> {
    let packed = match codec {
        Codec::None => None,
        Codec::Zstd => zstd::pack(raw),
        Codec::Lz4 => lz4::pack(raw),
    };
    packed.filter(|packed| packed.len() < raw.len())
}

/// Unpacks into exactly `raw`; `Err` says what is wrong.
pub(crate) fn unpack(codec: Codec, stored: &[u8], raw: &mut [u8]) -> Result<(), String> {
    let size = match codec {
        Codec::None => return Err("nothing is packed".into()),
        Codec::Zstd => zstd::unpack(stored, raw)?,
        Codec::Lz4 => lz4::unpack(stored, raw)?,
    };
    if size == raw.len() { Ok(()) } else { Err(format!("{size} bytes after unpacking")) }
}
