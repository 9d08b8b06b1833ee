//! `date_trunc` and `date_part` of times in UTC: DataFusion's own, told that the times have no zone.
//!
//! It looks up the zone of every single time otherwise, which took half of the time of a question by the hour. A zone
//! that never changes has nothing to be looked up.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray, PrimitiveArray};
use datafusion::arrow::datatypes::{DataType, FieldRef, TimeUnit, TimestampMicrosecondType};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result as DataFusionResult};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::preimage::PreimageResult;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::prelude::SessionContext;

/// The zone of the lake's times (`schema::COLUMNS`).
const UTC: &str = "UTC";

/// Puts the faster functions in the place of DataFusion's.
pub(super) fn register(context: &mut SessionContext) -> DataFusionResult<()> {
    let mut clocks = Clocks(Vec::new());
    for name in ["date_trunc", "date_part"] {
        clocks.0.push(Arc::new(ScalarUDF::new_from_impl(Clock { inner: context.udf(name)? })));
    }
    // to register them is not enough: `extract` is made into a `date_part` that was never registered
    context.register_function_rewrite(Arc::new(clocks))
}

/// Puts the faster functions where a plan has DataFusion's.
#[derive(Debug)]
struct Clocks(Vec<Arc<ScalarUDF>>);

impl FunctionRewrite for Clocks {
    fn name(&self) -> &'static str {
        "clocks"
    }

    fn rewrite(&self, expr: Expr, _: &DFSchema, _: &ConfigOptions) -> DataFusionResult<Transformed<Expr>> {
        Ok(match expr {
            Expr::ScalarFunction(mut call) => match self.0.iter().find(|clock| clock.name() == call.name()) {
                Some(clock) if *clock != call.func => {
                    call.func = Arc::clone(clock);
                    Transformed::yes(Expr::ScalarFunction(call))
                }
                _ => Transformed::no(Expr::ScalarFunction(call)),
            },
            other => Transformed::no(other),
        })
    }
}

/// A function of a text and a time.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Clock {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for Clock {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> DataFusionResult<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let Some(ColumnarValue::Array(times)) = args.args.get_mut(1) else { return self.inner.invoke_with_args(args) };
        match times.data_type() {
            DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if &**zone == UTC => {}
            _ => return self.inner.invoke_with_args(args),
        }
        *times = Arc::new(in_zone(times.as_primitive(), None));
        if !matches!(args.return_field.data_type(), DataType::Timestamp(..)) {
            return self.inner.invoke_with_args(args);
        }
        let bare = DataType::Timestamp(TimeUnit::Microsecond, None);
        args.return_field = Arc::new(args.return_field.as_ref().clone().with_data_type(bare));
        Ok(match self.inner.invoke_with_args(args)? {
            ColumnarValue::Array(times) => {
                ColumnarValue::Array(Arc::new(in_zone(times.as_primitive(), Some(UTC.into()))))
            }
            scalar @ ColumnarValue::Scalar(_) => scalar,
        })
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> DataFusionResult<SortProperties> {
        self.inner.output_ordering(inputs)
    }

    fn evaluate_bounds(&self, inputs: &[&Interval]) -> DataFusionResult<Interval> {
        self.inner.evaluate_bounds(inputs)
    }

    fn preimage(&self, args: &[Expr], literal: &Expr, info: &SimplifyContext) -> DataFusionResult<PreimageResult> {
        self.inner.preimage(args, literal, info)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

fn in_zone(
    times: &PrimitiveArray<TimestampMicrosecondType>,
    zone: Option<Arc<str>>,
) -> PrimitiveArray<TimestampMicrosecondType> {
    times.clone().with_timezone_opt(zone)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};

    use super::*;

    const TRUNCATED: [&str; 10] =
        ["microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"];
    const PARTS: [&str; 9] = ["hour", "minute", "second", "day", "dow", "doy", "week", "year", "epoch"];

    async fn answer(context: &SessionContext, sql: &str) -> String {
        let micros = [Some(1_768_471_199_999_999), None, Some(0), Some(-1), Some(951_826_154_123_456)];
        let bare = TimestampMicrosecondArray::from(micros.to_vec());
        let times: [(&str, ArrayRef); 3] = [
            ("utc", Arc::new(bare.clone().with_timezone(UTC))),
            ("there", Arc::new(bare.clone().with_timezone("America/New_York"))),
            ("bare", Arc::new(bare)),
        ];
        context.register_batch("times", RecordBatch::try_from_iter(times).unwrap()).unwrap();
        let rows = context.sql(sql).await.unwrap().collect().await.unwrap();
        context.deregister_table("times").unwrap();
        format!("{:?}\n{}", rows[0].schema(), pretty_format_batches(&rows).unwrap())
    }

    #[tokio::test]
    async fn times_are_cut_as_datafusion_cuts_them() {
        let (plain, mut ours) = (SessionContext::new(), SessionContext::new());
        register(&mut ours).unwrap();
        for column in ["utc", "there", "bare"] {
            let cuts = TRUNCATED.map(|unit| format!("date_trunc('{unit}', {column})"));
            let parts = PARTS.map(|part| format!("extract({part} from {column}), date_part('{part}', {column})"));
            for call in cuts.iter().chain(&parts) {
                let sql = format!("select {call} from times");
                assert_eq!(answer(&ours, &sql).await, answer(&plain, &sql).await, "{sql}");
            }
        }
    }

    #[tokio::test]
    async fn extract_is_ours_too() {
        let mut context = SessionContext::new();
        register(&mut context).unwrap();
        let sql = "select extract(hour from to_timestamp(v)) from (values (1)) as t(v)";
        let plan = context.sql(sql).await.unwrap().into_optimized_plan().unwrap();
        let mut ours = 0;
        plan.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::ScalarFunction(call) = expr {
                    ours += usize::from(call.func.inner().is::<Clock>());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
        .unwrap();
        assert_eq!(ours, 1, "{plan}");
    }
}
