//! How long each node takes.

use std::fmt;

use super::cluster::Cluster;
use super::derived::Derived;
use crate::{Error, Result, Sizes};

/// Where times come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Clock {
    /// They were measured on the device that is planned for.
    Measured,
    /// They are computed from the cost of operators and a description of a device.
    Simulated,
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Measured => "measured",
            Self::Simulated => "simulated",
        })
    }
}

/// Seconds of each node of a [`Derived`], for the sizes of a micro-batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    seconds: Vec<f64>,
    clock: Clock,
}

impl Times {
    /// Times of nodes by number.
    ///
    /// # Errors
    /// [`Error::Partition`] if they are not as many as nodes, [`Error::Setting`] for times that cannot be.
    pub fn new(derived: &Derived, seconds: Vec<f64>, clock: Clock) -> Result<Self> {
        let nodes = derived.graph().nodes().len();
        if seconds.len() != nodes {
            let found = format!("times of {} nodes", seconds.len());
            return Err(Error::Partition { found, expected: format!("{nodes}, as many as the graph has") });
        }
        if let Some(bad) = seconds.iter().find(|t| !t.is_finite() || **t < 0.0) {
            let expected = "a finite number, 0 or more";
            return Err(Error::Setting { name: "time of a node", found: bad.to_string(), expected });
        }
        Ok(Self { seconds, clock })
    }

    /// Simulated times: the longer one of a node's arithmetic and its traffic with memory, and the time to start it.
    ///
    /// # Errors
    /// A size without value; a cluster that cannot be.
    pub fn of_cluster(derived: &Derived, sizes: &Sizes, cluster: &Cluster) -> Result<Self> {
        cluster.check()?;
        let extents = derived.extents(sizes)?;
        let of = |values: &[crate::Value]| {
            values.iter().map(|value| extents[value.index()].clone()).collect::<Vec<_>>()
        };
        let seconds = (derived.graph().nodes().iter())
            .map(|node| {
                if node.operator.is_view() {
                    return 0.0;
                }
                let cost = node.operator.cost(&of(&node.operands), &of(&node.results));
                let (flops, bytes) = (cost.flops as f64, cost.bytes as f64);
                (flops / cluster.flops).max(bytes / cluster.bandwidth) + cluster.launch
            })
            .collect();
        Ok(Self { seconds, clock: Clock::Simulated })
    }

    /// Seconds of a node.
    pub fn node(&self, node: usize) -> f64 {
        self.seconds[node]
    }

    /// Seconds of all nodes, by number.
    pub fn all(&self) -> &[f64] {
        &self.seconds
    }

    /// Where they come from.
    pub fn clock(&self) -> Clock {
        self.clock
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::mlp;

    #[test]
    fn a_product_takes_its_arithmetic_and_a_view_nothing() {
        let derived = Derived::new(&mlp(&[512, 512, 10]).unwrap()).unwrap();
        let sizes = Sizes::new().with("B", 4096);
        let cluster = Cluster { launch: 0.0, ..Cluster::pcie_16gb() };
        let times = Times::of_cluster(&derived, &sizes, &cluster).unwrap();
        assert_eq!(times.clock().to_string(), "simulated");
        let flops = 4096.0 * 512.0 * (2.0 * 512.0 + 1.0);
        assert!((times.node(0) - flops / 60e12).abs() < 1e-12, "{}", times.node(0));
        assert!(matches!(Times::new(&derived, vec![1.0], Clock::Measured), Err(Error::Partition { .. })));
        let bad = vec![f64::NAN; derived.graph().nodes().len()];
        assert!(matches!(Times::new(&derived, bad, Clock::Measured), Err(Error::Setting { .. })));
    }
}
