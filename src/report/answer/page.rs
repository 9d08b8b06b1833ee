//! The report as one HTML page: the parts of the findings' page and of the dossier's in the order of the questions.

use minijinja::context;
use minijinja::value::Value;

use super::super::dossier::page as pictures;
use super::super::dossier::sections::{self, LEAST, NEEDED, NOTES, Section};
use super::super::review::Reading;
use super::super::{html, pages};
use super::{Answer, verdict};
use crate::error::Result;
use crate::limits::DOSSIER_SHOWN_MAX;

/// The page.
pub(super) fn page(answer: &Answer<'_>) -> Result<String> {
    let dossier = answer.dossier.as_ref();
    let rotate = dossier.map(|dossier| sections::rotate_tables(&dossier.rotate, DOSSIER_SHOWN_MAX));
    let rotate: Vec<_> = rotate.unwrap_or_default().into_iter().filter(Section::has_any).collect();
    let evidence = dossier.map(|dossier| sections::evidence(dossier, DOSSIER_SHOWN_MAX)).unwrap_or_default();
    let notes = dossier.map(|dossier| [&dossier.rotate.notes[..], &dossier.notes].concat()).unwrap_or_default();
    let base = html::values(&answer.report, &answer.explanations);
    let values = context! {
        verdict => verdict::title(answer),
        lines => verdict::lines(answer),
        contents => contents(&rotate, &evidence),
        rotate => pictures::shown(&rotate, "rotate"),
        evidence => pictures::shown(&evidence, "evidence"),
        notes,
        bars => dossier.and_then(|dossier| pictures::bars(&dossier.hours)),
        graph => dossier.and_then(|dossier| pictures::graph(&dossier.rotate)),
        review => answer.review.as_ref().map(Reading::drawn),
        commands => answer.commands.iter().map(|command| pages::whole(command)).collect::<Vec<_>>(),
        ..base
    };
    pages::page("answer.html", values)
}

/// What the page leads to from its head: of what it tells identity by identity, the first.
fn contents(rotate: &[Section], evidence: &[Section]) -> Vec<Value> {
    let link = |id: &str, title: &str| context! { id, title };
    let part = |start: &'static str| {
        move |(index, section): (usize, &Section)| link(&format!("{start}-{index}"), &section.title)
    };
    let needed = evidence.iter().position(|section| section.title.starts_with(NEEDED));
    let is_listed = |(index, section): &(usize, &Section)| {
        section.title != NOTES && !section.title.starts_with(LEAST) && !section.title.starts_with(NEEDED)
            || needed == Some(*index)
    };
    let mut links: Vec<Value> = rotate.iter().enumerate().map(part("rotate")).collect();
    links.push(link("findings", "findings"));
    links.extend(evidence.iter().enumerate().filter(is_listed).map(part("evidence")));
    links.extend([link("silent", "what could not be seen"), link("sources", "what was read")]);
    links
}
