//! Names with a hash in them: what a page asks for never changes under its name.
//!
//! A file is hashed when some file refers to it as `{{name}}`; the reference becomes its URL. All
//! others keep their names and places.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::tidy::{hex, sources};

/// Where hashed files are; the server lets browsers keep what is in here for good.
const PACKAGE: &str = "pkg";

/// In these, `{{name}}` is a reference.
const TEXT: &[&str] = &["css", "html", "js", "json", "svg", "txt", "webmanifest"];

/// Copies the built parts (to `/pkg/`) and the public files to `into`, hashing what is referred to.
///
/// # Errors
/// A reference names no file, or goes round in a circle.
pub(super) fn lay_out(parts: &Path, public: &Path, into: &Path) -> Result<()> {
    let mut site = Site::default();
    site.take(parts, Path::new(PACKAGE))?;
    site.take(public, Path::new(""))?;
    let names: Vec<PathBuf> = site.files.keys().cloned().collect();
    for name in names {
        site.place(&name, &mut Vec::new())?;
    }
    for (name, content) in &site.files {
        let path = into.join(site.placed.get(name).unwrap_or(name));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, content)?;
    }
    Ok(())
}

#[derive(Default)]
struct Site {
    /// Content by its path in the site before hashing.
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// The hashed path of each file that is referred to.
    placed: BTreeMap<PathBuf, PathBuf>,
    /// Whose own references are resolved.
    resolved: Vec<PathBuf>,
}

impl Site {
    fn take(&mut self, folder: &Path, below: &Path) -> Result<()> {
        for path in sources::files_under(folder)? {
            let name = below.join(path.strip_prefix(folder)?);
            self.files.insert(name, fs::read(&path)?);
        }
        Ok(())
    }

    /// Resolves the references in a file, and in all it refers to.
    fn place(&mut self, name: &Path, above: &mut Vec<PathBuf>) -> Result<()> {
        if self.resolved.iter().any(|done| done == name) || !is_text(name) {
            return Ok(());
        }
        if above.iter().any(|other| other == name) {
            bail!("{} refers to itself, by way of others", name.display());
        }
        above.push(name.to_path_buf());
        let content = self.files.get(name).context("no such file")?.clone();
        if let Ok(text) = String::from_utf8(content) {
            let replaced = replace(&text, |wanted| self.url_of(wanted, above))
                .with_context(|| format!("in {}", name.display()))?;
            self.files.insert(name.to_path_buf(), replaced.into_bytes());
        }
        above.pop();
        self.resolved.push(name.to_path_buf());
        Ok(())
    }

    fn url_of(&mut self, wanted: &str, above: &mut Vec<PathBuf>) -> Result<String> {
        let built = Path::new(PACKAGE).join(wanted);
        let name = [built, PathBuf::from(wanted)]
            .into_iter()
            .find(|name| self.files.contains_key(name));
        let name = name.with_context(|| format!("there is no file for {{{{{wanted}}}}}"))?;
        self.place(&name, above)?;
        if !self.placed.contains_key(&name) {
            let content = self.files.get(&name).context("no such file")?;
            self.placed.insert(name.clone(), hashed(&name, content));
        }
        let path = self.placed.get(&name).context("not placed")?;
        Ok(format!("/{}", path.display()))
    }
}

fn is_text(name: &Path) -> bool {
    name.extension()
        .is_some_and(|extension| TEXT.iter().any(|text| extension == *text))
}

/// `boot.js` becomes `pkg/boot-0123456789abcdef.js`.
fn hashed(name: &Path, content: &[u8]) -> PathBuf {
    let digest = hex::digest(content);
    let stem = name.file_stem().unwrap_or_default().to_string_lossy();
    let extension = name.extension().unwrap_or_default().to_string_lossy();
    Path::new(PACKAGE).join(format!("{stem}-{}.{extension}", &digest[..16]))
}

/// Replaces each `{{name}}` whose inside looks like a file name.
fn replace(text: &str, mut url: impl FnMut(&str) -> Result<String>) -> Result<String> {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        done += before;
        match after.split_once("}}") {
            Some((name, behind)) if is_name(name) => {
                done += &url(name)?;
                rest = behind;
            }
            _ => {
                done += "{{";
                rest = after;
            }
        }
    }
    Ok(done + rest)
}

fn is_name(text: &str) -> bool {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-/".contains(letter);
    text.contains('.') && !text.starts_with('.') && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(files: &[(&str, &str)]) -> Site {
        let files = files
            .iter()
            .map(|(name, text)| (name.into(), text.as_bytes().to_vec()));
        Site {
            files: files.collect(),
            ..Site::default()
        }
    }

    #[test]
    fn references_become_urls_with_the_hash_of_what_is_served() {
        let mut site = site(&[
            ("index.html", "<script src=\"{{boot.js}}\">"),
            ("boot.js", "import '{{frontend.js}}'"),
            ("pkg/frontend.js", "let a = {{}};"),
        ]);
        site.place(Path::new("index.html"), &mut Vec::new())
            .unwrap();
        let boot = site.files[Path::new("boot.js")].clone();
        let url = format!("/pkg/boot-{}.js", &hex::digest(&boot)[..16]);
        let index = String::from_utf8(site.files[Path::new("index.html")].clone()).unwrap();
        assert_eq!(index, format!("<script src=\"{url}\">"));
        assert!(String::from_utf8(boot).unwrap().contains("/pkg/frontend-"));
        assert!(
            !site.placed.contains_key(Path::new("index.html")),
            "pages keep their names"
        );
    }

    #[test]
    fn a_reference_to_nothing_is_told() {
        let mut site = site(&[("index.html", "{{gone.js}}")]);
        let error = site
            .place(Path::new("index.html"), &mut Vec::new())
            .unwrap_err();
        assert!(format!("{error:#}").contains("{{gone.js}}"), "{error:#}");
    }

    #[test]
    fn a_circle_is_told() {
        let mut site = site(&[("a.js", "{{b.js}}"), ("b.js", "{{a.js}}")]);
        let error = site.place(Path::new("a.js"), &mut Vec::new()).unwrap_err();
        assert!(
            format!("{error:#}").contains("refers to itself"),
            "{error:#}"
        );
    }

    #[test]
    fn other_braces_stay() {
        let text = "a {{ b }} {{x}} {{ {{.y}}";
        let same = replace(text, |_| bail!("nothing here is a name")).unwrap();
        assert_eq!(same, text);
    }
}
