//! Read-only SQL: what is refused before DataFusion plans it.
//!
//! Planning is synchronous and recursive, so the size of a statement is bounded before it; a statement may name
//! registered tables only, so that no path is ever opened on its behalf.

use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::fault;
use crate::error::{Error, Result};
use crate::limits::{SQL_BYTES_MAX, SQL_LINKS_MAX};

/// How deep expressions and subqueries may nest in the text.
const DEPTH_MAX: usize = 50;
/// The schema of `information_schema.tables` and its like.
const INFORMATION_SCHEMA: &str = "information_schema";

/// PostgreSQL's words and precedence with `select * except (...)`. In DataFusion's default dialect `->>` binds weaker
/// than `=`, and a column named `cluster` ends the list of columns.
#[derive(Debug)]
struct Sql;

impl Dialect for Sql {
    fn is_identifier_start(&self, letter: char) -> bool {
        PostgreSqlDialect {}.is_identifier_start(letter)
    }

    fn is_identifier_part(&self, letter: char) -> bool {
        PostgreSqlDialect {}.is_identifier_part(letter)
    }

    fn is_delimited_identifier_start(&self, letter: char) -> bool {
        letter == '"'
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        PostgreSqlDialect {}.identifier_quote_style(identifier)
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        PostgreSqlDialect {}.get_next_precedence(parser)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        PostgreSqlDialect {}.prec_value(precedence)
    }

    fn supports_select_wildcard_except(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }
}

/// One statement that passed, and the tables that it names.
pub(super) struct Checked {
    pub(super) statement: Statement,
    pub(super) tables: Vec<String>,
    /// Whether it asks what tables there are, so that all must be registered.
    pub(super) asks_for_tables: bool,
}

/// Parses one statement after its size was checked.
pub(super) fn check(what: &str, sql: &str) -> Result<Checked> {
    bound(what, sql)?;
    let mut statements = DFParserBuilder::new(sql)
        .with_dialect(&Sql)
        .with_recursion_limit(DEPTH_MAX)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| fault::query(what, &error))?;
    let statement = match (statements.pop_front(), statements.is_empty()) {
        (Some(statement), true) => statement,
        (None, _) => return Err(Error::Query(format!("{what}: there is no statement; write a select"))),
        (Some(_), false) => return Err(Error::Query(format!("{what}: more than one statement; run them one by one"))),
    };
    let (references, _) = resolve_table_references(&statement, true).map_err(|error| fault::query(what, &error))?;
    let mut tables = Vec::new();
    let mut asks_for_tables = !is_query(&statement);
    for reference in references {
        match reference.schema() {
            None => tables.push(reference.table().to_owned()),
            Some(INFORMATION_SCHEMA) => asks_for_tables = true,
            Some(_) => {
                return Err(Error::Query(format!("{what}: no table named {reference}; name it without a schema")));
            }
        }
    }
    Ok(Checked { statement, tables, asks_for_tables })
}

/// Refuses every plan that is not a query: DDL, DML, COPY, SET, transactions, prepared statements.
pub(super) async fn plan(what: &str, context: &SessionContext, statement: Statement) -> Result<LogicalPlan> {
    let plan = context.state().statement_to_plan(statement).await.map_err(|error| fault::query(what, &error))?;
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)
        .map_err(|_| Error::Query(format!("{what}: only queries are allowed; write a select")))?;
    Ok(plan)
}

fn is_query(statement: &Statement) -> bool {
    match statement {
        Statement::Statement(statement) => matches!(**statement, ast::Statement::Query(_)),
        Statement::Explain(explain) => is_query(&explain.statement),
        _ => false,
    }
}

/// The planner's time and stack grow with the text and, faster, with chains of operators.
fn bound(what: &str, sql: &str) -> Result<()> {
    if sql.len() > SQL_BYTES_MAX {
        return Err(Error::Query(format!(
            "{what}: the statement has {} bytes; the limit is {SQL_BYTES_MAX}",
            sql.len()
        )));
    }
    let tokens = Tokenizer::new(&Sql, sql)
        .tokenize()
        .map_err(|error| Error::Query(format!("{what}: cannot be parsed: {error}")))?;
    let links = tokens.iter().filter(|token| is_link(token)).count();
    if links > SQL_LINKS_MAX {
        return Err(Error::Query(format!(
            "{what}: the statement links {links} terms by and, or, + and the like; the limit is {SQL_LINKS_MAX}: use in (...) or a list"
        )));
    }
    Ok(())
}

fn is_link(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::XOR
                | Keyword::NOT
                | Keyword::UNION
                | Keyword::INTERSECT
                | Keyword::EXCEPT
                | Keyword::JOIN
                | Keyword::CASE
                | Keyword::LIKE
                | Keyword::BETWEEN
        ),
        Token::Comma
        | Token::Whitespace(_)
        | Token::Number(..)
        | Token::Char(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::LParen
        | Token::RParen
        | Token::Period
        | Token::Colon
        | Token::SemiColon
        | Token::LBracket
        | Token::RBracket
        | Token::Placeholder(_)
        | Token::EOF => false,
        // every other token is an operator, of which arithmetic, comparison and JSON arrows chain
        _ => true,
    }
}
