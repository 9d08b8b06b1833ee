//! The table `inventory`: pods and workloads that a snapshot of a cluster shows, beside what its log tells of them.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use datafusion::common::DataFusionError;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use super::fault;
use super::session::Session;
use crate::detection::INVENTORY;
use crate::error::Result;
use crate::manifest::{Inventory, Workload};

impl Session {
    /// The same session, which knows of the pods and workloads of these clusters too. Views must not be registered yet:
    /// it comes before the first query.
    pub fn with_inventories(self, inventories: &[(String, Inventory)]) -> Result<Self> {
        register(&self.context, inventories).map_err(|error| fault::query("session", &error))?;
        Ok(self)
    }
}

/// Registers the table, in place of the one that is there: one row a workload and Secret that it uses, and one with
/// NULL for the Secret where it uses none.
pub(super) fn register(context: &SessionContext, inventories: &[(String, Inventory)]) -> Result<(), DataFusionError> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (cluster, inventory) in inventories {
        for workload in &inventory.workloads {
            let secrets = workload.secrets.iter().map(|(via, name)| (Some(*via), Some(name.as_str())));
            let none = workload.secrets.is_empty().then_some((None, None));
            rows.extend(secrets.chain(none).map(|(via, secret)| Row { cluster, workload, via, secret }));
        }
    }
    let text = |pick: &dyn for<'a> Fn(&Row<'a>) -> Option<&'a str>| -> ArrayRef {
        Arc::new(rows.iter().map(pick).collect::<StringArray>())
    };
    let created = rows.iter().map(|row| row.workload.created).collect::<TimestampMicrosecondArray>();
    let columns: [(&str, ArrayRef); 11] = [
        ("cluster", text(&|row| Some(row.cluster))),
        ("resource", text(&|row| Some(row.workload.resource))),
        ("namespace", text(&|row| Some(&row.workload.namespace))),
        ("name", text(&|row| Some(&row.workload.name))),
        ("created", Arc::new(created.with_timezone("UTC"))),
        ("node", text(&|row| row.workload.node.as_deref())),
        ("service_account", text(&|row| row.workload.service_account.as_deref())),
        ("owner_kind", text(&|row| row.workload.owner.as_ref().map(|(kind, _)| kind.as_str()))),
        ("owner_name", text(&|row| row.workload.owner.as_ref().map(|(_, name)| name.as_str()))),
        ("secret", text(&|row| row.secret)),
        ("via", text(&|row| row.via)),
    ];
    let columns = columns.map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns)?;
    context.deregister_table(INVENTORY)?;
    context.register_table(INVENTORY, Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))?;
    Ok(())
}

struct Row<'a> {
    cluster: &'a str,
    workload: &'a Workload,
    via: Option<&'static str>,
    secret: Option<&'a str>,
}
