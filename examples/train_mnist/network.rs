//! Two layers with a rectifier between them, trained by gradient descent with momentum.

use ketline_examples::digits::{Digits, PIXELS};
use ndarray::{Array1, Array2, ArrayView1, ArrayView3, Axis, Zip};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Samples in a batch.
pub(crate) const BATCH: usize = 100;

const HIDDEN: usize = 96;
const CLASSES: usize = 10;
const RATE: f32 = 0.05;
const MOMENTUM: f32 = 0.9;

pub(crate) struct Network {
    weights: [Array2<f32>; 2],
    offsets: [Array1<f32>; 2],
    weight_speeds: [Array2<f32>; 2],
    offset_speeds: [Array1<f32>; 2],
}

impl Network {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let sizes = [(PIXELS, HIDDEN), (HIDDEN, CLASSES)];
        let weights = sizes.map(|(inputs, outputs)| {
            // uniform numbers of the variance 2 / inputs (He et al. 2015)
            let limit = (6.0 / inputs as f32).sqrt();
            Array2::from_shape_simple_fn((inputs, outputs), || limit * (2.0 * rng.random::<f32>() - 1.0))
        });
        Self {
            weights,
            offsets: sizes.map(|(_, outputs)| Array1::zeros(outputs)),
            weight_speeds: sizes.map(Array2::zeros),
            offset_speeds: sizes.map(|(_, outputs)| Array1::zeros(outputs)),
        }
    }

    /// The hidden layer, and the chances of the classes.
    fn forward(&self, input: &Array2<f32>) -> (Array2<f32>, Array2<f32>) {
        let mut hidden = input.dot(&self.weights[0]) + &self.offsets[0];
        hidden.mapv_inplace(|value| value.max(0.0));
        let mut output = hidden.dot(&self.weights[1]) + &self.offsets[1];
        for mut row in output.outer_iter_mut() {
            let most = row.fold(f32::MIN, |most, value| most.max(*value));
            row.mapv_inplace(|value| (value - most).exp());
            let sum = row.sum();
            row /= sum;
        }
        (hidden, output)
    }

    /// One step down the gradient of the mean cross-entropy.
    pub(crate) fn step(&mut self, images: &ArrayView3<'_, u8>, labels: &ArrayView1<'_, u8>) {
        let input = input(images);
        let (hidden, mut slope) = self.forward(&input);
        for (mut row, label) in slope.outer_iter_mut().zip(labels) {
            row[usize::from(*label)] -= 1.0;
        }
        slope /= labels.len() as f32;
        let mut inner = slope.dot(&self.weights[1].t());
        Zip::from(&mut inner).and(&hidden).for_each(|slope, value| {
            if *value <= 0.0 {
                *slope = 0.0;
            }
        });
        let gradients = [input.t().dot(&inner), hidden.t().dot(&slope)];
        let offsets = [inner.sum_axis(Axis(0)), slope.sum_axis(Axis(0))];
        for layer in 0..2 {
            let speed = &mut self.weight_speeds[layer];
            *speed *= MOMENTUM;
            speed.scaled_add(-RATE, &gradients[layer]);
            self.weights[layer] += &*speed;
            let speed = &mut self.offset_speeds[layer];
            *speed *= MOMENTUM;
            speed.scaled_add(-RATE, &offsets[layer]);
            self.offsets[layer] += &*speed;
        }
    }

    /// The share of digits that are recognised.
    pub(crate) fn accuracy(&self, digits: &Digits) -> f64 {
        let (_, chances) = self.forward(&input(&digits.images()));
        let right = chances.outer_iter().zip(digits.labels()).filter(|(chances, label)| {
            let best = chances.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            best.is_some_and(|(class, _)| class == usize::from(**label))
        });
        right.count() as f64 / digits.len() as f64
    }
}

fn input(images: &ArrayView3<'_, u8>) -> Array2<f32> {
    let count = images.len_of(Axis(0));
    let values = images.iter().map(|pixel| f32::from(*pixel) / 255.0).collect();
    Array2::from_shape_vec((count, PIXELS), values).expect("28 x 28 pixels each")
}
