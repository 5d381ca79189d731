//! Digits: those of MNIST, or drawn by a rule.

use std::error::Error;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use ketline::data::import::Idx;
use ketline::data::{Settings, Tensor};
use ketline::prelude::*;
use ndarray::{ArrayView1, ArrayView3};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

// ANCHOR: digit
dataset!(
    /// A handwritten digit.
    #[shuffle(seed = 7)]
    pub struct Digit {
        /// Brightness, row after row.
        image: U8<28, 28>,
        /// What it shows.
        #[range(0..10)]
        label: u8,
    }
);
// ANCHOR_END: digit

/// Pixels of an image.
pub const PIXELS: usize = 28 * 28;

/// The most bytes of a file after unpacking.
const MOST_BYTES: u64 = 1 << 30;

/// Digits in memory.
#[derive(Debug, Clone)]
pub struct Digits {
    images: Vec<u8>,
    labels: Vec<u8>,
}

impl Digits {
    /// Reads `train-images-idx3-ubyte` or its like, with or without `.gz`.
    ///
    /// # Errors
    /// Files that cannot be read or that are not what they should be.
    pub fn read(folder: &Path, part: &str) -> Result<Self, Box<dyn Error>> {
        let images = file(folder, &format!("{part}-images-idx3-ubyte"))?;
        let labels = file(folder, &format!("{part}-labels-idx1-ubyte"))?;
        if images.shape().get(1..) != Some(&[28, 28]) || labels.shape() != &images.shape()[..1] {
            return Err(format!(
                "found images {:?} and labels {:?}, expected [n, 28, 28] and [n]",
                images.shape(),
                labels.shape()
            )
            .into());
        }
        Ok(Self {
            images: images.samples().flatten().copied().collect(),
            labels: labels.samples().flatten().copied().collect(),
        })
    }

    /// Digits as segments of a clock's display, moved, thinned out and noisy.
    pub fn drawn(count: usize, seed: u64) -> Self {
        const SEGMENTS: [u8; 10] = [0x77, 0x12, 0x5d, 0x5b, 0x3a, 0x6b, 0x6f, 0x52, 0x7f, 0x7b];
        // left, top, width, height of each segment, the highest bit first: top, left above, right above, middle, ..
        const PLACES: [[usize; 4]; 7] = [
            [0, 0, 10, 2],
            [0, 0, 2, 9],
            [8, 0, 2, 9],
            [0, 8, 10, 2],
            [0, 8, 2, 9],
            [8, 8, 2, 9],
            [0, 15, 10, 2],
        ];
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut images, mut labels) = (vec![0_u8; count * PIXELS], Vec::new());
        for image in images.chunks_mut(PIXELS) {
            let label = rng.random_range(0..10_usize);
            let (left, top) = (rng.random_range(2..16), rng.random_range(2..9));
            for (bit, [x, y, width, height]) in PLACES.iter().enumerate() {
                if SEGMENTS[label] >> (6 - bit) & 1 == 1 {
                    for at in 0..width * height {
                        let pixel = (top + y + at / width) * 28 + left + x + at % width;
                        image[pixel] = if rng.random_bool(0.85) { rng.random_range(120..=255) } else { 0 };
                    }
                }
            }
            for pixel in image.iter_mut() {
                *pixel = pixel.saturating_add(rng.random_range(0..60));
            }
            labels.push(label as u8);
        }
        Self { images, labels }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// What one of them shows.
    pub fn label(&self, at: usize) -> u8 {
        self.labels[at]
    }

    fn image(&self, at: usize) -> &[u8] {
        &self.images[at * PIXELS..(at + 1) * PIXELS]
    }

    /// One of them as a sample.
    fn digit(&self, at: usize) -> Digit {
        let mut image = Tensor::zeros();
        image.copy_from_slice(self.image(at));
        Digit { image, label: self.labels[at] }
    }

    /// Some of them, in this order.
    #[must_use]
    pub fn taken(&self, order: &[usize]) -> Self {
        Self {
            images: order.iter().flat_map(|at| self.image(*at)).copied().collect(),
            labels: order.iter().map(|at| self.labels[*at]).collect(),
        }
    }

    /// All images.
    ///
    /// # Panics
    /// Never: there are as many pixels as labels say.
    pub fn images(&self) -> ArrayView3<'_, u8> {
        ArrayView3::from_shape((self.len(), 28, 28), &self.images).expect("as many pixels as labels say")
    }

    /// Writes them as a set in chunks.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, folder: &Path, settings: Settings) -> Result<(), Box<dyn Error>> {
        let mut writer = settings.create::<Digit>(folder)?;
        (0..self.len()).try_for_each(|at| writer.push(&self.digit(at)))?;
        writer.finish()?;
        Ok(())
    }

    /// What all images show.
    pub fn labels(&self) -> ArrayView1<'_, u8> {
        ArrayView1::from(&self.labels[..])
    }
}

fn file(folder: &Path, name: &str) -> Result<Idx, Box<dyn Error>> {
    let plain = folder.join(name);
    if plain.exists() {
        return Ok(Idx::open(plain)?);
    }
    let packed = folder.join(format!("{name}.gz"));
    let mut bytes = Vec::new();
    let file = fs::File::open(&packed).map_err(|error| format!("{}: {error}", packed.display()))?;
    GzDecoder::new(file).take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(Idx::parse(bytes)?)
}

/// A random order of `0..count`.
pub fn permutation(count: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..count).collect();
    for at in (1..count).rev() {
        order.swap(at, rng.random_range(0..=at));
    }
    order
}
