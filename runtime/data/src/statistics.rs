//! What is known of a set once it is written.

use serde::{Deserialize, Serialize};

use crate::Schema;
use crate::element;
use crate::schema::Kind;

/// Counts and moments, gathered while a set is written and kept in its index.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Statistics {
    /// Samples in all chunks.
    pub samples: u64,
    /// Bytes of these samples, without tables and padding.
    pub bytes: u64,
    /// Bytes of the smallest sample.
    pub smallest: u64,
    /// Bytes of the largest sample.
    pub largest: u64,
    /// Numbers of each field of fixed shape, in the order of the schema; nothing for the others.
    pub fields: Vec<Option<Moments>>,
}

/// Moments of all numbers of a field. NaN is left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// How many numbers.
    pub count: u64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Their mean.
    pub mean: f64,
    /// The sum of squared distances from the mean.
    pub squares: f64,
}

impl Moments {
    /// The standard deviation of the numbers.
    pub fn deviation(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.squares / self.count as f64).sqrt() }
    }

    /// Of one sample's numbers, in two passes.
    fn of(values: impl Iterator<Item = f64> + Clone) -> Option<Self> {
        let finite = values.filter(|value| value.is_finite());
        let (mut count, mut sum, mut min, mut max) = (0_u64, 0.0, f64::MAX, f64::MIN);
        for value in finite.clone() {
            count += 1;
            sum += value;
            min = if value < min { value } else { min };
            max = if value > max { value } else { max };
        }
        if count == 0 {
            return None;
        }
        let mean = sum / count as f64;
        Some(Self {
            count,
            min,
            max,
            mean,
            squares: finite.map(|value| (value - mean) * (value - mean)).sum(),
        })
    }

    /// Of both, by the rule of Chan, Golub and `LeVeque` (1979).
    fn join(self, other: Self) -> Self {
        let count = self.count + other.count;
        let (own, share) = (self.count as f64, other.count as f64 / count as f64);
        let distance = other.mean - self.mean;
        Self {
            count,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            mean: self.mean + distance * share,
            squares: self.squares + other.squares + distance * distance * own * share,
        }
    }
}

impl Statistics {
    /// Adds one stored sample; with `moments`, also its numbers.
    pub(crate) fn add(&mut self, schema: &Schema, record: &[u8], moments: bool) {
        let size = record.len() as u64;
        self.smallest = if self.samples == 0 { size } else { self.smallest.min(size) };
        self.largest = self.largest.max(size);
        self.samples += 1;
        self.bytes += size;
        if !moments {
            return;
        }
        self.fields.resize(schema.fields().len(), None);
        for ((field, own), bytes) in schema.fields().iter().zip(&mut self.fields).zip(schema.split(record)) {
            let (Kind::Fixed { dtype, .. }, Some(bytes)) = (&field.kind, bytes) else { continue };
            // A long field tells its moments by a part of it: at most 64 numbers of each sample.
            let step = (bytes.len() / dtype.size() / 64).max(1) * dtype.size();
            let numbers = bytes.chunks(step).filter_map(|part| element::numbers(*dtype, part).next());
            let Some(new) = Moments::of(numbers) else { continue };
            *own = Some(own.map_or(new, |old| old.join(new)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;

    #[test]
    fn moments_are_those_of_all_numbers() {
        let schema = Schema::new().field("x", Kind::Fixed { dtype: DType::F64, shape: vec![3] });
        let values = [[1.0, 2.0, 4.0], [-3.0, f64::NAN, 0.5], [7.0, 7.0, 7.0]];
        let mut statistics = Statistics::default();
        for sample in values {
            let record: Vec<u8> = sample.iter().flat_map(|value: &f64| value.to_le_bytes()).collect();
            statistics.add(&schema, &record, true);
        }
        let moments = statistics.fields[0].unwrap();
        let all: Vec<f64> = values.as_flattened().iter().copied().filter(|value| !value.is_nan()).collect();
        let mean = all.iter().sum::<f64>() / 8.0;
        let variance = all.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 8.0;
        assert_eq!((moments.count, moments.min, moments.max), (8, -3.0, 7.0));
        assert!((moments.mean - mean).abs() < 1e-12 && (moments.deviation() - variance.sqrt()).abs() < 1e-12);
        assert_eq!((statistics.samples, statistics.bytes, statistics.smallest), (3, 72, 24));
    }
}
