//! Clusters: equal devices in a row, what they compute, and the links between them.

use crate::{Error, Result};

/// A connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// Seconds until the first byte arrives.
    pub latency: f64,
    /// Bytes a second, each way.
    pub bandwidth: f64,
}

impl Link {
    /// PCI Express 3.0 with 16 lanes, as it is reached in practice: 12 GB/s.
    pub const PCIE: Self = Self { latency: 10e-6, bandwidth: 12e9 };

    /// Seconds for so many bytes.
    pub fn seconds(&self, bytes: u64) -> f64 {
        if bytes == 0 { 0.0 } else { self.latency + bytes as f64 / self.bandwidth }
    }
}

/// How a device copies to and from the memory of its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Copies {
    /// It copies itself, and computes nothing meanwhile: threads.
    Wait,
    /// Copies go on while it computes, one after another in each direction.
    Overlap,
}

/// Equal devices in a row.
///
/// ```
/// use ketline_model::plan::Cluster;
///
/// let cluster = Cluster { devices: 8, ..Cluster::pcie_11gb() };
/// assert!(cluster.check().is_ok());
/// assert!(Cluster { flops: f64::NAN, ..cluster }.check().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cluster {
    /// How many; a stage stands on each.
    pub devices: usize,
    /// Bytes of memory of each.
    pub memory: u64,
    /// Additions and multiplications a second, as they are reached in practice.
    pub flops: f64,
    /// Bytes a second between a device and its memory.
    pub bandwidth: f64,
    /// Seconds that starting a node takes.
    pub launch: f64,
    /// Between neighbours.
    pub link: Link,
    /// Between a device and the memory of its host.
    pub host: Link,
    /// Whether all devices share one link to the host.
    pub host_shared: bool,
    /// How copies to and from the host go.
    pub copies: Copies,
}

impl Cluster {
    /// Four devices of 16 GB on PCI Express, with 60 TFLOP/s and 1.2 TB/s each.
    pub const fn pcie_16gb() -> Self {
        Self {
            devices: 4,
            memory: 16_000_000_000,
            flops: 60e12,
            bandwidth: 1.2e12,
            launch: 5e-6,
            link: Link::PCIE,
            host: Link::PCIE,
            host_shared: false,
            copies: Copies::Overlap,
        }
    }

    /// Eight devices of 11 GB, otherwise as [`pcie_16gb`](Self::pcie_16gb).
    pub const fn pcie_11gb() -> Self {
        Self { devices: 8, memory: 11_000_000_000, ..Self::pcie_16gb() }
    }

    /// Threads of one machine, each with so many bytes: a link is a copy in memory, which they share and make themselves.
    pub const fn threads(devices: usize, memory: u64) -> Self {
        let copy = Link { latency: 2e-6, bandwidth: 5e9 };
        Self {
            devices,
            memory,
            flops: 50e9,
            bandwidth: 10e9,
            launch: 1e-6,
            link: copy,
            host: copy,
            host_shared: true,
            copies: Copies::Wait,
        }
    }

    /// Whether all numbers can be.
    ///
    /// # Errors
    /// [`Error::Setting`] for what is zero, negative or not finite.
    pub fn check(&self) -> Result<()> {
        let wrong = |name, found: String, expected| Err(Error::Setting { name, found, expected });
        if self.devices == 0 {
            return wrong("number of devices", "0".into(), "1 or more");
        }
        if self.memory == 0 {
            return wrong("memory of a device", "0".into(), "1 byte or more");
        }
        let positive = [
            ("operations a second of a device", self.flops),
            ("bandwidth of a device's memory", self.bandwidth),
            ("bandwidth between neighbours", self.link.bandwidth),
            ("bandwidth to the host", self.host.bandwidth),
        ];
        if let Some((name, found)) = positive.into_iter().find(|(_, x)| !x.is_finite() || *x <= 0.0) {
            return wrong(name, found.to_string(), "a finite number above 0");
        }
        let not_negative = [
            ("time to start a node", self.launch),
            ("latency between neighbours", self.link.latency),
            ("latency to the host", self.host.latency),
        ];
        if let Some((name, found)) = not_negative.into_iter().find(|(_, x)| !x.is_finite() || *x < 0.0) {
            return wrong(name, found.to_string(), "a finite number, 0 or more");
        }
        Ok(())
    }

    /// The link to the host, as far as one of so many stages may count on it.
    pub fn host_share(&self, stages: usize) -> Link {
        let sharers = if self.host_shared { stages.max(1) as f64 } else { 1.0 };
        Link { bandwidth: self.host.bandwidth / sharers, ..self.host }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_cannot_be_are_named() {
        let good = Cluster::pcie_16gb();
        good.check().unwrap();
        Cluster::threads(2, 1 << 30).check().unwrap();
        let bad = [
            Cluster { devices: 0, ..good },
            Cluster { memory: 0, ..good },
            Cluster { flops: 0.0, ..good },
            Cluster { bandwidth: f64::NAN, ..good },
            Cluster { launch: -1.0, ..good },
            Cluster { link: Link { latency: 0.0, bandwidth: f64::INFINITY }, ..good },
            Cluster { host: Link { latency: f64::NAN, bandwidth: 1.0 }, ..good },
        ];
        for cluster in bad {
            assert!(matches!(cluster.check(), Err(Error::Setting { .. })), "{cluster:?}");
        }
    }

    #[test]
    fn a_shared_link_is_shared() {
        let shared = Cluster { host_shared: true, ..Cluster::pcie_11gb() };
        assert_eq!(shared.host_share(8).bandwidth * 8.0, Cluster::pcie_11gb().host_share(8).bandwidth);
        assert_eq!(Link { latency: 1.0, bandwidth: 2.0 }.seconds(4), 3.0);
        assert_eq!(Link::PCIE.seconds(0), 0.0);
    }
}
