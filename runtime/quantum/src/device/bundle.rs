//! Files of devices that come with the crate; `data/README.md` says where the figures come from.

/// The files of all devices in a folder of `data/`: name, file name and text.
macro_rules! bundled {
    ($folder:literal) => {
        bundled!(
            $folder: "belem", "lima", "manila", "quito", "rome", "santiago", "valencia", "jakarta", "lagos", "nairobi",
            "perth", "guadalupe", "montreal", "mumbai"
        )
    };
    ($folder:literal: $($name:literal),*) => {
        &[$((
            $name,
            concat!($name, ".json"),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/", $folder, $name, ".json")),
        )),*]
    };
}
pub(super) use bundled;

/// Snapshots of calibrations.
const SNAPSHOTS: &[(&str, &str, &str)] = bundled!("");

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SNAPSHOTS.iter().map(|(name, _, _)| *name)
}

/// File name and text.
pub(super) fn find(name: &str) -> Option<(&'static str, &'static str)> {
    SNAPSHOTS.iter().find(|(known, _, _)| *known == name).map(|(_, file, text)| (*file, *text))
}
