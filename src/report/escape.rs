//! The one place where text of a log is made safe for a terminal, a CSV cell or a JSON document.
//!
//! A log says what its attacker wrote: escape sequences that steer a terminal, direction marks that turn a name around,
//! characters that no one sees, formulas that a spreadsheet runs. Nothing is dropped: what is taken from the eye is
//! written as `\u{202e}`. HTML has its own rules in [`super::html`], which uses [`terminal`] and [`cut`] too.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character is invisible, steers a terminal, or changes how its neighbours are shown.
fn hidden(c: char) -> bool {
    matches!(c,
        // C0, DEL and C1: terminals obey them
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        // soft hyphen, grapheme joiner, Hangul and Khmer fillers, Mongolian separators: no ink
        | '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{3164}' | '\u{ffa0}'
        // direction marks, embeddings, overrides and isolates
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
        // zero width, line and paragraph separators, word joiner and invisible operators, byte order mark
        | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}' | '\u{feff}'
        // variation selectors, interlinear annotation, tags
        | '\u{fe00}'..='\u{fe0f}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn push_visible(out: &mut String, c: char) {
    if hidden(c) {
        // `\n`, `\r` and `\t` by their letters, all others as `\u{..}`; backslashes stay single, for they are names too
        out.extend(c.escape_default());
    } else {
        out.push(c);
    }
}

/// The text with every hidden or steering character made visible: C0, DEL, C1, direction controls, zero-width and tag
/// characters, line separators. What comes out is one line.
#[must_use]
pub fn terminal(text: &str) -> Cow<'_, str> {
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    text.chars().for_each(|c| push_visible(&mut out, c));
    Cow::Owned(out)
}

/// Whether a spreadsheet takes a cell that begins so for a formula (OWASP, "CSV Injection").
fn formula(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠')
}

/// The text as a CSV cell that no spreadsheet runs: a `'` before what would begin a formula, hidden characters made
/// visible. A `;` may begin a cell too, where the reader's locale says so. Quoting is left to the CSV writer.
#[must_use]
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    let quiet = |c| c == ' ' || c == '"';
    if !text.contains(|c| c == ';' || hidden(c)) && !text.trim_start_matches(quiet).starts_with(formula) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut opens = true;
    for c in text.chars() {
        if opens && formula(c) {
            out.push('\'');
        }
        opens = c == ';' || (opens && quiet(c));
        push_visible(&mut out, c);
    }
    Cow::Owned(out)
}

/// Finished JSON text with its hidden characters as `\u` escapes: the same document to every reader, and harmless on a
/// terminal. The serialiser has escaped C0 inside strings already; the line breaks between tokens stay.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| c >= '\u{7f}' && hidden(c);
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").expect("writing to a String cannot fail");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// At most `chars` characters of the text, then "… (n bytes)" with its whole length where something was cut.
#[must_use]
pub fn cut(text: &str, chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}… ({} bytes)", &text[..end], text.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_steered() {
        assert_eq!(terminal("\x1b]0;x\x07\r\n\t\u{7f}\u{9b}2J"), "\\u{1b}]0;x\\u{7}\\r\\n\\t\\u{7f}\\u{9b}2J");
        assert_eq!(terminal("a\u{202e}b\u{2066}c\u{200b}d\u{e0041}e\u{2028}"), {
            "a\\u{202e}b\\u{2066}c\\u{200b}d\\u{e0041}e\\u{2028}"
        });
    }

    #[test]
    fn ordinary_text_passes_untouched() {
        for text in ["", "system:serviceaccount:kube-system:x", "C:\\new", "Jürgen 日本 ✓"] {
            assert!(matches!(terminal(text), Cow::Borrowed(same) if same == text));
            assert!(matches!(csv_cell(text), Cow::Borrowed(same) if same == text));
            assert!(matches!(json(text), Cow::Borrowed(same) if same == text));
        }
        assert_eq!(csv_cell("Mozilla/5.0 (X11; Linux)"), "Mozilla/5.0 (X11; Linux)");
    }

    #[test]
    fn formulas_are_text() {
        for start in ["=", "+", "-", "@", "＝", "＋", "－", "＠"] {
            assert_eq!(csv_cell(&format!("{start}1+1")), format!("'{start}1+1"));
        }
        assert_eq!(csv_cell("=cmd|'/c calc'!A1"), "'=cmd|'/c calc'!A1");
        assert_eq!(csv_cell("\t=1"), "'\\t=1");
        assert_eq!(csv_cell("\r=1"), "'\\r=1");
        assert_eq!(csv_cell("\n=1"), "'\\n=1");
    }

    #[test]
    fn formulas_after_a_locales_separator_are_text_too() {
        assert_eq!(csv_cell("a;=cmd|x"), "a;'=cmd|x");
        assert_eq!(csv_cell("a;\"=1+1"), "a;\"'=1+1");
        assert_eq!(csv_cell("a; @b"), "a; '@b");
        assert_eq!(csv_cell("a-b=c"), "a-b=c");
    }

    #[test]
    fn json_means_the_same_after_escaping() {
        let text = serde_json::to_string("\u{9b}a\u{202e}\u{e0041}\x1b\n").unwrap();
        let safe = json(&text);
        assert!(!safe.contains(hidden));
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), "\u{9b}a\u{202e}\u{e0041}\x1b\n");
        assert_eq!(json("{}\n{}\n"), "{}\n{}\n");
    }

    #[test]
    fn long_text_is_cut_at_a_character_and_says_its_length() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöü!", 3), "äöü… (7 bytes)");
        assert_eq!(cut("abc", 0), "… (3 bytes)");
    }
}
