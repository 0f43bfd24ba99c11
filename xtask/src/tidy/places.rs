//! Nothing in the repository tells where it was written.

use std::path::{Path, PathBuf};

use super::Source;

/// Finds this checkout's path, the folder above it, and the home folder, in any file.
pub(super) fn check(sources: &[Source], root: &Path) -> Vec<String> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    find(sources, &local(root, home.as_deref()))
}

/// With a slash at the end: `/srv/adit/` is told, `/srv/additions` is not.
fn local(root: &Path, home: Option<&Path>) -> Vec<String> {
    [Some(root), root.parent(), home]
        .into_iter()
        .flatten()
        .filter(|path| path.components().count() > 1)
        .map(|path| format!("{}/", path.display()))
        .collect()
}

fn find(sources: &[Source], places: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources {
        for (number, line) in source.lines() {
            if places.iter().any(|place| line.contains(place.as_str())) {
                findings.push(source.finding(number, "names a folder of one machine"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::sources::fixture;
    use super::*;

    #[test]
    fn local_paths_are_found() {
        let places = local(Path::new("/srv/code/adit"), Some(Path::new("/home/ada")));
        let sources = [
            fixture("a.md", "see /srv/code/adit/docs"),
            fixture("b.md", "see /home/ada/notes"),
            fixture("c.md", "see /srv/codex and docs/start.md"),
        ];
        assert_eq!(find(&sources, &places).len(), 2);
    }
}
