//! Files stay small enough to read.

use super::Source;

/// Past this a file has a second noun in it that wants its own.
const LIMIT_LINES: usize = 600;

/// Finds code files that are longer, tests at the end of a Rust file not counted.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    sources
        .iter()
        .filter(|source| source.has_extension(&["css", "js", "rs", "ts"]))
        .filter_map(|source| {
            let lines = match source.is_test() {
                true => source.lines().count(),
                false => source.product_lines().count(),
            };
            let what = format!("{lines} lines; the limit is {LIMIT_LINES}");
            (lines > LIMIT_LINES).then(|| source.finding(lines, &what))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sources::fixture;
    use super::*;

    #[test]
    fn a_long_file_is_found_but_not_its_tests() {
        let long = "line\n".repeat(601);
        assert_eq!(check(&[fixture("a.rs", &long)]).len(), 1);
        assert!(check(&[fixture("a.md", &long)]).is_empty());
        assert!(check(&[fixture("a.rs", &format!("mod tests {{\n{long}"))]).is_empty());
    }
}
