//! How much memory there is: what the machine has, or the part of it that the process may use.

use std::fs;

/// The memory that the process may use, in bytes; `None` where the system does not say.
pub(super) fn memory_bytes() -> Option<u64> {
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse::<u64>().ok());
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    match (group, machine) {
        (Some(group), Some(machine)) => Some(group.min(machine)),
        (group, machine) => group.or(machine),
    }
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
    fn the_total_is_read_as_linux_writes_it() {
        assert_eq!(total_of("MemTotal:       16303424 kB\nMemFree:  1 kB\n"), Some(16_303_424 * 1024));
        assert_eq!(total_of("MemFree:  1 kB\n"), None);
    }
}
