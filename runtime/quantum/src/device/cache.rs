//! What was made before: plans of circuits that a device has run, calibrated pulses.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Result;
use crate::circuit::Circuit;

/// Plans by what they were made of. A full cache starts afresh.
pub(crate) struct Cache<K, P> {
    plans: Mutex<HashMap<K, Arc<P>>>,
    capacity: usize,
}

/// A circuit by its address, which stays taken as long as the key lives, on physical qubits.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) circuit: Arc<Circuit>,
    pub(super) physical: Vec<usize>,
}

impl PartialEq for Placed {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.circuit, &other.circuit) && self.physical == other.physical
    }
}

impl Eq for Placed {}

impl Hash for Placed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.circuit).hash(state);
        self.physical.hash(state);
    }
}

impl<K: Eq + Hash, P> Cache<K, P> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { plans: Mutex::new(HashMap::new()), capacity }
    }

    /// The plan that is kept, or the one that `make` makes; two threads may make it at the same time.
    pub(crate) fn get(&self, key: K, make: impl FnOnce(&K) -> Result<P>) -> Result<Arc<P>> {
        if let Some(plan) = self.lock().get(&key) {
            return Ok(plan.clone());
        }
        let plan = Arc::new(make(&key)?);
        let mut plans = self.lock();
        if plans.len() >= self.capacity {
            plans.clear();
        }
        plans.insert(key, plan.clone());
        Ok(plan)
    }
}

impl<K, P> Cache<K, P> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<P>>> {
        // a plan is put in whole, so a panic elsewhere leaves nothing half-written
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, P> fmt::Debug for Cache<K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("plans", &self.lock().len()).finish()
    }
}
