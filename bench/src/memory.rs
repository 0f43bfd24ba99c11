//! What an idle device costs the server: the slope of its resident memory.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::adit;
use crate::child::Child;
use crate::report::{Better, Row};

/// The first tenth warms caches, pools and the allocator up; the slope is over the rest.
const WARM_UP_SHARE: usize = 10;
/// Enrolment and handshakes leave garbage that the allocator gives back a little later.
const SETTLE: Duration = Duration::from_secs(3);

/// Connects `devices` idle agents to a fresh server, KiB for each.
pub(crate) fn slope(folder: &Path, devices: usize) -> anyhow::Result<Row> {
    let folder = folder.join("herd");
    let server = adit::start_server(&folder)?;
    let warm_up = devices.div_ceil(WARM_UP_SHARE);
    let first = herd(&folder, &server, warm_up)?;
    let before_kib = server.resident_kib()?;
    let second = herd(&folder, &server, devices - warm_up)?;
    let after_kib = server.resident_kib()?;
    drop((first, second));
    Ok(Row {
        name: "idle_device_memory".into(),
        value: (after_kib - before_kib) / (devices - warm_up) as f64,
        unit: "KiB",
        better: Better::Lower,
        must: Some(32.0),
        aim: Some(20.0),
        sides: None,
    })
}

fn herd(folder: &Path, server: &Child, devices: usize) -> anyhow::Result<Child> {
    let folder = folder.to_str().context("a path in UTF-8")?;
    let (port, devices) = (server.ports[0].to_string(), devices.to_string());
    let herd = Child::start(&[
        "adit-herd",
        "--folder",
        folder,
        "--server",
        &port,
        "--devices",
        &devices,
    ])?;
    std::thread::sleep(SETTLE);
    Ok(herd)
}
