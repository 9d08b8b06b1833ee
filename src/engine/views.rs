//! Views: planned when a statement first names them, and where they say so computed once for the whole session.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, Result as DataFusionResult, internal_datafusion_err};
use datafusion::datasource::{TableProvider, ViewTable};
use datafusion::execution::SessionState;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::logical_expr::expr_rewriter::unnormalize_cols;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionContext;
use tokio::sync::{Mutex, RwLock};

use super::empty::gives_nothing;
use super::rows::{Kept, Rows, Source};
use super::{fault, guard, richest};
use crate::detection;
use crate::error::{Error, Result};

/// The table that views read.
pub(super) const EVENTS: &str = detection::TABLE;
/// The table that queries of a lake may read beside views.
pub(super) const FINDINGS: &str = detection::FINDINGS;

/// One view: what the engine needs of a file in `sql/views/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The name in SQL.
    pub name: String,
    /// One `select` over `events` and earlier views.
    pub sql: String,
    /// Whether a run of detections computes it once, because many read it.
    pub materialise: bool,
    /// Whether of the rows of each request only the richest stage is one of the view; only where it is materialised.
    pub richest: bool,
}

impl From<&detection::View> for View {
    fn from(view: &detection::View) -> Self {
        Self { name: view.name.clone(), sql: view.sql.clone(), materialise: view.materialise, richest: view.richest }
    }
}

/// The views of a session in an order in which each reads only those before it.
pub(super) struct Views {
    list: Vec<View>,
    /// Tables that this session has beside [`TABLES`].
    added: std::sync::Mutex<Vec<&'static str>>,
    /// Held while views are registered, so that two queries do not register the same one.
    registering: Mutex<()>,
    /// The registered ones that are computed.
    computed: std::sync::Mutex<BTreeMap<String, Arc<Computed>>>,
    kept: Arc<Kept>,
}

impl Views {
    pub(super) fn new(views: Vec<View>, kept: Kept) -> Self {
        Self {
            list: views,
            added: std::sync::Mutex::default(),
            registering: Mutex::new(()),
            computed: std::sync::Mutex::default(),
            kept: Arc::new(kept),
        }
    }

    /// Lets statements name a table that the session's context has.
    pub(super) fn add_table(&self, name: &'static str) {
        self.added.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(name);
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
                let computed = Arc::new(Computed::new(&view, plan, Arc::clone(&self.kept)));
                self.computed_views().insert(view.name.clone(), Arc::clone(&computed));
                computed
            } else {
                Arc::new(ViewTable::new(plan, Some(view.sql)))
            };
            context.register_table(view.name.as_str(), table).map_err(|error| fault::query(&what, &error))?;
        }
        Ok(())
    }

    /// The tables and all views.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let added = self.added.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        detection::TABLES.into_iter().chain(added).chain(self.list.iter().map(|view| view.name.as_str()))
    }

    /// The plan of a view that is computed; of the others DataFusion knows it.
    pub(super) fn plan_of(&self, view: &str) -> Option<LogicalPlan> {
        self.computed_views().get(view).map(|computed| computed.plan.clone())
    }

    fn computed_views(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Computed>>> {
        self.computed.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Computes the views that more than one of these plans read, in the columns that they read of them.
    pub(super) async fn share(&self, state: &SessionState, plans: &[LogicalPlan]) -> DataFusionResult<()> {
        let mut read = Reads::default();
        plans.iter().try_for_each(|plan| read.add(plan))?;
        let computed = self.computed_views().clone();
        let mut shared = Vec::new();
        // a view reads only those before it, so that all who read it are known when its turn comes
        for view in self.list.iter().rev().filter_map(|view| computed.get(&view.name)) {
            let Some((readers, columns)) = read.views.remove(&view.name) else { continue };
            read.add(&state.optimize(&view.plan_of(&columns, &[])?)?)?;
            if readers > 1 {
                shared.push((view, columns));
            }
        }
        for (view, columns) in shared.into_iter().rev() {
            view.share(state, &columns).await?;
        }
        Ok(())
    }

    /// Whether a plan reads shared views in a way that gives no row.
    pub(super) fn give_nothing(&self, state: &SessionState, plan: &LogicalPlan) -> bool {
        let computed = self.computed_views();
        gives_nothing(plan, &|scan| {
            let view = computed.get(scan.table_name.table());
            let rows = view.and_then(|view| view.shared.try_read().ok()?.clone());
            rows.is_some_and(|rows| rows.has_none(state, &unnormalize_cols(scan.filters.iter().cloned())))
        })
    }

    fn knows(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// How many bytes computed views hold in memory.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.kept.bytes.load(Ordering::Relaxed)
    }

    /// How many views were computed so far.
    #[cfg(test)]
    pub(super) fn computed(&self) -> usize {
        self.kept.views.load(Ordering::Relaxed)
    }
}

/// What plans read of tables: how many scan each, and which columns.
#[derive(Default)]
struct Reads {
    views: BTreeMap<String, (usize, BTreeSet<usize>)>,
}

impl Reads {
    fn add(&mut self, plan: &LogicalPlan) -> DataFusionResult<()> {
        plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                let (scans, columns) = self.views.entry(scan.table_name.table().to_owned()).or_default();
                *scans += 1;
                match &scan.projection {
                    Some(projection) => columns.extend(projection),
                    None => columns.extend(0..scan.source.schema().fields().len()),
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(())
    }
}

/// A view whose rows are computed, not inlined: once for all queries of a run that share it, else for each query alone.
#[derive(Debug)]
pub(super) struct Computed {
    name: String,
    plan: LogicalPlan,
    schema: SchemaRef,
    richest: bool,
    kept: Arc<Kept>,
    /// Computed for a run.
    shared: RwLock<Option<Arc<Rows>>>,
    /// Computed for one query, which reads them as long as the session lives.
    own: Mutex<Vec<Arc<Rows>>>,
}

impl Computed {
    fn new(view: &View, plan: LogicalPlan, kept: Arc<Kept>) -> Self {
        let schema = Arc::clone(plan.schema().inner());
        let (shared, own) = (RwLock::new(None), Mutex::new(Vec::new()));
        Self { name: view.name.clone(), plan, schema, richest: view.richest, kept, shared, own }
    }

    /// The plan of some columns of the rows that pass the filters, and of what finds the richest stages.
    pub(super) fn plan_of(&self, columns: &BTreeSet<usize>, filters: &[Expr]) -> DataFusionResult<LogicalPlan> {
        let also = if self.richest { richest::columns().collect() } else { Vec::new() };
        let wanted =
            |index: &usize| columns.contains(index) || also.contains(&self.schema.field(*index).name().as_str());
        let wanted = (0..self.schema.fields().len()).filter(wanted);
        let wanted = wanted.map(|index| Expr::Column(Column::new_unqualified(self.schema.field(index).name())));
        let mut plan = LogicalPlanBuilder::from(self.plan.clone()).alias(self.name.as_str())?;
        if let Some(filter) = conjunction(filters.iter().filter(|filter| self.commutes(filter)).cloned()) {
            plan = plan.filter(filter)?;
        }
        plan.project(wanted.collect::<Vec<_>>())?.build()
    }

    /// Whether it makes no difference if a filter is applied to the rows that the view is made of.
    fn commutes(&self, filter: &Expr) -> bool {
        let is_shared = || filter.column_refs().iter().all(|column| richest::SHARED.contains(&column.name.as_str()));
        !filter.is_volatile() && (!self.richest || is_shared())
    }

    /// Computes columns for all queries to come.
    pub(super) async fn share(&self, state: &SessionState, columns: &BTreeSet<usize>) -> DataFusionResult<()> {
        let rows = self.compute(state, columns, &[]).await?;
        *self.shared.write().await = Some(Arc::new(rows));
        Ok(())
    }

    async fn compute(
        &self,
        session: &dyn Session,
        columns: &BTreeSet<usize>,
        filters: &[Expr],
    ) -> DataFusionResult<Rows> {
        let plan = self.plan_of(columns, filters)?;
        let names: Vec<_> = columns.iter().map(|index| self.schema.field(*index).name().as_str()).collect();
        let start = async || {
            let plan = session.create_physical_plan(&plan).await?;
            let columns = names.iter().map(|name| plan.schema().index_of(name)).collect::<Result<Vec<_>, _>>()?;
            let stream = execute_stream(plan, session.task_ctx())?;
            DataFusionResult::<Source>::Ok(Source { stream, columns, richest: self.richest })
        };
        let reserve =
            || MemoryConsumer::new(format!("view {}", self.name)).register(&session.runtime_env().memory_pool);
        self.kept.views.fetch_add(1, Ordering::Relaxed);
        if let Some(rows) = Rows::in_memory(&mut start().await?, reserve(), &self.kept).await? {
            return Ok(rows);
        }
        Rows::in_file(&mut start().await?, reserve(), &self.kept).await
    }
}

#[async_trait]
impl TableProvider for Computed {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    /// Filters choose groups of rows, or files and pages below, and are applied again above.
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
        let all = (0..self.schema.fields().len()).collect();
        let columns = projection.unwrap_or(&all);
        let names: Vec<_> = columns.iter().map(|index| self.schema.field(*index).name().as_str()).collect();
        if let Some(rows) = self.shared.read().await.as_ref()
            && let Some(scan) = rows.scan(session, &names, filters, limit).await?
        {
            return Ok(scan);
        }
        // a count needs rows, and rows a column
        let set = if columns.is_empty() { [0].into() } else { columns.iter().copied().collect() };
        let rows = Arc::new(self.compute(session, &set, filters).await?);
        self.own.lock().await.push(Arc::clone(&rows));
        let scan = rows.scan(session, &names, filters, limit).await?;
        scan.ok_or_else(|| internal_datafusion_err!("view {} lacks a column that it was asked for", self.name))
    }
}
