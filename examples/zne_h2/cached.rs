//! Many fits from one set of measurements.

use std::collections::BTreeMap;

use ketline::quantum::mitigation::{Echo, Estimate, Foldable, PulseExperiment};

/// An experiment that measures each point once, for all fits.
pub(crate) struct Cached<'a, 'b> {
    experiment: &'a mut PulseExperiment<'b>,
    values: BTreeMap<usize, Estimate>,
    ideal: BTreeMap<usize, f64>,
    echoes: BTreeMap<usize, Echo>,
}

impl<'a, 'b> Cached<'a, 'b> {
    pub(crate) fn new(experiment: &'a mut PulseExperiment<'b>) -> Self {
        Self { experiment, values: BTreeMap::new(), ideal: BTreeMap::new(), echoes: BTreeMap::new() }
    }
}

impl Foldable for Cached<'_, '_> {
    fn expectation(&mut self, folds: usize) -> ketline::Result<Estimate> {
        if let Some(known) = self.values.get(&folds) {
            return Ok(*known);
        }
        let found = self.experiment.expectation(folds)?;
        Ok(*self.values.entry(folds).or_insert(found))
    }

    fn return_probability(&mut self, folds: usize) -> ketline::Result<Echo> {
        if let Some(known) = self.echoes.get(&folds) {
            return Ok(*known);
        }
        let found = self.experiment.return_probability(folds)?;
        Ok(*self.echoes.entry(folds).or_insert(found))
    }

    fn noiseless(&mut self, folds: usize) -> ketline::Result<f64> {
        if let Some(known) = self.ideal.get(&folds) {
            return Ok(*known);
        }
        let found = self.experiment.noiseless(folds)?;
        Ok(*self.ideal.entry(folds).or_insert(found))
    }
}
