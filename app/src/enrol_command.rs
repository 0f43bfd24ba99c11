//! The commands that connect a device.

/// What to type on the device, one command a line.
pub(crate) fn enrol_commands(origin: &str, key: &str) -> String {
    format!("adit-agent enroll --server {origin} --key {key}\nadit-agent run")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enrol_then_run() {
        assert_eq!(
            enrol_commands("https://adit.example", "k1"),
            "adit-agent enroll --server https://adit.example --key k1\nadit-agent run"
        );
    }
}
