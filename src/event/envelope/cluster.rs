//! The name of a cluster as an envelope gives it, made into one that is safe wherever it goes.

use std::borrow::Cow;

use twox_hash::XxHash3_64;

use crate::schema::check_cluster;

/// Letters of a name that are kept where a mark must follow.
const KEPT: usize = 54;

/// The name in lowercase, or what is left of it without what may not stand in a name, and a mark, so that no two names
/// become one. `None` for an empty one.
pub(in crate::event) fn safe(name: &str) -> Option<Cow<'_, str>> {
    if check_cluster(name).is_ok() {
        return Some(Cow::Borrowed(name));
    }
    let lower = name.to_ascii_lowercase();
    if lower.is_empty() {
        return None;
    }
    if check_cluster(&lower).is_ok() {
        return Some(Cow::Owned(lower));
    }
    let is_kept = |letter: &char| letter.is_ascii_alphanumeric() || "._-".contains(*letter);
    let kept: String = lower.chars().map(|letter| if is_kept(&letter) { letter } else { '-' }).take(KEPT).collect();
    let kept = kept.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
    let kept = if kept.is_empty() { "cluster" } else { kept };
    let mark = XxHash3_64::oneshot(lower.as_bytes()) & 0xffff_ffff;
    Some(Cow::Owned(format!("{kept}-{mark:08x}")))
}
