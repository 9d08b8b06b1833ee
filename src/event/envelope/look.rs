//! Looking into an object of a wrapper. As everywhere, a key that stands twice in an object is refused and not chosen from.

use super::Inner;
use crate::event::document::{Document, Field};
use crate::event::parse::DUPLICATE;
use crate::event::parse::Rejected;
use crate::event::time;

/// An element of an array, and its text.
type Element<'a> = (Look<'a>, &'a [u8]);

/// One value of a document.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) document: Document<'a>,
    /// Its position on the tape.
    pub(super) at: usize,
}

impl<'a> Look<'a> {
    /// The whole document.
    pub(super) fn top(document: &Document<'a>) -> Self {
        Self { document: *document, at: 0 }
    }

    fn of(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// The one member named `key`.
    pub(super) fn field(self, key: &str) -> Result<Option<Field<'a>>, Rejected> {
        let mut found = self.document.fields(self.at).filter(|field| field.key == key);
        let first = found.next();
        if found.next().is_some() { Err(DUPLICATE) } else { Ok(first) }
    }

    /// The member named `key`.
    pub(super) fn get(self, key: &str) -> Result<Option<Self>, Rejected> {
        Ok(self.field(key)?.map(|field| self.of(field.value)))
    }

    /// The member at the end of a way of keys.
    pub(super) fn path(self, keys: &[&str]) -> Result<Option<Self>, Rejected> {
        let mut found = Some(self);
        for key in keys {
            found = match found {
                Some(look) => look.get(key)?,
                None => None,
            };
        }
        Ok(found)
    }

    /// The text at the end of a way of keys.
    pub(super) fn text(self, keys: &[&str]) -> Result<Option<&'a str>, Rejected> {
        Ok(self.path(keys)?.and_then(Self::as_text))
    }

    pub(super) fn as_text(self) -> Option<&'a str> {
        self.document.text(self.at)
    }

    pub(super) fn is_object(self) -> bool {
        self.document.is_object(self.at)
    }

    pub(super) fn is_array(self) -> bool {
        self.document.is_array(self.at)
    }

    /// The elements of an array; none if it is not one.
    pub(super) fn elements(self) -> impl Iterator<Item = Self> {
        self.document.elements(self.at).map(move |at| self.of(at))
    }

    /// The elements of the array that is the member `key`, each with its text; `None` where it is no array.
    pub(super) fn list(self, key: &str) -> Result<Option<Vec<Element<'a>>>, Rejected> {
        let Some(field) = self.field(key)?.filter(|field| self.document.is_array(field.value)) else { return Ok(None) };
        let texts = self.document.items(field.value, self.document.value_start(&field));
        Ok(Some(self.of(field.value).elements().zip(texts).collect()))
    }

    /// What the member `key` wraps: a text, or an object as it stands.
    pub(super) fn payload(self, key: &str) -> Result<Option<Inner<'a>>, Rejected> {
        Ok(self.field(key)?.and_then(|field| match self.document.text(field.value) {
            Some(text) => Some(Inner::Text(text)),
            None if self.document.is_object(field.value) => Some(Inner::Json(self.document.value_of(&field))),
            None => None,
        }))
    }

    /// The time at `keys`, in microseconds since 1970: RFC 3339, or a number in whatever unit makes it a time of today.
    pub(super) fn time(self, keys: &[&str]) -> Result<Option<i64>, Rejected> {
        let Some(found) = self.path(keys)? else { return Ok(None) };
        let number = self.document.number(found.at);
        let text = found.as_text();
        let of_text = |text: &str| time::micros(text).or_else(|| epoch(text.parse().ok()?));
        Ok(number.and_then(epoch).or_else(|| text.and_then(of_text)))
    }

    /// The text of the attribute named `key` among those of an OTLP record or resource.
    pub(super) fn attribute(self, key: &str) -> Result<Option<&'a str>, Rejected> {
        let Some(list) = self.get("attributes")? else { return Ok(None) };
        let is_it = |one: &Self| one.text(&["key"]).ok().flatten() == Some(key);
        list.elements().find(is_it).map_or(Ok(None), |one| one.text(&["value", "stringValue"]))
    }
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, by size.
#[expect(clippy::cast_possible_truncation, reason = "any of them is far below 2^63 once it is microseconds")]
fn epoch(number: f64) -> Option<i64> {
    const SECONDS: std::ops::Range<f64> = 1e8..1e11;
    let scale = [1e6, 1e3, 1.0, 1e-3];
    scale
        .into_iter()
        .map(|scale| number * scale)
        .find(|micros| SECONDS.contains(&(micros / 1e6)))
        .map(|time| time as i64)
}
