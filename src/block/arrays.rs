//! Blocks as Arrow batches of `schema::events`, for those who want the rows at once: tests, cases, the order of columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanArray, Int32Array, Int64Array, ListBuilder, RecordBatch, StringBuilder,
    TimestampMicrosecondArray,
};

use super::{Block, Coded, NULL, Plain, Vocabulary, elements};
use crate::error::{Error, Result};
use crate::schema::{self, Kind};

/// Where a column of the schema lies in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// A text of the vocabulary.
    Coded(Coded),
    /// A list of texts of the vocabulary.
    List(Coded),
    /// A text of its own.
    Plain(Plain),
    /// `ts`.
    Ts,
    /// `stage_ts`.
    StageTs,
    /// `response_code`.
    ResponseCode,
    /// `line`.
    Line,
    /// `event_hash`.
    EventHash,
    /// `source_ips_disagree`.
    SourceIpsDisagree,
    /// `truncated`.
    Truncated,
}

impl Stored {
    /// Where `column` lies.
    ///
    /// # Panics
    ///
    /// For a column that no block has: a test goes through all.
    #[must_use]
    pub fn of(column: &schema::Column) -> Self {
        let coded = Coded::ALL.iter().find(|coded| coded.name() == column.name);
        let plain = Plain::ALL.iter().find(|plain| plain.name() == column.name);
        match (coded, plain, column.name) {
            (Some(coded), ..) if column.kind == Kind::Texts => Self::List(*coded),
            (Some(coded), ..) => Self::Coded(*coded),
            (_, Some(plain), _) => Self::Plain(*plain),
            (.., "ts") => Self::Ts,
            (.., "stage_ts") => Self::StageTs,
            (.., "response_code") => Self::ResponseCode,
            (.., "line") => Self::Line,
            (.., "event_hash") => Self::EventHash,
            (.., "source_ips_disagree") => Self::SourceIpsDisagree,
            (.., "truncated") => Self::Truncated,
            (.., name) => unreachable!("no block has the column {name}"),
        }
    }
}

impl Block {
    /// The rows in the schema of [`schema::events`].
    pub fn to_batch(&self, vocabulary: &Vocabulary) -> Result<RecordBatch> {
        let columns = schema::COLUMNS.iter().map(|column| self.array(Stored::of(column), vocabulary)).collect();
        RecordBatch::try_new(schema::events(), columns)
            .map_err(|error| Error::Internal(format!("events batch: {error}")))
    }

    fn array(&self, stored: Stored, vocabulary: &Vocabulary) -> ArrayRef {
        let facts = self.facts.iter();
        match stored {
            Stored::Coded(column) => {
                let dictionary = vocabulary.dictionary(column);
                let mut texts = StringBuilder::new();
                for codes in &self.codes {
                    let code = codes[column];
                    texts.append_option((code != NULL).then(|| text(dictionary.text(code))));
                }
                Arc::new(texts.finish())
            }
            Stored::List(column) => {
                let dictionary = vocabulary.dictionary(column);
                let mut lists = ListBuilder::new(StringBuilder::new());
                for codes in &self.codes {
                    let code = codes[column];
                    elements(dictionary.text(code)).for_each(|element| lists.values().append_value(text(element)));
                    lists.append(code != NULL);
                }
                Arc::new(lists.finish())
            }
            Stored::Plain(column) => {
                let mut texts = StringBuilder::new();
                self.texts(column).iter().for_each(|bytes| texts.append_option(bytes.map(text)));
                Arc::new(texts.finish())
            }
            Stored::Ts => {
                Arc::new(facts.map(|row| Some(row.ts)).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
            }
            Stored::StageTs => {
                Arc::new(facts.map(|row| row.stage_ts).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
            }
            Stored::ResponseCode => Arc::new(facts.map(|row| row.response_code).collect::<Int32Array>()),
            Stored::Line => Arc::new(facts.map(|row| Some(row.line)).collect::<Int64Array>()),
            Stored::EventHash => {
                let mut hashes = BinaryBuilder::new();
                facts.for_each(|row| hashes.append_value(row.event_hash.to_be_bytes()));
                Arc::new(hashes.finish())
            }
            Stored::SourceIpsDisagree => {
                Arc::new(facts.map(|row| Some(row.source_ips_disagree)).collect::<BooleanArray>())
            }
            Stored::Truncated => Arc::new(facts.map(|row| Some(row.truncated)).collect::<BooleanArray>()),
        }
    }
}

/// Only texts are put in.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};

    use super::super::Facts;
    use super::*;

    #[test]
    fn every_column_of_the_schema_is_in_a_block_once() {
        let stored: Vec<String> = schema::COLUMNS.iter().map(|column| format!("{:?}", Stored::of(column))).collect();
        let different: std::collections::BTreeSet<&String> = stored.iter().collect();
        assert_eq!(different.len(), schema::COLUMNS.len());
        assert_eq!(schema::COLUMNS.len(), Coded::ALL.len() + Plain::ALL.len() + 7);
    }

    #[test]
    fn rows_come_back_as_they_were_put_in() {
        let (mut block, mut vocabulary) = (Block::default(), Vocabulary::default());
        for (line, verb) in [Some("get"), None, Some(""), Some("get")].into_iter().enumerate() {
            let mut codes = super::super::Codes::default();
            codes[Coded::Verb] = vocabulary.code_of(Coded::Verb, verb);
            codes[Coded::Groups] = vocabulary.code_of_list(Coded::Groups, &["a", "", "b\0c"][..line % 4]);
            for column in ["cluster", "actor_kind", "scope", "outcome", "sensitivity", "source"] {
                let column = *Coded::ALL.iter().find(|coded| coded.name() == column).unwrap();
                codes[column] = vocabulary.code(column, "x");
            }
            block.codes.push(codes);
            block.facts.push(Facts {
                ts: 5,
                stage_ts: None,
                response_code: Some(200),
                line: i64::try_from(line).unwrap(),
                event_hash: 1,
                source_ips_disagree: false,
                truncated: true,
            });
            block.texts.iter_mut().for_each(|texts| texts.push(verb.map(str::as_bytes)));
        }
        let odd = block.filter(&[false, true, false, true]).to_batch(&vocabulary).unwrap();
        let batch = block.to_batch(&vocabulary).unwrap();
        let texts = |batch: &RecordBatch, name: &str| -> Vec<Option<String>> {
            let column = batch.column_by_name(name).unwrap().as_string::<i32>();
            column.iter().map(|text| text.map(str::to_owned)).collect()
        };
        let expected = [Some("get"), None, Some(""), Some("get")].map(|verb| verb.map(str::to_owned));
        assert_eq!(texts(&batch, "verb"), expected);
        assert_eq!(texts(&batch, "request_object"), expected);
        assert_eq!(texts(&odd, "verb"), [None, expected[3].clone()]);
        let groups = batch.column_by_name("groups").unwrap().as_list::<i32>();
        assert!(groups.is_null(0));
        assert_eq!(groups.value(3).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("a"), Some(""), Some("b\0c")]);
    }
}
