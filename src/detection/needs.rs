//! What a detection needs of a log to see anything, read from its header and from the words of its SQL and of the views
//! below it. Nothing here looks at a log.

use std::collections::{BTreeMap, BTreeSet};

use super::lint::tables;
use super::token::{Kind, Token, tokens};
use super::{Detection, Level, NEED, Pack, TABLE};

/// Functions that give NULL or the same for an address that is missing, and so stand for one.
const PRESERVING: [&str; 2] = ["coalesce", "ifnull"];

/// What one detection needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needs {
    /// The lowest level, of the header.
    pub(super) level: Level,
    /// The resources that it is about: of the header, else those that its SQL asks for; empty: any.
    pub(super) resources: BTreeSet<String>,
    /// Whether it is about get and list only.
    pub(super) reads: bool,
    /// The client's address.
    pub(super) address: Use,
    /// The client's agent.
    pub(super) agent: Use,
    /// The id of the credential.
    pub(super) credential: Use,
    /// Whether a request succeeded.
    pub(super) outcome: Use,
    /// Days before the first that it can judge, where it compares with them.
    pub(super) history_days: Option<i64>,
}

/// How much hangs on a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// Nothing: it is shown at most.
    Not,
    /// A condition has it among others, one of which may do without.
    Some,
    /// A condition that must hold has it.
    All,
}

impl Needs {
    /// What `detection` needs; `params` are those that a run binds.
    #[must_use]
    pub(super) fn of(detection: &Detection, pack: &Pack, params: &BTreeMap<String, i64>) -> Self {
        let own = tokens(&detection.sql);
        let below = views_below(&own, pack);
        let queries: Vec<&[Token]> = below.iter().map(Vec::as_slice).chain([own.as_slice()]).collect();
        let mut resources: BTreeSet<String> = detection.header.resources.iter().cloned().collect();
        if resources.is_empty() {
            resources = scope(&own, pack).unwrap_or_default();
        }
        let verbs = wanted(&own, "verb");
        let only_reads =
            !verbs.is_empty() && verbs.iter().all(|verb| matches!(verb.as_str(), "get" | "list" | "watch"));
        let marked = own.windows(2).any(|pair| pair[1].is("reads") && !pair[0].is("not") && !pair[0].is_symbol('.'))
            || own.windows(4).any(|run| run[3].is("reads") && run[2].is_symbol('.') && !run[0].is("not"));
        Self {
            level: detection.header.needs,
            reads: only_reads || (marked && resources.contains("secrets")),
            resources,
            address: how(&queries, &["client_ip", "source_ips", "source_ips_disagree"]),
            agent: how(&queries, &["user_agent"]),
            credential: how(&queries, &["credential_id", "issued_credential_id"]),
            outcome: how(&queries, &["outcome", "response_code", "response_status"]),
            history_days: params.get(NEED).copied().filter(|days| *days > 0),
        }
    }
}

impl Needs {
    /// Whether the detection is about a resource.
    pub(super) fn is_about(&self, resource: Option<&String>) -> bool {
        self.resources.is_empty() || resource.is_some_and(|name| self.resources.contains(name))
    }
}

/// Fields of an event that some envelopes do not keep, and the columns that are empty then. Addresses and agents are
/// counted by themselves.
const FIELDS: [(&str, &[&str]); 12] = [
    ("annotations", &["annotations", "auth_decision", "auth_reason", "issued_credential_id"]),
    ("impersonatedUser", &["impersonated_username", "impersonated_uid", "impersonated_groups", "impersonated_extra"]),
    ("objectRef.uid", &["object_uid"]),
    ("requestObject", &["request_object"]),
    ("requestObject.metadata", &["request_object"]),
    ("requestURI", &["request_uri", "exec_command"]),
    ("requestURI.query", &["request_uri", "exec_command"]),
    ("responseObject", &["response_object"]),
    ("responseStatus", &["response_code", "response_reason", "response_status", "response_message"]),
    ("user.extra", &["user_extra", "credential_id", "pod_name", "pod_uid"]),
    ("user.groups", &["groups"]),
    ("user.uid", &["user_uid"]),
];

/// How much of `detection` hangs on each of the fields that are `lost`; those that nothing hangs on are left out.
pub(super) fn of_lost(detection: &Detection, pack: &Pack, lost: &BTreeSet<&str>) -> Vec<(&'static str, Use)> {
    if lost.is_empty() {
        return Vec::new();
    }
    let own = tokens(&detection.sql);
    let below = views_below(&own, pack);
    let queries: Vec<&[Token]> = below.iter().map(Vec::as_slice).chain([own.as_slice()]).collect();
    let fields = FIELDS.iter().filter(|(field, _)| lost.contains(field));
    let used = fields.map(|(field, columns)| (*field, how(&queries, columns)));
    used.filter(|(_, used)| *used > Use::Not).collect()
}

/// The resources that a query, or else each of the views that it reads, asks for; `None`: any.
fn scope(query: &[Token], pack: &Pack) -> Option<BTreeSet<String>> {
    let own = wanted(query, "resource");
    if !own.is_empty() {
        return Some(own);
    }
    let names: BTreeSet<&str> = tables(query).into_iter().filter_map(Token::name).collect();
    if names.contains(TABLE) {
        return None;
    }
    // a view reads only those before it, so that this ends
    let views = pack.views.iter().filter(|view| names.contains(view.name.as_str()));
    let views = views.filter(|view| !view.reads.contains(&view.name));
    let scopes: Option<Vec<_>> = views.map(|view| scope(&tokens(&view.sql), pack)).collect();
    Some(scopes?.into_iter().flatten().collect())
}

/// The SQL of the views that a query reads, directly or not, each after those that it reads.
fn views_below(query: &[Token], pack: &Pack) -> Vec<Vec<Token>> {
    let mut named: BTreeSet<String> =
        tables(query).into_iter().filter_map(Token::name).map(ToOwned::to_owned).collect();
    let mut below = Vec::new();
    for view in pack.views.iter().rev().filter(|view| view.reads.iter().all(|read| read != &view.name)) {
        if named.contains(&view.name) {
            named.extend(view.reads.iter().cloned());
            below.push(tokens(&view.sql));
        }
    }
    below.reverse();
    below
}

/// The texts that a column is asked to be, by `=` or `in`; those that it must not be are left out. None where the query
/// also takes rows for another reason.
fn wanted(query: &[Token], column: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // for each open parenthesis, whether the tokens directly in it are a condition, and how many `case` are open
    let mut open = vec![(false, 0_u32)];
    for (index, token) in query.iter().enumerate() {
        let (is_condition, cases) = open.last().copied().unwrap_or_default();
        let set = |open: &mut Vec<(bool, u32)>, state| open.last_mut().map_or((), |last| *last = state);
        match &token.kind {
            Kind::Symbol('(') => open.push((is_condition, cases)),
            Kind::Symbol(')') if open.len() > 1 => drop(open.pop()),
            Kind::Word(word) => match word.as_str() {
                "where" | "having" | "on" => set(&mut open, (true, cases)),
                "select" => set(&mut open, (false, 0)),
                "from" | "group" | "order" | "union" if !is_after(query, index, "distinct") => {
                    set(&mut open, (false, cases));
                }
                "case" => set(&mut open, (is_condition, cases + 1)),
                "end" => set(&mut open, (is_condition, cases.saturating_sub(1))),
                _ => {}
            },
            _ => {}
        }
        if !token.is(column) || !is_condition || cases > 0 {
            continue;
        }
        let mut rest = query[index + 1..].iter();
        let texts: Vec<&Token> = match rest.next() {
            Some(token) if token.is_symbol('=') => rest.by_ref().take(1).collect(),
            Some(token) if token.is("in") => rest.by_ref().take_while(|token| !token.is_symbol(')')).collect(),
            _ => continue,
        };
        if is_after(query, index, "or") || rest.next().is_some_and(|token| token.is("or")) {
            return BTreeSet::new();
        }
        found.extend(texts.into_iter().filter_map(|token| match &token.kind {
            Kind::Text(text) => Some(text.clone()),
            _ => None,
        }));
    }
    found
}

/// Whether the token before that at `index` is `word`.
fn is_after(query: &[Token], index: usize, word: &str) -> bool {
    index.checked_sub(1).is_some_and(|before| query[before].is(word))
}

/// How much hangs on any of `columns`, through whatever names the queries give to what is computed from them.
fn how(queries: &[&[Token]], columns: &[&str]) -> Use {
    let mut names: BTreeSet<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let mut most = Use::Not;
    // a name may be used above where it is given
    for _ in 0..2 {
        for query in queries {
            most = most.max(Walk::new(query, &mut names).run());
        }
    }
    most
}

/// A walk through a query that knows in which clause it is.
struct Walk<'a> {
    query: &'a [Token],
    names: &'a mut BTreeSet<String>,
    open: Vec<Open>,
    most: Use,
}

/// What is open at one depth of parentheses.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Copy, Default)]
struct Open {
    clause: Clause,
    /// Whether the select item at hand has one of the names.
    item: bool,
    /// Whether the condition at hand has one, and whether it has a way around.
    used: bool,
    loose: bool,
    /// Whether a query of its own stands in the parentheses.
    is_query: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Clause {
    Select,
    Filter,
    #[default]
    Other,
}

impl<'a> Walk<'a> {
    fn new(query: &'a [Token], names: &'a mut BTreeSet<String>) -> Self {
        Self { query, names, open: vec![Open::default()], most: Use::Not }
    }

    fn run(mut self) -> Use {
        for index in 0..self.query.len() {
            self.step(index);
        }
        while !self.open.is_empty() {
            self.close(self.query.len());
        }
        self.most
    }

    fn step(&mut self, index: usize) {
        let token = &self.query[index];
        match &token.kind {
            Kind::Symbol('(') => {
                let clause = self.top().clause;
                let around = index.checked_sub(1).map(|before| &self.query[before]);
                let loose = around.is_some_and(|token| PRESERVING.iter().any(|name| token.is(name)));
                self.open.push(Open { clause, loose, ..Open::default() });
            }
            Kind::Symbol(')') if self.open.len() > 1 => self.close(index),
            Kind::Symbol(',') if self.top().is_query && self.top().clause == Clause::Select => self.end_item(index),
            Kind::Word(word) => self.word(word, index),
            _ => {}
        }
    }

    fn word(&mut self, word: &str, index: usize) {
        let next = match word {
            "select" => {
                self.top().is_query = true;
                Some(Clause::Select)
            }
            "left" | "right" if self.query.get(index + 1).is_some_and(|token| token.is_symbol('(')) => None,
            "where" | "having" | "on" | "using" => Some(Clause::Filter),
            // `extract(year from ts)` and `is distinct from` are no clauses
            "from" if !is_after(self.query, index, "distinct") => Some(Clause::Other),
            "join" | "left" | "right" | "group" | "order" | "union" | "window" | "partition" | "limit" => {
                Some(Clause::Other)
            }
            _ => None,
        };
        if let Some(clause) = next {
            self.end_clause(index);
            let top = self.top();
            (top.clause, top.loose) = (clause, false);
            if clause != Clause::Select {
                // `first_value(x order by y)` goes on being about x
                top.item &= !top.is_query;
            }
        } else if self.names.contains(word) {
            let top = self.top();
            match top.clause {
                Clause::Select => top.item = true,
                Clause::Filter => top.used = true,
                Clause::Other => {}
            }
        } else if matches!(word, "or" | "case" | "not" | "distinct") && self.top().clause == Clause::Filter {
            self.top().loose = true;
        }
    }

    fn top(&mut self) -> &mut Open {
        if self.open.is_empty() {
            self.open.push(Open::default());
        }
        let last = self.open.len() - 1;
        &mut self.open[last]
    }

    /// Gives what the item computes its name, the last word of it.
    fn end_item(&mut self, index: usize) {
        let (query, top) = (self.query, self.top());
        let is_tainted = std::mem::take(&mut top.item);
        let last = index.checked_sub(1).and_then(|last| query[last].name());
        if let (true, Some(name)) = (is_tainted, last) {
            self.names.insert(name.to_owned());
        }
    }

    fn end_clause(&mut self, index: usize) {
        let Open { clause, is_query, .. } = *self.top();
        match clause {
            Clause::Select if !is_query => {}
            Clause::Select => self.end_item(index),
            Clause::Filter => {
                let top = self.top();
                if std::mem::take(&mut top.used) {
                    let found = if top.loose { Use::Some } else { Use::All };
                    self.most = self.most.max(found);
                }
            }
            Clause::Other => {}
        }
    }

    /// Ends the innermost parenthesis: what it used counts for the condition or the item around it.
    fn close(&mut self, index: usize) {
        let outer = self.open.len().checked_sub(2).map(|outer| self.open[outer]);
        match outer {
            Some(outer) if !self.top().is_query => {
                let Open { item, used, loose, .. } = *self.top();
                let _ = self.open.pop();
                let top = self.top();
                top.item |= item || (used && outer.clause == Clause::Select);
                top.used |= used || (item && outer.clause == Clause::Filter);
                top.loose |= used && loose;
            }
            outer => {
                // what must hold in `not exists (...)` need not hold at all
                self.top().loose |= outer.is_some_and(|outer| outer.loose);
                self.end_clause(index);
                let _ = self.open.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(rest: &str) -> Needs {
        let head = "-- title = \"t\"\n-- status = \"test\"\n-- severity = \"low\"\n-- attack = []\n\
                    -- needs = \"Metadata\"\n-- describe = \"d\"\n";
        let detection = Detection::parse("pod_exec.sql", &format!("{head}{rest}")).unwrap();
        let pack = Pack::embedded().unwrap();
        Needs::of(&detection, &pack, &BTreeMap::from([(NEED.to_owned(), 7)]))
    }

    fn resources(needs: &Needs) -> Vec<&str> {
        needs.resources.iter().map(String::as_str).collect()
    }

    #[test]
    fn resources_are_those_that_the_query_asks_for_else_its_views() {
        assert_eq!(resources(&needs("select 1 from requests where resource = 'secrets'")), ["secrets"]);
        assert_eq!(resources(&needs("select 1 from activity where resource in ('a', 'b') and x = 'c'")), ["a", "b"]);
        assert_eq!(resources(&needs("select 1 from pod_access")), ["nodes", "pods", "services"]);
        assert_eq!(resources(&needs("select 1 from secret_access")), ["secrets"]);
        assert!(resources(&needs("select 1 from requests where resource not in ('a')")).is_empty());
        assert!(resources(&needs("select 1 from requests where agent = 'x' or resource = 'a'")).is_empty());
        let case =
            "select case when resource = 'a' then 1 end from requests where case when resource = 'b' then true end";
        assert!(resources(&needs(case)).is_empty());
        assert!(resources(&needs("select 1 from first_times")).is_empty());
        assert!(resources(&needs("select 1 from addresses")).is_empty());
    }

    #[test]
    fn reads_are_needed_where_nothing_else_counts() {
        assert!(needs("select 1 from secret_access where reads").reads);
        assert!(needs("select 1 from secret_access s where outcome <> 'denied' and s.reads").reads);
        assert!(needs("select 1 from requests where verb in ('get', 'list')").reads);
        assert!(!needs("select 1 from secret_access where not reads").reads);
        assert!(!needs("select 1 from requests where verb in ('get', 'create')").reads);
        assert!(!needs("select 1 from requests where verb not in ('get')").reads);
    }

    #[test]
    fn a_column_that_is_only_shown_is_not_needed() {
        for rest in [
            "select client_ip, user_agent from requests",
            "select array_agg(client_ip) as addresses from requests group by client_ip order by client_ip",
        ] {
            assert_eq!((needs(rest).address, needs(rest).agent), (Use::Not, Use::Not), "{rest}");
        }
    }

    #[test]
    fn a_condition_needs_what_it_has_also_by_another_name() {
        for rest in [
            "select 1 from requests where is_public_ip(client_ip)",
            "select count(distinct client_ip) as many from requests group by actor having many > 3",
            "select 1 from (select ip_class(client_ip) as class from requests) where class = 'public'",
            "select 1 from requests a join requests b on a.client_ip = b.client_ip",
        ] {
            assert_eq!(needs(rest).address, Use::All, "{rest}");
        }
        let rest = "select first_value(client_ip order by ts) as ip from requests group by actor having ip = 'x'";
        assert_eq!(needs(rest).address, Use::All);
        for rest in [
            "select 1 from requests r where not exists (select 1 from addresses a where a.client_ip = r.client_ip)",
            "select 1 from requests where is_public_ip(client_ip) or actor is null",
            "select 1 from requests where (actor = 'x' or is_public_ip(client_ip)) and verb = 'get'",
            "select 1 from requests where coalesce(client_ip, '') <> '127.0.0.1'",
        ] {
            assert_eq!(needs(rest).address, Use::Some, "{rest}");
        }
    }

    #[test]
    fn history_is_needed_where_its_param_is() {
        assert_eq!(needs("select 1 from requests").history_days, Some(7));
    }

    #[test]
    fn any_query_is_walked_to_its_end() {
        for rest in
            ["select )", "select ( from", "select a, (b, c", "with x as (select 1", "select 1 )))) where client_ip"]
        {
            let _ = needs(rest);
        }
    }
}
