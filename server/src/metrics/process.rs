//! What the process itself uses, by the names that Prometheus' own clients give it.

use std::fmt;
use std::fs;

use super::Reading;

/// Where the system does not tell (not Linux), nothing is told.
pub(super) fn read(reading: &mut Reading<'_>) -> fmt::Result {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(kib) = kib(&status, "VmRSS:") {
        reading.gauge(
            "process_resident_memory_bytes",
            "Resident memory size in bytes",
            kib.saturating_mul(1024),
        )?;
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // Less the one that counts.
        let open = open.count().saturating_sub(1);
        reading.gauge("process_open_fds", "Open file descriptors", open)?;
    }
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    if let Some(most) = open_files(&limits) {
        reading.gauge("process_max_fds", "How many there may be", most)?;
    }
    Ok(())
}

fn kib(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn open_files(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_tells_is_read() {
        assert_eq!(
            kib("VmHWM:\t 9 kB\nVmRSS:\t  1234 kB\n", "VmRSS:"),
            Some(1234)
        );
        assert_eq!(kib("VmRSS: many", "VmRSS:"), None);
        let limits =
            "Limit   Soft Limit  Hard Limit  Units\nMax open files   1024   4096   files\n";
        assert_eq!(open_files(limits), Some(1024));
        assert_eq!(open_files("Max open files unlimited unlimited files"), None);
    }
}
