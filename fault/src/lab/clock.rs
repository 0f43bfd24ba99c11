//! The server's clock jumps, by libfaketime.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use crate::place::Place;

/// Where Debian's packages have it.
const LIBRARIES: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
];

pub(crate) async fn jump(id: &str) -> Result<String> {
    let library = LIBRARIES
        .into_iter()
        .find(|path| Path::new(path).exists())
        .context("libfaketime is needed (Debian: faketime)")?;
    let folder = tempfile::tempdir()?;
    let time = folder.path().join("time");
    fs::write(&time, "+0")?;
    let environment = [
        ("LD_PRELOAD", library),
        ("FAKETIME_TIMESTAMP_FILE", &time.to_string_lossy()),
        ("FAKETIME_NO_CACHE", "1"),
        // The clock that timers run by does not jump, on any machine.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let place = Place::start_with(id, environment.to_vec()).await?;
    let mut open = place.open("echo").await?;
    open.key(Duration::from_secs(10)).await?;
    let lost = place.agent.count("tunnel lost");
    for offset in ["+3600", "-3600", "+0"] {
        fs::write(&time, offset)?;
        // Longer than rights are valid without being asked for again.
        sleep(Duration::from_secs(35)).await;
        let key = open.key(Duration::from_secs(10)).await;
        key.with_context(|| format!("the stream after a jump to {offset} s"))?;
        ensure!(place.client.device().await?.1 == "online", "not online");
    }
    let lost = place.agent.count("tunnel lost") - lost;
    ensure!(lost == 0, "the tunnel was lost {lost} times");
    Ok("an hour on, two back, one on: stream, tunnel and token lived on at both ends".to_owned())
}
