//! The second-level cache: blocks of amplitudes are cut to it.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// Bytes where the system does not say: what most processors have at least.
const USUAL: usize = 1 << 20;

/// Hardware threads that a core runs at once; more of them that share the cache are other cores.
const THREADS_OF_A_CORE: usize = 2;

/// Bytes of the second-level cache that a core has for itself.
pub(crate) fn second_level() -> usize {
    static BYTES: LazyLock<usize> =
        LazyLock::new(|| read(Path::new("/sys/devices/system/cpu/cpu0/cache")).unwrap_or(USUAL));
    *BYTES
}

/// Reads Linux's description of the caches of a processor: a folder a cache.
fn read(folder: &Path) -> Option<usize> {
    fs::read_dir(folder).ok()?.flatten().find_map(|cache| {
        let text = |name: &str| fs::read_to_string(cache.path().join(name)).ok();
        let kind = text("type")?;
        if text("level")?.trim() != "2" || kind.trim() == "Instruction" {
            return None;
        }
        let bytes: usize =
            text("size")?.trim().strip_suffix('K')?.parse::<usize>().ok()?.checked_mul(1024)?;
        let cores = processors(text("shared_cpu_list")?.trim())?.div_ceil(THREADS_OF_A_CORE);
        Some(bytes / cores.max(1))
    })
}

/// How many processors a list such as `0-3,8` names.
fn processors(list: &str) -> Option<usize> {
    let count = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        last.checked_sub(first)?.checked_add(1)
    };
    list.split(',').map(count).try_fold(0_usize, |sum, count| sum.checked_add(count?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_read_where_it_is_described() {
        let folder = std::env::temp_dir().join(format!("ketline-cache-{}", std::process::id()));
        let describe = |number: usize, files: [&str; 4]| {
            let cache = folder.join(format!("index{number}"));
            fs::create_dir_all(&cache).unwrap();
            for (name, text) in ["level", "type", "size", "shared_cpu_list"].iter().zip(files) {
                fs::write(cache.join(name), format!("{text}\n")).unwrap();
            }
        };
        describe(0, ["1", "Data", "32K", "0,16"]);
        describe(1, ["2", "Unified", "4096K", "0-3"]);
        assert_eq!(read(&folder), Some(2 << 20));
        describe(1, ["2", "Unified", "1024K", "0,16"]);
        assert_eq!(read(&folder), Some(1 << 20));
        describe(1, ["2", "Unified", "much", "0"]);
        assert_eq!(read(&folder), None);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!((read(&folder), processors("0-3,8"), processors("3-1")), (None, Some(5), None));
    }
}
