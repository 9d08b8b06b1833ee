//! One generated log in every wrapper that `generate` can write: the same events come out.

use kubesift::generate::{Attack, Wrapper, wrap};

use crate::rig::{Scratch, log};

/// What every envelope keeps of an event.
const KEPT: &[&str] = &["verb", "resource", "subresource", "namespace", "actor", "outcome"];

fn kept(name: &str, content: &[u8]) -> Vec<Vec<String>> {
    let scratch = Scratch::new();
    scratch.write(name, content);
    let account = scratch.account(name);
    assert_eq!((account.rejected(), account.duplicates), (0, 0), "{name}: {account:?}");
    let mut rows = scratch.cells(KEPT);
    rows.sort_unstable();
    rows
}

#[test]
fn every_wrapper_gives_the_events_of_the_log() {
    let log = log(600, &Attack::ALL);
    // some envelopes do not say whom somebody impersonates
    let told = |line: &&[u8]| !line.is_empty() && memchr::memmem::find(line, b"\"impersonatedUser\"").is_none();
    let lines: Vec<&[u8]> = log.split(|byte| *byte == b'\n').filter(told).collect();
    let native = kept("native.log", &lines.join(&b'\n'));
    assert_eq!(native.len(), lines.len());
    for wrapper in Wrapper::ALL {
        let mut wrapped = Vec::new();
        wrap(*wrapper, lines.iter().copied(), &mut wrapped).unwrap();
        assert_eq!(kept(&format!("{wrapper:?}.log"), &wrapped), native, "{wrapper:?}");
    }
}
