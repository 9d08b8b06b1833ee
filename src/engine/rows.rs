//! The rows of a computed view: in memory, grouped so that a filter on what detections filter by passes over most of
//! them, or in a Parquet file where they are too many.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, RecordBatch, StringViewArray, UInt16Array, UInt32Array,
};
use datafusion::arrow::compute::{concat_batches, filter_record_batch, take, take_record_batch};
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::pruning::PrunableStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{
    ColumnStatistics, DFSchema, DataFusionError, HashMap, Result as DataFusionResult, Statistics,
};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use datafusion::scalar::ScalarValue;
use futures::StreamExt;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::compact::compact;
use super::parts::Parts;
use super::richest::Stages;
use crate::limits::{SPILL_BYTES_MAX, VIEW_GROUPS_MAX};

/// Rows of a batch that is kept.
const BATCH_ROWS: usize = 8_192;
/// What rows are grouped by: nearly every detection asks for few values of one of these.
const GROUPED_BY: [&str; 2] = ["sensitivity", "resource"];

/// Where the rows of computed views go.
#[derive(Debug)]
pub(super) struct Kept {
    /// Views that would make it more than this many bytes in memory are written to `folder`.
    pub(super) bytes_max: usize,
    /// Bytes that views hold in memory.
    pub(super) bytes: AtomicUsize,
    /// The folder for those, removed with the session.
    pub(super) folder: PathBuf,
    /// The store whose root is `folder`.
    pub(super) store: ObjectStoreUrl,
    /// Views computed so far.
    pub(super) views: AtomicUsize,
    /// Files written so far.
    pub(super) files: AtomicUsize,
}

/// The rows of a view in some of its columns, and the share of the memory pool that they hold.
#[derive(Debug)]
pub(super) struct Rows {
    /// As the view has them.
    schema: SchemaRef,
    place: Place,
    _reservation: MemoryReservation,
}

#[derive(Debug)]
enum Place {
    Memory(Vec<Group>),
    File(Parts),
}

/// Rows that are equal in the columns of [`GROUPED_BY`], where `values` are known.
#[derive(Debug, Default)]
struct Group {
    values: Option<[Option<String>; 2]>,
    batches: Vec<Numbered>,
    /// What is not yet enough for a batch.
    pending: Vec<Numbered>,
    pending_rows: usize,
}

/// Rows, and of each the how many-th of all it was.
#[derive(Debug)]
struct Numbered {
    batch: RecordBatch,
    numbers: Vec<u32>,
}

impl Numbered {
    fn bytes(&self) -> usize {
        self.batch.get_array_memory_size() + self.numbers.capacity() * size_of::<u32>()
    }
}

/// What a view is made of.
pub(super) struct Source {
    /// The rows, which may have more columns than are kept.
    pub(super) stream: SendableRecordBatchStream,
    /// The columns that are kept.
    pub(super) columns: Vec<usize>,
    /// Whether only the richest stage of each request is.
    pub(super) richest: bool,
}

impl Rows {
    /// Takes the rows into memory; `None` if they need more than the limit.
    pub(super) async fn in_memory(
        source: &mut Source,
        reservation: MemoryReservation,
        kept: &Kept,
    ) -> DataFusionResult<Option<Self>> {
        let bytes_max = kept.bytes_max.saturating_sub(kept.bytes.load(Ordering::Relaxed));
        let schema = Arc::new(source.stream.schema().project(&source.columns)?);
        let mut stages = stages(source)?;
        // text costs two bytes a row more than its different values
        let mut groups = Groups::new(&schema);
        let mut stage_bytes = 0;
        while let Some(batch) = source.stream.next().await {
            let batch = batch?;
            if let Some(stages) = &mut stages {
                stage_bytes = stages.add(&batch)?;
            }
            groups.add(&batch.project(&source.columns)?)?;
            let bytes = stage_bytes + groups.bytes;
            if bytes > bytes_max || reservation.try_resize(bytes).is_err() {
                return Ok(None);
            }
        }
        let mut groups = groups.finish()?;
        if let Some(stages) = stages {
            let stay = stages.stay();
            groups.iter_mut().try_for_each(|group| group.retain(&stay))?;
        }
        let batches = groups.iter_mut().flat_map(|group| &mut group.batches);
        let bytes = batches.map(|numbered| {
            numbered.numbers = Vec::new();
            numbered.bytes()
        });
        reservation.try_resize(bytes.sum())?;
        kept.bytes.fetch_add(reservation.size(), Ordering::Relaxed);
        Ok(Some(Self { schema, place: Place::Memory(groups), _reservation: reservation }))
    }

    /// Writes the rows to a file.
    pub(super) async fn in_file(
        source: &mut Source,
        reservation: MemoryReservation,
        kept: &Kept,
    ) -> DataFusionResult<Self> {
        let schema = Arc::new(source.stream.schema().project(&source.columns)?);
        let mut stages = stages(source)?;
        let mut file = Spill::create(kept, &schema)?;
        while let Some(batch) = source.stream.next().await {
            let batch = batch?;
            if let Some(stages) = &mut stages {
                reservation.try_resize(stages.add(&batch)?)?;
            }
            file.write(&batch.project(&source.columns)?)?;
        }
        let (mut path, mut rows) = file.finish()?;
        if let Some(stay) = stages.map(Stages::stay).filter(|stay| stay.contains(&false)) {
            (path, rows) = rewrite(kept, &schema, &path, &stay)?;
        }
        let bytes = std::fs::metadata(&path)?.len();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let parts = Parts::one_file(Arc::clone(&schema), kept.store.clone(), name, bytes, rows);
        reservation.free();
        Ok(Self { schema, place: Place::File(parts), _reservation: reservation })
    }

    /// The positions of columns in these rows, unless one is missing.
    fn positions(&self, columns: &[&str]) -> Option<Vec<usize>> {
        columns.iter().map(|name| self.schema.index_of(name).ok()).collect()
    }

    /// Whether no row passes the filters, as far as that is known without reading any.
    pub(super) fn has_none(&self, session: &dyn Session, filters: &[Expr]) -> bool {
        let Place::Memory(groups) = &self.place else { return false };
        let holds = |group: &Group| group.batches.iter().any(|numbered| numbered.batch.num_rows() > 0);
        let keep = self.prune(session, groups, filters);
        keep.is_ok_and(|keep| groups.iter().zip(keep).all(|(group, keep)| !keep || !holds(group)))
    }

    /// Reads columns by name; `None` if one is missing.
    pub(super) async fn scan(
        &self,
        session: &dyn Session,
        columns: &[&str],
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Option<Arc<dyn ExecutionPlan>>> {
        let Some(columns) = self.positions(columns) else { return Ok(None) };
        let groups = match &self.place {
            Place::File(parts) => return parts.scan(session, Some(&columns), filters, limit).await.map(Some),
            Place::Memory(groups) => groups,
        };
        let keep = self.prune(session, groups, filters)?;
        // dealt out, so that they can be read in parallel
        let mut dealt = vec![Vec::new(); session.config().target_partitions().max(1)];
        let batches = groups.iter().zip(keep).filter(|(_, keep)| *keep).flat_map(|(group, _)| &group.batches);
        for (index, batch) in batches.enumerate() {
            let hand = index % dealt.len();
            dealt[hand].push(batch.batch.clone());
        }
        let scan = MemorySourceConfig::try_new_exec(&dealt, encoded_schema(&self.schema), Some(columns.clone()))?;
        decoded(scan, &self.schema, &columns).map(Some)
    }

    /// Which groups may hold rows that pass the filters.
    fn prune(&self, session: &dyn Session, groups: &[Group], filters: &[Expr]) -> DataFusionResult<Vec<bool>> {
        let decides = |filter: &&Expr| {
            filter.column_refs().iter().all(|column| GROUPED_BY.contains(&column.name.as_str()))
                && !filter.is_volatile()
        };
        let Some(filter) = conjunction(filters.iter().filter(decides).cloned()) else {
            return Ok(vec![true; groups.len()]);
        };
        let schema = &self.schema;
        let filter = session.create_physical_expr(filter, &DFSchema::try_from(Arc::clone(schema))?)?;
        let predicate = PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema)).try_build(filter)?;
        let statistics = groups.iter().map(|group| Arc::new(group.statistics(schema))).collect();
        predicate.prune(&PrunableStatistics::new(statistics, Arc::clone(schema)))
    }
}

fn stages(source: &Source) -> DataFusionResult<Option<Stages>> {
    source.richest.then(|| Stages::new(&source.stream.schema())).transpose()
}

impl Group {
    /// Adds rows; says how many bytes they need.
    fn push(&mut self, batch: &RecordBatch, numbers: Vec<u32>) -> DataFusionResult<usize> {
        if batch.num_rows() >= BATCH_ROWS / 2 {
            self.batches.push(Numbered { batch: encode(batch)?, numbers });
            return Ok(self.batches.last().map_or(0, Numbered::bytes));
        }
        self.pending_rows += batch.num_rows();
        self.pending.push(Numbered { batch: compact(batch, |_| true)?, numbers });
        let bytes = self.pending.last().map_or(0, Numbered::bytes);
        if self.pending_rows >= BATCH_ROWS {
            self.flush()?;
        }
        // more than what they become
        Ok(bytes)
    }

    fn flush(&mut self) -> DataFusionResult<()> {
        let Some(schema) = self.pending.first().map(|first| first.batch.schema()) else { return Ok(()) };
        let batch = encode(&concat_batches(&schema, self.pending.iter().map(|part| &part.batch))?)?;
        let numbers = self.pending.drain(..).flat_map(|part| part.numbers).collect();
        self.batches.push(Numbered { batch, numbers });
        self.pending_rows = 0;
        Ok(())
    }

    fn retain(&mut self, stay: &[bool]) -> DataFusionResult<()> {
        for Numbered { batch, numbers } in &mut self.batches {
            let mask: BooleanArray = numbers.iter().map(|number| Some(stay[*number as usize])).collect();
            if mask.true_count() < batch.num_rows() {
                *batch = filter_record_batch(batch, &mask)?;
            }
        }
        Ok(())
    }

    fn statistics(&self, schema: &SchemaRef) -> Statistics {
        let mut statistics = Statistics::new_unknown(schema);
        let rows = self.batches.iter().map(|numbered| numbered.batch.num_rows()).sum();
        statistics.num_rows = Precision::Exact(rows);
        for (name, value) in GROUPED_BY.iter().zip(self.values.iter().flatten()) {
            let Ok(index) = schema.index_of(name) else { continue };
            let bound = || match value {
                Some(text) => Precision::Exact(ScalarValue::Utf8View(Some(text.clone()))),
                None => Precision::Absent,
            };
            statistics.column_statistics[index] = ColumnStatistics {
                null_count: Precision::Exact(if value.is_none() { rows } else { 0 }),
                min_value: bound(),
                max_value: bound(),
                ..ColumnStatistics::new_unknown()
            };
        }
        statistics
    }
}

/// Rows on their way into groups.
struct Groups {
    by: Option<[usize; 2]>,
    list: Vec<Group>,
    /// The first group takes what has no group of its own.
    places: HashMap<[Option<String>; 2], usize>,
    rows: u32,
    bytes: usize,
}

impl Groups {
    fn new(schema: &SchemaRef) -> Self {
        let index = |name: &str| {
            let index = schema.index_of(name).ok()?;
            (*schema.field(index).data_type() == DataType::Utf8View).then_some(index)
        };
        let by = index(GROUPED_BY[0]).zip(index(GROUPED_BY[1])).map(|(first, second)| [first, second]);
        Self { by, list: vec![Group::default()], places: HashMap::new(), rows: 0, bytes: 0 }
    }

    fn add(&mut self, batch: &RecordBatch) -> DataFusionResult<()> {
        let starts = (0..batch.num_rows()).step_by(BATCH_ROWS);
        starts.map(|at| batch.slice(at, BATCH_ROWS.min(batch.num_rows() - at))).try_for_each(|part| self.take(&part))
    }

    fn take(&mut self, batch: &RecordBatch) -> DataFusionResult<()> {
        let first = self.rows;
        let rows = u32::try_from(batch.num_rows()).ok().and_then(|rows| first.checked_add(rows));
        self.rows = rows.ok_or_else(|| DataFusionError::ResourcesExhausted("too many rows for a view".to_owned()))?;
        let Some(by) = self.by else { return self.push(0, batch, (first..self.rows).collect()) };
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); self.list.len()];
        let values = by.map(|index| batch.column(index).as_string_view());
        let value = |row: usize| values.map(|texts| texts.is_valid(row).then(|| texts.value(row)));
        let mut last = (None, 0);
        for (row, number) in (first..self.rows).enumerate() {
            let now = value(row);
            if last.0 != Some(now) {
                last = (Some(now), self.group_of(now.map(|text| text.map(str::to_owned))));
                members.resize_with(self.list.len(), Vec::new);
            }
            members[last.1].push(number);
        }
        for (group, numbers) in members.into_iter().enumerate().filter(|(_, numbers)| !numbers.is_empty()) {
            if numbers.len() == batch.num_rows() {
                self.push(group, batch, numbers)?;
            } else {
                let rows: UInt32Array = numbers.iter().map(|number| number - first).collect();
                self.push(group, &take_record_batch(batch, &rows)?, numbers)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, group: usize, batch: &RecordBatch, numbers: Vec<u32>) -> DataFusionResult<()> {
        self.bytes += self.list[group].push(batch, numbers)?;
        Ok(())
    }

    fn group_of(&mut self, values: [Option<String>; 2]) -> usize {
        if let Some(place) = self.places.get(&values) {
            return *place;
        }
        if self.list.len() >= VIEW_GROUPS_MAX {
            return 0;
        }
        self.list.push(Group { values: Some(values.clone()), ..Group::default() });
        self.places.insert(values, self.list.len() - 1);
        self.list.len() - 1
    }

    fn finish(mut self) -> DataFusionResult<Vec<Group>> {
        self.list.iter_mut().try_for_each(Group::flush)?;
        Ok(self.list)
    }
}

/// The batch with each text column as a dictionary of its different values: nearly all columns of events repeat few.
fn encode(batch: &RecordBatch) -> DataFusionResult<RecordBatch> {
    let columns = batch.columns().iter().map(|column| match column.as_any().downcast_ref::<StringViewArray>() {
        Some(texts) => dictionary(texts),
        None => Ok(Arc::clone(column)),
    });
    Ok(RecordBatch::try_new(encoded_schema(&batch.schema()), columns.collect::<DataFusionResult<_>>()?)?)
}

fn dictionary(texts: &StringViewArray) -> DataFusionResult<ArrayRef> {
    let mut known: HashMap<&str, u16> = HashMap::new();
    let mut first: Vec<u32> = Vec::new();
    let mut keys = Vec::with_capacity(texts.len());
    for row in 0..texts.len() {
        keys.push(texts.is_valid(row).then(|| {
            *known.entry(texts.value(row)).or_insert_with(|| {
                first.push(u32::try_from(row).unwrap_or(u32::MAX));
                u16::try_from(first.len() - 1).unwrap_or(u16::MAX)
            })
        }));
    }
    let values = take(texts, &UInt32Array::from(first), None)?;
    let values = Arc::new(values.as_string_view().gc());
    Ok(Arc::new(DictionaryArray::try_new(UInt16Array::from(keys), values)?))
}

fn encoded_schema(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8View => {
            let encoded = DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8View));
            Arc::new(field.as_ref().clone().with_data_type(encoded))
        }
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Reads encoded columns as the view has them.
fn decoded(
    scan: Arc<dyn ExecutionPlan>,
    schema: &SchemaRef,
    columns: &[usize],
) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
    let cast = |(position, column): (usize, &usize)| {
        let field = schema.field(*column);
        let read = Arc::new(Column::new(field.name(), position)) as Arc<dyn PhysicalExpr>;
        let read = match field.data_type() {
            DataType::Utf8View => Arc::new(CastExpr::new(read, DataType::Utf8View, None)),
            _ => read,
        };
        (read, field.name().clone())
    };
    if columns.is_empty() {
        return Ok(scan);
    }
    let columns: Vec<_> = columns.iter().enumerate().map(cast).collect();
    Ok(Arc::new(ProjectionExec::try_new(columns, scan)?))
}

/// A view's rows on their way to a Parquet file.
struct Spill {
    path: PathBuf,
    writer: ArrowWriter<File>,
    rows: usize,
}

impl Spill {
    fn create(kept: &Kept, schema: &SchemaRef) -> DataFusionResult<Self> {
        let number = kept.files.fetch_add(1, Ordering::Relaxed);
        let path = kept.folder.join(format!("view-{number}.parquet"));
        let file = File::create_new(&path)?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?)).build();
        Ok(Self { path, writer: ArrowWriter::try_new(file, Arc::clone(schema), Some(properties))?, rows: 0 })
    }

    fn write(&mut self, batch: &RecordBatch) -> DataFusionResult<()> {
        self.rows += batch.num_rows();
        self.writer.write(batch)?;
        if self.writer.bytes_written() as u64 > SPILL_BYTES_MAX {
            return Err(DataFusionError::ResourcesExhausted("disk space of a view".to_owned()));
        }
        Ok(())
    }

    fn finish(self) -> DataFusionResult<(PathBuf, usize)> {
        self.writer.close()?;
        Ok((self.path, self.rows))
    }
}

/// The file again, without the rows that do not stay.
fn rewrite(kept: &Kept, schema: &SchemaRef, path: &PathBuf, stay: &[bool]) -> DataFusionResult<(PathBuf, usize)> {
    let mut file = Spill::create(kept, schema)?;
    let mut stay = stay.iter();
    for batch in ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?.with_batch_size(BATCH_ROWS).build()? {
        let batch = batch?;
        let mask: BooleanArray = stay.by_ref().take(batch.num_rows()).map(|stays| Some(*stays)).collect();
        file.write(&filter_record_batch(&batch, &mask)?)?;
    }
    std::fs::remove_file(path)?;
    file.finish()
}
