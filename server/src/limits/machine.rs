//! How much memory there is: what the machine has, or the part of it that the process may use.

use std::fs;
use std::path::{Path, PathBuf};

/// Where Linux shows its control groups.
const GROUPS: &str = "/sys/fs/cgroup";

/// The memory that the process may use, in bytes; `None` where the system does not say.
pub(super) fn memory_bytes() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let bound = |path: PathBuf| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    bounds_of(&own).into_iter().filter_map(bound).chain(machine).min()
}

/// The files that may bound the memory of the control group of a process, given what it says of that: each group is
/// bounded by those that it is in. A container sees its own as the root.
fn bounds_of(own: &str) -> Vec<PathBuf> {
    let group = own.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let groups = Path::new(group).ancestors();
    groups.map(|group| Path::new(GROUPS).join(group).join("memory.max")).collect()
}

/// The total of a text as Linux writes it: `MemTotal:  16303424 kB`.
fn total_of(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_bounded_by_those_that_it_is_in() {
        let bounds = |own: &str| -> Vec<String> {
            bounds_of(own).iter().map(|path| path.to_string_lossy().into_owned()).collect()
        };
        let service = [
            "/sys/fs/cgroup/system.slice/frostline.service/memory.max",
            "/sys/fs/cgroup/system.slice/memory.max",
            "/sys/fs/cgroup/memory.max",
        ];
        assert_eq!(bounds("0::/system.slice/frostline.service\n"), service);
        assert_eq!(bounds("0::/\n"), service[2..]);
        assert_eq!(bounds(""), service[2..]);
    }

    #[test]
    fn the_total_is_read_as_linux_writes_it() {
        assert_eq!(total_of("MemTotal:       16303424 kB\nMemFree:  1 kB\n"), Some(16_303_424 * 1024));
        assert_eq!(total_of("MemFree:  1 kB\n"), None);
    }
}
