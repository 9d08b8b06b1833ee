//! A language model's reading of a report: what it said, by which findings, and what of it was left out. It is shown
//! apart from what the log says, and what it is stands above it.

use minijinja::context;
use minijinja::value::Value;
use serde::Serialize;

use super::escape::{cut, terminal};
use super::human::plural;
use super::markdown::{code, plain};
use crate::limits::CELL_CHARS_MAX;

/// What stands above every reading.
pub const NOTICE: &str = "This is a language model's reading of the findings, not evidence: it may be wrong, and \
                          nothing above depends on it. It was told no names; they were put back here. Check each \
                          statement by the findings that it cites.";

/// What came of asking for a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    /// The model answered.
    Done(Review),
    /// It did not, and why, in one lowercase sentence: the report stands without it.
    Failed(String),
}

/// What a model said of a report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Review {
    /// The model, as the user named it.
    pub model: String,
    /// The host that was asked.
    pub endpoint: String,
    /// What it said, in its order.
    pub statements: Vec<Statement>,
    /// Findings that it was told of.
    pub sent: usize,
    /// Quieter findings that it was not told of.
    pub unsent: usize,
    /// What of its answer is not shown.
    pub dropped: Dropped,
}

/// A statement and the findings that it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// Its words, and between them the names that were put back.
    pub parts: Vec<Part>,
    /// The ids of the findings that it cites, at least one.
    pub findings: Vec<String>,
}

/// A piece of a statement. Both are untrusted text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Words of the model.
    Words(String),
    /// A name of the log, or the id of a finding, where the model wrote its stand-in.
    Name(String),
}

impl Part {
    /// Its text, whichever it is.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Words(text) | Self::Name(text) => text,
        }
    }
}

/// What of an answer is not shown, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Dropped {
    /// Statements that cited no finding that was sent.
    pub uncited: usize,
    /// Statements that spoke of a name that was never sent.
    pub strange: usize,
    /// Statements without text, or not in the form that was asked for.
    pub malformed: usize,
    /// Statements beyond the most that are shown.
    pub beyond: usize,
    /// Citations of findings that were never sent, all statements together.
    pub citations: usize,
}

impl Dropped {
    /// What was left out, in sentences; none if nothing was.
    fn sentences(self) -> Vec<String> {
        let statements = |n: usize| plural(n as u64, "statement", "statements");
        let was = |n: usize| if n == 1 { "was" } else { "were" };
        let line = |n: usize, why: &str| (n > 0).then(|| format!("{} {} left out: {why}", statements(n), was(n)));
        let citations = plural(self.citations as u64, "citation", "citations");
        [
            line(self.uncited, "no finding that it was told of is cited"),
            line(self.strange, "a name in it was never told"),
            line(self.malformed, "not in the form that was asked for"),
            line(self.beyond, "beyond the most that are shown"),
            (self.citations > 0)
                .then(|| format!("{citations} of findings that do not exist {} left out", was(self.citations))),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Reading {
    /// What to say beside the statements, in sentences: who was asked and of what, and what was left out; or why there
    /// is no reading.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let review = match self {
            Self::Failed(why) => return vec![format!("there is no reading by a model: {why}")],
            Self::Done(review) => review,
        };
        let sent = plural(review.sent as u64, "finding", "findings");
        let asked = format!("{} at {} was told of {sent}", review.model, review.endpoint);
        let mut notes = vec![match review.unsent {
            0 => asked,
            unsent => format!("{asked}, the loudest, and not of {} more", super::human::count(unsent as u64)),
        }];
        if review.statements.is_empty() {
            notes.push("it said nothing that rests on a finding".to_owned());
        }
        notes.extend(review.dropped.sentences());
        notes
    }

    /// The statements; none if there is no reading.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        match self {
            Self::Done(review) => &review.statements,
            Self::Failed(_) => &[],
        }
    }

    /// What the part `review.html` of a page draws, under the name `review`.
    #[must_use]
    pub fn drawn(&self) -> Value {
        let part = |part: &Part| context! { text => part.text(), is_name => matches!(part, Part::Name(_)) };
        let statements = self.statements().iter().map(|statement| {
            context! {
                parts => statement.parts.iter().map(part).collect::<Vec<_>>(),
                findings => statement.findings.clone(),
            }
        });
        context! {
            notice => matches!(self, Self::Done(_)).then_some(NOTICE),
            statements => statements.collect::<Vec<_>>(),
            notes => self.notes(),
        }
    }

    /// The section as GitHub Markdown, without its heading. Names are code spans, and the model's words are text
    /// whatever they say.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        if let Self::Done(_) = self {
            text += &format!("> {}\n\n", plain(NOTICE));
        }
        for statement in self.statements() {
            let parts = statement.parts.iter().map(|part| match part {
                Part::Words(words) => unlinked(&plain(words)),
                Part::Name(name) => code(name),
            });
            let cited: Vec<String> = statement.findings.iter().map(|id| code(id)).collect();
            text += &format!("- {} ({})\n", parts.collect::<String>().trim(), cited.join(", "));
        }
        if !self.statements().is_empty() {
            text.push('\n');
        }
        let notes: Vec<String> = self.notes().iter().map(|note| unlinked(&plain(note))).collect();
        text + &notes.join("\n\n") + "\n"
    }
}

/// GitHub links bare addresses and mentions by itself; an entity in them keeps it from that and looks the same.
fn unlinked(text: &str) -> String {
    text.replace("://", "&#58;//").replace('@', "&#64;").replace("www.", "www&#46;")
}

impl Statement {
    /// The statement as one line for a terminal, names in quotes.
    #[must_use]
    pub fn line(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Words(words) => terminal(words).into_owned(),
            Part::Name(name) => format!("\u{201c}{}\u{201d}", terminal(&cut(name, CELL_CHARS_MAX))),
        });
        parts.collect::<String>().trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review() -> Review {
        Review {
            model: "some-model".to_owned(),
            endpoint: "llm.example.com".to_owned(),
            statements: vec![Statement {
                parts: vec![
                    Part::Words("<script>x</script> see https://example.com and ".to_owned()),
                    Part::Name("a`b|<i>\u{202e}".to_owned()),
                    Part::Words(" @team".to_owned()),
                ],
                findings: vec!["3f9c".to_owned()],
            }],
            sent: 1,
            ..Review::default()
        }
    }

    #[test]
    fn markup_and_links_of_a_model_are_text() {
        let text = Reading::Done(review()).markdown();
        assert!(
            text.contains("- &lt;script&gt;x&lt;/script&gt; see https&#58;//example.com and ``a`b\\|<i>\\u{202e}``")
        );
        assert!(text.contains(" &#64;team (`3f9c`)\n"), "{text}");
        assert!(text.starts_with("> This is a language model's reading"), "{text}");
        assert!(!text.contains('\u{202e}') && !text.contains("<script"));
        let line = review().statements[0].line();
        assert!(line.contains("\u{201c}a`b|<i>\\u{202e}\u{201d}"), "{line}");
    }

    #[test]
    fn on_a_page_a_model_has_no_markup_of_its_own() {
        let draw = |reading: &Reading| super::super::pages::page("review.html", context! { review => reading.drawn() });
        let page = draw(&Reading::Done(review())).unwrap();
        assert!(page.contains("&lt;script&gt;x&lt;&#x2f;script&gt; see https:"), "{page}");
        assert!(
            page.contains("<code>a`b|&lt;i&gt;\\u{202e}</code> @team <span class=\"soft\">(<code>3f9c</code>)"),
            "{page}"
        );
        assert!(page.contains("<p class=\"caveats\">This is a language model"), "{page}");
        assert!(!page.contains("<script") && !page.contains("<a "), "{page}");
        let page = draw(&Reading::Failed("the model refused: <b>no</b>".to_owned())).unwrap();
        assert!(page.contains("the model refused: &lt;b&gt;no") && !page.contains("caveats"), "{page}");
    }

    #[test]
    fn what_was_left_out_is_told() {
        assert_eq!(Reading::Done(review()).notes(), ["some-model at llm.example.com was told of 1 finding"]);
        let dropped = Dropped { uncited: 2, citations: 1, strange: 1, malformed: 3, beyond: 4 };
        let notes = Reading::Done(Review { dropped, unsent: 7, statements: Vec::new(), ..review() }).notes();
        assert_eq!(
            notes,
            [
                "some-model at llm.example.com was told of 1 finding, the loudest, and not of 7 more",
                "it said nothing that rests on a finding",
                "2 statements were left out: no finding that it was told of is cited",
                "1 statement was left out: a name in it was never told",
                "3 statements were left out: not in the form that was asked for",
                "4 statements were left out: beyond the most that are shown",
                "1 citation of findings that do not exist was left out",
            ]
        );
    }

    #[test]
    fn a_failure_says_why_there_is_no_reading() {
        let failed = Reading::Failed("the model refused".to_owned());
        assert_eq!(failed.markdown(), "there is no reading by a model: the model refused\n");
        assert!(failed.statements().is_empty());
    }
}
