//! JPEG files of a batch become images.

#[cfg_attr(not(feature = "jpeg"), path = "jpeg/codec_absent.rs")]
mod codec;

use std::thread;

use crate::columns::Columns;
use crate::schema::{Kind, Schema};
use crate::{Error, Result};

/// Decodes the images of a batch, on so many threads. A build without the feature leaves the files as they are.
pub(super) fn decode(schema: &Schema, columns: &mut Columns, threads: usize) -> Result<()> {
    if !codec::PRESENT {
        return Ok(());
    }
    let ids = columns.ids().to_vec();
    for (field, column) in schema.fields().iter().zip(columns.columns_mut()) {
        let Kind::Jpeg { shape } = field.kind else { continue };
        let image = shape.iter().product();
        let (files, images) = column.files_and_images(image);
        let part = files.len().div_ceil(threads).max(1);
        let parts = files.chunks(part).zip(images.chunks_mut(part * image)).zip(ids.chunks(part));
        let run = |files: &[&[u8]], images: &mut [u8], ids: &[u64]| {
            for ((file, out), id) in files.iter().zip(images.chunks_mut(image)).zip(ids) {
                codec::decode(file, shape, out).map_err(|reason| Error::Transform {
                    sample: *id,
                    reason: format!("failed: `{}` is no JPEG that can be decoded: {reason}", field.name),
                })?;
            }
            Ok(())
        };
        let run = &run;
        thread::scope(|scope| {
            let threads: Vec<_> =
                parts.map(|((files, images), ids)| scope.spawn(move || run(files, images, ids))).collect();
            let lost = || Error::setting("the number of decoders", "one that panicked", "none");
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(lost())))
        })?;
    }
    Ok(())
}
