//! Colours and sizes have names: literal ones stand only in `style/tokens.css`.

use super::Source;

const TOKENS: &str = "style/tokens.css";

/// A function or sign that begins a literal colour.
const COLOURS: &[&str] = &[
    "hsl(", "hsla(", "hwb(", "lab(", "lch(", "oklab(", "oklch(", "rgb(", "rgba(",
];

/// Finds literal colours and pixel sizes in the styles, and inline styles with them in the app.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| is_styled(source)) {
        let is_css = source.has_extension(&["css"]);
        let text = without_comments(&source.text);
        for (index, line) in text.lines().enumerate() {
            if !is_css && !line.contains("style") {
                continue;
            }
            if has_colour(line, is_css) {
                findings.push(source.finding(index + 1, "a literal colour: use a token"));
            }
            if has_pixels(line) {
                findings.push(source.finding(index + 1, "a literal size in px: use a token"));
            }
        }
    }
    findings
}

fn is_styled(source: &Source) -> bool {
    let css = source.path.starts_with("style/") && source.has_extension(&["css"]);
    let app = source.path.starts_with("app/src/") && source.has_extension(&["rs"]);
    (css || app) && source.path != TOKENS
}

/// Blanks `/* … */`, keeping the lines.
fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("/*") {
        let (comment, after) = comment.split_once("*/").unwrap_or((comment, ""));
        plain += before;
        plain.extend(comment.chars().filter(|letter| *letter == '\n'));
        rest = after;
    }
    plain + rest
}

fn has_colour(line: &str, is_css: bool) -> bool {
    let value = if is_css {
        line.split_once(':').map_or("", |(_, value)| value)
    } else {
        line
    };
    COLOURS.iter().any(|colour| value.contains(colour)) || value.split('#').skip(1).any(is_hex)
}

fn is_hex(after: &str) -> bool {
    let digits = after.chars().take_while(char::is_ascii_hexdigit).count();
    let ends = after
        .chars()
        .nth(digits)
        .is_none_or(|next| !next.is_alphanumeric() && next != '-');
    [3, 4, 6, 8].contains(&digits) && ends
}

/// A hairline (1px) is a line and no size; the borders of media queries cannot be tokens, as CSS has
/// no variables there.
fn has_pixels(line: &str) -> bool {
    if line.trim_start().starts_with("@media") || line.trim_start().starts_with("@container") {
        return false;
    }
    let before_unit = line.split("px").collect::<Vec<_>>();
    before_unit.iter().rev().skip(1).any(|before| {
        let number: String = before
            .chars()
            .rev()
            .take_while(|letter| letter.is_ascii_digit() || *letter == '.')
            .collect();
        !number.is_empty() && number != "1" && number != "0"
    })
}

#[cfg(test)]
mod tests {
    use super::super::sources::fixture;
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&[fixture(path, text)]).len()
    }

    #[test]
    fn literal_colours_are_found() {
        assert_eq!(count("style/device.css", "  color: #fff;"), 1);
        assert_eq!(count("style/device.css", "  color: oklch(0.5 0.1 195);"), 1);
        assert_eq!(count("style/device.css", "  color: var(--text);"), 0);
        assert_eq!(
            count("style/device.css", "#fade { color: var(--text); }"),
            0
        );
        assert_eq!(count("style/tokens.css", "  --text: #123456;"), 0);
        assert_eq!(count("app/src/row.rs", "<p style=\"color: #abc\">"), 1);
    }

    #[test]
    fn literal_sizes_are_found_but_hairlines_and_queries_pass() {
        assert_eq!(count("style/device.css", "  padding: 12px;"), 1);
        assert_eq!(count("style/device.css", "  margin: 1px 13px;"), 1);
        assert_eq!(
            count("style/device.css", "  border: 1px solid var(--line);"),
            0
        );
        assert_eq!(count("style/device.css", "@media (min-width: 640px) {"), 0);
        assert_eq!(count("style/device.css", "/* 12px\n #fff */"), 0);
    }
}
