//! Rights of those whom the planted attackers came as: what of them was never used is known beforehand, and the least
//! that is proposed must let the work go on and stop the theft.

use std::collections::BTreeSet;

use kubesift::rbac::{Asked, Grant, Snapshot, Who, allows, validate};
use serde_json::Value;

use super::planted::{Planted, asked, is_outside};
use super::{json_of, text, texts};

const DEPLOYER: &str = "system:serviceaccount:ci:deployer";
/// Identities that one dossier looks at the rights of.
const TOGETHER: usize = 5;

/// Whose rights are asked for, and the flags that tell the theft from their work.
type Case = (Vec<String>, Vec<String>);

fn cases(planted: &Planted) -> Vec<Case> {
    let inside = planted.thefts.iter().filter(|theft| !is_outside(theft));
    let mut cases: Vec<Case> = Vec::new();
    for theft in inside {
        let mut flags: Vec<String> =
            texts(&theft["credentials"]).into_iter().flat_map(|id| ["--credential".to_owned(), id]).collect();
        flags.extend(["--since".to_owned(), text(&theft["since"]), "--until".to_owned(), text(&theft["until"])]);
        cases.push((texts(&theft["actors"]).into_iter().collect(), flags));
    }
    let known: BTreeSet<String> = cases.iter().flat_map(|case| case.0.clone()).collect();
    let outside = || planted.thefts.iter().filter(|theft| is_outside(theft));
    let addresses: BTreeSet<String> = outside().flat_map(|theft| texts(&theft["addresses"])).collect();
    let flags: Vec<String> = addresses.into_iter().flat_map(|address| ["--address".to_owned(), address]).collect();
    let actors: BTreeSet<String> = outside().flat_map(|theft| texts(&theft["actors"])).collect();
    let actors: Vec<String> = actors.difference(&known).cloned().collect();
    cases.extend(actors.chunks(TOGETHER).map(|actors| (actors.to_vec(), flags.clone())));
    // nobody stole this one; all that it did is its work
    cases.push((vec![DEPLOYER.to_owned()], Vec::new()));
    cases
}

#[test]
fn what_was_never_used_is_told_exactly_and_the_least_rights_deny_the_theft() {
    let planted = Planted::new(16_000, 3);
    let snapshot = std::fs::read_to_string(planted.scratch.path("log/_rbac.yaml")).unwrap();
    let snapshot = Snapshot::parse("_rbac.yaml", &snapshot).unwrap();
    let (mut seen, mut harmless, mut sums) = (BTreeSet::new(), BTreeSet::new(), [0, 0]);
    for (actors, flags) in cases(&planted) {
        let args: Vec<&str> =
            ["investigate"].into_iter().chain(actors.iter().chain(&flags).map(String::as_str)).collect();
        for rbac in [&[][..], &["--rbac", "log/_rbac.yaml"]] {
            let dossier = json_of(&planted.scratch, &[&args[..], rbac].concat());
            let rights = dossier["rights"].as_array().unwrap();
            assert_eq!(rights.iter().map(|one| text(&one["actor"])).collect::<Vec<_>>(), actors);
            for one in rights {
                let known = (!rbac.is_empty()).then_some(&snapshot);
                if known.is_some() {
                    unused(&planted, one);
                }
                let (worked, stolen) = replayed(&planted, one, known);
                sums = [sums[0] + worked, sums[1] + stolen];
                seen.insert(text(&one["actor"]));
                harmless.extend((stolen == 0).then(|| text(&one["actor"])));
            }
        }
    }
    let mut all: BTreeSet<String> = planted.thefts.iter().flat_map(|theft| texts(&theft["actors"])).collect();
    all.insert(DEPLOYER.to_owned());
    assert_eq!(seen, all);
    // what the thief of this token asked for is what its owner asks for all day: no role can stop that
    let same = "system:serviceaccount:external-secrets:external-secrets";
    assert_eq!(harmless, BTreeSet::from([same, DEPLOYER].map(ToOwned::to_owned)));
    assert!(all.len() > 10 && sums[0] > 2_000 && sums[1] > 100, "{all:?} {sums:?}");
}

/// Holds what is said to be unused against the generator's own counts.
fn unused(planted: &Planted, rights: &Value) {
    let part = |one: &Value| {
        let unused: Vec<String> = one["unused"].as_array().unwrap().iter().map(text).collect();
        (one["namespace"].as_str().map(ToOwned::to_owned), one["requests"].as_u64().unwrap(), unused)
    };
    let parts = |rows: &Value| {
        let mut parts: Vec<_> = rows.as_array().unwrap().iter().map(part).collect();
        parts.sort();
        parts
    };
    let wanted = &planted.granted[rights["actor"].as_str().unwrap()]["granted"];
    assert_eq!(parts(&rights["grants"]), parts(wanted), "{}", rights["actor"]);
    assert!(rights["grants"].as_array().unwrap().iter().all(|grant| grant["more"] == 0), "{rights}");
    assert_eq!(rights["unexplained"], 0, "{rights}");
}

/// Resources whose objects have new names all the time, so that no rule names them.
const PASSING: [&str; 4] = ["pods", "replicasets", "jobs", "certificatesigningrequests"];

/// Whether a role that allows one cannot be kept from allowing the other.
fn is_alike(one: &Asked<'_>, other: &Asked<'_>) -> bool {
    let is_passing = PASSING.contains(&one.resource);
    Asked { name: "", ..*one } == Asked { name: "", ..*other } && (is_passing || one.name_seen() == other.name_seen())
}

/// Holds the log against the least rights; counts the requests of the work that go on, and those of the theft that end.
fn replayed(planted: &Planted, rights: &Value, known: Option<&Snapshot>) -> (usize, usize) {
    let (name, yaml) = (rights["actor"].as_str().unwrap(), rights["yaml"].as_str().unwrap());
    if !yaml.is_empty() {
        assert_eq!(validate(yaml), Ok(()), "{yaml}");
    }
    let who = Who { name, groups: &[] };
    let least = Snapshot::parse("least.yaml", yaml).unwrap().state().grants(&who);
    // what everybody has is not granted again
    let shared: Vec<Grant> = known.map(|known| known.state().grants(&who)).unwrap_or_default();
    let shared: Vec<Grant> = shared.into_iter().filter(Grant::is_shared).collect();
    let requests = planted.requests(name);
    let succeeded = |event: &Value| event["responseStatus"]["code"].as_u64().unwrap() < 400;
    let (theft, work): (Vec<_>, Vec<_>) = requests.iter().partition(|(_, is_theft)| *is_theft);
    let work: Vec<&Value> = work.into_iter().map(|(event, _)| event).filter(|event| succeeded(event)).collect();
    for event in &work {
        let is_allowed = allows(&least, &asked(event)).is_some() || allows(&shared, &asked(event)).is_some();
        assert!(is_allowed, "{name} works no more: {event}\n{yaml}");
    }
    let mut stolen = 0;
    for (event, _) in &theft {
        let asked = asked(event);
        if !work.iter().any(|event| is_alike(&self::asked(event), &asked)) && allows(&shared, &asked).is_none() {
            assert!(allows(&least, &asked).is_none(), "{name} may still: {event}\n{yaml}");
            stolen += 1;
        }
    }
    (work.len(), stolen)
}
