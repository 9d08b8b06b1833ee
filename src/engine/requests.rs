//! The requests behind a finding, for people to look at.

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::ParamValues;
use datafusion::scalar::ScalarValue;
use tokio::time::Instant;

use super::session::Session;
use crate::error::Result;
use crate::finding::Request;
use crate::limits::AUDIT_IDS_MAX;

/// Which requests are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Their audit ids.
    pub audit_ids: &'a [String],
    /// When the first was received.
    pub first_seen: i64,
    /// When the last was received.
    pub last_seen: i64,
    /// The cluster that they were made in; empty: any.
    pub cluster: &'a str,
}

/// The requests that were found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requests {
    /// The oldest of them, at most [`AUDIT_IDS_MAX`].
    pub rows: Vec<Request>,
    /// How many there are: a client may give many requests one audit id.
    pub total: u64,
}

const COLUMNS: &str = "ts, audit_id, actor, username, verb, resource, subresource, namespace, name, request_uri, \
                       outcome, client_ip, user_agent, credential_id, issued_credential_id, response_code";

impl Session {
    /// The requests of a finding's evidence, oldest first.
    pub fn requests(&self, evidence: &Evidence<'_>) -> Result<Requests> {
        let time = |micros| ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()));
        let text = |text: &str| ScalarValue::Utf8(Some(text.to_owned()));
        let mut params =
            vec![("first".to_owned(), time(evidence.first_seen)), ("last".to_owned(), time(evidence.last_seen))];
        let ids = &evidence.audit_ids[..evidence.audit_ids.len().min(AUDIT_IDS_MAX)];
        params.extend(ids.iter().enumerate().map(|(index, id)| (format!("id{index}"), text(id))));
        let names: Vec<String> = (0..ids.len()).map(|index| format!("$id{index}")).collect();
        if names.is_empty() {
            return Ok(Requests::default());
        }
        let mut filter = format!("ts >= $first and ts <= $last and audit_id in ({})", names.join(", "));
        if !evidence.cluster.is_empty() {
            filter += " and cluster = $cluster";
            params.push(("cluster".to_owned(), text(evidence.cluster)));
        }
        let sql = format!(
            "select {COLUMNS}, count(*) over () as total from requests where {filter} \
             order by ts, audit_id, verb, name limit {AUDIT_IDS_MAX}"
        );
        let (what, deadline) = ("requests of the finding", Instant::now() + self.timeout);
        let plan = self.plan_with(what, &sql, ParamValues::from(params), deadline)?;
        let mut requests = Requests::default();
        for batch in self.execute(what, &self.context, plan, deadline)? {
            requests.add(&batch?);
        }
        Ok(requests)
    }
}

impl Requests {
    fn add(&mut self, batch: &RecordBatch) {
        let times = batch.column(0).as_primitive::<TimestampMicrosecondType>();
        let texts: Vec<_> = (1..15).map(|column| batch.column(column).as_string::<i32>()).collect();
        let codes = batch.column(15).as_primitive::<Int32Type>();
        let totals = batch.column(16).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let mut values = texts.iter().map(|text| text.is_valid(row).then(|| text.value(row).to_owned()));
            let mut next = || values.next().flatten();
            self.rows.push(Request {
                ts: times.value(row),
                audit_id: next(),
                actor: next(),
                username: next(),
                verb: next(),
                resource: next(),
                subresource: next(),
                namespace: next(),
                name: next(),
                request_uri: next(),
                outcome: next(),
                client_ip: next(),
                user_agent: next(),
                credential_id: next(),
                issued_credential_id: next(),
                code: codes.is_valid(row).then(|| codes.value(row)),
            });
            self.total = u64::try_from(totals.value(row)).unwrap_or(0);
        }
    }
}
