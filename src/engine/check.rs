//! What planning says of a detection before any event is read: whether it runs over the views, whether its columns have
//! the right types, and whether a comparison drops rows that it means to keep because a column of them is NULL.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, ExprSchema};
use datafusion::logical_expr::utils::{split_binary, split_conjunction};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Filter, LogicalPlan, Operator, Projection};
use tokio::time::Instant;

use super::detect::small;
use super::guard;
use super::session::{Events, Period, SWITCHES, Session};
use super::views::{View, Views};
use crate::detection::Detection;
use crate::error::{Error, Result};
use crate::limits::VIEW_BYTES_MAX;

/// Lets an expression know its place in the text.
const SPANS: (&str, bool) = ("datafusion.sql_parser.collect_spans", true);

/// Something wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flaw {
    /// The line of the file, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// Checks queries against views over a table without rows.
pub struct Checker {
    session: Session,
    _folder: tempfile::TempDir,
}

impl Checker {
    /// A checker with these views and lists.
    pub fn open(views: &[View], lists: &BTreeMap<String, Vec<String>>) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(|error| Error::storage("the folder for temporary files", error))?;
        let switches: Vec<(&str, bool)> = SWITCHES.into_iter().chain([SPANS]).collect();
        let session = Session::open_with(
            &small(folder.path()),
            Events::Batches(Vec::new()),
            views.to_vec(),
            lists,
            Period::default(),
            VIEW_BYTES_MAX,
            &switches,
        )?;
        Ok(Self { session, _folder: folder })
    }

    /// What is wrong with a detection, in the order of its lines. Only a bug of the engine is an error.
    pub fn check(&self, detection: &Detection) -> Result<Vec<Flaw>> {
        let what = format!("detection {} ({})", detection.id, detection.path);
        // over no rows, but to the end: some faults show only when the plan is made for good
        let ran = self.session.detect(detection, &BTreeMap::new()).and_then(|_| self.nulls(&what, &detection.sql));
        match ran {
            Ok(mut flaws) => {
                flaws.sort();
                flaws.dedup();
                Ok(flaws)
            }
            Err(error @ (Error::Query(_) | Error::Usage(_) | Error::Limit(_))) => {
                let message = error.to_string();
                let message = message.strip_prefix(&format!("{what}: ")).unwrap_or(&message).to_owned();
                Ok(vec![Flaw { line: line_of(&detection.sql, &message), message }])
            }
            Err(error) => Err(error),
        }
    }

    /// The comparisons of a query that drop rows for a NULL.
    fn nulls(&self, what: &str, sql: &str) -> Result<Vec<Flaw>> {
        let checked = guard::check(what, sql)?;
        let (context, views, name) = (self.session.context.clone(), Arc::clone(&self.session.views), what.to_owned());
        let plan = self.session.wait(what, Instant::now() + self.session.timeout, async move {
            views.register(&name, &context, &checked.tables).await?;
            guard::plan(&name, &context, checked.statement).await
        })?;
        let mut flaws = Vec::new();
        let walked = plan.apply(|node| {
            // rows that a filter of an exclusion loses are found, not lost: `not exists (...)` is not walked
            if let LogicalPlan::Filter(Filter { predicate, input, .. }) = node {
                let schema = input.schema();
                let mut comparisons = Comparisons { schema, flaws: &mut flaws };
                comparisons.all(&split_conjunction(predicate), &known(input, &self.session.views));
            }
            Ok(TreeNodeRecursion::Continue)
        });
        walked.map_err(|error| super::fault::query(what, &error))?;
        Ok(flaws)
    }
}

/// Looks through the comparisons of one filter.
struct Comparisons<'a> {
    schema: &'a DFSchema,
    flaws: &'a mut Vec<Flaw>,
}

impl Comparisons<'_> {
    /// Conditions that must all hold. `safe` are the columns whose NULL another condition has dealt with.
    fn all(&mut self, conditions: &[&Expr], safe: &BTreeSet<String>) {
        let mut safe = safe.clone();
        safe.extend(conditions.iter().flat_map(|condition| asserts(condition)));
        for condition in conditions {
            self.one(condition, &safe);
        }
    }

    fn one(&mut self, condition: &Expr, safe: &BTreeSet<String>) {
        match condition {
            Expr::BinaryExpr(BinaryExpr { op: Operator::Or, .. }) => {
                let ways = split_binary(condition, Operator::Or);
                let mut safe = safe.clone();
                safe.extend(ways.iter().flat_map(|way| match way {
                    Expr::IsNull(inner) => names(inner),
                    _ => BTreeSet::new(),
                }));
                ways.iter().for_each(|way| self.all(&split_conjunction(way), &safe));
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::NotEq, right }) => match (&**left, &**right) {
                (Expr::Literal(..) | Expr::Placeholder(_), column)
                | (column, Expr::Literal(..) | Expr::Placeholder(_)) => {
                    self.operand(column, "<>", "is distinct from ...", safe);
                }
                _ => {}
            },
            Expr::InList(list) if list.negated => self.operand(&list.expr, "not in (...)", "is null or ...", safe),
            Expr::Like(like) if like.negated => self.operand(&like.expr, "not like", "is null or ...", safe),
            Expr::Not(inner) => match &**inner {
                Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right })
                    if matches!(**right, Expr::Literal(..)) =>
                {
                    self.operand(left, "not (... = ...)", "is distinct from ...", safe);
                }
                Expr::InList(list) if !list.negated => {
                    self.operand(&list.expr, "not (... in (...))", "is null or ...", safe);
                }
                Expr::Like(like) if !like.negated => {
                    self.operand(&like.expr, "not (... like ...)", "is null or ...", safe);
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// Finds fault with a comparison whose operand may be NULL.
    fn operand(&mut self, operand: &Expr, comparison: &str, instead: &str, safe: &BTreeSet<String>) {
        // what cannot be told is left to the tests
        if !operand.nullable(self.schema).unwrap_or(false) {
            return;
        }
        let columns: Vec<&Column> = operand.column_refs().into_iter().collect();
        let is_nullable = |column: &&&Column| {
            let field = self.schema.field_from_column(column);
            !safe.contains(&column.name) && field.is_ok_and(|field| field.is_nullable())
        };
        let Some(column) = columns.iter().find(is_nullable) else { return };
        let name = &column.name;
        self.flaws.push(Flaw {
            line: column.spans().first().and_then(|span| usize::try_from(span.start.line).ok()),
            message: format!(
                "{name} may be NULL, and {comparison} drops such rows: write ({name} {instead}), or say {name} is not null"
            ),
        });
    }
}

/// The columns that a condition says are not NULL.
fn asserts(condition: &Expr) -> BTreeSet<String> {
    match condition {
        Expr::IsNotNull(inner) => names(inner),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            names(left).into_iter().chain(names(right)).collect()
        }
        Expr::InList(list) if !list.negated => names(&list.expr),
        Expr::Like(like) if !like.negated => names(&like.expr),
        _ => BTreeSet::new(),
    }
}

/// The columns of a plan's rows that cannot be NULL because a filter below, if need be in a view, asked for a value.
fn known(plan: &LogicalPlan, views: &Views) -> BTreeSet<String> {
    match plan {
        LogicalPlan::Filter(Filter { predicate, input, .. }) => {
            let mut columns = known(input, views);
            columns.extend(split_conjunction(predicate).into_iter().flat_map(asserts));
            columns
        }
        LogicalPlan::Projection(Projection { expr, input, .. }) => {
            let below = known(input, views);
            let is_kept = |expr: &&Expr| match expr {
                Expr::Column(column) => below.contains(&column.name),
                Expr::Alias(alias) => matches!(&*alias.expr, Expr::Column(column) if below.contains(&column.name)),
                _ => false,
            };
            expr.iter().filter(is_kept).map(|expr| expr.schema_name().to_string()).map(bare).collect()
        }
        LogicalPlan::TableScan(scan) => {
            let inlined = scan.source.get_logical_plan().map(Cow::into_owned);
            let plan = inlined.or_else(|| views.plan_of(scan.table_name.table()));
            plan.map_or_else(BTreeSet::new, |plan| known(&plan, views))
        }
        // what a join adds may share a name, and be NULL
        LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Unnest(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Limit(_) => plan.inputs().first().map_or_else(BTreeSet::new, |below| known(below, views)),
        _ => BTreeSet::new(),
    }
}

/// A column's name without its table.
fn bare(name: String) -> String {
    name.rsplit('.').next().map(ToOwned::to_owned).unwrap_or(name)
}

fn names(expr: &Expr) -> BTreeSet<String> {
    expr.column_refs().into_iter().map(|column| column.name.clone()).collect()
}

/// The line that a message of the engine is about: the one that it names, else the first with the name that it quotes.
fn line_of(sql: &str, message: &str) -> Option<usize> {
    let number = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
    if let Some((_, rest)) = message.split_once("Line: ") {
        return number(rest);
    }
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let quoted = message.split(['\'', '"', '`']).skip(1).step_by(2);
    let after = |words: &str| message.split_once(words).and_then(|(_, rest)| rest.split(|c| !is_name(c)).next());
    let candidates = ["named ", "function ", "column "].into_iter().filter_map(after).chain(quoted);
    let line = |name: &str| {
        let has = |line: &str| line.split(|c| !is_name(c)).any(|word| word.eq_ignore_ascii_case(name));
        sql.lines().position(has).map(|index| index + 1)
    };
    candidates.filter(|name| !name.is_empty()).find_map(line)
}
