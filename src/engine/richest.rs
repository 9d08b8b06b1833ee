//! The richest stage of each request: which rows of a stream stand back for a richer row of the same request.
//!
//! The same answer as the window in `sql/views/requests.sql`, at the cost of a hash a row: nearly all requests have one
//! row, and a window over rows as wide as events costs more than reading them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type, Schema};
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::common::Result as DataFusionResult;

use crate::schema::DATE;

/// What all stages of a request have in common: rows that differ in one of these are different requests.
pub(super) const SHARED: [&str; 13] = [
    "ts",
    "audit_id",
    "cluster",
    DATE,
    "request_uri",
    "verb",
    "username",
    "resource",
    "subresource",
    "namespace",
    "client_ip",
    "user_agent",
    "credential_id",
];
/// What the stages of a request are told apart by.
const OWN: [&str; 4] = ["stage", "event_hash", "source", "line"];

/// The columns that [`Stages`] needs.
pub(super) fn columns() -> impl Iterator<Item = &'static str> {
    SHARED.into_iter().chain(OWN)
}

/// One row.
struct Stage {
    /// A hash of the columns of [`SHARED`].
    request: u128,
    event: u128,
    line: i64,
    source: u32,
    /// Which row this is of those added.
    row: u32,
    rank: u8,
}

/// The stages seen so far.
pub(super) struct Stages {
    converter: RowConverter,
    shared: Vec<usize>,
    own: [usize; 4],
    found: Vec<Stage>,
    sources: BTreeMap<String, u32>,
}

impl Stages {
    /// For batches of `schema`, which has the [`columns`].
    pub(super) fn new(schema: &Schema) -> DataFusionResult<Self> {
        let index = |name: &str| schema.index_of(name);
        let shared = SHARED.iter().map(|name| index(name)).collect::<Result<Vec<_>, _>>()?;
        let fields = shared.iter().map(|index| SortField::new(schema.field(*index).data_type().clone()));
        let [stage, hash, source, line] = OWN.map(index);
        Ok(Self {
            converter: RowConverter::new(fields.collect())?,
            own: [stage?, hash?, source?, line?],
            shared,
            found: Vec::new(),
            sources: BTreeMap::new(),
        })
    }

    /// Adds the rows of a batch; says how many bytes it took in all.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> DataFusionResult<usize> {
        let shared: Vec<ArrayRef> = self.shared.iter().map(|index| batch.column(*index).clone()).collect();
        let requests = self.converter.convert_columns(&shared)?;
        let [stages, hashes, sources, lines] = self.own.map(|index| batch.column(index));
        let (stages, sources) = (cast(stages, &DataType::Utf8View)?, cast(sources, &DataType::Utf8View)?);
        let (stages, sources) = (stages.as_string_view(), sources.as_string_view());
        let hashes = cast(hashes, &DataType::BinaryView)?;
        let (hashes, lines) = (hashes.as_binary_view(), lines.as_primitive::<Int64Type>());
        for index in 0..batch.num_rows() {
            let source = if let Some(source) = self.sources.get(sources.value(index)) {
                *source
            } else {
                let source = u32::try_from(self.sources.len()).unwrap_or(u32::MAX);
                self.sources.insert(sources.value(index).to_owned(), source);
                source
            };
            self.found.push(Stage {
                request: hash(requests.row(index).as_ref()),
                event: <[u8; 16]>::try_from(hashes.value(index))
                    .map_or_else(|_| hash(hashes.value(index)), u128::from_be_bytes),
                line: lines.value(index),
                source,
                row: u32::try_from(self.found.len()).unwrap_or(u32::MAX),
                rank: rank(stages.is_valid(index).then(|| stages.value(index))),
            });
        }
        Ok(self.found.capacity() * size_of::<Stage>())
    }

    /// Of each row that was added, whether it stays.
    pub(super) fn stay(mut self) -> Vec<bool> {
        let mut place = vec![0; self.sources.len()];
        for (at, source) in self.sources.values().enumerate() {
            place[*source as usize] = at;
        }
        let order =
            |stage: &Stage| (stage.request, Reverse(stage.rank), stage.event, place[stage.source as usize], stage.line);
        self.found.sort_unstable_by_key(order);
        let mut stay = vec![true; self.found.len()];
        for stages in self.found.chunk_by(|a, b| a.request == b.request) {
            for (index, stage) in stages.iter().enumerate() {
                // of the richest stage every different row stays, and exact duplicates collapse
                let is_repeated = index > 0 && stages[index - 1].event == stage.event;
                stay[stage.row as usize] = stage.rank == stages[0].rank && !is_repeated;
            }
        }
        stay
    }
}

fn rank(stage: Option<&str>) -> u8 {
    match stage {
        Some("ResponseComplete") => 4,
        Some("Panic") => 3,
        Some("ResponseStarted") => 2,
        _ => 1,
    }
}

/// Clients choose what is hashed, so that it must be a hash without collisions.
fn hash(bytes: &[u8]) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    u128::from_be_bytes(half)
}
