//! docs/protocol.md describes the wire code as it is: it carries its hash.

use std::path::Path;

use anyhow::{Context, Result};

use super::{Source, hex, sources};

const CODE: &str = "tunnel/src/wire/";
const PAGE: &str = "docs/protocol.md";
const MARK: &str = "<!-- wire: ";

/// Finds that the wire code has changed since the page was last blessed.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let Some(page) = sources.iter().find(|source| source.path == PAGE) else {
        return vec![format!("{PAGE} is missing")];
    };
    let line = mark(sources);
    if page.text.lines().any(|text| text == line) {
        return Vec::new();
    }
    vec![page.finding(
        1,
        "the wire code changed: mend the page, then `cargo xtask tidy --bless`",
    )]
}

/// Writes the present hash into the page.
///
/// # Errors
/// The page could not be read or written.
pub(super) fn bless(root: &Path) -> Result<()> {
    let path = root.join(PAGE);
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {PAGE}"))?;
    let line = mark(&sources::all(root)?);
    let mut lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with(MARK))
        .collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines.extend(["", line.as_str(), ""]);
    Ok(std::fs::write(&path, lines.join("\n"))?)
}

/// The line for the page; tests of the wire code do not count.
fn mark(sources: &[Source]) -> String {
    let mut text = String::new();
    for source in sources
        .iter()
        .filter(|source| source.path.starts_with(CODE))
    {
        text += &source.path;
        for (_, line) in source.product_lines() {
            text.push('\n');
            text += line;
        }
    }
    format!("{MARK}{} -->", &hex::digest(text.as_bytes())[..32])
}

#[cfg(test)]
mod tests {
    use super::super::sources::fixture;
    use super::*;

    #[test]
    fn a_change_of_the_wire_asks_for_the_page() {
        let code = fixture("tunnel/src/wire/mod.rs", "const A: u8 = 1;\n");
        let line = mark(std::slice::from_ref(&code));
        let page = fixture(PAGE, &format!("# Protocol\n\n{line}\n"));
        assert!(check(&[code, page]).is_empty());

        let changed = fixture("tunnel/src/wire/mod.rs", "const A: u8 = 2;\n");
        let page = fixture(PAGE, &format!("# Protocol\n\n{line}\n"));
        assert_eq!(check(&[changed, page]).len(), 1);
    }

    #[test]
    fn tests_of_the_wire_may_change_freely() {
        let before = mark(&[fixture("tunnel/src/wire/mod.rs", "a\nmod tests {\nb\n}")]);
        let after = mark(&[fixture("tunnel/src/wire/mod.rs", "a\nmod tests {\nc\n}")]);
        assert_eq!(before, after);
    }
}
