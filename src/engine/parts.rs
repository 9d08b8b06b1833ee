//! A table over a fixed list of Parquet files: the parts of the lake, or a spilled view.
//!
//! The list comes from one pinned version of the lake, so nothing is listed or inferred. Files are left out by their
//! dates and times before they are opened, row groups and pages by the statistics in their footers.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::Session;
use datafusion::common::pruning::PrunableStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DFSchema, Result as DataFusionResult, Statistics};
use datafusion::datasource::TableProvider;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::scalar::ScalarValue;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::error::{Error, Result};
use crate::part::Part;
use crate::{finding, schema};

/// One file: where it lies below the store's root, and what is known of it without opening it.
#[derive(Debug)]
struct File {
    path: String,
    bytes: u64,
    partition: Vec<ScalarValue>,
    statistics: Arc<Statistics>,
}

/// The table; see the module.
#[derive(Debug)]
pub(super) struct Parts {
    schema: TableSchema,
    store: ObjectStoreUrl,
    files: Vec<File>,
}

/// Text columns are read as views: bodies are long, and views are not copied by filters and sorts.
fn as_views(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<FieldRef>>()))
}

fn date_field() -> FieldRef {
    Arc::new(Field::new(schema::DATE, DataType::Utf8View, false))
}

/// The schema of the table `events`: the columns of the lake and its partition column.
pub(super) fn events_schema() -> TableSchema {
    TableSchema::builder(as_views(&schema::events())).with_table_partition_cols(vec![date_field()]).build()
}

/// The schema of the table `findings`: what the lake keeps of findings and the partition column.
fn findings_schema() -> TableSchema {
    TableSchema::builder(as_views(&finding::kept_schema())).with_table_partition_cols(vec![date_field()]).build()
}

/// The schema of a Parquet file that the program wrote.
pub(super) async fn schema_of(state: &dyn Session, store: &Arc<dyn ObjectStore>, file: &str) -> Result<SchemaRef> {
    let schema = async {
        // a store that is the folder of another tells the place within that one
        let file = ObjectMeta { location: file.into(), ..store.head(&file.into()).await? };
        ParquetFormat::default().infer_schema(state, store, &[file]).await
    };
    let failed = |error| Error::integrity(file, format!("cannot be read: {error}; remove it, it is made anew"));
    schema.await.map(|schema| as_views(&schema)).map_err(failed)
}

impl Parts {
    /// The table `events` over parts of the lake.
    pub(super) fn events(parts: &[Part], store: ObjectStoreUrl) -> Self {
        Self::of(events_schema(), "ts", parts, store)
    }

    /// The table `findings` over parts of the lake.
    pub(super) fn findings(parts: &[Part], store: ObjectStoreUrl) -> Self {
        Self::of(findings_schema(), "first_seen", parts, store)
    }

    /// A table over parts, of which the log tells the range of the column `time`.
    fn of(schema: TableSchema, time: &str, parts: &[Part], store: ObjectStoreUrl) -> Self {
        let file = |part: &Part| File {
            path: part.key.clone(),
            bytes: part.bytes,
            partition: vec![ScalarValue::Utf8View(Some(part.date.clone()))],
            statistics: Arc::new(statistics(&schema, time, part)),
        };
        let files = parts.iter().map(file).collect();
        Self { schema, store, files }
    }

    /// The table over files of rows of `schema`, each with its path and its size in bytes.
    pub(super) fn files(schema: SchemaRef, store: ObjectStoreUrl, files: &[(String, u64)]) -> Self {
        let schema = TableSchema::from(schema);
        let statistics = Arc::new(Statistics::new_unknown(schema.table_schema()));
        let file = |(path, bytes): &(String, u64)| {
            let statistics = Arc::clone(&statistics);
            File { path: path.clone(), bytes: *bytes, partition: vec![], statistics }
        };
        let files = files.iter().map(file).collect();
        Self { schema, store, files }
    }

    /// The table over one file, of which the rows are known too.
    pub(super) fn one_file(schema: SchemaRef, store: ObjectStoreUrl, path: String, bytes: u64, rows: usize) -> Self {
        let mut parts = Self::files(schema, store, &[(path, bytes)]);
        for file in &mut parts.files {
            file.statistics = Arc::new(file.statistics.as_ref().clone().with_num_rows(Precision::Exact(rows)));
        }
        parts
    }

    /// The files that may hold rows that pass the filters.
    fn prune(&self, session: &dyn Session, filters: &[Expr]) -> DataFusionResult<Vec<&File>> {
        let Some(filter) = conjunction(filters.iter().cloned()) else {
            return Ok(self.files.iter().collect());
        };
        let schema = self.schema.table_schema();
        let filter = session.create_physical_expr(filter, &DFSchema::try_from(Arc::clone(schema))?)?;
        let predicate = PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema)).try_build(filter)?;
        let statistics = self.files.iter().map(|file| Arc::clone(&file.statistics)).collect();
        let keep = predicate.prune(&PrunableStatistics::new(statistics, Arc::clone(schema)))?;
        Ok(self.files.iter().zip(keep).filter_map(|(file, keep)| keep.then_some(file)).collect())
    }
}

/// What the lake's log says of a part.
fn statistics(schema: &TableSchema, time: &str, part: &Part) -> Statistics {
    let moment = |micros| Precision::Exact(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())));
    let date = || Precision::Exact(ScalarValue::Utf8View(Some(part.date.clone())));
    let mut statistics = Statistics::new_unknown(schema.table_schema());
    statistics.num_rows = usize::try_from(part.rows).map_or(Precision::Absent, Precision::Exact);
    for (field, column) in schema.table_schema().fields().iter().zip(&mut statistics.column_statistics) {
        let bounds = match field.name().as_str() {
            name if name == time => (moment(part.ts_min), moment(part.ts_max)),
            schema::DATE => (date(), date()),
            _ => continue,
        };
        *column = ColumnStatistics {
            null_count: Precision::Exact(0),
            min_value: bounds.0,
            max_value: bounds.1,
            ..ColumnStatistics::new_unknown()
        };
    }
    statistics
}

#[async_trait]
impl TableProvider for Parts {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.schema.table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Filters prune files, row groups and pages here and are applied again above.
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
        let files = self.prune(session, filters)?;
        if files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(datafusion::common::project_schema(&self.schema(), projection)?)));
        }
        let mut statistics = Statistics::new_unknown(self.schema.table_schema());
        statistics.num_rows =
            files.iter().map(|file| file.statistics.num_rows).reduce(|sum, rows| sum.add(&rows)).unwrap_or_default();
        let files = files.iter().map(|file| {
            PartitionedFile::new(file.path.clone(), file.bytes).with_partition_values(file.partition.clone())
        });
        let groups = FileGroup::new(files.collect()).split_files(session.config().target_partitions());
        let format = ParquetFormat::default().with_options(session.table_options().parquet.clone());
        let source = Arc::new(ParquetSource::new(self.schema.clone()));
        let scan = FileScanConfigBuilder::new(self.store.clone(), source)
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        format.create_physical_plan(session, scan).await
    }
}

/// The type of `ts`.
pub(super) fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}
