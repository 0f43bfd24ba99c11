//! Telling that all is ready: to a person, or to a script in one line.

use anyhow::Result;
use serde_json::{Value, json};

use crate::access::Access;
use crate::stage::{Stage, USERNAME};

/// Prints it.
///
/// # Errors
/// The server no longer answers.
pub(crate) async fn ready(stage: &Stage, control_url: Option<String>, as_json: bool) -> Result<()> {
    let devices = stage.devices().await?;
    if as_json {
        println!("{}", line(stage, &devices, control_url)?);
    } else {
        print!("{}", words(stage, &devices));
    }
    Ok(())
}

fn line(stage: &Stage, devices: &[api::Device], control_url: Option<String>) -> Result<Value> {
    let secrets = stage.secrets();
    let mut line = json!({
        "url": stage.url(),
        "username": USERNAME,
        "password": secrets.password,
        "api_token": secrets.api_token,
        "devices": devices
            .iter()
            .map(|known| device(known, stage.access()))
            .collect::<Result<Vec<_>>>()?,
    });
    if let Some(url) = control_url {
        line["control_url"] = url.into();
    }
    Ok(line)
}

fn device(device: &api::Device, access: &Access) -> Result<Value> {
    Ok(json!({
        "id": device.id,
        "name": device.name,
        "url": page(device),
        "services": serde_json::to_value(&device.services)?,
        "ssh": {"user": access.user, "private_key": access.private_key},
        "desktop": {"password": access.desktop_password},
    }))
}

/// Where the device's own page opens.
fn page(device: &api::Device) -> Option<&str> {
    let web = device.services.iter().find(|service| service.name == "web");
    web.and_then(|service| service.url.as_deref())
}

fn words(stage: &Stage, devices: &[api::Device]) -> String {
    let mut text = format!(
        "\n  Adit is up.\n\n    open      {}\n    sign in   {USERNAME}\n    password  {}\n\n  Devices:\n",
        stage.url(),
        stage.secrets().password
    );
    for device in devices {
        text += &format!("    {:<20} {}\n", device.name, page(device).unwrap_or("-"));
    }
    text += "\n  Try: sign in, open a device's web page, start its 100 MB download, then sign out and\n  \
             see it end. Its page also tells how to sign in at its terminal and its desktop.\n  \
             Its old-panel service refuses, and /hang and /break of its page show how faults look.\n\n  Ctrl-C ends everything and leaves nothing behind.\n\n";
    text
}
