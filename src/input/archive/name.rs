//! Names of members, made safe to show: they are only names, nothing is ever written under them.

use std::collections::{HashMap, HashSet};

use crate::limits;

/// Gives each member of one archive a name of its own.
pub(super) struct Names {
    archive: String,
    taken: HashSet<String>,
    /// How often a name was asked for.
    asked: HashMap<String, usize>,
}

impl Names {
    pub(super) fn of(archive: &str) -> Self {
        Self { archive: archive.to_owned(), taken: HashSet::new(), asked: HashMap::new() }
    }

    /// The name of the member that the archive calls `name`: `archive.tar!/folder/audit.log`, with `#2` where it is the
    /// second of that name.
    pub(super) fn give(&mut self, name: &[u8]) -> String {
        let clean = clean(name);
        let mut full = format!("{}!/{clean}", self.archive);
        if self.taken.contains(&full) {
            let asked = self.asked.entry(clean).or_insert(1);
            let base = full;
            full = loop {
                *asked += 1;
                let full = format!("{base}#{asked}");
                if !self.taken.contains(&full) {
                    break full;
                }
            };
        }
        self.taken.insert(full.clone());
        full
    }
}

/// Without a root and `.`; `..` and control characters are replaced, and only the end of a long name is kept.
fn clean(name: &[u8]) -> String {
    let name = &name[name.len().saturating_sub(limits::MEMBER_NAME_BYTES_MAX)..];
    let text = String::from_utf8_lossy(name);
    let printable = |char: char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char };
    let parts = text.split('/').filter(|part| !matches!(*part, "" | "."));
    let parts: Vec<String> =
        parts.map(|part| if part == ".." { "__".to_owned() } else { part.chars().map(printable).collect() }).collect();
    if parts.is_empty() { "unnamed".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_only_names() {
        let cases: &[(&[u8], &str)] = &[
            (b"a/b.log", "a/b.log"),
            (b"./a//b.log", "a/b.log"),
            (b"/etc/passwd", "etc/passwd"),
            (b"../../a", "__/__/a"),
            (b"a\x1b[2J\n.log", "a\u{fffd}[2J\u{fffd}.log"),
            (b"a\xff.log", "a\u{fffd}.log"),
            (b"", "unnamed"),
            (b"./", "unnamed"),
            (b"c:\\windows\\a.log", "c:\\windows\\a.log"),
        ];
        for (name, shown) in cases {
            assert_eq!(Names::of("x.tar").give(name), format!("x.tar!/{shown}"));
        }
        assert_eq!(clean(&[b'a'; 5_000]).len(), limits::MEMBER_NAME_BYTES_MAX);
    }

    #[test]
    fn members_of_one_name_are_told_apart() {
        let mut names = Names::of("x.tar");
        let given: Vec<_> =
            [&b"a"[..], b"a#2", b"a", b"a", b"./a", b"a#2"].iter().map(|name| names.give(name)).collect();
        assert_eq!(given, ["x.tar!/a", "x.tar!/a#2", "x.tar!/a#3", "x.tar!/a#4", "x.tar!/a#5", "x.tar!/a#2#2"]);
    }
}
