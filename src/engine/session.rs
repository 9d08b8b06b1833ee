//! A session: one DataFusion context over one set of events, with bounded memory, disk and time.
//!
//! Everything here is synchronous. Queries are planned and run on a runtime of the session's own, whose threads have a
//! large stack because the planner recurses; the caller's thread only watches the clock.

use std::collections::BTreeMap;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, StringViewBuilder, TimestampMicrosecondArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::common::DataFusionError;
use datafusion::config::SpillCompression;
use datafusion::datasource::{MemTable, TableProvider};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext, col, lit};
use datafusion::scalar::ScalarValue;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use super::compact::CompactScans;
use super::fault;
use super::functions::{self, Lists};
use super::inventory;
use super::parts::{self, Parts};
use super::rows::Kept;
use super::views::{EVENTS, FINDINGS, View, Views};
use crate::detection::PERIOD;
use crate::error::{Error, Result};
use crate::limits::{SPILL_BYTES_MAX, VIEW_BYTES_MAX};
use crate::part::Stored;
use crate::schema;

/// Stack of the planning threads: DataFusion's planner recurses over chains of operators.
const STACK_BYTES: usize = 64 << 20;
/// Blocking threads, which read files.
const BLOCKING_THREADS_MAX: usize = 32;
/// Footers of parts kept between queries.
const FOOTERS_BYTES_MAX: usize = 32 << 20;
/// Spill files that one merge opens at a time.
const MERGE_FILES_MAX: usize = 16;
/// Rows that flow between operators at a time.
const BATCH_ROWS: usize = 8_192;
/// Consumers of memory named in DataFusion's message when it runs out.
const CONSUMERS_NAMED: std::num::NonZeroUsize = std::num::NonZeroUsize::MIN;

/// Switches of DataFusion that are turned for speed. Tests compare each with its opposite.
pub(super) const SWITCHES: [(&str, bool); 1] = [
    // reads what a filter or a join asks for first, and of the other columns only the rows that passed
    (PUSHDOWN, true),
];
const PUSHDOWN: &str = "datafusion.execution.parquet.pushdown_filters";

/// What a session may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Memory in bytes. DataFusion's operators get 60 % of it: the rest is for what they do not account for.
    pub memory_bytes: usize,
    /// Folder for spilled data, created with mode 0700 where it is missing. The session's own data in it is removed at
    /// its end.
    pub spill_dir: PathBuf,
    /// How long one query may take.
    pub timeout: Duration,
    /// Threads and partitions.
    pub threads: usize,
}

/// Where the events are.
#[derive(Debug, Clone)]
pub enum Events {
    /// Batches of [`schema::events`], in memory.
    Batches(Vec<RecordBatch>),
    /// Parts of one pinned version of the lake.
    Parts(Stored),
}

/// The time that a session looks at: `since <= ts < until`, microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Period {
    /// The first moment.
    pub since: Option<i64>,
    /// The first moment after it.
    pub until: Option<i64>,
}

/// One DataFusion context over one set of events; see the module.
pub struct Session {
    /// Taken only when the session ends, so that a stuck query does not hold up the program.
    runtime: Option<Runtime>,
    /// Watches the clock on the caller's thread: the query's own threads may all be busy when time is up.
    pub(super) clock: Runtime,
    pub(super) context: SessionContext,
    pub(super) views: Arc<Views>,
    pub(super) timeout: Duration,
    pub(super) threads: usize,
    _spilled: TempDir,
}

impl Session {
    /// Opens a session. `views` stand in an order in which each reads only those before it; `lists` are those of the
    /// configuration by name.
    pub fn open(
        settings: &Settings,
        events: Events,
        views: Vec<View>,
        lists: &BTreeMap<String, Vec<String>>,
        period: Period,
    ) -> Result<Self> {
        Self::open_with(settings, events, views, lists, period, VIEW_BYTES_MAX, &SWITCHES)
    }

    pub(super) fn open_with(
        settings: &Settings,
        events: Events,
        views: Vec<View>,
        lists: &BTreeMap<String, Vec<String>>,
        period: Period,
        view_bytes_max: usize,
        switches: &[(&str, bool)],
    ) -> Result<Self> {
        let spilled = spill_folder(&settings.spill_dir)?;
        let environment = environment(settings, spilled.path()).map_err(|error| fault::query("session", &error))?;
        let state = SessionStateBuilder::new()
            .with_config(config(settings, switches))
            .with_runtime_env(Arc::clone(&environment))
            .with_default_features()
            .with_physical_optimizer_rule(Arc::new(CompactScans))
            .build();
        let mut context = SessionContext::new_with_state(state);
        functions::register(&mut context, Lists::new(lists)?)?;
        let store = LocalFileSystem::new_with_prefix(spilled.path());
        let store = store.map_err(|error| fault::query("session", &error.into()))?;
        let store = register_store(&environment, "spill", Arc::new(store))?;
        let kept = Kept {
            bytes_max: view_bytes_max.min(pool_bytes(settings) / 2),
            folder: spilled.path().to_owned(),
            store,
            bytes: AtomicUsize::new(0),
            views: AtomicUsize::new(0),
            files: AtomicUsize::new(0),
        };
        register_events(&context, &environment, events, period)?;
        let registered = register_period(&context, period).and_then(|()| inventory::register(&context, &[]));
        registered.map_err(|error| fault::query("session", &error))?;
        let no_threads = |error| Error::Internal(format!("cannot start the threads for queries: {error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(settings.threads.max(1))
            .max_blocking_threads(BLOCKING_THREADS_MAX)
            .thread_stack_size(STACK_BYTES)
            .thread_name("kubesift-query")
            .enable_time()
            .build()
            .map_err(no_threads)?;
        let clock = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(no_threads)?;
        Ok(Self {
            runtime: Some(runtime),
            clock,
            context,
            views: Arc::new(Views::new(views, kept)),
            timeout: settings.timeout,
            threads: settings.threads.max(1),
            _spilled: spilled,
        })
    }

    /// The same session with the rows of a view that were computed before, in Parquet files of one store, each with
    /// its size in bytes. They are read in place of what the view's SQL says.
    pub fn with_rows_of(self, view: &str, store: Arc<dyn ObjectStore>, files: &[(String, u64)]) -> Result<Self> {
        let Some((first, _)) = files.first().cloned() else { return Ok(self) };
        let (state, reading) = (self.context.state(), Arc::clone(&store));
        let schema = async move { parts::schema_of(&state, &reading, &first).await };
        let schema = self.wait(&format!("view {view}"), Instant::now() + self.timeout, schema)?;
        let url = register_store(&self.context.runtime_env(), view, store)?;
        let table = Parts::files(schema, url, files);
        let registered = self.context.register_table(view, Arc::new(table));
        registered.map_err(|error| fault::query("session", &error))?;
        Ok(self)
    }

    /// The same session with the table `findings` over what a lake keeps of them; without any it has no rows. Queries
    /// may read it, detections may not.
    pub fn with_findings(self, kept: Option<Stored>) -> Result<Self> {
        let fail = |error| fault::query("session", &error);
        let url = ObjectStoreUrl::parse("kubesift://findings").map_err(fail)?;
        let parts = kept.as_ref().map(|kept| kept.parts.clone()).unwrap_or_default();
        if let Some(kept) = kept {
            register_store(&self.context.runtime_env(), "findings", kept.store)?;
        }
        self.context.register_table(FINDINGS, Arc::new(Parts::findings(&parts, url))).map_err(fail)?;
        self.views.add_table(FINDINGS);
        Ok(self)
    }

    /// The context for queries that run beside others, each in this many partitions.
    pub(super) fn narrow(&self, partitions: usize) -> SessionContext {
        let state = self.context.state();
        let config = state.config().clone().with_target_partitions(partitions.max(1));
        // the tables are those of the first context
        let config = config.with_create_default_catalog_and_schema(false);
        SessionContext::new_with_state(SessionStateBuilder::new_from_existing(state).with_config(config).build())
    }

    /// The state for computing views, which read most columns of rows that lie everywhere: skipping between them costs
    /// more than reading on.
    pub(super) fn wide(&self) -> SessionState {
        let mut state = self.context.state();
        let _ = state.config_mut().options_mut().set(PUSHDOWN, "false");
        state
    }

    pub(super) fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is taken only by drop")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The settings of DataFusion that differ from its own, each for a reason of `--memory`, safety or the same answer
/// every time.
fn config(settings: &Settings, switches: &[(&str, bool)]) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(settings.threads.max(1))
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(true);
    config.options_mut().execution.spill_compression = SpillCompression::Lz4Frame;
    for (name, on) in switches {
        // the names are ours, and a test turns each of them
        let _ = config.options_mut().set(name, if *on { "true" } else { "false" });
    }
    config
}

/// What DataFusion's operators and the computed views share.
fn pool_bytes(settings: &Settings) -> usize {
    settings.memory_bytes / 10 * 6
}

fn environment(settings: &Settings, spilled: &Path) -> Result<Arc<RuntimeEnv>, DataFusionError> {
    let pool = FairSpillPool::new(pool_bytes(settings));
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![spilled.to_owned()]))
        .with_max_temp_directory_size(SPILL_BYTES_MAX)
        .with_max_spill_merge_fan_in(MERGE_FILES_MAX);
    let environment = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(TrackConsumersPool::new(pool, CONSUMERS_NAMED)))
        .with_disk_manager_builder(disk)
        .with_metadata_cache_limit(FOOTERS_BYTES_MAX)
        .with_object_list_cache_limit(0)
        .build_arc()?;
    // registered by default; without it no statement can reach a file but through our tables
    environment.deregister_object_store(ObjectStoreUrl::local_filesystem().as_ref())?;
    Ok(environment)
}

/// The session's folder in the spill folder. It bears the process's number, so that what a killed process left can be
/// told from what another one is using.
fn spill_folder(parent: &Path) -> Result<TempDir> {
    let fail = |error| Error::storage(parent, error);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(fail)?;
    for entry in std::fs::read_dir(parent).map_err(fail)?.flatten() {
        if is_left_behind(&entry.file_name().to_string_lossy()) {
            // another process may be doing the same
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    tempfile::Builder::new()
        .prefix(&format!("session-{}-", std::process::id()))
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir_in(parent)
        .map_err(fail)
}

/// Whether a folder is that of a session whose process is gone; where there is no `/proc`, none is taken for one.
fn is_left_behind(name: &str) -> bool {
    let process = name.strip_prefix("session-").and_then(|rest| rest.split('-').next());
    let proc = Path::new("/proc");
    process.is_some_and(|id| id.parse::<u32>().is_ok() && proc.join("self").exists() && !proc.join(id).exists())
}

/// Registers a store under a scheme of our own, which no path or URL of a user can name.
fn register_store(environment: &RuntimeEnv, host: &str, store: Arc<dyn ObjectStore>) -> Result<ObjectStoreUrl> {
    let url = ObjectStoreUrl::parse(format!("kubesift://{host}")).map_err(|error| fault::query("session", &error))?;
    environment.register_object_store(url.as_ref(), store);
    Ok(url)
}

fn register_events(context: &SessionContext, environment: &RuntimeEnv, events: Events, period: Period) -> Result<()> {
    let fail = |error| fault::query("session", &error);
    let table: Arc<dyn TableProvider> = match events {
        Events::Batches(batches) => Arc::new(in_memory(&batches).map_err(fail)?),
        Events::Parts(Stored { parts, store }) => {
            Arc::new(Parts::events(&parts, register_store(environment, "lake", store)?))
        }
    };
    let bound = |micros| lit(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())));
    let since = period.since.map(|since| col("ts").gt_eq(bound(since)));
    let until = period.until.map(|until| col("ts").lt(bound(until)));
    let table = match [since, until].into_iter().flatten().reduce(datafusion::logical_expr::Expr::and) {
        Some(filter) => context
            .read_table(table)
            .and_then(|all| all.filter(filter))
            .map(datafusion::dataframe::DataFrame::into_view),
        None => Ok(table),
    };
    table.and_then(|table| context.register_table(EVENTS, table)).map_err(fail)?;
    Ok(())
}

/// The table `period`, so that a view over kept days can tell which of them are looked at.
fn register_period(context: &SessionContext, period: Period) -> Result<(), DataFusionError> {
    let time = |micros: Option<i64>| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC"))
    };
    let columns = [("since", time(period.since), true), ("until", time(period.until), true)];
    let batch = RecordBatch::try_from_iter_with_nullable(columns)?;
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]])?;
    context.register_table(PERIOD, Arc::new(table))?;
    Ok(())
}

/// The table `events` over batches, with the same schema as over parts.
fn in_memory(batches: &[RecordBatch]) -> Result<MemTable, DataFusionError> {
    let schema = parts::events_schema();
    let schema = schema.table_schema();
    let batches = batches.iter().map(|batch| {
        let dates = dates(batch);
        let columns = batch.columns().iter().chain([&dates]).zip(schema.fields());
        let columns = columns.map(|(column, field)| cast(column, field.data_type())).collect::<Result<_, _>>()?;
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    });
    MemTable::try_new(Arc::clone(schema), vec![batches.collect::<Result<_, DataFusionError>>()?])
}

/// The UTC date of each `ts`.
fn dates(batch: &RecordBatch) -> ArrayRef {
    let times = schema::index_of("ts").map(|index| batch.column(index).as_primitive::<TimestampMicrosecondType>());
    let mut dates = StringViewBuilder::new();
    for time in times.iter().flat_map(|times| times.values().iter()) {
        let date = chrono::DateTime::from_timestamp_micros(*time).map(|time| time.format("%Y-%m-%d").to_string());
        dates.append_value(date.as_deref().unwrap_or(schema::DATE_OUTLIER));
    }
    Arc::new(dates.finish())
}
