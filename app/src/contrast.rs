//! The colours that stand on each other can be told apart, in every theme.

use std::collections::HashMap;

const TOKENS: &str = include_str!("../../style/tokens.css");

/// Text on its ground: 4.5 : 1, and 7 : 1 for those who ask for more.
const TEXT: &[(&str, &str)] = &[
    ("text", "page"),
    ("text", "surface"),
    ("text", "surface-sunken"),
    ("text", "surface-selected"),
    ("text-subtle", "surface"),
    ("text-subtle", "surface-sunken"),
    ("text-subtle", "surface-pressed"),
    ("text-muted", "page"),
    ("text-muted", "surface"),
    ("text-muted", "surface-sunken"),
    ("text-muted", "surface-hover"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("accent-text", "surface"),
    ("on-danger", "danger"),
    ("danger-text", "surface"),
    ("danger-text", "danger-soft"),
    ("attention-text", "attention-soft"),
    ("online-text", "surface"),
    ("online-text", "online-soft"),
];

/// Shapes on their ground: 3 : 1.
const SHAPES: &[(&str, &str)] = &[
    ("online", "surface"),
    ("attention", "surface"),
    ("information", "surface"),
    ("offline", "surface"),
    ("accent", "page"),
    ("n-8", "surface"),
];

/// The terminal's colours on its ground. Black is a ground of its own on dark, the whites on light.
const TERMINAL: &[(&str, &str)] = &[
    ("term-text", "term-ground"),
    ("term-text", "term-selection"),
    ("term-cursor", "term-ground"),
    ("term-red", "term-ground"),
    ("term-green", "term-ground"),
    ("term-yellow", "term-ground"),
    ("term-blue", "term-ground"),
    ("term-magenta", "term-ground"),
    ("term-cyan", "term-ground"),
    ("term-bright-black", "term-ground"),
    ("term-bright-red", "term-ground"),
    ("term-bright-green", "term-ground"),
    ("term-bright-yellow", "term-ground"),
    ("term-bright-blue", "term-ground"),
    ("term-bright-magenta", "term-ground"),
    ("term-bright-cyan", "term-ground"),
];

type Tokens = HashMap<String, String>;

#[test]
fn text_and_shapes_stand_out_from_their_ground() {
    let (plain, more) = tokens();
    for dark in [false, true] {
        check(TEXT, &plain, dark, 4.5);
        check(TERMINAL, &plain, dark, 4.5);
        check(SHAPES, &plain, dark, 3.0);
        check(TEXT, &more, dark, 7.0);
    }
}

fn check(pairs: &[(&str, &str)], tokens: &Tokens, dark: bool, least: f64) {
    for (front, ground) in pairs {
        let (a, b) = (
            luminance(tokens, front, dark),
            luminance(tokens, ground, dark),
        );
        let ratio = (a.max(b) + 0.05) / (a.min(b) + 0.05);
        let theme = if dark { "dark" } else { "light" };
        assert!(
            ratio >= least,
            "--{front} on --{ground}, {theme}: {ratio:.2}, not {least}"
        );
    }
}

/// The tokens as they are, and as they are when more contrast is asked for.
fn tokens() -> (Tokens, Tokens) {
    let (plain_text, rest) = TOKENS
        .split_once("@media (prefers-contrast: more)")
        .unwrap();
    let (more_text, _) = rest.split_once("@media").unwrap();
    let plain = declarations(plain_text);
    let mut more = plain.clone();
    more.extend(declarations(more_text));
    (plain, more)
}

fn declarations(text: &str) -> Tokens {
    let declaration = |part: &str| {
        let (name, value) = part.trim().strip_prefix("--")?.split_once(':')?;
        Some((name.to_owned(), value.trim().to_owned()))
    };
    text.split([';', '{', '}'])
        .map(|part| part.rsplit("*/").next().unwrap_or(part))
        .filter_map(declaration)
        .collect()
}

/// The relative luminance of a token, by way of linear sRGB.
fn luminance(tokens: &Tokens, name: &str, dark: bool) -> f64 {
    let value = tokens.get(name).unwrap_or_else(|| panic!("no --{name}"));
    if let Some(other) = value.strip_prefix("var(--") {
        return luminance(tokens, other.trim_end_matches(')'), dark);
    }
    let both = value.strip_prefix("light-dark(").unwrap();
    let mut colours = both.split("oklch(").skip(1);
    let colour = colours.nth(usize::from(dark)).unwrap();
    let colour = colour.split(')').next().unwrap();
    let numbers: Vec<f64> = colour
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect();
    let [lightness, chroma, hue] = numbers[..] else {
        panic!("--{name} is not three numbers")
    };
    let (a, b) = (
        chroma * hue.to_radians().cos(),
        chroma * hue.to_radians().sin(),
    );
    let long = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let medium = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let short = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    let red = 4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short;
    let green = -1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short;
    let blue = -0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701_0 * short;
    let [red, green, blue] = [red, green, blue].map(|part| part.clamp(0.0, 1.0));
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}
