//! Changes the configuration file without touching what people wrote in it.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, value};

use super::{Config, ConfigError};
use crate::server::ServerUrl;

/// A changed configuration that is not written yet: enrolment must succeed first.
pub struct Draft {
    path: PathBuf,
    text: String,
    config: Config,
}

impl Draft {
    /// Takes what is in the file, where there is one, and changes `server` and, where given,
    /// `ca_file`. All else stays, comments too.
    ///
    /// # Errors
    /// [`ConfigError`], also when the file is broken in another place.
    pub fn pointing_at(
        path: &Path,
        server: &ServerUrl,
        ca_file: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let old = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => {
                return Err(ConfigError::Read {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        let mut document: DocumentMut =
            old.parse()
                .map_err(|error: toml_edit::TomlError| ConfigError::Parse {
                    path: path.to_owned(),
                    message: super::without_password(error.to_string(), error.message()),
                })?;
        document["server"] = value(server.origin());
        if let Some(ca_file) = ca_file {
            document["ca_file"] = value(ca_file.display().to_string());
        }
        let text = document.to_string();
        let config = Config::parse(&text, path)?;
        Ok(Self {
            path: path.to_owned(),
            text,
            config,
        })
    }

    /// What the file will say.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Writes the file, and its folder where there is none.
    ///
    /// # Errors
    /// [`ConfigError::Write`]; the file is then as it was.
    pub fn save(&self) -> Result<(), ConfigError> {
        replace(&self.path, &self.text).map_err(|source| ConfigError::Write {
            path: self.path.clone(),
            source,
        })
    }
}

/// Either the old file stands or the new one, never half of it, also when power fails.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let old = fs::metadata(path).ok().map(|file| file.permissions());
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    if old.is_some() {
        // It may hold a proxy's password: not for others, not even until the old rights are set.
        options.mode(0o600);
    }
    let mut file = options.open(&beside)?;
    if let Some(old) = old {
        file.set_permissions(old)?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point_at(path: &Path, server: &str, ca_file: Option<&Path>) -> Result<(), ConfigError> {
        Draft::pointing_at(path, &server.parse().unwrap(), ca_file)?.save()
    }

    #[test]
    fn a_new_file_is_made_with_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("adit/agent.toml");
        let server = "https://adit.example:8443";
        point_at(&path, server, Some(Path::new("/ca.pem"))).unwrap();
        let config = Config::load(&path).unwrap();
        assert_eq!(config.server.origin(), server);
        assert_eq!(config.ca_file.as_deref(), Some(Path::new("/ca.pem")));
    }

    #[test]
    fn services_and_comments_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        let service =
            "# the printer\n[[service]]\nname = \"web\" # its pages\nkind = \"web\"\nport = 80\n";
        fs::write(
            &path,
            format!("server = \"https://old.example\"\n\n{service}"),
        )
        .unwrap();
        point_at(&path, "https://new.example", None).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            format!("server = \"https://new.example\"\n\n{service}")
        );
    }

    #[test]
    fn what_others_could_not_read_they_still_cannot() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        fs::write(&path, "proxy = \"http://me:secret@p:1\"\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        point_at(&path, "https://new.example", None).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(fs::read_to_string(&path).unwrap().contains("secret"));
    }

    #[test]
    fn a_file_with_services_alone_gets_its_server_above_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        fs::write(
            &path,
            "[[service]]\nname = \"web\"\nkind = \"web\"\nport = 80\n",
        )
        .unwrap();
        point_at(&path, "https://new.example", None).unwrap();
        assert_eq!(Config::load(&path).unwrap().services.len(), 1);
    }

    #[test]
    fn a_broken_file_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        for broken in ["[[service]", "unknown = 1\n"] {
            fs::write(&path, broken).unwrap();
            assert!(point_at(&path, "https://new.example", None).is_err());
            assert_eq!(fs::read_to_string(&path).unwrap(), broken);
        }
    }
}
