//! Snapshots that come with the crate; `data/README.md` says where the figures come from.

macro_rules! snapshots {
    ($($name:literal),* $(,)?) => {
        &[$(($name, concat!($name, ".json"), include_str!(concat!("../../data/", $name, ".json")))),*]
    };
}

/// Name, file name and text.
const SNAPSHOTS: &[(&str, &str, &str)] = snapshots![
    "belem",
    "lima",
    "manila",
    "quito",
    "rome",
    "santiago",
    "valencia",
    "jakarta",
    "lagos",
    "nairobi",
    "perth",
    "guadalupe",
    "montreal",
    "mumbai",
];

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SNAPSHOTS.iter().map(|(name, _, _)| *name)
}

/// File name and text.
pub(super) fn find(name: &str) -> Option<(&'static str, &'static str)> {
    SNAPSHOTS.iter().find(|(known, _, _)| *known == name).map(|(_, file, text)| (*file, *text))
}
