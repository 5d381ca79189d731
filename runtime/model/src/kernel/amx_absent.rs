//! Where there is no matrix unit that is known here.

pub(crate) fn has_amx() -> bool {
    false
}
