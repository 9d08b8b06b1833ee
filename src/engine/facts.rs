//! What there is to look at, counted in one pass over the table: clusters, times, levels, and what rows lack.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};

use super::fault;
use super::parts::time_type;
use super::session::Session;
use crate::detection::Level;
use crate::detection::readiness::{Class, Seen};
use crate::error::Result;

/// Names what the counts are grouped by; what a log says freely is brought down to few groups.
const GROUPS: &str = "cluster,
    case when level in ('Metadata', 'Request', 'RequestResponse') then level end as level,
    case when resource in ({resources}) then resource end as resource,
    case when verb in ('get', 'list') then 'read' when verb in ('create', 'update', 'patch') then 'write' end as class,
    lost";
/// Counts, in the order in which [`Session::facts`] reads them.
const COUNTS: &str = "count(*), count(*) filter (where truncated), count(*) filter (where stage = 'RequestReceived'),
    count(client_ip), count(user_agent), count(credential_id), min(ts), max(ts)";

/// What the events are of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extent {
    /// The clusters, by name.
    pub clusters: Vec<String>,
    /// The earliest event, microseconds since 1970.
    pub first_ts: Option<i64>,
    /// The latest event, microseconds since 1970.
    pub last_ts: Option<i64>,
}

impl Extent {
    /// The clusters and the time of what was seen.
    #[must_use]
    pub fn of(seen: &[Seen]) -> Self {
        let clusters: BTreeSet<&String> = seen.iter().map(|rows| &rows.cluster).collect();
        Self {
            clusters: clusters.into_iter().cloned().collect(),
            first_ts: seen.iter().filter_map(|rows| rows.first_ts).min(),
            last_ts: seen.iter().filter_map(|rows| rows.last_ts).max(),
        }
    }
}

impl Session {
    /// The clusters that the events are of.
    pub fn clusters(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for batch in self.start("clusters", "select distinct cluster from events order by 1", &BTreeMap::new())? {
            names.extend(batch?.column(0).as_string::<i32>().iter().flatten().map(ToOwned::to_owned));
        }
        Ok(names)
    }

    /// Counts the events, those of each of `resources` apart.
    pub fn facts(&self, resources: &BTreeSet<String>) -> Result<Vec<Seen>> {
        let listed: Vec<String> = resources.iter().map(|name| format!("'{}'", name.replace('\'', "''"))).collect();
        let listed = if listed.is_empty() { "''".to_owned() } else { listed.join(", ") };
        let groups = GROUPS.replace("{resources}", &listed);
        let sql = format!("select {groups}, {COUNTS} from events group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5");
        let mut seen = Vec::new();
        for batch in self.start("facts", &sql, &BTreeMap::new())? {
            seen.extend(read(&batch?)?);
        }
        Ok(seen)
    }
}

fn read(batch: &RecordBatch) -> Result<Vec<Seen>> {
    let texts = |column: usize| {
        let column = batch.column(column).as_string::<i32>().clone();
        move |row: usize| column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let count = |column: usize, row: usize| {
        u64::try_from(batch.column(column).as_primitive::<Int64Type>().value(row)).unwrap_or_default()
    };
    let time = |column: usize| {
        let times = cast(batch.column(column), &time_type()).map_err(|error| fault::query("facts", &error.into()))?;
        let times = times.as_primitive::<TimestampMicrosecondType>().clone();
        Ok(move |row: usize| times.is_valid(row).then(|| times.value(row)))
    };
    let (cluster, level, resource, class, missing) = (texts(0), texts(1), texts(2), texts(3), texts(4));
    let (first, last) = (time(11)?, time(12)?);
    debug_assert_eq!(*batch.column(5).data_type(), DataType::Int64);
    let row = |row: usize| Seen {
        cluster: cluster(row).unwrap_or_default(),
        level: level(row).and_then(|name| match name.as_str() {
            "Metadata" => Some(Level::Metadata),
            "Request" => Some(Level::Request),
            "RequestResponse" => Some(Level::RequestResponse),
            _ => None,
        }),
        resource: resource(row),
        class: match class(row).as_deref() {
            Some("read") => Class::Read,
            Some("write") => Class::Write,
            _ => Class::Other,
        },
        lost: missing(row).unwrap_or_default(),
        rows: count(5, row),
        truncated: count(6, row),
        received: count(7, row),
        addresses: count(8, row),
        agents: count(9, row),
        credentials: count(10, row),
        first_ts: first(row),
        last_ts: last(row),
    };
    Ok((0..batch.num_rows()).map(row).collect())
}
