//! The dossier as one HTML page. Pictures show what people would rather look at than read; the tables below them have
//! every row.

use std::collections::BTreeMap;

use minijinja::context;
use minijinja::value::Value;

use super::super::escape::{cut, terminal};
use super::super::human::{count, plural, seconds, time};
use super::super::pages;
use super::sections::{self, NOTES, Section};
use super::{Dossier, Hour, Rotate};
use crate::error::Result;
use crate::limits::DOSSIER_SHOWN_MAX;

/// Rows up to which a table is drawn open.
const OPEN_ROWS_MAX: usize = 15;
/// Bars of the picture of activity; more hours share one.
const BARS_MAX: i64 = 120;
/// Bars that there is room for at least, so that a single one is not as wide as the page.
const BARS_MIN: i64 = 12;
/// Height of the tallest bar, in pixels; the template knows it too.
const BAR_HEIGHT: u64 = 110;
/// Ticks below the bars.
const TICKS_MAX: i64 = 5;
/// Identities, and secrets, in the picture of who has what.
const READERS_DRAWN_MAX: usize = 10;
const SECRETS_DRAWN_MAX: usize = 25;
/// Characters of a name in that picture.
const NAME_CHARS_MAX: usize = 48;
/// Height of a line of it, in pixels.
const LINE: usize = 20;
const HOUR: i64 = 3_600_000_000;

/// The page.
pub(super) fn page(dossier: &Dossier) -> Result<String> {
    let all = sections::all(dossier, DOSSIER_SHOWN_MAX);
    let (first, rest) = all.split_first().map_or((None, &[][..]), |(first, rest)| (Some(first), rest));
    let caveats: Vec<String> = dossier.rotate.notes.iter().chain(&dossier.notes).cloned().collect();
    let values = context! {
        title => first.map(|section| section.title.clone()),
        lines => first.map(|section| section.lines.clone()),
        caveats => caveats,
        bars => bars(&dossier.hours),
        graph => graph(&dossier.rotate),
        sections => shown(rest, "part"),
        commands => dossier.commands.iter().map(|command| pages::whole(command)).collect::<Vec<_>>(),
    };
    pages::page("dossier.html", values)
}

/// Sections as the template draws them, with ids that begin so.
pub(in crate::report) fn shown(sections: &[Section], start: &str) -> Vec<Value> {
    let shown = sections.iter().filter(|section| section.title != NOTES).enumerate();
    shown.map(|(index, one)| section(one, &format!("{start}-{index}"))).collect()
}

fn section(section: &Section, id: &str) -> Value {
    let column = |column: &sections::Column| context! { title => column.title, right => column.right };
    context! {
        id,
        title => &section.title,
        lines => &section.lines,
        code => &section.code,
        columns => section.columns.iter().map(column).collect::<Vec<_>>(),
        rows => &section.rows,
        more => section.more,
        folded => section.rows.len() > OPEN_ROWS_MAX,
    }
}

/// The subject's events by hour over the hours of the log; `None` where it has none. Positions are percent of the
/// width, so that the picture fits a phone.
pub(in crate::report) fn bars(hours: &[Hour]) -> Option<Value> {
    let own: Vec<&Hour> = hours.iter().filter(|hour| hour.own > 0).collect();
    // around what the subject did, not around a year of log
    let (first, last) = (own.iter().map(|hour| hour.hour).min()?, own.iter().map(|hour| hour.hour).max()?);
    let span = last.saturating_sub(first) / HOUR + 1;
    let step = (span.saturating_sub(1) / BARS_MAX + 1).saturating_mul(HOUR);
    let slots = last.saturating_sub(first) / step + 1;
    let mut sums: BTreeMap<i64, (u64, u64, u64, u64)> = BTreeMap::new();
    for hour in hours.iter().filter(|hour| (first..=last).contains(&hour.hour)) {
        let sum = sums.entry((hour.hour - first) / step).or_default();
        (sum.0, sum.1, sum.2, sum.3) =
            (sum.0 + hour.events, sum.1 + hour.own, sum.2 + hour.secrets, sum.3 + hour.denied);
    }
    let most = sums.values().map(|sum| sum.1).max()?.max(1);
    let room = slots.max(BARS_MIN) as f64;
    let x = |slot: i64| format!("{:.3}%", slot as f64 * 100.0 / room);
    // what there is at all is seen
    let height = |n: u64| if n == 0 { 0 } else { (n * BAR_HEIGHT / most).max(2) };
    let bar = |(slot, (_, own, secrets, denied)): (&i64, &(u64, u64, u64, u64))| {
        let title = format!(
            "{} UTC: {}, {} for Secrets, {} denied",
            seconds(first + slot * step),
            plural(*own, "event", "events"),
            count(*secrets),
            count(*denied)
        );
        context! { x => x(*slot), all => height(*own), secrets => height(*secrets), denied => height(*denied), title }
    };
    let silent = (0..slots).filter(|slot| sums.get(slot).is_none_or(|sum| sum.0 == 0));
    let width = format!("{:.3}%", 80.0 / room);
    let each = (slots - 1) / TICKS_MAX + 1;
    let tick = |slot: i64| {
        let middle = format!("{:.3}%", (slot as f64 + 0.4) * 100.0 / room);
        let at = |format| time(first + slot * step, format);
        context! { x => middle, hour => at("%H:%M"), day => at("%b %-d") }
    };
    Some(context! {
        bars => sums.iter().filter(|(_, sum)| sum.1 > 0).map(bar).collect::<Vec<_>>(),
        gaps => silent.map(|slot| context! { x => x(slot), width => x(1) }).collect::<Vec<_>>(),
        ticks => (0..slots).filter(|slot| slot % each == each / 2).map(tick).collect::<Vec<_>>(),
        most => count(most),
        width => width,
    })
}

/// Identities on the left, secrets on the right; `None` where no secret came into anybody's hands.
pub(in crate::report) fn graph(rotate: &Rotate) -> Option<Value> {
    let secrets = &rotate.secrets;
    let drawn = &secrets[..secrets.len().min(SECRETS_DRAWN_MAX)];
    let mut readers: Vec<&str> = Vec::new();
    let mut edges = Vec::new();
    for (place, secret) in drawn.iter().enumerate() {
        for reader in &secret.readers {
            let known = readers.iter().position(|name| *name == reader.actor);
            if known.is_none() && readers.len() == READERS_DRAWN_MAX {
                continue;
            }
            let from = known.unwrap_or_else(|| {
                readers.push(&reader.actor);
                readers.len() - 1
            });
            let sure = reader.how.iter().any(|how| !matches!(how.as_str(), "listed" | "watched" | "deleted"));
            edges.push((from, place, sure));
        }
    }
    if edges.is_empty() {
        return None;
    }
    let height = drawn.len().max(readers.len()) * LINE;
    let y = |place: usize, of: usize| height * (2 * place + 1) / (2 * of.max(1));
    let short = |name: &str| terminal(&cut(name, NAME_CHARS_MAX)).into_owned();
    // the beginning of an account's name says nothing that its kind of name does not
    let account = |name: &str| short(name.strip_prefix("system:serviceaccount:").unwrap_or(name));
    let names = readers.iter().map(|name| if name.is_empty() { "(nobody named)".to_owned() } else { account(name) });
    let secret_names = drawn.iter().map(|secret| short(&format!("{}/{}", secret.namespace, secret.name)));
    let edge = |(from, to, sure): (usize, usize, bool)| {
        context! { from => y(from, readers.len()), to => y(to, drawn.len()), sure }
    };
    Some(context! {
        readers => names.collect::<Vec<_>>(),
        secrets => secret_names.collect::<Vec<_>>(),
        edges => edges.into_iter().map(edge).collect::<Vec<_>>(),
        more => secrets.len() - drawn.len(),
        height,
    })
}
