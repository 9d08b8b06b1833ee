//! One measurement in a process of its own, so that its peak of memory is its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

const FLAG: &str = "--measure";

/// What a child measured, by name.
pub(crate) type Measured = BTreeMap<String, f64>;

/// Where this process is such a child: measures with `work`, which gets the name of the measurement and a path, and
/// prints what it says together with the peak of memory (`peak_mib`).
///
/// # Panics
///
/// Where the work fails.
pub(crate) fn serve(work: impl FnOnce(&str, &Path) -> kubesift::error::Result<Measured>) -> bool {
    let args: Vec<String> = env::args().collect();
    let [_, flag, what, path] = &args[..] else { return false };
    if flag != FLAG {
        return false;
    }
    let mut measured = work(what, Path::new(path)).unwrap_or_else(|error| panic!("{what}: {error}"));
    measured.insert("peak_mib".to_owned(), peak_mib());
    println!("{}", serde_json::to_string(&measured).expect("figures are finite"));
    true
}

/// Runs a measurement `rounds` times, each in a new process: the least of each figure, the most of memory.
///
/// # Panics
///
/// Where a child fails.
pub(crate) fn best(rounds: usize, what: &str, path: &Path) -> Measured {
    let mut best = Measured::new();
    for _ in 0..rounds {
        let mut command = Command::new(env::current_exe().expect("it is running"));
        let output = command.args([FLAG, what]).arg(path).stderr(Stdio::inherit()).output().expect("it starts");
        assert!(output.status.success(), "{what}: {}", output.status);
        let measured: Measured = serde_json::from_slice(&output.stdout).expect("serve wrote it");
        for (name, value) in measured {
            let most = name == "peak_mib";
            let kept = best.entry(name).or_insert(value);
            *kept = if most { kept.max(value) } else { kept.min(value) };
        }
    }
    best
}

/// The most memory that this process ever held, in MiB; 0 where the system does not tell.
fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}
