//! SIGINT and SIGTERM: the first asks the run to stop and clean up, the second ends the process at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::error::{Error, Result};
use crate::ingest::Watch;

/// Writes the number of the first signal into `watch`.
pub(super) fn listen(watch: &Arc<Watch>) -> Result<()> {
    let fail = |error| Error::Internal(format!("signals cannot be received: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(fail)?;
    let watch = Arc::clone(watch);
    std::thread::spawn(move || {
        for signal in &mut signals {
            if watch.signal.swap(signal, Ordering::Relaxed) != 0 {
                let _ = emulate_default_handler(signal);
            }
        }
    });
    Ok(())
}
