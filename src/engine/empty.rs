//! Which plans can give no row, as far as the computed views tell: most detections look for what hardly ever happens,
//! and planning one to the end takes longer than it runs over an empty view.

use datafusion::logical_expr::logical_plan::{Distinct, TableScan};
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan};

/// Whether `plan` gives no row where `is_empty` says of which scans that they give none. False where it is not certain.
pub(super) fn gives_nothing(plan: &LogicalPlan, is_empty: &impl Fn(&TableScan) -> bool) -> bool {
    let nothing = |plan: &LogicalPlan| gives_nothing(plan, is_empty);
    match plan {
        LogicalPlan::TableScan(scan) => is_empty(scan),
        LogicalPlan::EmptyRelation(empty) => !empty.produce_one_row,
        LogicalPlan::Projection(plan) => nothing(&plan.input),
        LogicalPlan::Filter(plan) => nothing(&plan.input),
        LogicalPlan::Window(plan) => nothing(&plan.input),
        LogicalPlan::Sort(plan) => nothing(&plan.input),
        LogicalPlan::Limit(plan) => nothing(&plan.input),
        LogicalPlan::SubqueryAlias(plan) => nothing(&plan.input),
        LogicalPlan::Repartition(plan) => nothing(&plan.input),
        LogicalPlan::Unnest(plan) => nothing(&plan.input),
        LogicalPlan::Distinct(Distinct::All(input)) => nothing(input),
        // without groups there is one row of nothing, and a grouping set may be empty
        LogicalPlan::Aggregate(plan) => {
            let groups = !plan.group_expr.is_empty();
            groups && !plan.group_expr.iter().any(|by| matches!(by, Expr::GroupingSet(_))) && nothing(&plan.input)
        }
        LogicalPlan::Union(plan) => plan.inputs.iter().all(|input| nothing(input)),
        LogicalPlan::Join(join) => {
            let (left, right) = (|| nothing(&join.left), || nothing(&join.right));
            match join.join_type {
                JoinType::Inner | JoinType::LeftSemi | JoinType::RightSemi => left() || right(),
                JoinType::Left | JoinType::LeftAnti | JoinType::LeftMark => left(),
                JoinType::Right | JoinType::RightAnti | JoinType::RightMark => right(),
                JoinType::Full => left() && right(),
            }
        }
        _ => false,
    }
}
