//! A finding: the one row that every detection yields, every export carries and every later step refers to.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How loud a finding is. Ordered: `Info < Low < Medium < High < Critical`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A fact, for context.
    Info,
    /// Worth a line in a weekly review.
    Low,
    /// Someone should look at it today.
    Medium,
    /// Someone should look at it now.
    High,
    /// Assume that it happened.
    Critical,
}

impl Severity {
    /// All severities, quietest first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The lowercase word used in headers and exports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str() == text)
            .ok_or_else(|| Error::usage(format!("unknown severity {text:?}; use info, low, medium, high or critical")))
    }
}

/// One finding. Times are UTC microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The detection's id: its file stem.
    pub detection: String,
    /// The detection's title.
    pub title: String,
    /// How loud it is.
    pub severity: Severity,
    /// MITRE ATT&CK ids, `tactic/technique` as in the header.
    pub attack: Vec<String>,
    /// The audit id of the event to open first.
    pub audit_id: String,
    /// Audit ids of the evidence, at most `limits::AUDIT_IDS_MAX`.
    pub audit_ids: Vec<String>,
    /// When the first event of the evidence was received.
    pub first_seen: i64,
    /// When the last event of the evidence was received.
    pub last_seen: i64,
    /// Who did it.
    pub actor: String,
    /// What it was done to.
    pub object: String,
    /// How many requests are behind it.
    pub events: i64,
    /// The cluster that it happened in.
    pub cluster: String,
    /// The same for the same finding in every run: a hash of detection, cluster, actor, object and first event.
    pub finding_id: String,
    /// The detection's further columns as a JSON object.
    pub evidence: String,
}

impl Finding {
    /// The order of every list of findings: loudest first, then oldest, then by id, so that runs can be compared.
    #[must_use]
    pub fn order(&self, other: &Self) -> std::cmp::Ordering {
        other
            .severity
            .cmp(&self.severity)
            .then_with(|| self.first_seen.cmp(&other.first_seen))
            .then_with(|| self.detection.cmp(&other.detection))
            .then_with(|| self.finding_id.cmp(&other.finding_id))
    }
}

/// One request behind a finding, as the log tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// When it was received.
    pub ts: i64,
    /// Its audit id.
    pub audit_id: Option<String>,
    /// Whose rights were used.
    pub actor: Option<String>,
    /// Who was authenticated.
    pub username: Option<String>,
    /// The Kubernetes verb.
    pub verb: Option<String>,
    /// What kind of object it was for.
    pub resource: Option<String>,
    /// Which part of the object.
    pub subresource: Option<String>,
    /// The object's namespace.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: Option<String>,
    /// The path and query, for requests without an object.
    pub request_uri: Option<String>,
    /// The HTTP status of the answer.
    pub code: Option<i32>,
    /// What came of it.
    pub outcome: Option<String>,
    /// The peer that the API server saw.
    pub client_ip: Option<String>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// The credential that was used.
    pub credential_id: Option<String>,
    /// The credential that was issued.
    pub issued_credential_id: Option<String>,
}

/// The Arrow schema of findings, as exported to Parquet.
#[must_use]
pub fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let texts = |name: &str| Field::new_list(name, Field::new_list_field(DataType::Utf8, true), false);
    let time = |name: &str| Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false);
    Arc::new(Schema::new(vec![
        text("detection"),
        text("title"),
        text("severity"),
        texts("attack"),
        text("audit_id"),
        texts("audit_ids"),
        time("first_seen"),
        time("last_seen"),
        text("actor"),
        text("object"),
        Field::new("events", DataType::Int64, false),
        text("cluster"),
        text("finding_id"),
        text("evidence"),
    ]))
}

/// The version of [`kept_schema`], written into every commit of the table; a table with a later one is refused.
pub const KEPT_VERSION: u32 = 1;

/// The Arrow schema of the findings that a lake keeps: [`schema`], and when, by which run and from what each was kept.
/// `late` says that the date of `last_seen` had been examined by an earlier run.
#[must_use]
pub fn kept_schema() -> SchemaRef {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let mut fields = schema().fields().to_vec();
    fields.extend([
        Arc::new(Field::new("kept_at", utc, false)),
        Arc::new(Field::new("run", DataType::Utf8, false)),
        Arc::new(Field::new("lake_version", DataType::Int64, false)),
        Arc::new(Field::new("late", DataType::Boolean, false)),
        Arc::new(Field::new("pack", DataType::Utf8, false)),
    ]);
    Arc::new(Schema::new(fields))
}

/// The findings as one batch of [`schema`].
pub fn to_batch(findings: &[Finding]) -> Result<RecordBatch> {
    let text =
        |pick: fn(&Finding) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(findings.iter().map(pick))) };
    let texts = |pick: fn(&Finding) -> &Vec<String>| -> ArrayRef {
        let mut list = ListBuilder::new(StringBuilder::new());
        for finding in findings {
            pick(finding).iter().for_each(|value| list.values().append_value(value));
            list.append(true);
        }
        Arc::new(list.finish())
    };
    let time = |pick: fn(&Finding) -> i64| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from_iter_values(findings.iter().map(pick)).with_timezone("UTC"))
    };
    let columns = vec![
        text(|f| &f.detection),
        text(|f| &f.title),
        text(|f| f.severity.as_str()),
        texts(|f| &f.attack),
        text(|f| &f.audit_id),
        texts(|f| &f.audit_ids),
        time(|f| f.first_seen),
        time(|f| f.last_seen),
        text(|f| &f.actor),
        text(|f| &f.object),
        Arc::new(Int64Array::from_iter_values(findings.iter().map(|f| f.events))),
        text(|f| &f.cluster),
        text(|f| &f.finding_id),
        text(|f| &f.evidence),
    ];
    RecordBatch::try_new(schema(), columns).map_err(|error| Error::Internal(format!("findings batch: {error}")))
}

/// The findings of a batch that has the columns of [`schema`], in any order and beside others, as a query gives them.
pub fn from_batch(batch: &RecordBatch) -> Result<Vec<Finding>> {
    let fault = |what: String| Error::Internal(format!("findings batch: {what}"));
    let column = |name: &str| {
        let field = schema().field_with_name(name).cloned().map_err(|error| fault(error.to_string()))?;
        let column = batch.column_by_name(name).ok_or_else(|| fault(format!("{name} is missing")))?;
        cast(column, field.data_type()).map_err(|error| fault(format!("{name}: {error}")))
    };
    let names = ["detection", "title", "severity", "audit_id", "actor", "object", "cluster", "finding_id", "evidence"];
    let texts = names.map(column).into_iter().collect::<Result<Vec<ArrayRef>>>()?;
    let lists = [column("attack")?, column("audit_ids")?];
    let numbers = [column("first_seen")?, column("last_seen")?, column("events")?];
    let list = |at: usize, row: usize| -> Vec<String> {
        let values = lists[at].as_list::<i32>().value(row);
        values.as_string::<i32>().iter().flatten().map(ToOwned::to_owned).collect()
    };
    let time = |at: usize, row: usize| numbers[at].as_primitive::<TimestampMicrosecondType>().value(row);
    (0..batch.num_rows())
        .map(|row| {
            let mut texts = texts.iter().map(|column| column.as_string::<i32>().value(row).to_owned());
            let mut text = || texts.next().unwrap_or_default();
            Ok(Finding {
                detection: text(),
                title: text(),
                severity: text().parse()?,
                audit_id: text(),
                actor: text(),
                object: text(),
                cluster: text(),
                finding_id: text(),
                evidence: text(),
                attack: list(0, row),
                audit_ids: list(1, row),
                first_seen: time(0, row),
                last_seen: time(1, row),
                events: numbers[2].as_primitive::<Int64Type>().value(row),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_gives_back_what_it_was_made_of() {
        let one = Finding {
            detection: "pod_exec".to_owned(),
            title: "Possible command run inside a pod".to_owned(),
            severity: Severity::Medium,
            attack: vec!["TA0002/T1609".to_owned()],
            audit_id: "a1".to_owned(),
            audit_ids: vec!["a1".to_owned(), "a2".to_owned()],
            first_seen: 5,
            last_seen: 7,
            actor: "alice".to_owned(),
            object: "shop/web".to_owned(),
            events: 3,
            cluster: "prod".to_owned(),
            finding_id: "0123456789abcdef".to_owned(),
            evidence: "{\"kind\":\"exec\"}".to_owned(),
        };
        let two = Finding { attack: Vec::new(), audit_ids: Vec::new(), actor: String::new(), ..one.clone() };
        let batch = to_batch(&[one.clone(), two.clone()]).unwrap();
        assert_eq!(from_batch(&batch).unwrap(), [one, two]);
        let short = batch.project(&[0, 1, 2]).unwrap();
        assert!(from_batch(&short).unwrap_err().to_string().contains("is missing"));
    }
}
