//! Views: planned when a statement first names them, and where they say so computed once for the whole session.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, StringViewArray};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::{DataFusionError, Result as DataFusionResult, exec_err};
use datafusion::datasource::{MemTable, TableProvider, ViewTable};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, LogicalPlan, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tokio::sync::{Mutex, OnceCell};

use super::parts::Parts;
use super::{fault, guard};
use crate::error::{Error, Result};

/// The table that views read.
pub(super) const EVENTS: &str = "events";

/// One view: what the engine needs of a file in `sql/views/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The name in SQL.
    pub name: String,
    /// One `select` over `events` and earlier views.
    pub sql: String,
    /// Whether its rows are kept after the first use, because many detections read them.
    pub materialise: bool,
}

impl From<&crate::detection::View> for View {
    fn from(view: &crate::detection::View) -> Self {
        Self { name: view.name.clone(), sql: view.sql.clone(), materialise: view.materialise }
    }
}

/// The views of a session in an order in which each reads only those before it.
pub(super) struct Views {
    list: Vec<View>,
    /// Held while views are registered, so that two queries do not register the same one.
    registering: Mutex<()>,
    kept: Arc<Kept>,
}

impl Views {
    pub(super) fn new(views: Vec<View>, kept: Kept) -> Self {
        Self { list: views, registering: Mutex::new(()), kept: Arc::new(kept) }
    }

    /// Registers the tables that a statement names and the views below them, as far as they are not yet.
    pub(super) async fn register(&self, what: &str, context: &SessionContext, tables: &[String]) -> Result<()> {
        let mut needed: BTreeSet<String> = tables.iter().cloned().collect();
        if let Some(unknown) = needed.iter().find(|name| !self.knows(name)) {
            let known: Vec<_> = self.names().collect();
            return Err(Error::Query(format!("{what}: no table named {unknown}; there is {}", known.join(", "))));
        }
        let _alone = self.registering.lock().await;
        let mut chosen = Vec::new();
        for view in self.list.iter().rev() {
            let registered = context.table_exist(view.name.as_str()).map_err(|error| fault::query(what, &error))?;
            if needed.contains(&view.name) && !registered {
                let checked = guard::check(&format!("view {}", view.name), &view.sql)?;
                needed.extend(checked.tables.iter().cloned());
                chosen.push((view.clone(), checked.statement));
            }
        }
        for (view, statement) in chosen.into_iter().rev() {
            let what = format!("view {}", view.name);
            let plan = guard::plan(&what, context, statement).await?;
            let table: Arc<dyn TableProvider> = if view.materialise {
                Arc::new(Materialised::new(&view.name, plan, Arc::clone(&self.kept)))
            } else {
                Arc::new(ViewTable::new(plan, Some(view.sql)))
            };
            context.register_table(view.name.as_str(), table).map_err(|error| fault::query(&what, &error))?;
        }
        Ok(())
    }

    /// `events` and all views.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(EVENTS).chain(self.list.iter().map(|view| view.name.as_str()))
    }

    fn knows(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// How many views were computed so far.
    #[cfg(test)]
    pub(super) fn computed(&self) -> usize {
        self.kept.computed.load(Ordering::Relaxed)
    }
}

/// Where the rows of materialised views go.
#[derive(Debug)]
pub(super) struct Kept {
    /// Above this many bytes a view is written to `folder`.
    pub(super) bytes_max: usize,
    /// The folder for those, removed with the session.
    pub(super) folder: PathBuf,
    /// The store whose root is `folder`.
    pub(super) store: ObjectStoreUrl,
    /// Views computed so far, which also numbers the files.
    pub(super) computed: AtomicUsize,
}

/// A view that is computed when it is first scanned.
#[derive(Debug)]
struct Materialised {
    name: String,
    plan: LogicalPlan,
    schema: SchemaRef,
    kept: Arc<Kept>,
    rows: OnceCell<Rows>,
}

/// The rows of a view, and the share of the memory pool that they hold.
#[derive(Debug)]
struct Rows {
    table: Arc<dyn TableProvider>,
    _reservation: MemoryReservation,
}

impl Materialised {
    fn new(name: &str, plan: LogicalPlan, kept: Arc<Kept>) -> Self {
        let schema = Arc::clone(plan.schema().inner());
        Self { name: name.to_owned(), plan, schema, kept, rows: OnceCell::new() }
    }

    async fn compute(&self, session: &dyn Session) -> DataFusionResult<Rows> {
        let number = self.kept.computed.fetch_add(1, Ordering::Relaxed);
        let plan = session.create_physical_plan(&self.plan).await?;
        let mut stream = execute_stream(plan, session.task_ctx())?;
        let reservation =
            MemoryConsumer::new(format!("view {}", self.name)).register(&session.runtime_env().memory_pool);
        let mut batches = Vec::new();
        let mut spill = None;
        while let Some(batch) = stream.next().await {
            let batch = compact(&self.schema, &batch?)?;
            let bytes = batch.get_array_memory_size();
            if let Some(spill) = &mut spill {
                Spill::write(spill, &batch)?;
            } else if reservation.size() + bytes <= self.kept.bytes_max && reservation.try_grow(bytes).is_ok() {
                batches.push(batch);
            } else {
                let mut file = Spill::create(&self.kept, number, &self.schema)?;
                batches.drain(..).chain([batch]).try_for_each(|batch| file.write(&batch))?;
                reservation.free();
                spill = Some(file);
            }
        }
        let table: Arc<dyn TableProvider> = match spill {
            Some(spill) => Arc::new(spill.finish(&self.kept, &self.schema)?),
            None => Arc::new(in_memory(&self.schema, batches, session.config().target_partitions())?),
        };
        Ok(Rows { table, _reservation: reservation })
    }
}

/// The batch without the bytes that its text views do not point to: after a filter those are most of them.
fn compact(schema: &SchemaRef, batch: &RecordBatch) -> DataFusionResult<RecordBatch> {
    let columns = batch.columns().iter().map(|column| match column.as_any().downcast_ref::<StringViewArray>() {
        Some(views) => Arc::new(views.gc()) as ArrayRef,
        None => Arc::clone(column),
    });
    Ok(RecordBatch::try_new(Arc::clone(schema), columns.collect())?)
}

/// A table of batches, dealt out so that they can be read in parallel.
fn in_memory(schema: &SchemaRef, batches: Vec<RecordBatch>, partitions: usize) -> DataFusionResult<MemTable> {
    let mut dealt = vec![Vec::new(); partitions.max(1)];
    for (index, batch) in batches.into_iter().enumerate() {
        let hand = index % dealt.len();
        dealt[hand].push(batch);
    }
    MemTable::try_new(Arc::clone(schema), dealt)
}

/// A view's rows on their way to a Parquet file.
struct Spill {
    name: String,
    writer: ArrowWriter<File>,
    rows: usize,
}

impl Spill {
    fn create(kept: &Kept, number: usize, schema: &SchemaRef) -> DataFusionResult<Self> {
        let name = format!("view-{number}.parquet");
        let file = File::create_new(kept.folder.join(&name))?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?)).build();
        Ok(Self { name, writer: ArrowWriter::try_new(file, Arc::clone(schema), Some(properties))?, rows: 0 })
    }

    fn write(&mut self, batch: &RecordBatch) -> DataFusionResult<()> {
        self.rows += batch.num_rows();
        self.writer.write(batch)?;
        if self.writer.bytes_written() as u64 > crate::limits::SPILL_BYTES_MAX {
            return Err(DataFusionError::ResourcesExhausted("disk space of a view".to_owned()));
        }
        Ok(())
    }

    fn finish(self, kept: &Kept, schema: &SchemaRef) -> DataFusionResult<Parts> {
        let rows = self.rows;
        self.writer.close()?;
        let bytes = std::fs::metadata(kept.folder.join(&self.name))?.len();
        if bytes == 0 {
            return exec_err!("the spilled view {} is empty", self.name);
        }
        Ok(Parts::one_file(Arc::clone(schema), kept.store.clone(), self.name, bytes, rows))
    }
}

#[async_trait]
impl TableProvider for Materialised {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    /// Filters prune a spilled view and are applied again above.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let rows = self.rows.get_or_try_init(|| self.compute(session)).await?;
        rows.table.scan(session, projection, filters, limit).await
    }
}
