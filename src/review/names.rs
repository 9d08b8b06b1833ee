//! Stand-ins for the names of a log, and the way back: `identity-1` leaves, and the report says who it is.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::words;
use crate::limits::CELL_CHARS_MAX;
use crate::report::escape::cut;
use crate::report::review::Part;

/// What a name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Identity,
    Namespace,
    Secret,
    Object,
    Address,
    Agent,
    Cluster,
    Credential,
    Finding,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Identity,
        Self::Namespace,
        Self::Secret,
        Self::Object,
        Self::Address,
        Self::Agent,
        Self::Cluster,
        Self::Credential,
        Self::Finding,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Namespace => "namespace",
            Self::Secret => "secret",
            Self::Object => "object",
            Self::Address => "address",
            Self::Agent => "agent",
            Self::Cluster => "cluster",
            Self::Credential => "credential",
            Self::Finding => "finding",
        }
    }
}

/// The names that were given a stand-in.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// Kind and name to stand-in.
    given: BTreeMap<(Kind, String), String>,
    /// Stand-in to name, as much of it as is ever shown, and what is told of it.
    known: BTreeMap<String, (String, String)>,
    /// How many of each kind.
    counts: BTreeMap<Kind, u32>,
}

impl Names {
    /// What stands for a name: the name itself if every cluster has it.
    pub(super) fn stand_in(&mut self, kind: Kind, name: &str) -> String {
        if words::is_well_known(name) {
            return name.to_owned();
        }
        if let Some(known) = self.given.get(&(kind, name.to_owned())) {
            return known.clone();
        }
        let told = self.told(kind, name);
        self.add(kind, name, told)
    }

    /// What stands for an address, however it was written.
    pub(super) fn address(&mut self, address: IpAddr) -> String {
        self.stand_in(Kind::Address, &address.to_canonical().to_string())
    }

    /// What stands for `namespace/name`, or for a name alone.
    pub(super) fn object(&mut self, kind: Kind, text: &str) -> String {
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.contains('/') => match name {
                "*" => format!("all of {}", self.namespace(namespace)),
                "?" | "" => format!("unnamed in {}", self.namespace(namespace)),
                _ => self.stand_in(kind, text),
            },
            _ if text == "*" => "all".to_owned(),
            _ => self.stand_in(kind, text),
        }
    }

    fn namespace(&mut self, name: &str) -> String {
        if name == "*" { "all namespaces".to_owned() } else { self.stand_in(Kind::Namespace, name) }
    }

    /// What may be told of a name: where it is, or what sort it is.
    fn told(&mut self, kind: Kind, name: &str) -> String {
        match kind {
            Kind::Identity => self.sort_of_identity(name),
            Kind::Secret | Kind::Object => match name.split_once('/') {
                Some((namespace, _)) if !namespace.is_empty() => format!("in {}", self.namespace(namespace)),
                _ => String::new(),
            },
            Kind::Address => name.parse().map_or("", words::place).to_owned(),
            Kind::Agent => words::program(name).to_owned(),
            Kind::Namespace | Kind::Cluster | Kind::Credential | Kind::Finding => String::new(),
        }
    }

    fn sort_of_identity(&mut self, name: &str) -> String {
        if let Some(account) = name.strip_prefix("system:serviceaccount:") {
            let namespace = account.split(':').next().unwrap_or_default();
            return format!("service account of {}", self.namespace(namespace));
        }
        let sort = if name.starts_with("system:node:") {
            "node"
        } else if name.starts_with("system:") {
            "part of the cluster"
        } else {
            "user"
        };
        sort.to_owned()
    }

    fn add(&mut self, kind: Kind, name: &str, told: String) -> String {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let stand_in = match kind {
            // no code follows from another, so that one that is made up is not by chance that of a finding
            Kind::Finding => format!("finding-{:06x}", count.wrapping_mul(0x009e_3779) & 0x00ff_ffff),
            _ => format!("{}-{count}", kind.as_str()),
        };
        self.given.insert((kind, name.to_owned()), stand_in.clone());
        self.known.insert(stand_in.clone(), (cut(name, CELL_CHARS_MAX).into_owned(), told));
        stand_in
    }

    /// What is told of each stand-in, where there is something to tell.
    pub(super) fn all_told(&self) -> impl Iterator<Item = (&str, &str)> {
        let told = self.known.iter().map(|(stand_in, (_, told))| (stand_in.as_str(), told.as_str()));
        told.filter(|(_, told)| !told.is_empty())
    }

    /// The id of the finding that a stand-in is of.
    pub(super) fn finding(&self, stand_in: &str) -> Option<&str> {
        let known = self.known.get(stand_in).filter(|_| stand_in.starts_with("finding-"));
        known.map(|(id, _)| id.as_str())
    }

    /// The text with the names in the place of their stand-ins, once and for all: a name that looks like a stand-in
    /// stays that name. `None` if it speaks of something that was never sent.
    pub(super) fn put_back(&self, text: &str) -> Option<Vec<Part>> {
        let mut parts = Vec::new();
        let mut words = String::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|c| !of_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            let plain = word.replace(['\u{2010}', '\u{2011}'], "-").to_ascii_lowercase();
            let plain = plain.trim_end_matches('-');
            if let Some((name, _)) = self.known.get(plain) {
                parts.extend(Some(Part::Words(std::mem::take(&mut words))).filter(|part| !part.text().is_empty()));
                parts.push(Part::Name(name.clone()));
            } else if looks_like_one(plain) {
                return None;
            } else {
                words.push_str(word);
            }
            let next = after.find(of_word).unwrap_or(after.len());
            words.push_str(&after[..next]);
            rest = &after[next..];
        }
        parts.extend(Some(Part::Words(words)).filter(|part| !part.text().is_empty()));
        Some(parts)
    }
}

/// Some models write the hyphens that do not break.
fn of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '\u{2010}' | '\u{2011}')
}

fn looks_like_one(word: &str) -> bool {
    let is_of = |(kind, number): (&str, &str)| {
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let is_code = kind == Kind::Finding.as_str() && number.bytes().all(|byte| byte.is_ascii_hexdigit());
        !number.is_empty() && (digits || is_code) && Kind::ALL.iter().any(|known| known.as_str() == kind)
    };
    word.split_once('-').is_some_and(is_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Part {
        Part::Name(text.to_owned())
    }

    fn words(text: &str) -> Part {
        Part::Words(text.to_owned())
    }

    #[test]
    fn a_name_has_one_stand_in_and_comes_back() {
        let mut names = Names::default();
        assert_eq!(names.stand_in(Kind::Identity, "alice"), "identity-1");
        assert_eq!(names.stand_in(Kind::Identity, "system:serviceaccount:shop:web"), "identity-2");
        assert_eq!(names.stand_in(Kind::Identity, "alice"), "identity-1");
        assert_eq!(names.object(Kind::Secret, "shop/db"), "secret-1");
        let told: Vec<_> = names.all_told().collect();
        assert_eq!(
            told,
            [("identity-1", "user"), ("identity-2", "service account of namespace-1"), ("secret-1", "in namespace-1")]
        );
        let back = names.put_back("Identity-2 read (secret\u{2011}1), and identity-1's rights").unwrap();
        assert_eq!(
            back,
            [
                name("system:serviceaccount:shop:web"),
                words(" read ("),
                name("shop/db"),
                words("), and "),
                name("alice"),
                words("'s rights")
            ]
        );
    }

    #[test]
    fn a_name_that_looks_like_a_stand_in_stays_that_name() {
        let mut names = Names::default();
        names.stand_in(Kind::Identity, "identity-2");
        names.stand_in(Kind::Identity, "bob");
        assert_eq!(names.put_back("identity-1").unwrap(), [name("identity-2")]);
    }

    #[test]
    fn what_was_never_sent_is_seen() {
        let mut names = Names::default();
        names.stand_in(Kind::Identity, "alice");
        for text in ["identity-2 did it", "see finding-000000", "from (address-1)", "identity-11"] {
            assert_eq!(names.put_back(text), None, "{text}");
        }
        for text in ["identity-based", "a finding", "secret-keeping", "x-1", "finding-", "identity-1x", "-", ""] {
            assert!(names.put_back(text).is_some(), "{text}");
        }
    }

    #[test]
    fn what_every_cluster_has_keeps_its_name() {
        let mut names = Names::default();
        assert_eq!(names.stand_in(Kind::Identity, "system:anonymous"), "system:anonymous");
        assert_eq!(names.object(Kind::Secret, "kube-system/*"), "all of kube-system");
        assert_eq!(names.object(Kind::Secret, "*/*"), "all of all namespaces");
        assert_eq!(names.object(Kind::Object, "cluster-admin"), "cluster-admin");
    }

    #[test]
    fn codes_of_findings_are_all_different() {
        let mut names = Names::default();
        let codes: std::collections::BTreeSet<_> =
            (0..10_000).map(|id| names.stand_in(Kind::Finding, &id.to_string())).collect();
        assert_eq!(codes.len(), 10_000);
        assert_eq!(names.finding(codes.first().unwrap()).map(str::len), Some(4));
        assert_eq!(names.finding("identity-1"), None);
    }
}
