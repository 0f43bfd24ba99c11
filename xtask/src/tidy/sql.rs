//! SQL stands only in a feature's `store.rs`, and in `db`.

use super::Source;

const SQL: &[&str] = &[
    "QueryBuilder",
    "query!(",
    "query_as(",
    "query_scalar(",
    "sqlx::query",
];

/// Finds queries elsewhere in the server.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| !is_at_home(&source.path)) {
        for (number, line) in source.product_lines() {
            if SQL.iter().any(|word| line.contains(word)) {
                findings.push(source.finding(number, "SQL belongs in the feature's store.rs"));
            }
        }
    }
    findings
}

fn is_at_home(path: &str) -> bool {
    !path.starts_with("server/src/")
        || path.starts_with("server/src/db/")
        || path.ends_with("/store.rs")
        || path.contains("/store/")
}

#[cfg(test)]
mod tests {
    use super::super::sources::fixture;
    use super::*;

    #[test]
    fn a_query_outside_a_store_is_found() {
        let text = "sqlx::query(\"SELECT 1\")";
        assert_eq!(
            check(&[fixture("server/src/devices/http.rs", text)]).len(),
            1
        );
        assert!(check(&[fixture("server/src/devices/store.rs", text)]).is_empty());
        assert!(check(&[fixture("server/src/db/mod.rs", text)]).is_empty());
    }
}
