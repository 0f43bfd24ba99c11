//! What the machine gives the process: memory, and how many files it may have open.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::config::Limits;

const MIB: u64 = 1 << 20;
/// Where the machine does not say what it has.
const TUNNELS_DEFAULT_BYTES: u64 = 256 * MIB;
/// Below this a few downloads at once would be slow everywhere.
const TUNNELS_LEAST_BYTES: u64 = 64 * MIB;
/// What a tunnel at rest may cost: buffers, state, the connection and its TLS (RELIABILITY R03).
const TUNNEL_BYTES: u64 = 32 << 10;
/// A core makes about 650 TLS handshakes a second and has other things to do.
const HANDSHAKES_PER_CORE_S: u32 = 250;
/// Files that are no connections: database, log, listener, certificates, the runtime's own.
const OTHER_FILES: u64 = 128;

/// What all tunnels together may have under way: a quarter of the memory limit, at least 64 MiB.
#[must_use]
pub fn tunnel_memory_bytes() -> u64 {
    share_of(memory_limit_bytes(Path::new("/")))
}

fn share_of(limit_bytes: Option<u64>) -> u64 {
    limit_bytes.map_or(TUNNELS_DEFAULT_BYTES, |limit| {
        (limit / 4).max(TUNNELS_LEAST_BYTES)
    })
}

/// How many tunnels there may be: those that half of the memory limit holds at rest. A quarter is
/// for what they have under way, and a quarter for the rest of the server. `None`: no limit is
/// known.
#[must_use]
pub fn tunnels() -> Option<u64> {
    tunnels_within(memory_limit_bytes(Path::new("/")))
}

fn tunnels_within(limit_bytes: Option<u64>) -> Option<u64> {
    Some((limit_bytes? / 2 / TUNNEL_BYTES).max(1))
}

/// How many tunnels may begin in a second, by the cores that the process may use.
#[must_use]
pub fn tunnel_handshakes_per_s() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(cores)
        .unwrap_or(u32::MAX)
        .saturating_mul(HANDSHAKES_PER_CORE_S)
}

/// The least of the machine's memory and the limits of the process's control group (v2 or v1) and
/// of those above it.
fn memory_limit_bytes(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let mut limits: Vec<u64> = groups
        .lines()
        .filter_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            Some((parts.next()?, parts.next()?.trim_start_matches('/')))
        })
        .flat_map(|(controllers, path)| {
            let (mount, file) = if controllers.is_empty() {
                ("sys/fs/cgroup", "memory.max")
            } else if controllers.split(',').any(|name| name == "memory") {
                ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
            } else {
                return Vec::new();
            };
            // In a container the path may be the host's, of which only the mount itself is seen.
            let paths = Path::new(path).ancestors().map(Path::to_path_buf);
            let paths: Vec<PathBuf> = paths.collect();
            let files = paths
                .iter()
                .map(|path| root.join(mount).join(path).join(file));
            files.filter_map(|file| number(&file)).collect()
        })
        .collect();
    let machine = fs::read_to_string(root.join("proc/meminfo")).unwrap_or_default();
    limits.extend(machine.lines().find_map(|line| {
        let kib = line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?;
        kib.trim().parse::<u64>().ok()?.checked_mul(1024)
    }));
    limits.into_iter().min()
}

/// `None` also for the word `max`.
fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Raises how many files the process may have open to what it is allowed to. Tells how many.
///
/// # Errors
/// When the system refuses.
pub fn raise_open_files() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}

/// Lowers the limits on connections to what so many open files allow, in proportion. Tells whether
/// it had to. Handshakes and waiting requests each hold a connection, and so are bounded with them.
pub fn fit_to_open_files(limits: &mut Limits, open_files: u64) -> bool {
    let available = open_files.saturating_sub(OTHER_FILES).max(2);
    let available = usize::try_from(available).unwrap_or(usize::MAX);
    let wanted = limits
        .connections
        .saturating_add(limits.upgraded_connections);
    if wanted <= available {
        return false;
    }
    let share = limits.connections as f64 / wanted as f64;
    let connections = (available as f64 * share) as usize;
    limits.connections = connections.clamp(1, available - 1);
    limits.upgraded_connections = available - limits.connections;
    limits.connections_per_address = limits.connections_per_address.min(limits.connections);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A root with these files.
    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    const MEMINFO: (&str, &str) = ("proc/meminfo", "MemFree: 1 kB\nMemTotal:  2097152 kB\n");
    const GIB: u64 = 1 << 30;

    #[test]
    fn the_least_limit_rules() {
        let v2 = |path| ("proc/self/cgroup", path);
        for (files, expected) in [
            (vec![], None),
            (vec![MEMINFO], Some(2 * GIB)),
            (
                vec![MEMINFO, v2("0::/\n"), ("sys/fs/cgroup/memory.max", "max\n")],
                Some(2 * GIB),
            ),
            (
                vec![
                    MEMINFO,
                    v2("0::/\n"),
                    ("sys/fs/cgroup/memory.max", "1073741824\n"),
                ],
                Some(GIB),
            ),
            (
                vec![
                    MEMINFO,
                    v2("0::/system.slice/adit.service\n"),
                    ("sys/fs/cgroup/system.slice/memory.max", "536870912\n"),
                    (
                        "sys/fs/cgroup/system.slice/adit.service/memory.max",
                        "max\n",
                    ),
                ],
                Some(GIB / 2),
            ),
            (
                vec![
                    MEMINFO,
                    v2("5:cpu:/x\n4:memory:/docker/1\n"),
                    ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n"),
                ],
                Some(GIB),
            ),
            (
                vec![
                    MEMINFO,
                    v2("4:memory:/\n"),
                    (
                        "sys/fs/cgroup/memory/memory.limit_in_bytes",
                        "9223372036854771712\n",
                    ),
                ],
                Some(2 * GIB),
            ),
        ] {
            let root = machine(&files);
            assert_eq!(memory_limit_bytes(root.path()), expected, "{files:?}");
        }
    }

    #[test]
    fn tunnels_get_a_quarter() {
        assert_eq!(share_of(Some(GIB)), GIB / 4);
        assert_eq!(share_of(Some(128 * MIB)), 64 * MIB);
        assert_eq!(share_of(None), 256 * MIB);
        assert_eq!(tunnels_within(Some(GIB)), Some(16_384));
        assert_eq!(tunnels_within(None), None);
    }

    #[test]
    fn s35_connections_fit_into_the_files_that_may_be_open() {
        let mut limits = Limits::default();
        assert!(!fit_to_open_files(&mut limits, 1 << 20));
        assert_eq!(limits, Limits::default());
        for open_files in [0, 129, 256, 1024, 65_536] {
            let mut limits = Limits::default();
            assert!(fit_to_open_files(&mut limits, open_files));
            let sum = limits.connections + limits.upgraded_connections;
            assert!(limits.connections >= 1 && limits.upgraded_connections >= 1);
            assert!(limits.connections_per_address <= limits.connections);
            assert!(
                sum as u64 <= open_files.saturating_sub(OTHER_FILES).max(2),
                "{open_files}"
            );
        }
        let mut limits = Limits::default();
        fit_to_open_files(&mut limits, 1024);
        assert_eq!((limits.connections, limits.upgraded_connections), (99, 797));
    }
}
