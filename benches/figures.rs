//! Figures of one run: printed as they come, saved as a baseline, compared with one.
//!
//! Absolute times change from machine to machine and from hour to hour; a figure that is a ratio to a floor of the
//! same run is the one to compare.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;
use std::{env, fs};

/// How often each measurement is made; the best counts.
pub(crate) const ROUNDS: usize = 3;

/// The figures of one bench, by name.
pub(crate) struct Figures {
    bench: &'static str,
    values: BTreeMap<String, f64>,
    baseline: Option<BTreeMap<String, f64>>,
    save_as: Option<String>,
}

impl Figures {
    /// Reads `--save NAME` and `--compare NAME`. `None` without `--bench`: `cargo test --all-targets` runs benches too,
    /// to see that they start.
    ///
    /// # Panics
    ///
    /// Where the baseline to compare with is not there.
    pub(crate) fn from_args(bench: &'static str) -> Option<Self> {
        let args: Vec<String> = env::args().collect();
        let after = |flag: &str| args.iter().skip_while(|arg| *arg != flag).nth(1).cloned();
        args.iter().any(|arg| arg == "--bench").then(|| Self {
            bench,
            values: BTreeMap::new(),
            baseline: after("--compare").map(|name| read(bench, &name)),
            save_as: after("--save"),
        })
    }

    /// Prints a figure and keeps it.
    pub(crate) fn put(&mut self, name: &str, value: f64, unit: &str) {
        let before = self.baseline.as_ref().and_then(|baseline| baseline.get(name));
        let change = before.map_or(String::new(), |before| format!("   {:+.1} %", (value / before - 1.0) * 100.0));
        println!("{name:<44} {value:>10.3} {unit}{change}");
        self.values.insert(name.to_owned(), value);
    }

    /// Saves the figures where `--save` says so.
    ///
    /// # Panics
    ///
    /// Where they cannot be written.
    pub(crate) fn save(&self) {
        let Some(name) = &self.save_as else { return };
        let path = path(self.bench, name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder can be made");
        fs::write(&path, serde_json::to_string_pretty(&self.values).expect("figures are finite"))
            .expect("it is written");
        println!("saved as the baseline {name:?}");
    }
}

fn path(bench: &str, name: &str) -> PathBuf {
    env::current_dir().expect("cargo sets it").join("target/baselines").join(format!("{bench}-{name}.json"))
}

fn read(bench: &str, name: &str) -> BTreeMap<String, f64> {
    let text = fs::read_to_string(path(bench, name));
    let text = text.unwrap_or_else(|error| panic!("baseline {name:?} of {bench}: {error}; make it with --save {name}"));
    serde_json::from_str(&text).expect("baselines are written by save")
}

/// Seconds that `work` took, and what it gave.
pub(crate) fn seconds<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let begun = Instant::now();
    let result = std::hint::black_box(work());
    (begun.elapsed().as_secs_f64(), result)
}

/// How many events to generate: `KUBESIFT_BENCH_EVENTS`, or what the bench finds enough.
///
/// # Panics
///
/// Where the variable is no number.
pub(crate) fn events(default: u64) -> u64 {
    env::var("KUBESIFT_BENCH_EVENTS").map_or(default, |text| text.parse().expect("KUBESIFT_BENCH_EVENTS is a number"))
}
