//! The responder's answer: which secrets an identity reached, who else it is, what to replace and what to take away.
//!
//! Each question is a statement in `sql/dossier`; here they are asked of a session, and their rows put together. What
//! the log does not tell is assumed to the disadvantage of the secret: a list exposes all that was there.

mod rights;
mod rotate;
mod story;
mod suspects;

use std::collections::{BTreeMap, BTreeSet};

pub use self::suspects::{Suspects, suspects};
use crate::detection::FILES;
use crate::engine::{Answer, Planned, Question, Session, Value, Values};
use crate::error::{Error, Result};
use crate::limits::{
    CHAIN_LENGTH_MAX, DOSSIER_NAMES_MAX, DOSSIER_ROWS_MAX, RIGHTS_ACTORS_MAX, SHARED_ADDRESS_IDENTITIES_MAX,
};
use crate::rbac::Snapshot;
use crate::report::dossier::{Dossier, Entry, Hour, Minted, Origin, Other, Presence, Rights, Rotate, Subject, Use};

/// What `$subject` stands for: the condition that a request is one of the subject.
const SUBJECT: &str = "(($any_actor or actor in ($actors) or username in ($actors)) \
                       and ($any_address or client_ip in ($addresses)) \
                       and ($any_origin or client_ip is null or client_ip in ($origin_addresses)) \
                       and ($any_origin or concat(cluster, ' ', client_ip, ' ', actor) in ($origins) \
                            or concat(cluster, ' ', client_ip, ' ', username) in ($origins)) \
                       and ($any_credential or credential_id in ($credentials)) \
                       and ($all_clusters or cluster = $cluster) and ts >= $since and ts < $until)";
/// Where no time is named: no event is older.
const BEGINNING: i64 = 0;
/// Where no time is named: 2262, after which nanoseconds overflow.
const END: i64 = 9_214_646_400_000_000;

/// The secrets and credentials to replace after what the subject did.
pub fn rotate(session: &Session, subject: &Subject, mut check: impl FnMut() -> Result<()>) -> Result<Rotate> {
    let mut work = Work::new(session, subject)?;
    work.share(&["accesses", "lives", "uses", "entries", "nodes"])?;
    check()?;
    let found = work.rotate(&mut check)?;
    Ok(Rotate { notes: work.notes, ..found.rotate })
}

/// All that the log tells of the subject. `check` is asked between questions whether to go on.
///
/// `snapshot`: roles and bindings of the cluster, for what the log does not tell of them.
pub fn investigate(
    session: &Session,
    subject: &Subject,
    snapshot: Option<&Snapshot>,
    mut check: impl FnMut() -> Result<()>,
) -> Result<Dossier> {
    let mut work = Work::new(session, subject)?;
    work.share(&["accesses", "lives", "uses", "entries", "nodes", "minted", "steps", "roles"])?;
    check()?;
    let found = work.rotate(&mut check)?;
    let others = work.others(&found.presences)?;
    check()?;
    let steps = work.ask("steps")?;
    check()?;
    let hours: Vec<Hour> = work.ask("hours")?;
    check()?;
    let (used, rights) = work.rights(subject, &found.presences, snapshot)?;
    let gaps = story::gaps(&hours);
    let steps = story::told(steps, &found.presences, &found.minted, &found.later, &gaps);
    Ok(Dossier {
        subject: subject.clone(),
        entries: story::entries(found.entries, &found.rotate.secrets),
        accesses: found.accesses,
        rotate: found.rotate,
        presences: found.presences,
        others,
        minted: found.minted,
        used,
        rights,
        steps,
        hours,
        gaps,
        notes: work.notes,
        commands: Vec::new(),
    })
}

/// The questions about one subject.
struct Work<'a> {
    session: &'a Session,
    values: Values,
    /// The statements that were planned, by name.
    planned: BTreeMap<String, Planned>,
    notes: Vec<String>,
}

/// What the rotate list is made of, and what else the dossier shows of it.
struct Found {
    accesses: Vec<crate::report::dossier::Access>,
    entries: Vec<Entry>,
    presences: Vec<Presence>,
    minted: Vec<Minted>,
    /// What was done with these tokens.
    later: Vec<Presence>,
    rotate: Rotate,
}

impl<'a> Work<'a> {
    fn new(session: &'a Session, subject: &Subject) -> Result<Self> {
        if subject.actors.is_empty() && subject.addresses.is_empty() && subject.credentials.is_empty() {
            return Err(Error::usage("nobody to look for: name an identity, an address or a credential"));
        }
        let mut values = Values::new();
        let mut put = |name: &str, value| drop(values.insert(name.to_owned(), value));
        put("any_actor", Value::Flag(subject.actors.is_empty()));
        put("any_address", Value::Flag(subject.addresses.is_empty()));
        put("any_origin", Value::Flag(subject.origins.is_empty()));
        put("any_credential", Value::Flag(subject.credentials.is_empty()));
        put("actors", Value::Texts(subject.actors.clone()));
        put("addresses", Value::Texts(subject.addresses.clone()));
        put("origins", Value::Texts(subject.origins.iter().map(origin).collect()));
        // rows from elsewhere need no concatenation
        let places: BTreeSet<String> = subject.origins.iter().filter_map(|origin| origin.address.clone()).collect();
        put("origin_addresses", Value::Texts(places.into_iter().collect()));
        put("credentials", Value::Texts(subject.credentials.clone()));
        put("all_clusters", Value::Flag(subject.cluster.is_none()));
        put("cluster", Value::Text(subject.cluster.clone().unwrap_or_default()));
        put("since", Value::Time(subject.since.unwrap_or(BEGINNING)));
        put("until", Value::Time(subject.until.unwrap_or(END)));
        put("chain", Value::Texts(Vec::new()));
        put("places", Value::Texts(Vec::new()));
        put("impersonators", Value::Texts(Vec::new()));
        put("holders", Value::Texts(Vec::new()));
        Ok(Self { session, values, planned: BTreeMap::new(), notes: Vec::new() })
    }

    fn share(&mut self, names: &[&str]) -> Result<()> {
        let texts = names.iter().map(|name| sql(name)).collect::<Result<Vec<_>>>()?;
        let questions = names.iter().zip(&texts);
        let questions: Vec<_> = questions.map(|(what, sql)| Question { what, sql, values: &self.values }).collect();
        let planned = self.session.share(&questions)?;
        self.planned.extend(names.iter().map(|name| (*name).to_owned()).zip(planned));
        Ok(())
    }

    /// The answer to one question; says so where it is not all.
    fn ask<T: serde::de::DeserializeOwned>(&mut self, name: &str) -> Result<Vec<T>> {
        let question = Question { what: name, sql: &sql(name)?, values: &self.values };
        let Answer { rows, is_cut } = self.session.ask(&question, self.planned.remove(name), DOSSIER_ROWS_MAX)?;
        if is_cut {
            self.notes.push(format!(
                "there are more than {DOSSIER_ROWS_MAX} rows of {name}, and only these were looked at: narrow the time \
                 with --since and --until"
            ));
        }
        Ok(rows)
    }

    fn rotate(&mut self, check: &mut impl FnMut() -> Result<()>) -> Result<Found> {
        let accesses = self.ask("accesses")?;
        check()?;
        let (lives, uses) = (self.ask::<rotate::Life>("lives")?, self.ask::<rotate::Usage>("uses")?);
        check()?;
        let (entries, nodes): (Vec<Entry>, _) = (self.ask("entries")?, self.ask::<rotate::Node>("nodes")?);
        let presences: Vec<Presence> = self.ask("credentials")?;
        check()?;
        let minted = self.minted(check)?;
        let later = self.later(&minted)?;
        let secrets = rotate::secrets(&accesses, &lives, &uses);
        let tokens = rotate::tokens(&presences, &minted, &later, &entries);
        self.notes.extend(rotate::blind(&accesses, &entries));
        self.notes.extend(rotate::blind_nodes(&nodes));
        let rotate = Rotate { secrets, tokens, notes: Vec::new() };
        Ok(Found { accesses, entries, presences, minted, later, rotate })
    }

    /// The tokens that the subject had issued, and those that were issued to these in turn.
    fn minted(&mut self, check: &mut impl FnMut() -> Result<()>) -> Result<Vec<Minted>> {
        let mut chain = BTreeSet::new();
        let mut minted: Vec<Minted> = Vec::new();
        for _ in 0..CHAIN_LENGTH_MAX {
            self.set("chain", chain.iter().take(DOSSIER_NAMES_MAX).cloned());
            minted = self.ask("minted")?;
            check()?;
            let known = chain.len();
            chain.extend(minted.iter().filter_map(|minted| minted.issued_credential_id.clone()));
            // without an id of its own a credential has no chain
            if chain.len() == known || chain.len() > DOSSIER_NAMES_MAX {
                break;
            }
        }
        Ok(minted)
    }

    /// What was done with minted tokens.
    fn later(&mut self, minted: &[Minted]) -> Result<Vec<Presence>> {
        let ids: BTreeSet<_> = minted.iter().filter_map(|minted| minted.issued_credential_id.clone()).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.set("chain", ids.into_iter().take(DOSSIER_NAMES_MAX));
        self.set("places", std::iter::empty());
        self.ask("others")
    }

    /// Who came with the same credentials, from the same addresses or by the same impersonators as the subject.
    fn others(&mut self, own: &[Presence]) -> Result<Vec<Other>> {
        let texts = |pick: fn(&Presence) -> &Option<String>| -> BTreeSet<String> {
            own.iter().filter_map(|presence| pick(presence).clone()).collect()
        };
        let (credentials, addresses) = (texts(|own| &own.credential_id), texts(|own| &own.client_ip));
        for (what, known) in [("credentials", &credentials), ("addresses", &addresses)] {
            if known.len() > DOSSIER_NAMES_MAX {
                self.notes.push(format!(
                    "it came with {} {what}; only {DOSSIER_NAMES_MAX} of them were looked for elsewhere",
                    known.len()
                ));
            }
        }
        self.set("chain", credentials.iter().take(DOSSIER_NAMES_MAX).cloned());
        self.set("places", addresses.iter().take(DOSSIER_NAMES_MAX).cloned());
        let impersonators = own.iter().filter(|one| one.username != one.actor).filter_map(|one| one.username.clone());
        self.set("impersonators", impersonators.collect::<BTreeSet<_>>().into_iter().take(DOSSIER_NAMES_MAX));
        let all: Vec<Presence> = self.ask("others")?;
        Ok(story::others(own, all, SHARED_ADDRESS_IDENTITIES_MAX))
    }

    /// What the rights of the identities were used for, and whether they were needed.
    fn rights(
        &mut self,
        subject: &Subject,
        own: &[Presence],
        snapshot: Option<&Snapshot>,
    ) -> Result<(Vec<Use>, Vec<Rights>)> {
        let seen: BTreeSet<&String> = own.iter().filter_map(|one| one.actor.as_ref()).collect();
        let actors: Vec<String> = match &subject.actors[..] {
            [] => seen.into_iter().cloned().collect(),
            named => named.to_vec(),
        };
        if actors.len() > RIGHTS_ACTORS_MAX {
            self.notes.push(format!(
                "the rights of {RIGHTS_ACTORS_MAX} of {} identities were looked at: name one to see its own",
                actors.len()
            ));
        }
        self.set("holders", actors.iter().take(RIGHTS_ACTORS_MAX).cloned());
        let used: Vec<Use> = self.ask("used")?;
        let (groups, roles) = (self.ask("groups")?, self.ask("roles")?);
        let history = rights::history(&roles);
        let at = own.iter().map(|one| one.last_seen).max().or(subject.until);
        let answers = actors.iter().take(RIGHTS_ACTORS_MAX).map(|actor| {
            let case = rights::Case { actor, at, is_narrow: is_narrow(subject), groups: &groups };
            rights::rights(&case, &used, &history, snapshot)
        });
        let answers = answers.flatten().collect();
        Ok((used, answers))
    }

    fn set(&mut self, name: &str, texts: impl Iterator<Item = String>) {
        self.values.insert(name.to_owned(), Value::Texts(texts.collect()));
    }
}

/// As the condition on requests puts it together; without an address it is that of requests that tell none.
fn origin(origin: &Origin) -> String {
    format!("{} {} {}", origin.cluster, origin.address.as_deref().unwrap_or_default(), origin.actor)
}

/// Whether the subject is less than all that the identities did, so that the rest is what they did by right.
fn is_narrow(subject: &Subject) -> bool {
    let anywhere = subject.addresses.is_empty() && subject.credentials.is_empty() && subject.origins.is_empty();
    !(anywhere && subject.since.or(subject.until).is_none())
}

/// The statement of that name in `sql/dossier`.
fn sql(name: &str) -> Result<String> {
    let path = format!("sql/dossier/{name}.sql");
    let found = FILES.iter().find(|(known, _)| *known == path);
    let (_, text) = found.ok_or_else(|| Error::Internal(format!("{path} is not in the binary")))?;
    Ok(text.replace("$subject", SUBJECT))
}
