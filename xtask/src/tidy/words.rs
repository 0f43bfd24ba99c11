//! Words that must not stand in the code.

use super::Source;

/// In which files, what, and why not.
struct Ban {
    extensions: &'static [&'static str],
    below: &'static [&'static str],
    word: &'static str,
    why: &'static str,
}

const BANS: &[Ban] = &[
    Ban {
        extensions: &["rs"],
        below: &["app/", "frontend/", "remote/"],
        word: "inner_html",
        why: "text of devices would become markup: use text nodes",
    },
    Ban {
        extensions: &["rs"],
        below: &[""],
        word: concat!("#[", "ignore"),
        why: "no test is ignored",
    },
    Ban {
        extensions: &["rs"],
        below: &[""],
        word: concat!("#[", "allow("),
        why: "use expect, with a reason",
    },
    Ban {
        extensions: &["ts"],
        below: &["end2end/"],
        word: "test.skip(",
        why: "no test is skipped",
    },
    Ban {
        extensions: &["ts"],
        below: &["end2end/"],
        word: "test.fixme(",
        why: "no test is skipped",
    },
    Ban {
        extensions: &["ts"],
        below: &["end2end/"],
        word: ".only(",
        why: "all tests run",
    },
    Ban {
        extensions: &["ts"],
        below: &["end2end/"],
        word: "waitForTimeout",
        why: "wait for what you mean",
    },
];

const MARKS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];

/// Finds banned words, and notes to oneself that no issue keeps.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    let code = ["css", "js", "rs", "sh", "toml", "ts"];
    for source in sources.iter().filter(|source| source.has_extension(&code)) {
        for (number, line) in source.lines() {
            findings.extend(
                BANS.iter()
                    .filter(|ban| applies(ban, source) && line.contains(ban.word))
                    .map(|ban| source.finding(number, &format!("`{}`: {}", ban.word, ban.why))),
            );
            if MARKS.iter().any(|mark| has_word(line, mark)) && !line.contains("(#") {
                findings
                    .push(source.finding(number, "a note without an issue: write (#N) after it"));
            }
        }
        if source.path.ends_with(".rs") && !source.text.trim_start().starts_with("//!") {
            findings.push(source.finding(1, "a module begins by saying what it is (`//!`)"));
        }
    }
    findings
}

fn applies(ban: &Ban, source: &Source) -> bool {
    // This file and its like name the words to find them.
    !source.path.starts_with("xtask/src/tidy/")
        && source.has_extension(ban.extensions)
        && ban
            .below
            .iter()
            .any(|folder| source.path.starts_with(folder))
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|letter: char| !letter.is_alphanumeric())
        .any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::super::sources::fixture;
    use super::*;

    fn count(path: &str, line: &str) -> usize {
        check(&[fixture(path, &format!("//! Says what it is.\n{line}"))]).len()
    }

    #[test]
    fn banned_words_are_found_where_they_are_banned() {
        assert_eq!(count("app/src/row.rs", "<p inner_html=name/>"), 1);
        assert_eq!(count("server/src/web/mod.rs", "inner_html"), 0);
        assert_eq!(count("server/src/lib.rs", concat!("#[", "ignore]")), 1);
        assert_eq!(count("end2end/tests/a.spec.ts", "test.skip('later')"), 1);
    }

    #[test]
    fn notes_need_an_issue() {
        assert_eq!(count("api/src/id.rs", concat!("// TO", "DO: later")), 1);
        assert_eq!(
            count("api/src/id.rs", concat!("// TO", "DO(#12): later")),
            0
        );
        assert_eq!(count("api/src/id.rs", "todo!()"), 0);
    }

    #[test]
    fn a_module_says_what_it_is() {
        assert_eq!(check(&[fixture("api/src/id.rs", "use std::fmt;")]).len(), 1);
    }
}
