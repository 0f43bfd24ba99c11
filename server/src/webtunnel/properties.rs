//! What an agent reports: in its request, field by field, and later all custom ones at once.

use ::http::HeaderMap;
use api::text::cleaned;
use tunnel::webtunnel::{Property, text_of};

use super::Properties;

const FIELD: &str = "x-ptth-set-property";
const OBJECT: &str = "device";

const NAME_MAX_CHARS: usize = 64;
const VALUE_MAX_CHARS: usize = 1024;
/// As many as the front lets an agent send fields.
const PROPERTIES_MAX: usize = 512;
/// All of a device's: they are held in memory while it is connected.
const BYTES_MAX: usize = 64 << 10;

/// The properties that the request of an agent sets.
pub(super) fn of_request(headers: &HeaderMap) -> Properties {
    let mut properties = Properties::new();
    for line in headers.get_all(FIELD) {
        if let Some((name, value)) = parse(line.as_bytes()) {
            set(&mut properties, &name, &value);
        }
    }
    properties
}

/// With an update on top, which holds all that are not built in.
pub(super) fn updated(mut properties: Properties, update: &[Property]) -> Properties {
    for property in update {
        set(&mut properties, &property.name, &property.value);
    }
    properties
}

/// Sets one as an agent does: cleaned, and as far as it has room. An empty value takes a property
/// away.
pub(crate) fn set(properties: &mut Properties, name: &str, value: &str) {
    let name = cleaned(name, NAME_MAX_CHARS);
    let value = cleaned(value, VALUE_MAX_CHARS);
    if name.is_empty() {
        return;
    }
    if value.is_empty() {
        properties.remove(&name);
        return;
    }
    let held: usize = properties.iter().map(|(k, v)| k.len() + v.len()).sum();
    let fits = properties.len() < PROPERTIES_MAX && held + name.len() + value.len() <= BYTES_MAX;
    if fits || properties.contains_key(&name) {
        properties.insert(name, value);
    }
}

/// `device;name=value`; a value in quotes has its quotes escaped, and nothing else.
fn parse(line: &[u8]) -> Option<(String, String)> {
    let text = text_of(line);
    let (object, assignment) = text.split_once(';')?;
    let (name, value) = assignment.split_once('=')?;
    if object.trim() != OBJECT {
        return None;
    }
    let value = value.trim();
    let quoted = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let value = quoted.map_or_else(|| value.to_owned(), |value| value.replace("\\\"", "\""));
    Some((name.trim().to_owned(), value))
}

#[cfg(test)]
mod tests {
    use ::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn request(lines: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FIELD, HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    fn value(line: &[u8]) -> Option<String> {
        of_request(&request(&[line])).into_values().next()
    }

    #[test]
    fn values_are_read_as_agents_write_them() {
        for (line, expected) in [
            (&b"device;sshPort=22"[..], Some("22")),
            (b"device;targetPorts=80, 443", Some("80, 443")),
            (
                br#"device;name="Test \"Device\" One""#,
                Some("Test \"Device\" One"),
            ),
            // A backslash is not escaped.
            (br#"device;path="C:\temp""#, Some(r"C:\temp")),
            (b"device;name=\"K\xc3\xa4se\"", Some("K\u{e4}se")),
            (b"device;name=\"K\xe4se\"", Some("K\u{e4}se")),
            (br#"device;a="b=c;d""#, Some("b=c;d")),
            (b"device;sshPort=", None),
            (br#"device;x="""#, None),
            (b"other;x=1", None),
            (b"device;=1", None),
            (b"device", None),
        ] {
            assert_eq!(value(line).as_deref(), expected, "{line:?}");
        }
    }

    #[test]
    fn an_empty_value_takes_it_away() {
        let headers = request(&[b"device;a=1", b"device;b=2", b"device;a="]);
        let properties = of_request(&headers);
        assert_eq!(properties.keys().collect::<Vec<_>>(), ["b"]);
        let update = [("b", ""), ("c", "3")].map(|(name, value)| Property {
            name: name.into(),
            value: value.into(),
        });
        let properties = updated(properties, &update);
        assert_eq!(
            properties.into_iter().collect::<Vec<_>>(),
            [("c".into(), "3".into())]
        );
    }

    #[test]
    fn s10_what_is_reported_is_capped() {
        let long = "x".repeat(100_000);
        let update: Vec<_> = (0..1000)
            .map(|n| Property {
                name: format!("{n}{long}"),
                value: long.clone(),
            })
            .collect();
        let properties = updated(Properties::new(), &update);
        let bytes: usize = properties.iter().map(|(k, v)| k.len() + v.len()).sum();
        assert!(bytes <= BYTES_MAX && !properties.is_empty());
    }

    proptest! {
        #[test]
        fn no_field_panics(line in proptest::collection::vec(0x20..=0xff_u8, 0..80)) {
            if let Ok(value) = HeaderValue::from_bytes(&line) {
                let mut headers = HeaderMap::new();
                headers.append(FIELD, value);
                of_request(&headers);
            }
        }
    }
}
