//! Verdicts by counts.

use super::*;

/// A pack of one detection on secrets, whose header and query end so.
fn pack(head: &str, query: &str) -> Pack {
    let text = format!(
        "-- title = \"t\"\n-- status = \"test\"\n-- severity = \"low\"\n-- attack = []\n-- describe = \"d\"\n{head}\n{query}"
    );
    let detections = vec![Detection::parse("secret_sweep.sql", &text).unwrap()];
    Pack { detections, ..Pack::embedded().unwrap() }
}

const METADATA: &str = "-- needs = \"Metadata\"\n";
const ROLES: &str = "-- needs = \"Request\"\n-- resources = [\"roles\", \"clusterroles\"]\n";
const READS: &str = "select 1 from secret_access where reads and is_public_ip(client_ip)";

/// Rows of one kind, with nothing missing.
fn rows(resource: &str, class: Class, level: Level, rows: u64) -> Seen {
    Seen {
        cluster: "prod".to_owned(),
        level: Some(level),
        resource: Some(resource.to_owned()),
        class,
        rows,
        addresses: rows,
        agents: rows,
        credentials: rows,
        first_ts: Some(0),
        last_ts: Some(1),
        ..Seen::default()
    }
}

fn judged(pack: &Pack, seen: &[Seen]) -> (Sight, String) {
    let readiness = Readiness::of(pack, seen, 3, |detection| detection.header.params.clone());
    let verdict = readiness.verdicts.into_iter().next().unwrap();
    (verdict.sight, verdict.reasons.into_iter().next().unwrap_or_default())
}

#[test]
fn who_has_what_it_needs_is_ready() {
    let seen = [rows("secrets", Class::Read, Level::Metadata, 5)];
    assert_eq!(judged(&pack(METADATA, READS), &seen), (Sight::Ready, String::new()));
    assert_eq!(judged(&pack(METADATA, READS), &[]), (Sight::Blind, "there are no events".to_owned()));
}

#[test]
fn a_level_is_too_low_only_once_enough_was_written() {
    let pack = pack(ROLES, "select 1 from rbac_rules");
    let write = |name, level, n| rows(name, Class::Write, level, n);
    let poor = [write("roles", Level::Metadata, 12)];
    let text = "12 writes of roles, none at level Request or richer".to_owned();
    assert_eq!(judged(&pack, &poor), (Sight::Blind, text));
    let few = [write("roles", Level::Metadata, 1)];
    assert_eq!(judged(&pack, &few).0, Sight::Unseen);
    let half = [write("roles", Level::Metadata, 1_200), write("clusterroles", Level::RequestResponse, 3)];
    assert_eq!(
        judged(&pack, &half),
        (Sight::Partly, "1 200 writes of roles, none at level Request or richer".to_owned())
    );
    let only_read = [rows("roles", Class::Read, Level::Metadata, 9_000)];
    assert_eq!(judged(&pack, &only_read), (Sight::Unseen, "no write of clusterroles, roles was logged".to_owned()));
}

#[test]
fn withheld_bodies_count_by_their_share() {
    let pack = pack(ROLES, "select 1 from rbac_rules");
    let truncated = |n| [Seen { truncated: n, ..rows("roles", Class::Write, Level::Request, 1_000) }];
    assert_eq!(judged(&pack, &truncated(9)).0, Sight::Ready);
    assert_eq!(
        judged(&pack, &truncated(120)),
        (Sight::Partly, "12 % of the bodies were too large and dropped".to_owned())
    );
    assert_eq!(judged(&pack, &truncated(1_000)).0, Sight::Blind);
}

#[test]
fn a_busy_resource_that_is_never_logged_is_dropped_by_the_policy() {
    let pack = pack(METADATA, READS);
    let others = |n| [rows("pods", Class::Read, Level::Metadata, n)];
    assert_eq!(judged(&pack, &others(9_999)), (Sight::Unseen, "no request for secrets among 9 999 events".into()));
    let text = "secrets never logged among 10 000 events: the policy drops it".to_owned();
    assert_eq!(judged(&pack, &others(10_000)), (Sight::Blind, text));
    let rare = self::pack(METADATA, "select 1 from requests where resource = 'apiservices'");
    assert_eq!(judged(&rare, &others(10_000_000)).0, Sight::Unseen, "nobody may have asked for one");
}

#[test]
fn reads_that_are_never_logged_blind_who_needs_them() {
    let writes = |n| [rows("secrets", Class::Write, Level::Metadata, n)];
    let pack = pack(METADATA, READS);
    assert_eq!(judged(&pack, &writes(1_000)), (Sight::Blind, "no get or list among 1 000 events".into()));
    assert_eq!(judged(&pack, &writes(999)).0, Sight::Unseen);
    let elsewhere = [writes(1_000), [rows("pods", Class::Read, Level::Metadata, 7)]].concat();
    assert_eq!(judged(&pack, &elsewhere).0, Sight::Unseen);
    let any = self::pack(METADATA, "select 1 from secret_access");
    assert_eq!(judged(&any, &writes(1_000)).0, Sight::Ready);
}

#[test]
fn an_address_is_missed_only_where_a_condition_has_it() {
    let bare = [Seen { addresses: 0, agents: 0, ..rows("secrets", Class::Read, Level::Metadata, 50) }];
    let text = "the client's address is missing in all of its events".to_owned();
    assert_eq!(judged(&pack(METADATA, READS), &bare), (Sight::Blind, text));
    let loose = pack(METADATA, "select 1 from secret_access where reads and (actor = 'x' or is_public_ip(client_ip))");
    assert_eq!(judged(&loose, &bare).0, Sight::Partly);
    let shown = pack(METADATA, "select client_ip, user_agent from secret_access where reads");
    assert_eq!(judged(&shown, &bare).0, Sight::Ready);
    let some = [Seen { addresses: 40, ..rows("secrets", Class::Read, Level::Metadata, 50) }];
    assert_eq!(judged(&pack(METADATA, READS), &some).1, "the client's address is missing in 20 % of its events");
}

#[test]
fn without_its_days_of_history_a_detection_learns() {
    let head = format!("{METADATA}-- params = {{ history_days = 7 }}\n");
    let pack = pack(&head, "select 1 from secret_access where reads and 1 < $history_days");
    let seen = [rows("secrets", Class::Read, Level::Metadata, 50)];
    assert_eq!(
        judged(&pack, &seen),
        (Sight::Blind, "learning what is usual: the log goes back 3 days, and 7 are needed".to_owned())
    );
}

#[test]
fn requests_without_an_answer_leave_the_outcome_open() {
    let pack = pack(METADATA, "select 1 from secret_access where reads and outcome <> 'denied'");
    let seen = [Seen { received: 50, ..rows("secrets", Class::Read, Level::Metadata, 50) }];
    assert_eq!(judged(&pack, &seen).0, Sight::Partly);
}

#[test]
fn one_cluster_that_sees_makes_the_others_a_part() {
    let pack = pack(METADATA, READS);
    let good = rows("secrets", Class::Read, Level::Metadata, 50);
    let bad = Seen { cluster: "dev".into(), ..rows("secrets", Class::Write, Level::Metadata, 2_000) };
    let (sight, why) = judged(&pack, &[good.clone(), bad.clone()]);
    assert_eq!((sight, why.as_str()), (Sight::Partly, "in dev: no get or list among 2 000 events"));
    let quiet = Seen { cluster: "dev".into(), ..rows("pods", Class::Read, Level::Metadata, 5) };
    assert_eq!(judged(&pack, &[good, quiet]).0, Sight::Ready);
    assert_eq!(judged(&pack, &[bad]).0, Sight::Blind);
}

#[test]
fn one_cause_gives_one_rule_for_all() {
    let pack = Pack::embedded().unwrap();
    let poor = ["roles", "clusterroles", "rolebindings", "clusterrolebindings", "deployments"];
    let seen: Vec<Seen> = poor.iter().map(|name| rows(name, Class::Write, Level::Metadata, 500)).collect();
    let readiness = Readiness::of(&pack, &seen, 3, |detection| detection.header.params.clone());
    let levels: Vec<&Fix> = readiness.fixes.iter().filter(|fix| fix.what.contains("level Request")).collect();
    assert_eq!(levels.len(), 1);
    assert!(levels[0].detections.len() > 5, "{:?}", levels[0]);
    let text = levels[0].policy.join("\n");
    assert!(text.starts_with("- level: Request\n  verbs:") && text.contains("rbac.authorization.k8s.io"), "{text}");
}

#[test]
fn a_finding_proves_that_it_was_not_blind() {
    let pack = pack(METADATA, READS);
    let mut readiness = Readiness::of(&pack, &[], 3, |detection| detection.header.params.clone());
    assert_eq!((readiness.count(Sight::Blind), readiness.reasons(Sight::Blind).len()), (1, 1));
    readiness.found("secret_sweep");
    assert_eq!(readiness.count(Sight::Blind), 0);
}

#[test]
fn what_was_lost_on_the_way_counts_for_who_asks_for_it() {
    let groups = "select 1 from secret_access where array_has(groups, 'system:masters')";
    let lost = Seen { lost: "requestURI,user.groups".into(), ..rows("secrets", Class::Read, Level::Metadata, 50) };
    let kept = rows("secrets", Class::Read, Level::Metadata, 150);
    let text = |share| format!("user.groups was lost on the way of {share} of its events");
    assert_eq!(judged(&pack(METADATA, groups), std::slice::from_ref(&lost)), (Sight::Blind, text("all")));
    assert_eq!(judged(&pack(METADATA, groups), &[lost.clone(), kept]), (Sight::Partly, text("25 %")));
    let shown = "select groups from secret_access where actor = 'x'";
    assert_eq!(judged(&pack(METADATA, shown), std::slice::from_ref(&lost)).0, Sight::Ready);
    let readiness = Readiness::of(&pack(METADATA, groups), &[lost], 3, |detection| detection.header.params.clone());
    assert_eq!(readiness.fixes.len(), 1);
    assert!(readiness.fixes[0].what.contains("user.groups"), "{readiness:?}");
}
