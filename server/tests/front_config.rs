//! Configuration files, good and bad, and the order of the sources.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use server::config::{Config, ConfigError, Layer, LogFormat, REFERENCE, load};

fn examples(prefix: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(prefix)
        })
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

fn load_file(path: &Path) -> Result<Config, ConfigError> {
    Layer::file(path).and_then(|layer| load([layer]))
}

fn environment(variables: &[(&str, &str)]) -> Vec<Layer> {
    Layer::environment(
        variables
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string())),
    )
    .collect()
}

const LEAST: [(&str, &str); 2] = [
    ("ADIT_SERVER_PUBLIC_URL", "http://adit.localhost:8080"),
    ("ADIT_SERVER_DEVICE_DOMAIN", "adit.localhost"),
];

#[test]
fn good_files_load() {
    for path in examples("good-") {
        load_file(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// The first line of each bad file says what its error must name.
#[test]
fn bad_files_say_what_is_wrong_and_where() {
    for path in examples("bad-") {
        let text = std::fs::read_to_string(&path).unwrap();
        let expected = text
            .lines()
            .next()
            .unwrap()
            .strip_prefix("# expect: ")
            .unwrap();
        let (key, what) = expected.split_once(' ').unwrap();
        let error = load_file(&path).map(|_| ()).unwrap_err().to_string();
        assert!(
            error.contains(key) && error.contains(what),
            "{}: {error}",
            path.display()
        );
    }
}

#[test]
fn later_sources_win() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("adit.toml");
    std::fs::write(
        &path,
        "public_url = 'http://adit.localhost:1'\ndevice_domain = 'adit.localhost'\n\
         [limits]\nconnections = 7\nconnections_per_address = 3\n[log]\nformat = 'json'\n",
    )
    .unwrap();
    let mut layers = vec![Layer::file(&path).unwrap()];
    layers.extend(environment(&[
        ("ADIT_SERVER_PUBLIC_URL", "http://adit.localhost:2"),
        ("ADIT_SERVER_LIMITS__CONNECTIONS", "8"),
        ("ADIT_SERVER_LISTEN__ADDRESS", "127.0.0.1:2"),
        ("ADIT_SERVER_CONFIG", "not a key"),
        ("PATH", "not ours"),
    ]));
    layers.push(Layer::flag("--listen", "listen.address", "127.0.0.1:3"));
    let config = load(layers).unwrap();
    assert_eq!(config.public_url.as_str(), "http://adit.localhost:2");
    assert_eq!(
        (
            config.limits.connections,
            config.limits.connections_per_address
        ),
        (8, 3)
    );
    assert_eq!(config.listen.address.port(), 3);
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn an_error_names_the_source() {
    for (name, value, expected) in [
        (
            "ADIT_SERVER_LIMITS__CONECTIONS",
            "8",
            "limits.conections (environment variable ADIT_SERVER_LIMITS__CONECTIONS): is not a key",
        ),
        (
            "ADIT_SERVER_LIMITS__CONNECTIONS",
            "many",
            "limits.connections (environment variable ADIT_SERVER_LIMITS__CONNECTIONS)",
        ),
        (
            "ADIT_SERVER_NONSENSE",
            "1",
            "nonsense (environment variable ADIT_SERVER_NONSENSE): is not a key",
        ),
    ] {
        let mut layers = environment(&LEAST);
        layers.extend(environment(&[(name, value)]));
        let error = load(layers).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let mut layers = environment(&LEAST);
    layers.push(Layer::flag("--listen", "listen.address", "0.0.0.0"));
    let error = load(layers).unwrap_err().to_string();
    assert!(
        error.starts_with("listen.address (flag --listen): "),
        "{error}"
    );
    let error = load(environment(&LEAST[..1])).unwrap_err().to_string();
    assert_eq!(
        error,
        "device_domain: is not set: give it in the file or as ADIT_SERVER_DEVICE_DOMAIN"
    );
}

#[test]
fn relative_paths_are_below_the_data_dir() {
    let path = examples("good-tls").remove(0);
    let config = load_file(&path).unwrap();
    assert_eq!(config.database.path, Path::new("/srv/adit/adit.db"));
    let tls = config.listen.tls.unwrap();
    assert_eq!(tls.certificate, Path::new("/srv/adit/cert.pem"));
    assert_eq!(tls.key, Path::new("/etc/adit/key.pem"));
}

/// The reference is the defaults, and every key is in it.
#[test]
fn the_reference_is_complete_and_true() {
    let shown: Config = toml::from_str(REFERENCE).unwrap();
    let defaults = Config::new(&shown.public_url, &shown.device_domain).unwrap();
    assert_eq!(
        toml::to_string(&shown).unwrap(),
        toml::to_string(&defaults).unwrap()
    );

    fn keys(prefix: &str, value: &toml::Value, into: &mut BTreeSet<String>) {
        if let toml::Value::Table(table) = value {
            for (key, value) in table {
                keys(&format!("{prefix}.{key}"), value, into);
            }
        } else {
            into.insert(prefix.to_owned());
        }
    }
    let uncommented: String = REFERENCE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') && !key.is_empty() => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let mut shown = BTreeSet::new();
    keys("", &toml::from_str(&uncommented).unwrap(), &mut shown);
    let mut full = defaults;
    full.listen.tls = Some(server::config::Tls {
        certificate: "c".into(),
        key: "k".into(),
    });
    full.listen.device_certificates = Some(server::config::DeviceCertificates {
        url: full.public_url.clone(),
        authorities: Vec::new(),
    });
    full.limits.tunnel_memory_bytes = Some(1);
    full.limits.tunnels = Some(1);
    full.limits.tunnel_handshakes_per_s = Some(1);
    full.metrics.listen = Some(full.listen.address);
    full.metrics.token_file = Some("t".into());
    full.webtunnel.redirect = Some("/eu".parse().unwrap());
    let mut all = BTreeSet::new();
    keys("", &toml::Value::try_from(&full).unwrap(), &mut all);
    assert_eq!(shown, all);
}
