//! The ends of a worker: other stages, and the host's memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ketline_fabric::Endpoint;

use super::traffic::micro_batch_of;
use crate::operator::{Peer, Ports};
use crate::{Error, Result};

/// Where a worker sends to and receives from.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) fabric: Arc<dyn Endpoint>,
    host: Mutex<BTreeMap<u64, Vec<u8>>>,
}

impl Ends {
    pub(super) fn new(fabric: Arc<dyn Endpoint>) -> Arc<Self> {
        Arc::new(Self { fabric, host: Mutex::default() })
    }

    fn host(&self) -> MutexGuard<'_, BTreeMap<u64, Vec<u8>>> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether bytes of this name are there.
    pub(super) fn has(&self, tag: u64) -> bool {
        self.host().contains_key(&tag)
    }

    /// Keeps bytes for who asks under this name.
    pub(super) fn keep(&self, tag: u64, bytes: &[u8]) {
        let mut host = self.host();
        let place = host.entry(tag).or_default();
        place.clear();
        place.extend_from_slice(bytes);
    }
}

impl Ports for Arc<Ends> {
    fn send(&self, to: Peer, tag: u64, bytes: &[u8]) -> Result<()> {
        match to {
            Peer::Stage(stage) => Ok(self.fabric.send(stage, tag, bytes)?),
            Peer::Host => {
                self.keep(tag, bytes);
                Ok(())
            }
        }
    }

    fn receive(&self, from: Peer, tag: u64, bytes: &mut [u8]) -> Result<()> {
        match from {
            Peer::Stage(stage) => Ok(self.fabric.receive(stage, tag, bytes)?),
            Peer::Host => {
                let host = self.host();
                if let Some(there) = host.get(&tag).filter(|there| there.len() == bytes.len()) {
                    bytes.copy_from_slice(there);
                } else {
                    let micro_batch = micro_batch_of(tag);
                    // the worker knows what it is
                    return Err(Error::NotGiven { name: String::new(), micro_batch });
                }
                Ok(())
            }
        }
    }
}
