//! Files are named for what is in them.

use super::Source;

/// These say nothing: whatever has no other place ends up in them.
const BANNED: &[&str] = &[
    "common", "helper", "helpers", "manager", "misc", "util", "utils",
];

/// Finds Rust files and folders with such a name.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    sources
        .iter()
        .filter(|source| source.has_extension(&["rs"]))
        .filter_map(|source| {
            let path = source.path.trim_end_matches(".rs");
            let word = path.split('/').find(|word| BANNED.contains(word))?;
            Some(source.finding(
                1,
                &format!("`{word}` says nothing; name it for what it does"),
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sources::fixture;
    use super::*;

    #[test]
    fn drawers_are_found() {
        let found = check(&[
            fixture("server/src/utils.rs", ""),
            fixture("server/tests/common/mod.rs", ""),
            fixture("server/src/access/decide.rs", ""),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
