//! The table of user stories in docs/architecture.md names tests that are there.

use super::Source;

const TABLE: &str = "docs/architecture.md";

/// Finds names of tests in the table that no test bears. A row ends with `` `name` `` of a Rust test,
/// or with `` `"title"` `` of a browser story.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let Some(page) = sources.iter().find(|source| source.path == TABLE) else {
        return vec![format!("{TABLE} is missing")];
    };
    let mut findings = Vec::new();
    for (number, line) in page.lines() {
        for name in cited(line) {
            if !exists(sources, name) {
                findings.push(page.finding(number, &format!("there is no test `{name}`")));
            }
        }
    }
    findings
}

/// The test names of a row that begins with `| ` and has `test:` cells.
fn cited(line: &str) -> Vec<&str> {
    if !line.starts_with("| ") {
        return Vec::new();
    }
    let cell = line
        .trim_end()
        .trim_end_matches('|')
        .rsplit('|')
        .next()
        .unwrap_or_default();
    cell.split('`').skip(1).step_by(2).collect()
}

fn exists(sources: &[Source], name: &str) -> bool {
    let definition = match name.strip_prefix('"') {
        Some(_) => format!("test({name}"),
        None => format!("fn {name}("),
    };
    let single_quoted = definition.replace('"', "'");
    sources
        .iter()
        .filter(|source| source.has_extension(&["rs", "ts"]))
        .any(|source| source.text.contains(&definition) || source.text.contains(&single_quoted))
}

#[cfg(test)]
mod tests {
    use super::super::sources::fixture;
    use super::*;

    fn findings(row: &str) -> Vec<String> {
        check(&[
            fixture(TABLE, row),
            fixture("server/tests/chain.rs", "async fn echo_over_the_chain() {"),
            fixture("end2end/tests/a.spec.ts", "test('signs in and out', async"),
        ])
    }

    #[test]
    fn names_must_exist() {
        assert!(findings("| echo | `echo_over_the_chain` |").is_empty());
        assert!(findings("| sign in | `\"signs in and out\"`, `echo_over_the_chain` |").is_empty());
        assert_eq!(findings("| echo | `no_such_test` |").len(), 1);
        assert_eq!(findings("| sign in | `\"signs out\"` |").len(), 1);
    }

    #[test]
    fn only_the_last_cell_of_a_row_is_read() {
        assert!(findings("| `adit-server` | what it is |").is_empty());
        assert!(findings("text with `code`").is_empty());
    }
}
