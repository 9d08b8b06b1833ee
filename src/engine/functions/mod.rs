//! The functions that views and detections have beside DataFusion's own: addresses, identities, URIs and JSON.
//!
//! All are NULL-safe: a predicate answers false for NULL, everything else answers NULL for NULL, so that a missing
//! column can never turn a filter into "unknown". The lists of the configuration are captured when a session opens.

mod address;
mod agent;
mod clock;
mod json;
mod uri;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, StringViewArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::cast::as_string_view_array;
use datafusion::common::{Result as DataFusionResult, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;

use self::address::Networks;
use crate::detection::{ROUTINE, routine_key};
use crate::engine::fault;
use crate::error::{Error, Result};

/// Functions whose result can be far larger than their arguments, outside every memory limit.
const DENIED: [&str; 9] = [
    "repeat",
    "lpad",
    "rpad",
    "generate_series",
    "range",
    "array_repeat",
    "list_repeat",
    "array_resize",
    "list_resize",
];

/// The lists of the configuration. Those named `*_networks` hold CIDR networks or single addresses.
pub(super) struct Lists {
    texts: BTreeMap<String, Vec<String>>,
    networks: BTreeMap<String, Networks>,
    routine: HashSet<String>,
}

impl Lists {
    /// Checks the lists: a network that does not parse and an identity of `*` alone, which would match everybody,
    /// are usage errors.
    pub(super) fn new(lists: &BTreeMap<String, Vec<String>>) -> Result<Self> {
        let mut networks = BTreeMap::new();
        for (name, entries) in lists {
            if name.ends_with("_networks") {
                let parsed = entries
                    .iter()
                    .map(|entry| {
                        address::parse_network(entry).ok_or_else(|| {
                            Error::usage(format!("list {name}: {entry:?} is no network; write it as 192.0.2.0/24"))
                        })
                    })
                    .collect::<Result<Vec<_>>>()?;
                networks.insert(name.clone(), Networks::new(&parsed));
            } else if entries.iter().any(|entry| entry.trim() == "*") {
                return Err(Error::usage(format!("list {name}: an entry \"*\" would match everything; remove it")));
            }
        }
        let routine = lists.get(ROUTINE).into_iter().flatten().cloned().collect();
        Ok(Self { texts: lists.clone(), networks, routine })
    }

    /// Whether the list of networks has the address.
    fn has_address(&self, name: &str, ip: IpAddr) -> bool {
        self.networks.get(name).is_some_and(|networks| networks.contains(ip))
    }

    /// Whether `value` is an entry of the list, or begins with an entry that ends in `*`.
    fn holds(&self, name: &str, value: &str) -> bool {
        self.texts.get(name).is_some_and(|entries| {
            entries.iter().any(|entry| match entry.strip_suffix('*') {
                Some(prefix) => value.starts_with(prefix),
                None => entry == value,
            })
        })
    }
}

/// Registers the functions of this module and those of `datafusion-functions-json`, and removes the denied ones.
pub(super) fn register(context: &mut SessionContext, lists: Lists) -> Result<()> {
    datafusion_functions_json::register_all(context).map_err(|error| fault::query("functions", &error))?;
    for name in DENIED {
        context.deregister_udf(name);
        context.deregister_udtf(name);
    }
    clock::register(context).map_err(|error| fault::query("functions", &error))?;
    let lists = Arc::new(lists);
    let functions = address::functions(&lists)
        .into_iter()
        .chain(agent::functions())
        .chain(uri::functions())
        .chain(json::functions());
    for function in functions {
        context.register_udf(ScalarUDF::new_from_impl(function));
    }
    let entries = Arc::clone(&lists);
    let known = Arc::clone(&lists);
    context.register_udf(ScalarUDF::new_from_impl(
        Function::predicate("in_identities", 2, move |row| match row {
            [Some(list), Some(actor)] => entries.holds(list, actor),
            _ => false,
        })
        .checked(move |name| known.texts.contains_key(name), "no list of that name is configured"),
    ));
    let (filled, named, routine) = (Arc::clone(&lists), Arc::clone(&lists), lists);
    context.register_udf(ScalarUDF::new_from_impl(
        Function::predicate("has_list", 1, move |row| {
            row[0].and_then(|list| filled.texts.get(list)).is_some_and(|entries| !entries.is_empty())
        })
        .checked(move |name| named.texts.contains_key(name), "no list of that name is configured"),
    ));
    context.register_udf(ScalarUDF::new_from_impl(Function::predicate("is_routine", 3, move |row| match row {
        [Some(user), Some(verb), Some(resource)] => routine.routine.contains(&routine_key(user, verb, resource)),
        _ => false,
    })));
    Ok(())
}

type Call = Arc<dyn Fn(&[ArrayRef]) -> DataFusionResult<ArrayRef> + Send + Sync>;
type Check = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// A scalar function over columns. Two with the same name are the same function: a session registers each once.
struct Function {
    name: &'static str,
    signature: Signature,
    returns: DataType,
    call: Call,
    /// For a first argument that is a literal: whether it is valid, and what is wrong with it otherwise.
    check: Option<(Check, &'static str)>,
}

impl Function {
    fn new(
        name: &'static str,
        signature: Signature,
        returns: DataType,
        call: impl Fn(&[ArrayRef]) -> DataFusionResult<ArrayRef> + Send + Sync + 'static,
    ) -> Self {
        Self { name, signature, returns, call: Arc::new(call), check: None }
    }

    /// A predicate over `arity` texts, called for each row.
    fn predicate(
        name: &'static str,
        arity: usize,
        test: impl Fn(&[Option<&str>]) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, texts(arity), DataType::Boolean, move |columns| {
            let rows: BooleanArray = map_rows(columns, |row| Some(test(row)))?;
            Ok(Arc::new(rows))
        })
    }

    /// A function of `arity` texts to a text, called for each row.
    fn text(
        name: &'static str,
        arity: usize,
        map: impl for<'a> Fn(&[Option<&'a str>]) -> Option<Cow<'a, str>> + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, texts(arity), DataType::Utf8View, move |columns| {
            let rows: StringViewArray = map_rows(columns, &map)?;
            Ok(Arc::new(rows))
        })
    }

    /// Refuses a literal first argument that is not `valid`, so that a slip of the pen fails instead of never matching.
    fn checked(mut self, valid: impl Fn(&str) -> bool + Send + Sync + 'static, reason: &'static str) -> Self {
        self.check = Some((Arc::new(valid), reason));
        self
    }
}

fn texts(arity: usize) -> Signature {
    Signature::exact(vec![DataType::Utf8View; arity], Volatility::Immutable)
}

/// Calls `map` for each row of text columns of one length.
fn map_rows<'a, T, C: FromIterator<Option<T>>>(
    columns: &'a [ArrayRef],
    mut map: impl FnMut(&[Option<&'a str>]) -> Option<T>,
) -> DataFusionResult<C> {
    let columns = columns.iter().map(|column| as_string_view_array(column)).collect::<DataFusionResult<Vec<_>>>()?;
    let rows = columns.first().map_or(0, Array::len);
    let mut row = vec![None; columns.len()];
    let values = (0..rows).map(|index| {
        for (value, column) in row.iter_mut().zip(&columns) {
            *value = column.is_valid(index).then(|| column.value(index));
        }
        map(&row)
    });
    Ok(values.collect())
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DataFusionResult<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        if let (Some((valid, reason)), Some(ColumnarValue::Scalar(ScalarValue::Utf8View(Some(text))))) =
            (&self.check, args.args.first())
            && !valid(text)
        {
            return exec_err!("{}({text:?}, ...): {reason}", self.name);
        }
        let constant = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let result = (self.call)(&ColumnarValue::values_to_arrays(&args.args)?)?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}
