//! What holds for any input at all, tried with inputs that nobody thought of.

use kubesift::event::{Parser, Place, Redactor};
use proptest::prelude::*;
use serde_json::json;

use crate::rig::{Count, Scratch, event, event_with, gzip, options, zstd};

/// Parses lines; gives rows, rejects and blanks, which must add up to the lines.
fn parse(text: &[u8]) -> (u64, u64, u64) {
    let mut parser = Parser::new("prod", Redactor::new([1; 32]));
    let batch = parser.parse(text, Place { source: "audit.log", lines_before: 0, offset: 0, cluster: None }).unwrap();
    let (rows, rejects) = (batch.rows.num_rows() as u64, batch.rejects.len() as u64);
    assert_eq!(batch.lines, rows + rejects + batch.blanks);
    (rows, rejects, batch.blanks)
}

/// One line of a log: an event, one of few (so that some come twice), or something else.
fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (0_usize..400).prop_map(|number| event(number).to_string().into_bytes()),
        1 => Just(Vec::new()),
        1 => Just(b" \t ".to_vec()),
        1 => "[ -~]{0,40}".prop_filter("a blank line counts as one", |text| !text.trim().is_empty())
            .prop_map(|text| format!("#{text}").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..60)
            .prop_map(|bytes| [b"!".to_vec(), bytes.into_iter().filter(|byte| *byte != b'\n').collect()].concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_accounted_for(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        parse(&bytes);
    }

    #[test]
    fn an_event_with_any_byte_changed_is_accounted_for(at in 0_usize..700, byte in any::<u8>()) {
        let mut line = event(1).to_string().into_bytes();
        let at = at % line.len();
        line[at] = byte;
        let (rows, rejects, blanks) = parse(&line);
        let lines = if byte == b'\n' && at + 1 < line.len() { 2 } else { 1 };
        prop_assert_eq!(rows + rejects + blanks, lines);
    }

    #[test]
    fn an_event_cut_anywhere_is_one_reject(cut in 1_usize..2_000) {
        let line = event(1).to_string();
        let cut = cut % (line.len() - 1) + 1;
        prop_assert_eq!(parse(&line.as_bytes()[..cut]), (0, 1, 0));
    }

    #[test]
    fn any_text_in_any_field_is_a_row(text in "\\PC{0,60}|[\\x00-\\x7f]{0,40}", code in any::<i64>()) {
        let event = event_with(1, &json!({
            "auditID": text, "userAgent": text, "verb": text, "requestURI": text, "level": text, "stage": text,
            "user": {"username": text, "groups": [text], "extra": {&text: [text]}}, "sourceIPs": [text],
            "objectRef": {"resource": text, "namespace": text, "name": text, "subresource": text},
            "responseStatus": {"code": code, "message": text}, "annotations": {&text: text}, "z": {&text: text},
            "requestObject": {&text: text}, "responseObject": [text]
        }));
        prop_assert_eq!(parse(event.to_string().as_bytes()), (1, 0, 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_log_keeps_the_law(lines in prop::collection::vec(line(), 1..300), packing in 0..3, newline in any::<bool>()) {
        let mut text = [b"{}\n".to_vec(), lines.join(&b'\n')].concat();
        if newline {
            text.push(b'\n');
        }
        let scratch = Scratch::new();
        scratch.write("audit.log", match packing { 0 => text.clone(), 1 => gzip(&text), _ => zstd(&text) });
        let lenient = kubesift::ingest::Options { reject_ratio_max: 1.0, ..options() };
        let account = scratch.ingest_with(&["audit.log"], &lenient).accounts.remove(0);
        let expected = Count::of(&text, &mut <_>::default());
        if expected.rows > 0 {
            prop_assert_eq!(Count::of_account(&account), expected, "{:?}", account);
            prop_assert_eq!(scratch.cells(&["line"]).len() as u64, expected.rows);
        }
    }
}
