//! JPEG files of a batch become images.

#[cfg_attr(not(feature = "jpeg"), path = "jpeg/codec_absent.rs")]
mod codec;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crate::columns::Columns;
use crate::schema::{Kind, Schema};
use crate::{Error, Result};

/// A row whose image cannot be decoded, and why.
pub(super) type Fault = (usize, Error);

/// Decodes the images of a batch, on so many threads; says what cannot be decoded, whose images are then of no use. A build
/// without the feature leaves the files as they are.
pub(super) fn decode(schema: &Schema, columns: &mut Columns, threads: usize) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    if !codec::PRESENT {
        return Ok(faults);
    }
    let ids = columns.ids().to_vec();
    for (field, column) in schema.fields().iter().zip(columns.columns_mut()) {
        let Kind::Jpeg { shape } = field.kind else { continue };
        let image = shape.iter().product();
        let (files, images) = column.files_and_images(image);
        let part = files.len().div_ceil(threads).max(1);
        let parts = files.chunks(part).zip(images.chunks_mut(part * image)).enumerate();
        let run = |first: usize, files: &[&[u8]], images: &mut [u8]| -> Vec<Fault> {
            let images = files.iter().zip(images.chunks_mut(image)).zip(first..);
            let fault = |((file, out), row): ((&&[u8], &mut [u8]), usize)| {
                // Files are whatever the set holds, and a decoder may not be ready for it.
                let decoded = catch_unwind(AssertUnwindSafe(|| codec::decode(file, shape, out)));
                let reason = decoded.unwrap_or_else(|_| Err("the decoder panicked".into())).err()?;
                let reason = format!("failed: `{}` is no JPEG that can be decoded: {reason}", field.name);
                Some((row, Error::Transform { sample: ids[row], reason }))
            };
            images.filter_map(fault).collect()
        };
        let run = &run;
        thread::scope(|scope| {
            let threads: Vec<_> = parts
                .map(|(at, (files, images))| scope.spawn(move || run(at * part, files, images)))
                .collect();
            let lost = |_| Error::setting("the number of decoders", "one that panicked", "none");
            for thread in threads {
                faults.extend(thread.join().map_err(lost)?);
            }
            Ok::<(), Error>(())
        })?;
    }
    Ok(faults)
}
