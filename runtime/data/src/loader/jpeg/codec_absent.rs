//! A build without the feature `jpeg`.

pub(super) const PRESENT: bool = false;

pub(super) fn decode(_: &[u8], _: [usize; 3], _: &mut [u8]) -> Result<(), String> {
    Err("this build leaves out `jpeg`".into())
}
