//! Wrappers around audit events, one file each. Today: `EventList`; those of clouds and log shippers come here.

pub(super) mod event_list;
// called by the envelopes that come here
#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "no envelope calls it yet"))]
pub(super) mod rebuild;
