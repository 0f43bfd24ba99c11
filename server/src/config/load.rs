//! Laying the sources over each other, and saying in plain words what is wrong where.

use std::fmt;
use std::path::Path;

use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider, error::Kind};

use super::{Config, check};

/// The prefix of environment variables.
const ENV_PREFIX: &str = "ADIT_SERVER_";
/// Names the file itself, so it is not a key.
const ENV_FILE: &str = "ADIT_SERVER_CONFIG";

/// One source of keys, by the name that errors give it.
pub struct Layer {
    name: String,
    keys: Dict,
}

impl Layer {
    /// A TOML file.
    ///
    /// # Errors
    /// [`ConfigError`] when it cannot be read or is not TOML.
    pub fn file(path: &Path) -> Result<Self, ConfigError> {
        let name = format!("file {}", path.display());
        let broken = |what: String| ConfigError(vec![Problem::of_source(&name, what)]);
        let text = std::fs::read_to_string(path)
            .map_err(|error| broken(format!("cannot be read: {error}")))?;
        let keys = toml::from_str(&text).map_err(|error| broken(error.to_string()))?;
        Ok(Self { name, keys })
    }

    /// One layer for each variable that is ours; `__` stands between the parts of a key.
    pub fn environment(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> impl Iterator<Item = Self> {
        variables
            .into_iter()
            .filter(|(name, _)| name != ENV_FILE)
            .filter_map(|(name, text)| {
                let key = name
                    .strip_prefix(ENV_PREFIX)?
                    .to_ascii_lowercase()
                    .replace("__", ".");
                // Figment's reading of a value cannot fail: what is nothing else is a string.
                let value = text
                    .parse()
                    .unwrap_or_else(|_: std::convert::Infallible| Value::from(text));
                Some(Self::one(
                    format!("environment variable {name}"),
                    &key,
                    value,
                ))
            })
    }

    /// A flag of the command line that stands for `key`.
    #[must_use]
    pub fn flag(flag: &str, key: &str, value: &str) -> Self {
        Self::one(format!("flag {flag}"), key, Value::from(value))
    }

    fn one(name: String, key: &str, value: Value) -> Self {
        let keys = figment::util::nest(key, value)
            .into_dict()
            .unwrap_or_default();
        Self { name, keys }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.keys.clone())]))
    }
}

/// What is wrong with a configuration: all that could be found out at once.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError(Vec<Problem>);

impl ConfigError {
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Dotted; empty when a source as a whole is meant.
    pub key: String,
    /// Where the key's value came from, if it was given.
    pub source: Option<String>,
    pub what: String,
}

impl Problem {
    pub(super) fn of_key(key: &str, what: String) -> Self {
        Self {
            key: key.to_owned(),
            source: None,
            what,
        }
    }

    fn of_source(source: &str, what: String) -> Self {
        Self {
            key: String::new(),
            source: Some(source.to_owned()),
            what,
        }
    }

    fn from_figment(error: &figment::Error) -> Self {
        let source = error
            .metadata
            .as_ref()
            .map(|metadata| metadata.name.to_string());
        let below = |key: &str| {
            let mut path = error.path.clone();
            if path.last().is_none_or(|last| last != key) {
                path.push(key.to_owned());
            }
            path.join(".")
        };
        match &error.kind {
            Kind::MissingField(key) => {
                let key = below(key);
                let variable = key.to_ascii_uppercase().replace('.', "__");
                Self::of_key(
                    &key,
                    format!("is not set: give it in the file or as {ENV_PREFIX}{variable}"),
                )
            }
            Kind::UnknownField(key, known) => {
                let known = if known.is_empty() {
                    String::new()
                } else {
                    format!("; known here: {}", known.join(", "))
                };
                Self {
                    key: below(key),
                    source,
                    what: format!("is not a key{known}"),
                }
            }
            kind => Self {
                key: error.path.join("."),
                source,
                what: kind.to_string(),
            },
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.source, self.key.as_str()) {
            (Some(source), "") => write!(f, "{source}: {}", self.what),
            (Some(source), key) => write!(f, "{key} ({source}): {}", self.what),
            (None, key) => write!(f, "{key}: {}", self.what),
        }
    }
}

/// Lays the layers over the defaults, later ones on top, and checks the result.
///
/// # Errors
/// [`ConfigError`] names each key that is wrong and where it came from.
pub fn load(layers: impl IntoIterator<Item = Layer>) -> Result<Config, ConfigError> {
    let figment = layers.into_iter().fold(Figment::new(), Figment::merge);
    let mut config: Config = figment.extract().map_err(|errors| {
        ConfigError(
            errors
                .into_iter()
                .map(|error| Problem::from_figment(&error))
                .collect(),
        )
    })?;
    config.resolve_paths();
    check(&config).map_err(ConfigError)?;
    Ok(config)
}
