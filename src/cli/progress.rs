//! A progress bar on a terminal, silence in a pipe.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::ingest::Watch;
use crate::report::human;

const REDRAW_EVERY: Duration = Duration::from_millis(100);

/// A bar that is drawn until it is dropped.
pub(super) struct Progress {
    done: Arc<AtomicBool>,
    drawer: Option<JoinHandle<()>>,
}

impl Progress {
    /// Shows how much of `file_bytes` was read.
    pub(super) fn of_reading(watch: &Arc<Watch>, file_bytes: u64, quiet: bool) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        if quiet || !std::io::stderr().is_terminal() {
            return Self { done, drawer: None };
        }
        let (watch, is_done) = (Arc::clone(watch), Arc::clone(&done));
        let drawer = std::thread::spawn(move || {
            let bar = ProgressBar::new(file_bytes);
            let style = "{bar:30} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {msg}, {eta} left";
            bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
            while !is_done.load(Ordering::Relaxed) {
                bar.set_position(watch.file_bytes.load(Ordering::Relaxed));
                let lines = watch.lines.load(Ordering::Relaxed);
                let per_second = lines as f64 / bar.elapsed().as_secs_f64().max(0.001);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate for the eye")]
                bar.set_message(format!("{} events/s", human::count(per_second as u64)));
                std::thread::park_timeout(REDRAW_EVERY);
            }
            bar.finish_and_clear();
        });
        Self { done, drawer: Some(drawer) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(drawer) = self.drawer.take() {
            drawer.thread().unpark();
            let _ = drawer.join();
        }
    }
}
