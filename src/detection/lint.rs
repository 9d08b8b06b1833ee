//! Traps in a detection's SQL that a reader of its text can see: they are valid queries that miss what they should find.
//! The tests hold every detection of the pack to them.

use super::token::{Kind, Token, tokens};
use super::{Detection, TABLE};

/// The columns that every detection returns.
pub const COLUMNS: [&str; 6] = ["audit_id", "first_seen", "last_seen", "actor", "object", "events"];

/// What is wrong with the query of `detection`, as `path:line: message`; empty if nothing is.
#[must_use]
pub fn lint(detection: &Detection) -> Vec<String> {
    let query = tokens(&detection.sql);
    let mut found = [table_read(&query), not_in_select(&query), loose_exclusion(&query)].concat();
    found.sort_unstable();
    let mut messages: Vec<String> =
        found.into_iter().map(|(line, message)| format!("{}:{line}: {message}", detection.path)).collect();
    for column in COLUMNS.into_iter().filter(|column| !query.iter().any(|token| token.name() == Some(column))) {
        messages.push(format!("{}:1: the query returns no column {column}", detection.path));
    }
    messages
}

type Found = Vec<(usize, &'static str)>;

/// Views join, deduplicate and judge outcomes; a detection that reads the table does it anew, and differently.
fn table_read(query: &[Token]) -> Found {
    tables(query)
        .into_iter()
        .filter(|token| token.name() == Some(TABLE))
        .map(|token| (token.line, "reads the table events; read a view instead"))
        .collect()
}

/// The tokens that follow `from`, `join` or a comma between tables. In `extract(year from ts)` and
/// `a is distinct from b` it takes a column for a table, which no lint minds unless it is called `events`.
pub(super) fn tables(query: &[Token]) -> Vec<&Token> {
    let mut found = Vec::new();
    // for each open parenthesis, whether the tokens directly in it belong to a from clause
    let mut in_from = vec![false];
    let mut previous: Option<&Token> = None;
    for token in query {
        let here = in_from.last().copied().unwrap_or(false);
        let after_comma = here && previous.is_some_and(|token| token.is_symbol(','));
        if after_comma || previous.is_some_and(|token| token.is("from") || token.is("join")) {
            found.push(token);
        }
        match &token.kind {
            Kind::Symbol('(') => in_from.push(false),
            Kind::Symbol(')') if in_from.len() > 1 => {
                in_from.pop();
            }
            Kind::Word(word) => {
                let ends = ["select", "where", "group", "having", "window", "order", "limit", "union"];
                if let Some(last) = in_from.last_mut() {
                    *last = (*last || word == "from") && !ends.contains(&word.as_str());
                }
            }
            _ => {}
        }
        previous = Some(token);
    }
    found
}

/// One NULL in the subquery and `not in` holds for no row: the detection falls silent.
fn not_in_select(query: &[Token]) -> Found {
    query
        .windows(4)
        .filter(|run| run[0].is("not") && run[1].is("in") && run[2].is_symbol('(') && run[3].is("select"))
        .map(|run| (run[0].line, "not in (select ...) finds nothing after one NULL; use not exists"))
        .collect()
}

/// Who may choose a part of a URI or an agent writes the excluded word into it and is never found.
fn loose_exclusion(query: &[Token]) -> Found {
    let mut found = Vec::new();
    // for each open parenthesis, whether a `not` stands before it or before one around it
    let mut negated = vec![false];
    for (index, token) in query.iter().enumerate() {
        let before = |n: usize| index.checked_sub(n).map(|index| &query[index]);
        let is = |n: usize, word: &str| before(n).is_some_and(|token| token.is(word));
        let outer = negated.last().copied().unwrap_or(false);
        match &token.kind {
            Kind::Symbol('(') => negated.push(outer || is(1, "not") || (is(1, "exists") && is(2, "not"))),
            Kind::Symbol(')') if negated.len() > 1 => {
                negated.pop();
            }
            Kind::Text(pattern) if pattern.len() > 1 && pattern.starts_with('%') && pattern.ends_with('%') => {
                let like = is(1, "like") || is(1, "ilike");
                if like && (outer || is(2, "not")) {
                    found.push((token.line, "an exclusion by '%word%' lets anyone hide who can write the word"));
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS_SQL: &str = "select audit_id, ts as first_seen, ts as last_seen, actor, name as object, 1 as events";

    /// The messages for a query that has all columns and goes on with `rest`, which begins on line 10.
    fn messages(rest: &str) -> Vec<String> {
        messages_of(&format!("{COLUMNS_SQL}\n{rest}"))
    }

    fn messages_of(sql: &str) -> Vec<String> {
        let head = "-- title = \"t\"\n-- status = \"test\"\n-- severity = \"low\"\n-- attack = []\n\
                    -- needs = \"Metadata\"\n-- describe = \"d\"\n--\n--\n";
        lint(&Detection::parse("pod_exec.sql", &format!("{head}{sql}")).unwrap())
    }

    #[test]
    fn a_plain_query_over_views_is_clean() {
        let rest = "from requests r join pod_access p on r.audit_id = p.audit_id, (select 1 as one) x
                    where resource not in ('pods', 'nodes') and agent like '%curl%' and uri not like '/healthz%'
                    and not exists (select 1 from sensitive s where s.actor = r.actor)
                    order by first_seen, events";
        assert_eq!(messages(rest), Vec::<String>::new());
    }

    #[test]
    fn the_table_is_found_wherever_it_is_read() {
        for rest in [
            "from events",
            "from EVENTS e",
            "from \"events\"",
            "from requests join events on true",
            "from requests r, events e",
            "from requests where audit_id in (select audit_id from events)",
            "from (select * from requests), events",
        ] {
            assert_eq!(messages(rest), ["pod_exec.sql:10: reads the table events; read a view instead"], "{rest}");
        }
    }

    #[test]
    fn not_in_with_a_subquery_is_found() {
        let found = messages("from requests\nwhere actor NOT IN (\n select actor from known)");
        assert_eq!(found, ["pod_exec.sql:11: not in (select ...) finds nothing after one NULL; use not exists"]);
    }

    #[test]
    fn an_exclusion_by_substring_is_found() {
        for condition in [
            "uri not like '%metrics%'",
            "uri NOT ILIKE '%metrics%'",
            "not (verb = 'get' and (uri like '%metrics%'))",
            "not exists (select 1 from sensitive where uri like '%metrics%')",
        ] {
            let found = messages(&format!("from requests where {condition}"));
            assert_eq!(found.len(), 1, "{condition}: {found:?}");
            assert!(found[0].contains("lets anyone hide"), "{found:?}");
        }
    }

    #[test]
    fn words_in_comments_and_texts_are_not_read() {
        assert!(
            messages("from requests -- not from events\nwhere a = 'not in (select' /* not like '%x%' */").is_empty()
        );
    }

    #[test]
    fn a_missing_column_is_named() {
        let found = messages_of("select audit_id, first_seen, last_seen, actor, object from requests");
        assert_eq!(found, ["pod_exec.sql:1: the query returns no column events"]);
    }
}
