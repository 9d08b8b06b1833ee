//! Detections: binding their parameters, checking their columns, and turning their rows into findings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type, Schema, TimestampMicrosecondType};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::LineDelimitedWriter;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use tokio::time::Instant;

use super::parts::time_type;
use super::session::{Events, Period, Session, Settings};
use super::views::{FINDINGS, View};
use super::{fault, guard};
use crate::detection::Detection;
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::limits::{AUDIT_IDS_MAX, FINDINGS_PER_DETECTION_MAX, QUERY_BYTES_MIN, QUERY_SECONDS_DEFAULT};

/// What one detection found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detected {
    /// The findings in [`Finding::order`], at most [`FINDINGS_PER_DETECTION_MAX`].
    pub findings: Vec<Finding>,
    /// Findings beyond those, the last in that order.
    pub omitted: usize,
}

impl Session {
    /// Plans detections that run together, and computes the views that they share. `params` replace the defaults of a
    /// header.
    pub fn prepare<'a>(&'a self, wanted: &[(&'a Detection, BTreeMap<String, i64>)]) -> Result<Run<'a>> {
        let plan = |(detection, params): &(&'a Detection, BTreeMap<String, i64>)| {
            let what = format!("detection {} ({})", detection.id, detection.path);
            let params = bound(&what, detection, params)?;
            if guard::check(&what, &detection.sql)?.tables.iter().any(|table| table == FINDINGS) {
                return Err(Error::Query(format!("{what}: reads what was found before; read views of the events")));
            }
            let plan = self.plan(&what, &detection.sql, &params, Instant::now() + self.timeout)?;
            Ok(Prepared { what, detection, plan })
        };
        let prepared: Vec<_> = wanted.par_iter().map(plan).collect();
        let plans: Vec<LogicalPlan> =
            prepared.iter().flatten().map(|prepared: &Prepared| prepared.plan.clone()).collect();
        let (views, state) = (Arc::clone(&self.views), self.wide());
        let shared = self.wait("shared views", Instant::now() + self.timeout, async move {
            views.share(&state, &plans).await.map_err(|error| fault::query("shared views", &error))
        });
        // of any other error whoever reads the view will tell, and the others still run
        if let Err(Error::Internal(bug)) = shared {
            return Err(Error::Internal(bug));
        }
        let workers = self.threads.min(wanted.len()).max(1);
        let context = self.narrow(self.threads / workers);
        Ok(Run {
            session: self,
            workers,
            context,
            turn: RwLock::new(()),
            prepared: prepared.into_iter().map(|one| Mutex::new(Some(one))).collect(),
        })
    }

    /// Runs one detection. `params` replace the defaults of its header.
    pub fn detect(&self, detection: &Detection, params: &BTreeMap<String, i64>) -> Result<Detected> {
        self.prepare(&[(detection, params.clone())])?.find(0)
    }
}

/// A detection that was planned.
struct Prepared<'a> {
    what: String,
    detection: &'a Detection,
    plan: LogicalPlan,
}

/// Detections that were planned together.
pub struct Run<'a> {
    session: &'a Session,
    workers: usize,
    context: SessionContext,
    /// Held by all that run, and alone by one that needs all the memory.
    turn: RwLock<()>,
    prepared: Vec<Mutex<Option<Result<Prepared<'a>>>>>,
}

impl Run<'_> {
    /// How many of them are best run at a time.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Runs the detection at `index` of those that were prepared, once. One that wants more memory than others leave it
    /// runs again when no other does.
    pub fn find(&self, index: usize) -> Result<Detected> {
        let slot = self.prepared.get(index).and_then(|slot| slot.lock().ok()?.take());
        let ran = || Error::Internal(format!("detection {index} of a run was run before"));
        let prepared = slot.ok_or_else(ran)??;
        let panicked = || Error::Internal("a detection panicked".to_owned());
        let found = {
            let _beside_others = self.turn.read().map_err(|_| panicked())?;
            self.run(&prepared)
        };
        match found {
            Err(error) if self.workers > 1 && fault::wants_memory(&error) => {
                let _alone = self.turn.write().map_err(|_| panicked())?;
                self.run(&prepared)
            }
            found => found,
        }
    }

    fn run(&self, Prepared { what, detection, plan }: &Prepared<'_>) -> Result<Detected> {
        if self.session.views.give_nothing(&self.context.state(), plan) {
            return Ok(Detected::default());
        }
        let deadline = Instant::now() + self.session.timeout;
        let rows = self.session.execute(what, &self.context, plan.clone(), deadline)?;
        let columns = Columns::find(what, &rows.schema())?;
        let mut kept = Keeper::new(FINDINGS_PER_DETECTION_MAX);
        for batch in rows {
            for finding in columns.read(what, detection, &batch?)? {
                kept.push(finding);
            }
        }
        Ok(kept.finish())
    }
}

/// The parameters of the header, as changed.
fn bound(what: &str, detection: &Detection, changed: &BTreeMap<String, i64>) -> Result<BTreeMap<String, i64>> {
    let mut bound = detection.header.params.clone();
    for (name, value) in changed {
        let Some(param) = bound.get_mut(name) else {
            let known: Vec<_> = detection.header.params.keys().map(String::as_str).collect();
            return Err(Error::usage(format!("{what} has no parameter {name}; it has {known:?}")));
        };
        *param = *value;
    }
    Ok(bound)
}

/// Runs one detection over batches in memory, as its test cases do.
pub fn run_detection(
    views: &[View],
    detection: &Detection,
    batches: Vec<RecordBatch>,
    lists: &BTreeMap<String, Vec<String>>,
    params: &BTreeMap<String, i64>,
) -> Result<Vec<Finding>> {
    let folder = tempfile::tempdir().map_err(|error| Error::storage("the folder for temporary files", error))?;
    let session =
        Session::open(&small(folder.path()), Events::Batches(batches), views.to_vec(), lists, Period::default())?;
    Ok(session.detect(detection, params)?.findings)
}

/// Settings for a few events in memory.
pub(super) fn small(folder: &Path) -> Settings {
    Settings {
        memory_bytes: QUERY_BYTES_MIN,
        spill_dir: folder.to_owned(),
        timeout: std::time::Duration::from_secs(QUERY_SECONDS_DEFAULT),
        threads: 1,
    }
}

/// Where the columns of a detection stand in its result.
struct Columns {
    audit_id: usize,
    first_seen: usize,
    last_seen: usize,
    actor: usize,
    object: usize,
    events: usize,
    cluster: Option<usize>,
    audit_ids: Option<usize>,
    evidence: Vec<usize>,
}

impl Columns {
    fn find(what: &str, schema: &Schema) -> Result<Self> {
        let optional = |name: &str, fits: fn(&DataType) -> bool, wanted: &str| match schema.column_with_name(name) {
            Some((_, field)) if !fits(field.data_type()) => {
                Err(Error::Query(format!("{what}: column {name} must be {wanted}, not {}", field.data_type())))
            }
            found => Ok(found.map(|(index, _)| index)),
        };
        let required = |name: &str, fits: fn(&DataType) -> bool, wanted: &str| {
            optional(name, fits, wanted)?.ok_or_else(|| {
                Error::Query(format!(
                    "{what}: column {name} ({wanted}) is missing; a detection selects audit_id, first_seen, last_seen, \
                     actor, object and events"
                ))
            })
        };
        let is_text: fn(&DataType) -> bool = |data_type| *data_type == DataType::Utf8;
        let is_time: fn(&DataType) -> bool = |data_type| matches!(data_type, DataType::Timestamp(..));
        let is_texts: fn(&DataType) -> bool =
            |data_type| matches!(data_type, DataType::List(item) if *item.data_type() == DataType::Utf8);
        let mut columns = Self {
            audit_id: required("audit_id", is_text, "text")?,
            first_seen: required("first_seen", is_time, "a timestamp")?,
            last_seen: required("last_seen", is_time, "a timestamp")?,
            actor: required("actor", is_text, "text")?,
            object: required("object", is_text, "text")?,
            events: required("events", DataType::is_integer, "an integer")?,
            cluster: optional("cluster", is_text, "text")?,
            audit_ids: optional("audit_ids", is_texts, "a list of text")?,
            evidence: Vec::new(),
        };
        let fixed = [
            Some(columns.audit_id),
            Some(columns.first_seen),
            Some(columns.last_seen),
            Some(columns.actor),
            Some(columns.object),
            Some(columns.events),
            columns.cluster,
            columns.audit_ids,
        ];
        columns.evidence = (0..schema.fields().len()).filter(|index| !fixed.contains(&Some(*index))).collect();
        Ok(columns)
    }

    fn read(&self, what: &str, detection: &Detection, batch: &RecordBatch) -> Result<Vec<Finding>> {
        let fail = |error: ArrowError| Error::Query(format!("{what}: {error}"));
        let text = |index: usize| batch.column(index).as_string::<i32>();
        let value = |index: usize, row: usize| {
            let column = text(index);
            if column.is_valid(row) { column.value(row).to_owned() } else { String::new() }
        };
        let first = cast(batch.column(self.first_seen), &time_type()).map_err(fail)?;
        let last = cast(batch.column(self.last_seen), &time_type()).map_err(fail)?;
        let events = cast(batch.column(self.events), &DataType::Int64).map_err(fail)?;
        let time = |column: &dyn Array, row: usize| {
            let times = column.as_primitive::<TimestampMicrosecondType>();
            times
                .is_valid(row)
                .then(|| times.value(row))
                .ok_or_else(|| Error::Query(format!("{what}: first_seen or last_seen is NULL; ts never is")))
        };
        let evidence = self.evidence(batch).map_err(fail)?;
        (0..batch.num_rows())
            .zip(evidence)
            .map(|(row, evidence)| {
                let audit_id = value(self.audit_id, row);
                let listed = self.audit_ids.map(|index| batch.column(index).as_list::<i32>());
                let listed = listed.filter(|lists| lists.is_valid(row)).map(|lists| lists.value(row));
                let listed = listed.as_ref().map(|list| list.as_string::<i32>().iter().flatten());
                let mut finding = Finding {
                    detection: detection.id.clone(),
                    title: detection.header.title.clone(),
                    severity: detection.header.severity,
                    attack: detection.header.attack.clone(),
                    audit_ids: audit_ids(&audit_id, listed.into_iter().flatten()),
                    audit_id,
                    first_seen: time(&first, row)?,
                    last_seen: time(&last, row)?,
                    actor: value(self.actor, row),
                    object: value(self.object, row),
                    events: events.as_primitive::<Int64Type>().value(row),
                    cluster: self.cluster.map(|index| value(index, row)).unwrap_or_default(),
                    finding_id: String::new(),
                    evidence,
                };
                finding.finding_id = finding_id(&finding);
                Ok(finding)
            })
            .collect()
    }

    /// The further columns of each row as a JSON object; NULLs are left out.
    fn evidence(&self, batch: &RecordBatch) -> Result<Vec<String>, ArrowError> {
        if self.evidence.is_empty() {
            return Ok(vec!["{}".to_owned(); batch.num_rows()]);
        }
        let mut writer = LineDelimitedWriter::new(Vec::new());
        writer.write(&batch.project(&self.evidence)?)?;
        writer.finish()?;
        let lines = String::from_utf8(writer.into_inner()).map_err(|error| ArrowError::JsonError(error.to_string()))?;
        Ok(lines.lines().map(ToOwned::to_owned).collect())
    }
}

/// The audit ids of the evidence, the one to open first among them. Sorted, because DataFusion collects them in any
/// order.
fn audit_ids<'a>(audit_id: &str, listed: impl Iterator<Item = &'a str>) -> Vec<String> {
    let others: BTreeSet<&str> = listed.filter(|id| *id != audit_id).collect();
    std::iter::once(audit_id).chain(others).take(AUDIT_IDS_MAX).map(ToOwned::to_owned).collect()
}

/// The first 16 hexadecimal digits of a hash of what makes a finding this finding.
fn finding_id(finding: &Finding) -> String {
    let mut hasher = blake3::Hasher::new();
    let first_seen = finding.first_seen.to_string();
    for part in [&finding.detection, &finding.cluster, &finding.actor, &finding.object, &first_seen] {
        hasher.update(part.as_bytes()).update(&[0]);
    }
    let mut id = hasher.finalize().to_hex().to_string();
    id.truncate(16);
    id
}

/// Keeps the first findings in order, of any number.
struct Keeper {
    findings: Vec<Finding>,
    most: usize,
    omitted: usize,
}

impl Keeper {
    fn new(most: usize) -> Self {
        Self { findings: Vec::new(), most, omitted: 0 }
    }

    fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
        if self.findings.len() >= self.most.saturating_mul(2) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        // the order of a list, made total: rows of one id may still differ in their evidence
        let total = |a: &Finding, b: &Finding| {
            a.order(b).then_with(|| a.evidence.cmp(&b.evidence)).then_with(|| a.audit_ids.cmp(&b.audit_ids))
        };
        self.findings.sort_unstable_by(total);
        self.findings.dedup();
        self.omitted += self.findings.len().saturating_sub(self.most);
        self.findings.truncate(self.most);
    }

    fn finish(mut self) -> Detected {
        self.cut();
        Detected { findings: self.findings, omitted: self.omitted }
    }
}
