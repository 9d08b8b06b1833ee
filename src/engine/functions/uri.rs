//! Request URIs: path, segments and query, as the API server and the kubelet would take them apart.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::arrow::array::{Array, StringViewArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::cast::{as_int64_array, as_string_view_array};
use datafusion::logical_expr::{Signature, Volatility};
use percent_encoding::percent_decode_str;

use super::Function;

/// `uri_path(uri)`, `uri_query(uri, key)` and `uri_segment(uri, n)`.
pub(super) fn functions() -> Vec<Function> {
    let segment_types = vec![DataType::Utf8View, DataType::Int64];
    vec![
        Function::text("uri_path", 1, |row| row[0].map(|uri| path(uri).into())),
        Function::text("uri_query", 2, |row| match row {
            [Some(uri), Some(key)] => query(uri, key).map(Into::into),
            _ => None,
        }),
        Function::new(
            "uri_segment",
            Signature::exact(segment_types, Volatility::Immutable),
            DataType::Utf8View,
            |columns| {
                let uris = as_string_view_array(&columns[0])?;
                let numbers = as_int64_array(&columns[1])?;
                let values: StringViewArray = (0..uris.len())
                    .map(|row| {
                        (uris.is_valid(row) && numbers.is_valid(row))
                            .then(|| segment(uris.value(row), numbers.value(row)))
                            .flatten()
                    })
                    .collect();
                Ok(Arc::new(values))
            },
        ),
    ]
}

fn split(uri: &str) -> (&str, &str) {
    let uri = uri.split_once('#').map_or(uri, |(uri, _fragment)| uri);
    uri.split_once('?').unwrap_or((uri, ""))
}

/// The segments of the path, percent-decoded once. Empty ones (`//`) are skipped: they would only hide the rest.
fn segments(uri: &str) -> impl Iterator<Item = Cow<'_, str>> {
    split(uri).0.split('/').filter(|part| !part.is_empty()).map(|part| percent_decode_str(part).decode_utf8_lossy())
}

/// The path, percent-decoded once, without empty segments.
fn path(uri: &str) -> String {
    segments(uri).fold(String::new(), |path, segment| path + "/" + &segment)
}

/// The n-th segment of the path, from 1.
fn segment(uri: &str, n: i64) -> Option<Cow<'_, str>> {
    segments(uri).nth(usize::try_from(n.checked_sub(1)?).ok()?)
}

/// The first value of a key, percent-decoded once, `+` as space; a key without `=` has the value "".
fn query(uri: &str, key: &str) -> Option<String> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    split(uri)
        .1
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find(|(name, _)| !name.is_empty() && decode(name) == key)
        .map(|(_, value)| decode(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_once_and_without_empty_segments() {
        assert_eq!(path("/api/v1/nodes/n/proxy//%65xec/a%252Fb?x=/y"), "/api/v1/nodes/n/proxy/exec/a%2Fb");
        assert_eq!(path("/"), "");
        assert_eq!(path(""), "");
    }

    #[test]
    fn a_query_value_is_the_first_and_decoded_once() {
        let uri = "/x?command=cat&command=b&path=%2Fetc%2Fa+b%2525&flag&%63ontainer=c#command=z";
        assert_eq!(query(uri, "command").as_deref(), Some("cat"));
        assert_eq!(query(uri, "path").as_deref(), Some("/etc/a b%25"));
        assert_eq!(query(uri, "flag").as_deref(), Some(""));
        assert_eq!(query(uri, "container").as_deref(), Some("c"));
        assert_eq!(query(uri, "missing"), None);
        assert_eq!(query("/x", ""), None);
    }

    #[test]
    fn segments_count_from_one() {
        let uri = "/api/v1/nodes/node-1/proxy/run/shop/web-0/app?cmd=id";
        assert_eq!(segment(uri, 1).as_deref(), Some("api"));
        assert_eq!(segment(uri, 9).as_deref(), Some("app"));
        for n in [0, 10, -1, i64::MIN] {
            assert_eq!(segment(uri, n), None, "{n}");
        }
    }
}
