//! Wrappers around audit events, one file each. Today: `EventList`; those of clouds and log shippers come here.

pub(super) mod event_list;
