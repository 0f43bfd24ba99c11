//! Two network namespaces with a cable between them; gone when dropped.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

/// What the server is called, in certificates and on the devices' side.
pub(crate) const SERVER_NAME: &str = "adit.test";
pub(crate) const SERVER_V4: &str = "10.213.0.1";
pub(crate) const DEVICE_V4: &str = "10.213.0.2";
pub(crate) const SERVER_V6: &str = "fd13::1";

/// The namespaces of one case.
pub(crate) struct Namespaces {
    id: String,
}

/// Names a namespace of this case: `s` the server's, `d` the device's.
pub(crate) fn name(id: &str, side: char) -> String {
    format!("adit-fault-{id}-{side}")
}

/// Whether this process may make networks here.
///
/// # Errors
/// What is missing.
pub(crate) async fn is_possible() -> Result<()> {
    for (program, package) in [
        ("ip", "iproute2"),
        ("nft", "nftables"),
        ("tc", "iproute2"),
        ("prlimit", "util-linux"),
    ] {
        run(program, &["-V"])
            .await
            .with_context(|| format!("{program} of the package {package} is needed"))?;
    }
    let probe = name(&format!("{}", std::process::id()), 'p');
    run("ip", &["netns", "add", &probe])
        .await
        .context("network namespaces need root, and a kernel and container that allow them")?;
    let works = inside(&probe, "nft", &["add", "table", "inet", "fault"]).await;
    run("ip", &["netns", "del", &probe]).await?;
    works.context("nft does not work here").map(drop)
}

impl Namespaces {
    /// Makes them and the cable: IPv4 and IPv6 at both ends.
    ///
    /// # Errors
    /// The kernel does not want to.
    pub(crate) async fn make(id: &str) -> Result<Self> {
        let made = Self { id: id.to_owned() };
        let (server, device) = (name(id, 's'), name(id, 'd'));
        for namespace in [&server, &device] {
            run("ip", &["netns", "add", namespace]).await?;
            let folder = hosts_folder(namespace);
            fs::create_dir_all(&folder)?;
            let text = format!("127.0.0.1 localhost\n{SERVER_V4} {SERVER_NAME}\n");
            fs::write(folder.join("hosts"), text)?;
            inside(namespace, "ip", &["link", "set", "lo", "up"]).await?;
        }
        let cable = format!("link add wire netns {server} type veth peer name wire netns {device}");
        run("ip", &words(&cable)).await?;
        for (namespace, v4, v6) in [
            (&server, SERVER_V4, SERVER_V6),
            (&device, DEVICE_V4, "fd13::2"),
        ] {
            for command in [
                format!("addr add {v4}/24 dev wire"),
                format!("addr add {v6}/64 dev wire nodad"),
                // Packets as on a real cable: losing one loses 1.5 kB and not 64.
                "link set wire gso_max_segs 1".to_owned(),
                // No address of its own making, which would come seconds later: a change.
                "link set wire addrgenmode none".to_owned(),
                "link set wire up".to_owned(),
            ] {
                inside(namespace, "ip", &words(&command)).await?;
            }
            for command in [
                "add table inet fault",
                "add chain inet fault in { type filter hook input priority 0; }",
            ] {
                inside(namespace, "nft", &[command]).await?;
            }
        }
        Ok(made)
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for side in ['s', 'd'] {
            let namespace = name(&self.id, side);
            end_all_inside(&namespace);
            // Not there if it was not made; then there is nothing to remove.
            let _ = std::process::Command::new("ip")
                .args(["netns", "del", &namespace])
                .stderr(Stdio::null())
                .status();
            let _ = fs::remove_dir_all(hosts_folder(&namespace));
        }
    }
}

/// A case that was given up leaves its programs behind: they end with their namespace.
fn end_all_inside(namespace: &str) {
    let Ok(output) = std::process::Command::new("ip")
        .args(["netns", "pids", namespace])
        .stderr(Stdio::null())
        .output()
    else {
        return;
    };
    let pids = String::from_utf8_lossy(&output.stdout);
    let pids = words(&pids);
    if !pids.is_empty() {
        let _ = std::process::Command::new("kill")
            .args(["-s", "KILL"])
            .args(pids)
            .stderr(Stdio::null())
            .status();
    }
}

/// What `ip netns exec` shows as `/etc` to those inside.
pub(crate) fn hosts_folder(namespace: &str) -> PathBuf {
    PathBuf::from("/etc/netns").join(namespace)
}

/// Splits at blanks.
pub(crate) fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// A command that will run inside of a namespace.
pub(crate) fn command_inside(namespace: &str, program: &str) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace, program]);
    command
}

/// Runs it to its end inside of a namespace.
///
/// # Errors
/// It could not be started, or did not end well.
pub(crate) async fn inside(namespace: &str, program: &str, words: &[&str]) -> Result<String> {
    let mut all = vec!["netns", "exec", namespace, program];
    all.extend(words);
    run("ip", &all).await
}

/// Runs it to its end; its standard output.
///
/// # Errors
/// It could not be started, or did not end well.
pub(crate) async fn run(program: &str, words: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .output()
        .await
        .with_context(|| format!("could not start {program}"))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!("{program} {}: {}", words.join(" "), error.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
