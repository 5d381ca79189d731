//! Accumulated phases: affine expressions of any number of parameters.

use crate::Angle;

/// A phase that a frame has accumulated, in radians: `offset + sum coefficient * parameter`.
///
/// Unlike an [`Angle`], it mixes as many parameters as there are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Phase {
    offset: f64,
    /// By parameter, in increasing order.
    terms: Vec<(usize, f64)>,
}

impl Phase {
    /// The constant part.
    pub fn offset(&self) -> f64 {
        self.offset
    }

    /// The parameters that take part and what they are multiplied by, in increasing order of parameter.
    pub fn terms(&self) -> &[(usize, f64)] {
        &self.terms
    }

    /// The phase when the parameters have these values; parameters beyond the slice count as NaN.
    pub fn value(&self, parameters: &[f64]) -> f64 {
        self.terms
            .iter()
            .fold(self.offset, |sum, (p, c)| sum + c * parameters.get(*p).copied().unwrap_or(f64::NAN))
    }

    /// What a parameter is multiplied by.
    pub(crate) fn coefficient(&self, parameter: usize) -> f64 {
        self.terms.binary_search_by_key(&parameter, |(p, _)| *p).map_or(0.0, |place| self.terms[place].1)
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.offset == 0.0 && self.terms.is_empty()
    }

    pub(crate) fn add_radians(&mut self, radians: f64) {
        self.offset += radians;
    }

    /// Adds `factor` times another phase.
    pub(crate) fn add(&mut self, other: &Self, factor: f64) {
        self.offset += factor * other.offset;
        for (parameter, coefficient) in &other.terms {
            match self.terms.binary_search_by_key(parameter, |(p, _)| *p) {
                Ok(place) => self.terms[place].1 += factor * coefficient,
                Err(place) => self.terms.insert(place, (*parameter, factor * coefficient)),
            }
        }
        self.terms.retain(|(_, coefficient)| *coefficient != 0.0);
    }
}

impl From<Angle> for Phase {
    fn from(angle: Angle) -> Self {
        Self { offset: angle.offset(), terms: angle.terms().collect() }
    }
}
