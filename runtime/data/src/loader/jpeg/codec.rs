//! Decoding by `zune-jpeg`, and scaling.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

pub(super) const PRESENT: bool = true;

/// The longest edge of an image that is decoded.
const LONGEST: usize = 1 << 13;

/// Decodes a file to channels, rows and columns: the middle of the image that has these proportions, each of whose pixels
/// is the mean of those that it covers, or the nearest.
pub(super) fn decode(
    file: &[u8],
    [channels, height, width]: [usize; 3],
    out: &mut [u8],
) -> Result<(), String> {
    let space = if channels == 1 { ColorSpace::Luma } else { ColorSpace::RGB };
    let options = DecoderOptions::default()
        .set_max_width(LONGEST)
        .set_max_height(LONGEST)
        .jpeg_set_out_colorspace(space);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    let pixels = decoder.decode().map_err(|error| error.to_string())?;
    let (columns, rows) = decoder.dimensions().ok_or("it has no size")?;
    if columns == 0 || rows == 0 || pixels.len() != columns * rows * channels {
        return Err(format!("{} bytes for {columns} x {rows} pixels", pixels.len()));
    }
    // The largest part in the middle with the proportions of the result.
    let (part_columns, part_rows) = if columns * height > rows * width {
        ((rows * width / height).max(1), rows)
    } else {
        (columns, (columns * height / width).max(1))
    };
    let (left, top) = ((columns - part_columns) / 2, (rows - part_rows) / 2);
    let span = |at: usize, part: usize, size: usize, from: usize| {
        let start = at * part / size;
        (from + start, from + ((at + 1) * part / size).max(start + 1))
    };
    for row in 0..height {
        let (y0, y1) = span(row, part_rows, height, top);
        for column in 0..width {
            let (x0, x1) = span(column, part_columns, width, left);
            let count = ((y1 - y0) * (x1 - x0)) as u32;
            for channel in 0..channels {
                let mut sum = count / 2;
                for y in y0..y1 {
                    for x in x0..x1 {
                        sum += u32::from(pixels[(y * columns + x) * channels + channel]);
                    }
                }
                out[(channel * height + row) * width + column] = (sum / count) as u8;
            }
        }
    }
    Ok(())
}
