//! Tasks have an owner and queues an end.

use super::Source;

/// The only product code that may spawn a task by itself.
const SPAWNERS: &[&str] = &[
    "server/src/lifecycle.rs",
    "agent/src/lifecycle.rs",
    "tunnel/src/driver",
];

/// Clippy bans the calls too, but an `expect` with a reason could let them in anywhere.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| is_product(&source.path)) {
        let may_spawn = SPAWNERS.iter().any(|place| source.path.starts_with(place));
        for (number, line) in source.product_lines() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            if line.contains("tokio::spawn(") && !may_spawn {
                findings.push(source.finding(number, "a task needs an owner: lifecycle.spawn"));
            }
            if line.contains("unbounded") {
                findings.push(source.finding(number, "every queue is bounded"));
            }
        }
    }
    findings
}

fn is_product(path: &str) -> bool {
    let parts = [
        "agent/src/",
        "cli/src/",
        "remote/",
        "server/src/",
        "tunnel/src/",
    ];
    path.ends_with(".rs") && parts.iter().any(|part| path.starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::super::sources::fixture;
    use super::*;

    #[test]
    fn strays_are_found() {
        let spawn = "    tokio::spawn(async {});";
        assert_eq!(check(&[fixture("server/src/relay/mod.rs", spawn)]).len(), 1);
        assert!(check(&[fixture("server/src/lifecycle.rs", spawn)]).is_empty());
        assert!(check(&[fixture("tunnel/src/driver/write.rs", spawn)]).is_empty());
        assert!(check(&[fixture("server/tests/chain.rs", spawn)]).is_empty());
        let queue = "let (a, b) = mpsc::unbounded_channel();";
        assert_eq!(
            check(&[fixture("tunnel/src/driver/mod.rs", queue)]).len(),
            1
        );
    }
}
