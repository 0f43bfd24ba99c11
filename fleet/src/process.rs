//! What the system tells of a process, and of its connections.

use std::fs;

use anyhow::{Context, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// A process by its id.
#[derive(Clone, Copy)]
pub(crate) struct Pid(pub(crate) u32);

impl Pid {
    /// Resident memory in KiB.
    pub(crate) fn resident_kib(self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let word = line.and_then(|line| line.split_whitespace().next());
        Ok(word.context("VmRSS")?.parse()?)
    }

    /// User and system time so far, in seconds (10 ms ticks).
    pub(crate) fn cpu_s(self) -> anyhow::Result<f64> {
        const TICKS_PER_S: f64 = 100.0;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        // The name in parentheses may hold anything; fields are counted after it.
        let (_, fields) = stat.rsplit_once(')').context("/proc/PID/stat")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let user: f64 = fields.get(11).context("utime")?.parse()?;
        let system: f64 = fields.get(12).context("stime")?.parse()?;
        Ok((user + system) / TICKS_PER_S)
    }
}

/// What crossed a port's connections since each began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) connections: usize,
    /// What TCP carried, both ways: TLS records whole.
    pub(crate) tcp_bytes: u64,
    pub(crate) segments: u64,
}

impl Carried {
    /// With the heads of IPv4 and TCP with timestamps: what a mobile tariff counts.
    pub(crate) const fn wire_bytes(self) -> u64 {
        const HEADS_BYTES: u64 = 20 + 32;
        self.tcp_bytes + self.segments * HEADS_BYTES
    }

    /// Of the server's ends at `port`, by `ss`.
    pub(crate) fn at(port: u16) -> anyhow::Result<Self> {
        let filter = format!("( sport = :{port} )");
        let mut command = std::process::Command::new("ss");
        let output = command
            .args(["-tinH", "state", "established", &filter])
            .output()
            .context("ss (Debian: iproute2)")?;
        ensure!(output.status.success(), "ss: {}", output.status);
        Ok(Self::of(&String::from_utf8_lossy(&output.stdout)))
    }

    fn of(listing: &str) -> Self {
        let mut sum = Self::default();
        for word in listing.split_whitespace() {
            let Some((name, value)) = word.split_once(':') else {
                continue;
            };
            let Ok(value) = value.parse::<u64>() else {
                continue;
            };
            match name {
                // Those sent again are in it.
                "bytes_sent" | "bytes_received" => sum.tcp_bytes += value,
                "segs_out" => {
                    sum.segments += value;
                    sum.connections += 1;
                }
                "segs_in" => sum.segments += value,
                _ => {}
            }
        }
        sum
    }
}

/// Raises how many files this process and its children may have open; how many.
pub(crate) fn raise_open_files() -> anyhow::Result<usize> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(usize::try_from(hard).unwrap_or(usize::MAX))
}

/// How many processes would run, of the last 1, 5 and 15 minutes: who else was there.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace()
        .take(3)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ss_lists_is_added_up() {
        let listing = "0 0 127.0.0.1:8443 127.0.0.1:41000\n\t cubic wscale:7,7 rto:204 \
             bytes_sent:1000 bytes_retrans:10 bytes_acked:990 bytes_received:500 segs_out:7 \
             segs_in:6 data_segs_out:5\n\
             0 0 127.0.0.1:8443 127.0.0.1:41001\n\t cubic bytes_sent:1 bytes_received:2 segs_out:1 \
             segs_in:2\n";
        let carried = Carried::of(listing);
        let (connections, tcp_bytes, segments) = (2, 1503, 16);
        assert_eq!(
            carried,
            Carried {
                connections,
                tcp_bytes,
                segments
            }
        );
        assert_eq!(carried.wire_bytes(), 1503 + 16 * 52);
    }

    #[test]
    fn this_process_is_known() {
        let own = Pid(std::process::id());
        assert!(own.resident_kib().unwrap() > 100);
        assert!(own.cpu_s().unwrap() >= 0.0);
    }
}
