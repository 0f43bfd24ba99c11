//! A picture of the desktop as a file of this computer.

use js_sys::{Date, Uint8Array};

use crate::state::download;

/// Saves a PNG, as the browser saves downloads. `None`: it does not let us.
pub(super) fn save(png: &Uint8Array, device: &str) -> Option<()> {
    let time = String::from(Date::new_0().to_iso_string());
    download(png, "image/png", &file_name(device, &time))
}

/// `pump-07 2026-11-22 10.15.00.png`: no colons, which some systems take for something else.
fn file_name(device: &str, time: &str) -> String {
    let time: String = time.chars().take(19).collect();
    let time = time.replace('T', " ").replace(':', ".");
    let device: String = device
        .chars()
        .map(|letter| {
            if "/\\:*?\"<>|".contains(letter) {
                '-'
            } else {
                letter
            }
        })
        .collect();
    format!("{device} {time}.png")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_every_system_takes() {
        assert_eq!(
            file_name("pump/07", "2026-11-22T10:15:00.123Z"),
            "pump-07 2026-11-22 10.15.00.png"
        );
    }
}
