//! Running: one statement at a time, its rows one batch at a time, and detections on top of it.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{DataFusionError, ParamValues};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::scalar::ScalarValue;
use futures::StreamExt;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;

use super::session::Session;
use super::{fault, guard};
use crate::error::{Error, Result};

/// Batches that wait between the query and whoever reads its rows.
const BATCHES_QUEUED_MAX: usize = 2;

/// The rows of one query, batch by batch, while it runs. Dropping it stops the query.
pub struct QueryResult<'a> {
    session: &'a Session,
    what: String,
    schema: SchemaRef,
    batches: mpsc::Receiver<Result<RecordBatch, DataFusionError>>,
    task: Option<JoinHandle<()>>,
    deadline: Instant,
}

impl Session {
    /// Runs one read-only statement. The clock of `timeout` runs until its last batch was taken.
    pub fn query(&self, sql: &str) -> Result<QueryResult<'_>> {
        self.start("query", sql, &BTreeMap::new())
    }

    /// Checks, plans and starts a statement. `what` names it in messages.
    pub(super) fn start(&self, what: &str, sql: &str, params: &BTreeMap<String, i64>) -> Result<QueryResult<'_>> {
        let deadline = Instant::now() + self.timeout;
        let plan = self.plan(what, sql, params, deadline)?;
        self.execute(what, &self.context, plan, deadline)
    }

    /// Checks a statement and plans it as far as it can be without reading rows.
    pub(super) fn plan(
        &self,
        what: &str,
        sql: &str,
        params: &BTreeMap<String, i64>,
        deadline: Instant,
    ) -> Result<LogicalPlan> {
        self.plan_with(what, sql, bound(params), deadline)
    }

    /// As [`Session::plan`], with parameters of any type.
    pub(super) fn plan_with(
        &self,
        what: &str,
        sql: &str,
        params: ParamValues,
        deadline: Instant,
    ) -> Result<LogicalPlan> {
        let checked = guard::check(what, sql)?;
        let mut tables = checked.tables;
        if checked.asks_for_tables {
            tables.extend(self.views.names().map(ToOwned::to_owned).collect::<Vec<_>>());
        }
        let name = what.to_owned();
        let context = self.context.clone();
        let views = Arc::clone(&self.views);
        self.wait(what, deadline, async move {
            views.register(&name, &context, &tables).await?;
            let plan = guard::plan(&name, &context, checked.statement).await?;
            let fail = |error| fault::query(&name, &error);
            let frame = context.execute_logical_plan(plan).await.map_err(fail)?;
            let frame = frame.with_param_values(params).and_then(readable).map_err(fail)?;
            frame.into_optimized_plan().map_err(fail)
        })
    }

    /// Starts what [`Session::plan`] planned.
    pub(super) fn execute(
        &self,
        what: &str,
        context: &SessionContext,
        plan: LogicalPlan,
        deadline: Instant,
    ) -> Result<QueryResult<'_>> {
        let (name, state) = (what.to_owned(), context.state());
        let stream = self.wait(what, deadline, async move {
            let fail = |error| fault::query(&name, &error);
            let plan = state.query_planner().create_physical_plan(&plan, &state).await.map_err(fail)?;
            execute_stream(plan, state.task_ctx()).map_err(fail)
        })?;
        let schema = plain_schema(&stream.schema());
        let (sender, batches) = mpsc::channel(BATCHES_QUEUED_MAX);
        let task = self.runtime().spawn(pump(stream, sender));
        Ok(QueryResult { session: self, what: what.to_owned(), schema, batches, task: Some(task), deadline })
    }

    /// Runs work on the session's threads while this one watches the clock.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        what: &str,
        deadline: Instant,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let task = self.runtime().spawn(work);
        let stop = task.abort_handle();
        match self.clock.block_on(async { tokio::time::timeout_at(deadline, task).await }) {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(panicked(what, &panic)),
            Err(_) => {
                stop.abort();
                Err(late(what, self.timeout))
            }
        }
    }
}

fn late(what: &str, timeout: Duration) -> Error {
    Error::Limit(format!(
        "{what}: not finished after {} s; raise --timeout, or narrow the time with --since and --until",
        timeout.as_secs_f64()
    ))
}

fn panicked(what: &str, error: &JoinError) -> Error {
    Error::Internal(format!("{what}: the query engine stopped: {error}"))
}

fn bound(params: &BTreeMap<String, i64>) -> ParamValues {
    let values = params.iter().map(|(name, value)| (name.clone(), ScalarValue::Int64(Some(*value))));
    ParamValues::from(values.collect::<Vec<_>>())
}

/// The frame with JSON values of `->`, a union type that no format can write, as texts.
fn readable(frame: DataFrame) -> Result<DataFrame, DataFusionError> {
    let is_union = |field: &Field| matches!(field.data_type(), DataType::Union(..));
    if !frame.schema().fields().iter().any(|field| is_union(field)) {
        return Ok(frame);
    }
    let columns = frame.schema().columns().into_iter().zip(frame.schema().fields()).map(|(column, field)| {
        let name = field.name().clone();
        let column = datafusion::prelude::Expr::Column(column);
        if is_union(field) {
            datafusion_functions_json::functions::json_union_to_text(column).alias(name)
        } else {
            column
        }
    });
    let columns = columns.collect::<Vec<_>>();
    frame.select(columns)
}

async fn pump(mut stream: SendableRecordBatchStream, sender: mpsc::Sender<Result<RecordBatch, DataFusionError>>) {
    while let Some(batch) = stream.next().await {
        if sender.send(batch).await.is_err() {
            return;
        }
    }
}

/// The schema with one kind of text only: whoever writes rows need not know DataFusion's views and dictionaries.
fn plain_schema(schema: &Schema) -> SchemaRef {
    let plain = |field: &Arc<Field>| field.as_ref().clone().with_data_type(plain_type(field.data_type()));
    Arc::new(Schema::new(schema.fields().iter().map(plain).collect::<Vec<_>>()))
}

fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Null => DataType::Utf8,
        DataType::Dictionary(_, values) => plain_type(values),
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) => {
            DataType::List(Arc::new(Field::new_list_field(plain_type(item.data_type()), true)))
        }
        other => other.clone(),
    }
}

impl QueryResult<'_> {
    /// The columns. Text is always `Utf8`.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn plain(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns: Result<Vec<ArrayRef>, _> = batch
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(|(column, field)| cast(column, field.data_type()))
            .collect();
        let options = datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        columns
            .and_then(|columns| RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options))
            .map_err(|error| fault::query(&self.what, &error.into()))
    }
}

impl Iterator for QueryResult<'_> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let task = self.task.as_mut()?;
        let next = async {
            match self.batches.recv().await {
                Some(batch) => Ok(Some(batch)),
                // the channel also closes when the task panics: that must not look like the end of the rows
                None => task.await.map(|()| None),
            }
        };
        let deadline = self.deadline;
        let item = match self.session.clock.block_on(async { tokio::time::timeout_at(deadline, next).await }) {
            Ok(Ok(Some(Ok(batch)))) => return Some(self.plain(&batch)),
            Ok(Ok(None)) => None,
            Ok(Ok(Some(Err(error)))) => Some(Err(fault::query(&self.what, &error))),
            Ok(Err(panic)) => Some(Err(panicked(&self.what, &panic))),
            Err(_) => Some(Err(late(&self.what, self.session.timeout))),
        };
        if let Some(task) = self.task.take() {
            task.abort();
        }
        item
    }
}

impl Drop for QueryResult<'_> {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}
