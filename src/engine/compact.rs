//! Rows that a filter left over, freed from the pages that they were read from.
//!
//! A batch of text views keeps every page alive that one of its values lies in. Where a scan passes few rows of many
//! pages on, and a window or a sort collects them, a thousand rows hold gigabytes, and are charged for them. The last
//! rule of the planner puts [`CompactExec`] above each scan, after all that moves filters into it.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringViewArray};
use datafusion::arrow::buffer::Buffer;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result as DataFusionResult, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::StreamExt;

/// Batches of more rows than this use most of what they hold.
const ROWS_MAX: usize = 2_048;
/// Bytes that a column may hold for nothing.
const SPARE_BYTES_MAX: usize = 16 << 10;

/// The batch with the texts of the columns that `chosen` names in buffers of their own.
pub(super) fn compact(batch: &RecordBatch, chosen: impl Fn(&StringViewArray) -> bool) -> DataFusionResult<RecordBatch> {
    let columns = batch.columns().iter().map(|column| {
        let views = column.as_any().downcast_ref::<StringViewArray>().filter(|views| chosen(views));
        views.map_or_else(|| Arc::clone(column), |views| Arc::new(views.gc()) as ArrayRef)
    });
    // a scan for a count has no columns
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(batch.schema(), columns.collect(), &options)?)
}

/// Whether a column holds much more than its texts are.
fn is_wasteful(views: &StringViewArray) -> bool {
    let held: usize = views.data_buffers().iter().map(Buffer::len).sum();
    held > SPARE_BYTES_MAX && held / 2 > views.total_buffer_bytes_used()
}

/// Passes small batches on compacted.
#[derive(Debug)]
struct CompactExec {
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for CompactExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CompactExec")
    }
}

impl ExecutionPlan for CompactExec {
    fn name(&self) -> &'static str {
        "CompactExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let Ok([input]) = <[_; 1]>::try_from(children) else { return internal_err!("CompactExec has one child") };
        Ok(Arc::new(Self { input }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DataFusionResult<SendableRecordBatchStream> {
        let batches = self.input.execute(partition, context)?;
        let compacted = batches.map(|batch| {
            let batch = batch?;
            if batch.num_rows() > ROWS_MAX { Ok(batch) } else { compact(&batch, is_wasteful) }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.input.schema(), compacted)))
    }
}

/// Puts a [`CompactExec`] above each scan.
#[derive(Debug)]
pub(super) struct CompactScans;

impl PhysicalOptimizerRule for CompactScans {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            if node.is::<DataSourceExec>() {
                return Ok(Transformed::yes(Arc::new(CompactExec { input: node }) as Arc<dyn ExecutionPlan>));
            }
            Ok(Transformed::no(node))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "compact_scans"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::AsArray;

    fn batch(texts: StringViewArray) -> RecordBatch {
        RecordBatch::try_from_iter([("text", Arc::new(texts) as ArrayRef)]).unwrap()
    }

    #[test]
    fn few_rows_let_go_of_the_pages_of_many() {
        let page: StringViewArray = (0..5_000).map(|n| Some(format!("a text that is not short, number {n}"))).collect();
        let few = batch(page.slice(10, 2));
        let compacted = compact(&few, is_wasteful).unwrap();
        assert_eq!(compacted, few);
        assert!(compacted.get_array_memory_size() < 1_000, "{}", compacted.get_array_memory_size());
        let held = |batch: &RecordBatch| batch.column(0).as_string_view().data_buffers()[0].as_ptr();
        let all = batch(page);
        assert_eq!(held(&compact(&all, is_wasteful).unwrap()), held(&all), "nothing is copied where all is used");
    }
}
