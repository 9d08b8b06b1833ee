//! Nights: what `kubesift run` does, from the archive's paths to findings that are told once.
//!
//! # Which logs are read
//!
//! Those whose names speak of the window, and all that name no date. The window begins with the oldest date that was not
//! examined yet, less the grace, and ends now; so a night that was missed is caught up by the next run, and a file that
//! comes late is found as long as its date is within the grace. What was ingested is known by its content, so that
//! looking at a file again costs a look. A source that fails leaves the others alone.
//!
//! # Which dates are examined
//!
//! Those that are over and whose key changed. The key of a date is a hash of the names of its parts and one of the pack;
//! the lake keeps it in the commit that keeps the findings. So it does not matter why a date has other events than
//! when it was examined: late files, grown files, files of one date that hold events of another. Another pack examines
//! only the last days again ([`crate::config::Night::again_days`]). The date that is not over is left alone, because a
//! count that is still growing would be told every time; whoever wants it says `--until now`.
//!
//! Events whose clock was wrong lie under one date of their own, and are examined as if it were a day.
//!
//! # What period one examination covers
//!
//! Most detections put what an identity did into one finding per period, so the period decides what a finding is: its
//! first event is part of its id. A period that slides along with the clock would give the same attack another id every
//! night. So a date is always examined from midnight to midnight, whenever and however often that happens.
//!
//! That alone would miss what needs events from both sides of a midnight: 10 secrets before it and 10 after it, a token
//! minted on one day and used on the next. So the midnight before a date is examined too: the detections that relate
//! events to each other ([`reach`]) run over both days. Not over the hours around midnight: what a controller does every
//! hour looks rare there. Of what they find, that which a day alone shows was told already; `told` knows it by
//! its events, not by its id, since the first event and the counts of it may differ. What is left needed both days.
//! If a date changed, the midnight after it is examined again too.
//!
//! Longer attacks than two days, and those with more than a night between their steps, are for baselines, risk and
//! `kubesift detect` over a longer period.
//!
//! # Told once
//!
//! A finding is new if the lake keeps none of its id, and none of the same detection, actor, cluster and kind of object
//! that shares an event with it: a sweep that a late file makes longer is still that sweep. Audit ids alone prove
//! nothing, because clients choose them; the times must overlap too. What is new is handed out (exports) before it is kept:
//! a run that dies in between tells it twice rather than never.

mod examine;
mod logs;
mod plan;
mod reach;
mod session;
mod told;
mod turn;

pub use self::examine::{Examined, Examiner};
pub use self::logs::{Listed, Logs, find};
pub use self::plan::{Due, Why, Window, Wish, due, keys, pack_key, window};
pub use self::reach::reach;
pub use self::session::{Work, findings_session, session};
pub use self::turn::Turn;
