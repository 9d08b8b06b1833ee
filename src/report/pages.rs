//! HTML pages: self-contained, without script, nothing loaded, readable on a phone and on paper.
//!
//! Escaping has one place: the formatter of [`environment`]. Every text is cut, its hidden characters made visible, and
//! its markup escaped there; log text stands between tags only, never inside one.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior, escape_formatter};

use super::escape::{cut, terminal};
use crate::error::{Error, Result};
use crate::limits::CELL_CHARS_MAX;

/// The pages and the parts that they share. By the end of a name minijinja knows what to escape.
const TEMPLATES: &[(&str, &str)] = &[
    ("style.css", include_str!("pages/style.css")),
    ("frame.html", include_str!("pages/frame.html")),
    ("report.html", include_str!("pages/report.html")),
    ("dossier.html", include_str!("pages/dossier.html")),
    ("answer.html", include_str!("pages/answer.html")),
    ("header.html", include_str!("pages/header.html")),
    ("when.html", include_str!("pages/when.html")),
    ("tactics.html", include_str!("pages/tactics.html")),
    ("risks.html", include_str!("pages/risks.html")),
    ("findings.html", include_str!("pages/findings.html")),
    ("review.html", include_str!("pages/review.html")),
    ("silent.html", include_str!("pages/silent.html")),
    ("sources.html", include_str!("pages/sources.html")),
    ("activity.html", include_str!("pages/activity.html")),
    ("graph.html", include_str!("pages/graph.html")),
    ("sections.html", include_str!("pages/sections.html")),
    ("commands.html", include_str!("pages/commands.html")),
];

/// The page of that name, filled in.
pub(super) fn page(name: &str, values: Value) -> Result<String> {
    let drawn = environment().and_then(|environment| environment.get_template(name)?.render(values));
    drawn.map_err(|error| Error::Internal(format!("drawing {name}: {error:#}")))
}

/// A text in pieces that are not cut, for what is pasted whole: it must be bounded by whoever wrote it.
pub(super) fn whole(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(CELL_CHARS_MAX).map(|piece| piece.iter().collect()).collect()
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_debug(false);
    environment.set_formatter(|out, state, value| match value.as_str() {
        Some(text) => {
            let visible = terminal(&cut(text, CELL_CHARS_MAX)).into_owned();
            escape_formatter(out, state, &Value::from(visible))
        }
        None => escape_formatter(out, state, value),
    });
    for (name, text) in TEMPLATES {
        environment.add_template(name, text)?;
    }
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_whole_and_still_text() {
        let command = "kubesift sql \"<b>".to_owned() + &"é".repeat(2 * CELL_CHARS_MAX);
        let drawn = page("commands.html", minijinja::context! { commands => [whole(&command)] }).unwrap();
        let text = drawn.split("<code>").nth(1).and_then(|rest| rest.split("</code>").next()).unwrap();
        assert_eq!(text, command.replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"));
    }

    #[test]
    fn nothing_is_loaded_and_nothing_runs() {
        for (name, text) in TEMPLATES {
            for word in [
                "<script",
                "<link",
                "<img",
                "<iframe",
                "@import",
                "url(",
                "://",
                "javascript:",
                "|safe",
                "| safe",
                "autoescape",
            ] {
                assert!(!text.contains(word), "{name}: {word}");
            }
        }
        let policies = TEMPLATES.iter().filter(|(_, text)| text.contains("default-src 'none'"));
        assert_eq!(policies.map(|(name, _)| *name).collect::<Vec<_>>(), ["frame.html"]);
    }
}
