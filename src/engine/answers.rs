//! Questions with parameters, whose rows come back as plain structs: what a dossier is put together from.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::LineDelimitedWriter;
use datafusion::common::ParamValues;
use datafusion::logical_expr::LogicalPlan;
use datafusion::scalar::ScalarValue;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::fault;
use super::session::Session;
use crate::error::{Error, Result};

/// A value that is bound to `$name` in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// True or false.
    Flag(bool),
    /// Microseconds since 1970, UTC.
    Time(i64),
    /// Texts for `x in ($name)`; none of them matches nothing.
    Texts(Vec<String>),
}

/// The values of a statement by their names, without the dollar.
pub type Values = BTreeMap<String, Value>;

/// One statement with its values.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// What it is called in messages.
    pub what: &'a str,
    /// One `select` over views.
    pub sql: &'a str,
    /// What its parameters are bound to. Those that it does not name are left out.
    pub values: &'a Values,
}

/// The rows of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// The rows, at most as many as were asked for.
    pub rows: Vec<T>,
    /// Whether there were more.
    pub is_cut: bool,
}

/// A question whose statement was planned.
#[derive(Debug, Clone)]
pub struct Planned {
    sql: String,
    bound: Bound,
    plan: LogicalPlan,
}

/// What the placeholders of a statement stand for.
type Bound = Vec<(String, ScalarValue)>;

impl Session {
    /// Computes the views that several of these questions read, once for all of them, and gives back what was planned.
    /// Unlike detections, they want few rows of most views, so that skipping the others pays.
    pub fn share(&self, questions: &[Question<'_>]) -> Result<Vec<Planned>> {
        let deadline = Instant::now() + self.timeout;
        let planned = questions.iter().map(|question| self.plan_question(question, None, deadline));
        let planned = planned.collect::<Result<Vec<_>>>()?;
        let (views, state) = (Arc::clone(&self.views), self.context.state());
        let plans: Vec<LogicalPlan> = planned.iter().map(|planned| planned.plan.clone()).collect();
        self.wait("shared views", deadline, async move {
            views.share(&state, &plans).await.map_err(|error| fault::query("shared views", &error))
        })?;
        Ok(planned)
    }

    /// The rows of one question, at most `most`. `planned`: the same statement, which need not be planned again unless
    /// what it names has other values now.
    pub fn ask<T: DeserializeOwned>(
        &self,
        question: &Question<'_>,
        planned: Option<Planned>,
        most: usize,
    ) -> Result<Answer<T>> {
        let deadline = Instant::now() + self.timeout;
        let plan = self.plan_question(question, planned, deadline)?.plan;
        let mut answer = Answer { rows: Vec::new(), is_cut: false };
        for batch in self.execute(question.what, &self.context, plan, deadline)? {
            let batch = batch?;
            let room = most - answer.rows.len();
            answer.is_cut |= batch.num_rows() > room;
            let fail = |error: ArrowError| Error::Query(format!("{}: {error}", question.what));
            let mut writer = LineDelimitedWriter::new(Vec::new());
            writer.write(&batch.slice(0, batch.num_rows().min(room))).and_then(|()| writer.finish()).map_err(fail)?;
            for line in writer.into_inner().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let row = serde_json::from_slice(line);
                answer.rows.push(row.map_err(|error| Error::Internal(format!("{}: {error}", question.what)))?);
            }
            if answer.is_cut {
                break;
            }
        }
        Ok(answer)
    }

    fn plan_question(&self, question: &Question<'_>, planned: Option<Planned>, deadline: Instant) -> Result<Planned> {
        let (sql, bound) = bind(question.sql, question.values);
        if let Some(planned) = planned.filter(|planned| planned.sql == sql && planned.bound == bound) {
            return Ok(planned);
        }
        let plan = self.plan_with(question.what, &sql, ParamValues::from(bound.clone()), deadline)?;
        Ok(Planned { sql, bound, plan })
    }
}

/// The statement with a placeholder for each text of a list, and what all of them are bound to: no value ever becomes
/// part of the statement's text.
fn bind(sql: &str, values: &Values) -> (String, Bound) {
    let mut bound = Vec::new();
    let mut text = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        text += before;
        let end = after[1..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(after.len(), |end| end + 1);
        let name = &after[1..end];
        text += &match values.get(name) {
            Some(Value::Texts(texts)) => {
                let names: Vec<_> = (0..texts.len()).map(|index| format!("${name}{index}")).collect();
                // nothing equals NULL, and DataFusion has no empty list
                if names.is_empty() { "null".to_owned() } else { names.join(", ") }
            }
            _ => after[..end].to_owned(),
        };
        if !bound.iter().any(|(known, _): &(String, _)| known == name) {
            match values.get(name) {
                Some(Value::Text(text)) => bound.push((name.to_owned(), ScalarValue::Utf8(Some(text.clone())))),
                Some(Value::Flag(flag)) => bound.push((name.to_owned(), ScalarValue::Boolean(Some(*flag)))),
                Some(Value::Time(micros)) => {
                    let time = ScalarValue::TimestampMicrosecond(Some(*micros), Some("UTC".into()));
                    bound.push((name.to_owned(), time));
                }
                Some(Value::Texts(texts)) if !bound.iter().any(|(known, _)| *known == format!("{name}0")) => {
                    let texts = texts.iter().enumerate();
                    bound.extend(texts.map(|(i, text)| (format!("{name}{i}"), ScalarValue::Utf8(Some(text.clone())))));
                }
                _ => {}
            }
        }
        rest = &after[end..];
    }
    (text + rest, bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_become_placeholders_and_no_value_becomes_sql() {
        let values = Values::from([
            ("who".to_owned(), Value::Texts(vec!["eve' or 1=1 --".to_owned(), "$flag".to_owned()])),
            ("none".to_owned(), Value::Texts(Vec::new())),
            ("flag".to_owned(), Value::Flag(true)),
        ]);
        let (sql, bound) = bind("select $flag where a in ($who) or b in ($none) or c in ($who)", &values);
        assert_eq!(sql, "select $flag where a in ($who0, $who1) or b in (null) or c in ($who0, $who1)");
        let names: Vec<_> = bound.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["flag", "who0", "who1"]);
    }
}
