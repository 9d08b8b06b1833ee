//! Events whose end a carrier cut off: CloudWatch at 256 KiB, container runtimes at 16 KiB, syslog wherever a packet ends.
//!
//! What stands before the cut is as certain as ever, so the event is closed behind its last whole member. What may have
//! stood behind it is told by the order in which an API server writes the members.

use super::MEMBERS;

/// What carriers write where they cut.
const MARKS: [&[u8]; 3] = [b"[Truncated...]", b"...TRUNCATED", b"...truncated"];

/// Whether the text ends with what a carrier writes where it cuts.
pub(in crate::event) fn is_marked(text: &[u8]) -> bool {
    MARKS.iter().any(|mark| text.ends_with(mark))
}

/// The object that `text` begins, up to its last whole member. `None` where it has none, or where it is not cut but
/// wrong: closed, and something else behind it.
pub(in crate::event) fn closed(text: &[u8]) -> Option<Vec<u8>> {
    let text = MARKS.iter().find_map(|mark| text.strip_suffix(*mark)).unwrap_or(text);
    let (mut depth, mut in_string, mut escaped, mut whole) = (0_usize, false, false, None);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1).filter(|depth| *depth > 0)?,
            b',' if depth == 1 => whole = Some(at),
            _ => {}
        }
    }
    let mut closed = text[..whole?].to_vec();
    closed.push(b'}');
    Some(closed)
}

/// The members that may have stood behind the last of those of which `is_there` holds, separated by commas.
pub(in crate::event) fn lost(is_there: impl Fn(&str) -> bool) -> String {
    let last = MEMBERS.len() - 1;
    let behind = MEMBERS[..last].iter().rposition(|member| is_there(member)).map_or(0, |at| at + 1);
    MEMBERS[behind..].iter().copied().filter(|member| !is_there(member)).collect::<Vec<_>>().join(",")
}
