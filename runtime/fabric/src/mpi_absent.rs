//! The twin of `mpi.rs` without the feature.

use crate::{Endpoint, Error, Options, Result};

pub(crate) fn join(_options: &Options) -> Result<Box<dyn Endpoint>> {
    Err(Error::Absent { what: "MPI", feature: "mpi" })
}
