//! Text of a log inside a command that somebody will paste into a shell.
//!
//! A log says what its attacker wrote, and a command is run by whoever pastes it. So nothing is escaped that a shell or
//! SQL might read in another way: a character either means itself in both, inside double quotes, or it is written as
//! its number. A literal is `'plain'`, or `concat('it', chr(39), 's')`.

use std::path::Path;

use crate::limits::QUESTION_NAME_CHARS_MAX;
use crate::report::escape;

/// Whether a character is itself in an SQL text within double quotes of a shell. Whatever is not printable ASCII is
/// not: it may be invisible, turn its line around, or look like another.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~') && !matches!(c, '\'' | '"' | '\\' | '$' | '`' | '!')
}

/// The text as an SQL expression; `None` where it would be too long to be read.
pub(super) fn literal(text: &str) -> Option<String> {
    if text.chars().count() > QUESTION_NAME_CHARS_MAX {
        return None;
    }
    if text.chars().all(is_plain) {
        return Some(format!("'{text}'"));
    }
    let mut parts: Vec<String> = Vec::new();
    let mut plain = String::new();
    for c in text.chars() {
        if is_plain(c) {
            plain.push(c);
            continue;
        }
        if !plain.is_empty() {
            parts.push(format!("'{}'", std::mem::take(&mut plain)));
        }
        parts.push(format!("chr({})", u32::from(c)));
    }
    if !plain.is_empty() {
        parts.push(format!("'{plain}'"));
    }
    let literal = format!("concat({})", parts.join(", "));
    (literal.len() <= 8 * QUESTION_NAME_CHARS_MAX).then_some(literal)
}

/// The lake's folder, or another text, as a word of a shell. Where it cannot be shown as it is, a variable stands for it.
#[must_use]
pub fn word(path: &Path) -> String {
    const UNKNOWN: &str = "\"$LAKE\"";
    let Some(text) = path.to_str().filter(|text| matches!(escape::terminal(text), std::borrow::Cow::Borrowed(_)))
    else {
        return UNKNOWN.to_owned();
    };
    let text = if text.starts_with('-') { format!("./{text}") } else { text.to_owned() };
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "_./,:@%+=-".contains(c);
    if !text.is_empty() && text.chars().all(is_bare) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_stay_readable() {
        assert_eq!(literal("system:serviceaccount:shop:ci").unwrap(), "'system:serviceaccount:shop:ci'");
        assert_eq!(literal("https://idp.example.com#bob|1; x").unwrap(), "'https://idp.example.com#bob|1; x'");
        assert_eq!(literal("").unwrap(), "''");
        assert_eq!(literal("it's").unwrap(), "concat('it', chr(39), 's')");
        assert_eq!(literal("\u{202e}").unwrap(), "concat(chr(8238))");
    }

    #[test]
    fn what_is_too_long_is_not_asked_for() {
        assert!(literal(&"x".repeat(QUESTION_NAME_CHARS_MAX)).is_some());
        assert!(literal(&"x".repeat(QUESTION_NAME_CHARS_MAX + 1)).is_none());
        assert!(literal(&"日".repeat(QUESTION_NAME_CHARS_MAX)).is_none());
    }

    #[test]
    fn a_folder_is_one_word() {
        assert_eq!(word(Path::new("lake/prod-1")), "lake/prod-1");
        assert_eq!(word(Path::new("my lake")), "'my lake'");
        assert_eq!(word(Path::new("it's $(id)")), r"'it'\''s $(id)'");
        assert_eq!(word(Path::new("-x")), "./-x");
        assert_eq!(word(Path::new("a\nb")), "\"$LAKE\"");
    }

    proptest! {
        #[test]
        fn nothing_that_steers_is_left(text in any::<String>()) {
            if let Some(literal) = literal(&text) {
                prop_assert!(literal.chars().all(|c| matches!(c, ' '..='~')));
                prop_assert!(!literal.contains(['"', '\\', '$', '`', '!']));
                // its quotes come in pairs, and what they hold and what is numbered is the text
                let mut read = String::new();
                for (index, part) in literal.split('\'').enumerate() {
                    if index % 2 == 1 {
                        read += part;
                        continue;
                    }
                    for number in part.split("chr(").skip(1) {
                        let number = number.split(')').next().unwrap().parse::<u32>().unwrap();
                        read.push(char::from_u32(number).unwrap());
                    }
                }
                prop_assert_eq!(read, text);
                prop_assert_eq!(literal.matches('\'').count() % 2, 0);
            }
        }
    }
}
