//! TOML read strictly: an unknown or missing key fails and says in which file and line it is. Headers, lists and cases
//! all go through here, so that a typing error never switches a check off in silence.

use std::ops::Range;

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Reads a TOML text whose first line is line 1 of the file at `path`. Unknown keys fail where `T` denies them.
pub(super) fn read<T: DeserializeOwned>(path: &str, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, &span));
        at(path, line, rephrase(error.message()))
    })
}

/// A usage error at one line of a file.
pub(super) fn at(path: &str, line: usize, message: impl AsRef<str>) -> Error {
    Error::usage(format!("{path}:{line}: {}", message.as_ref()))
}

/// The line, from 1, on which `span` starts.
pub(super) fn line_of(text: &str, span: &Range<usize>) -> usize {
    1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
}

/// The candidate that `word` was probably meant to be: at most a third of its letters, rounded up, are wrong.
pub(super) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= word.chars().count().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// `; did you mean "title"?`, or nothing where no candidate is near.
pub(super) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    closest(word, candidates).map_or_else(String::new, |meant| format!("; did you mean {meant:?}?"))
}

/// Puts serde's sentences (`serde::de::Error::unknown_field` and its siblings) into ours; others stay as they are.
fn rephrase(message: &str) -> String {
    // the words in backticks: first the one that is wrong, then those that would be right
    let mut words = message.split('`').skip(1).step_by(2);
    let word = words.next().unwrap_or_default();
    let kind = [("unknown field", "key"), ("unknown variant", "value")];
    if let Some((_, kind)) = kind.into_iter().find(|(start, _)| message.starts_with(start)) {
        let candidates: Vec<&str> = words.collect();
        let hint = match closest(word, candidates.iter().copied()) {
            Some(meant) => format!("did you mean {meant:?}?"),
            None => format!("use {}", candidates.join(", ")),
        };
        return format!("unknown {kind} {word:?}; {hint}");
    }
    if message.starts_with("missing field") {
        return format!("missing key {word:?}");
    }
    message.lines().collect::<Vec<_>>().join(", ")
}

/// How many letters must be inserted, removed or replaced to get from one word to the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the errors matter")]
    struct Paper {
        title: String,
        status: crate::detection::Status,
    }

    fn error(text: &str) -> String {
        read::<Paper>("a.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_likely_one() {
        assert_eq!(
            error("status = \"stable\"\ntitel = \"x\"\n"),
            r#"a.toml:2: unknown key "titel"; did you mean "title"?"#
        );
    }

    #[test]
    fn an_unknown_key_like_no_other_lists_the_keys() {
        assert_eq!(error("colour = 1\n"), r#"a.toml:1: unknown key "colour"; use title, status"#);
    }

    #[test]
    fn an_unknown_value_is_named() {
        assert_eq!(
            error("title = \"x\"\nstatus = \"stabel\"\n"),
            r#"a.toml:2: unknown value "stabel"; did you mean "stable"?"#
        );
    }

    #[test]
    fn a_missing_key_is_named() {
        assert_eq!(error("title = \"x\"\n"), r#"a.toml:1: missing key "status""#);
    }

    #[test]
    fn broken_toml_and_wrong_types_name_their_line() {
        assert!(error("title = \"x\"\nstatus = \n").starts_with("a.toml:2: "));
        assert!(error("status = \"stable\"\ntitle = 3\n").starts_with("a.toml:2: invalid type"));
    }

    #[test]
    fn only_near_words_are_proposed() {
        assert_eq!(closest("pod_exce", ["secret_sweep", "pod_exec"]), Some("pod_exec"));
        assert_eq!(closest("node", ["secret_sweep", "pod_exec"]), None);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
