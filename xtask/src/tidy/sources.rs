//! The files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Never a source: what tools make.
const SKIPPED: &[&str] = &[
    ".git",
    "node_modules",
    "playwright-report",
    "screenshots",
    "target",
    "test-results",
];

/// A text file of the repository.
pub(crate) struct Source {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// The lines of the product: what is before the tests of a Rust file, each with its number.
    pub(crate) fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = if self.is_test() { 0 } else { usize::MAX };
        let before_tests = |line: &&str| line.trim_end() != "mod tests {";
        self.text
            .lines()
            .take(end)
            .take_while(before_tests)
            .enumerate()
            .map(|(n, l)| (n + 1, l))
    }

    /// All lines, each with its number.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(n, l)| (n + 1, l))
    }

    /// Whether the whole file is test code.
    pub(crate) fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name == "tests.rs"
            || name.ends_with("_tests.rs")
            || self.path.contains("/tests/")
            || self.path.starts_with("end2end/")
    }

    pub(crate) fn has_extension(&self, extensions: &[&str]) -> bool {
        let extension = self.path.rsplit('.').next().unwrap_or_default();
        extensions.contains(&extension)
    }

    /// A finding in this file.
    pub(crate) fn finding(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// Every text file under `root`.
///
/// # Errors
/// A file or folder could not be read.
pub(crate) fn all(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in files_under(root)? {
        let bytes = fs::read(&path)?;
        if let Ok(text) = String::from_utf8(bytes) {
            let path = path.strip_prefix(root)?.to_string_lossy().into_owned();
            sources.push(Source { path, text });
        }
    }
    Ok(sources)
}

/// Every file under a folder, in order; none if it is not there.
///
/// # Errors
/// A folder could not be read.
pub(crate) fn files_under(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        if SKIPPED.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if kind.is_dir() {
            collect(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) fn fixture(path: &str, text: &str) -> Source {
    Source {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_not_product() {
        let source = fixture("a/src/b.rs", "one\n#[cfg(test)]\nmod tests {\n    two\n}\n");
        assert_eq!(source.product_lines().count(), 2);
        assert_eq!(source.lines().count(), 5);
        assert_eq!(fixture("a/tests/b.rs", "one\n").product_lines().count(), 0);
    }
}
