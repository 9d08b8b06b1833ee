//! Splitting: the same items, however the documents are laid out and read.

use proptest::prelude::*;

use super::*;

/// Hands out `step` bytes at a time.
struct Steps<'a>(&'a [u8], usize);

impl Read for Steps<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.1.min(into.len()).min(self.0.len());
        into[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

fn split(text: &str) -> String {
    let mut reader = ItemReader::new(text.as_bytes());
    let mut out = String::new();
    reader.read_to_string(&mut out).unwrap();
    out
}

/// An event with whatever may confuse a splitter.
const TRICKY: &str = r#"{"auditID":"1","uri":"/a?b={[,]}","agent":"q\"items\":[{\\","requestObject":{"items":[1,{"a":[]}],"x":null},"n":[1,-2.5e3,true]}"#;

fn pretty(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

fn compact(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    serde_json::to_string(&value).unwrap()
}

fn event_list(events: &[&str]) -> String {
    let events = events.join(",");
    format!(r#"{{"apiVersion":"audit.k8s.io/v1","items":[{events}],"kind":"EventList","metadata":{{}}}}"#)
}

#[test]
fn an_event_list_gives_its_items_however_it_is_printed() {
    let list = event_list(&[TRICKY, r#"{"auditID":"2"}"#, "{}"]);
    let items = format!("{}\n{}\n{{}}\n", compact(TRICKY), r#"{"auditID":"2"}"#);
    assert_eq!(split(&compact(&list)), items);
    assert_eq!(split(&pretty(&list)), items);
    assert_eq!(split(&pretty(&list).replace('\n', "\r\n")), items);
    assert_eq!(split(&format!("\u{feff}{}", pretty(&list))), items);
}

#[test]
fn members_before_and_behind_the_items_are_dropped() {
    let list = r#"{"kind":"EventList","metadata":{"items":[9]},"items":[{"a":1}],"note":"items","more":[2,{}]}"#;
    assert_eq!(split(list), "{\"a\":1}\n");
}

#[test]
fn a_second_items_list_of_an_object_is_not_lost() {
    assert_eq!(split(r#"{"items":[1,2],"x":"y","items":[{"a":3}]}"#), "1\n2\n{\"a\":3}\n");
}

#[test]
fn lists_and_objects_follow_each_other_with_or_without_line_breaks() {
    let list = event_list(&[r#"{"a":1}"#]);
    let two = [list.clone(), list.clone()];
    for between in ["", "\n", "\r\n\r\n", ",\n", " "] {
        assert_eq!(split(&two.join(between)), "{\"a\":1}\n{\"a\":1}\n");
    }
    assert_eq!(split("{\"a\":1}{\"b\":2}\n{\"c\":3}"), "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
    assert_eq!(split(&format!("{}\n{}\n", pretty(TRICKY), pretty(TRICKY))), format!("{0}\n{0}\n", compact(TRICKY)));
}

#[test]
fn an_array_gives_its_elements() {
    assert_eq!(
        split(&format!("[{TRICKY},\n{{}} , [1, [2]],3, \"a b\" ]\n")),
        format!("{TRICKY}\n{{}}\n[1,[2]]\n3\n\"a b\"\n")
    );
    assert_eq!(split("[]"), "");
    assert_eq!(split(r#"{"items":[]}"#), "");
}

#[test]
fn items_that_is_no_list_makes_no_list_of_the_object() {
    for object in
        [r#"{"items":null,"x":[1]}"#, r#"{"items":{"a":[1]}}"#, r#"{"x":"items","y":[1]}"#, r#"{"a\"items":[1]}"#]
    {
        assert_eq!(split(object), format!("{object}\n"));
    }
}

#[test]
fn blanks_within_strings_stay_and_invalid_json_stays_invalid() {
    assert_eq!(split("{ \"a b\" : \"c  d\" }"), "{\"a b\":\"c  d\"}\n");
    assert_eq!(split("{\"a\": 1 2, \"b\": tr\tue}"), "{\"a\":1 2,\"b\":tr ue}\n");
    assert_eq!(split("[1 2,\n3]"), "1 2\n3\n");
}

#[test]
fn a_cut_document_gives_its_incomplete_item_as_it_is() {
    let mut reader = ItemReader::new(&br#"{"items":[{"a":1},{"b":"cut h"#[..]);
    let mut out = String::new();
    reader.read_to_string(&mut out).unwrap();
    assert_eq!(out, "{\"a\":1}\n{\"b\":\"cut h");
    assert!(reader.ended_inside());
    assert_eq!(split(r#"{"kind":"EventList","appl"#), r#"{"kind":"EventList","appl"#);
    assert_eq!(split(r#"[{"a":{"b":"#), r#"{"a":{"b":"#);
}

#[test]
fn a_cut_between_items_is_told_too() {
    for (text, inside) in [(r#"{"items":[{"a":1},"#, true), (r#"{"items":[{"a":1}]}"#, false), ("{}\njunk", false)] {
        let mut reader = ItemReader::new(text.as_bytes());
        io::copy(&mut reader, &mut io::sink()).unwrap();
        assert_eq!(reader.ended_inside(), inside, "{text}");
    }
}

#[test]
fn after_a_torn_string_the_next_line_begins_anew() {
    let list = event_list(&[r#"{"a":1}"#]);
    let torn = format!("{}\n{list}\n", r#"{"items":[{"z":0},{"verb":"ge"#);
    assert_eq!(split(&torn), "{\"z\":0}\n{\"verb\":\"ge\n{\"a\":1}\n");
    let escape = format!("{}\n{list}\n", r#"{"verb":"ge\"#);
    assert_eq!(split(&escape), "{\"verb\":\"ge\\\n{\"a\":1}\n");
}

#[test]
fn text_that_is_no_json_comes_out_as_lines() {
    assert_eq!(split("hello {\"a\":1}\n}\n\"x\"\n{\"b\":2}\n"), "hello {\"a\":1}\n}\n\"x\"\n{\"b\":2}\n");
    assert_eq!(split(r#"{"items":[{"a":1}},{"b":2}]}"#), "{\"a\":1}\n}\n{\"b\":2}\n");
}

#[test]
fn an_object_too_long_to_be_held_is_one_line() {
    let long = format!(r#"{{"a":"{}","items":[1,2]}}"#, "x".repeat(300));
    for step in [1, 10, 1_000] {
        let mut reader = ItemReader::new(Steps(long.as_bytes(), step));
        reader.splitter.held_bytes_max = 100;
        let mut out = String::new();
        reader.read_to_string(&mut out).unwrap();
        assert_eq!(out, format!("{long}\n"), "{step}");
    }
}

#[test]
fn items_need_no_memory_however_long_the_list() {
    let item = format!(r#"{{"a":"{}"}}"#, "x".repeat(1_000));
    let list = event_list(&vec![item.as_str(); 20_000]);
    let mut reader = ItemReader::new(list.as_bytes());
    let mut block = vec![0; 1 << 16];
    let mut out = 0;
    while let n @ 1.. = reader.read(&mut block).unwrap() {
        out += n;
    }
    assert_eq!(out, (item.len() + 1) * 20_000);
    assert!(reader.splitter.held.capacity() + reader.splitter.ready.capacity() < 4 * BLOCK_BYTES);
}

#[test]
fn sources_that_need_splitting_are_told_by_their_head() {
    let list = event_list(&[TRICKY]);
    let long = format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{{}},"items":[{TRICKY},"#);
    for head in [
        list.as_str(),
        &pretty(&list),
        &pretty(TRICKY),
        &format!("\u{feff}\n{list}"),
        &long,
        "[",
        "[{\"auditID\":\"1\"}]",
        "{\n  \"kind\": \"Ev",
        "{\r\n\t\"auditID\":\"1\"",
        "{\"kind\":\"EventList\"",
        "{\"auditLevel\":1}{\"a\":1}\n",
        "{\n}",
    ] {
        assert!(wants_splitting(head.as_bytes()), "{head}");
    }
}

#[test]
fn lines_of_events_need_no_splitting() {
    let long = format!(r#"{{"kind":"Event","auditID":"1","requestObject":{{"items":[{}"#, "1,".repeat(40_000));
    let unknown = format!(r#"{{"a":"{}"#, "x".repeat(70_000));
    for head in [
        "",
        "\n\n",
        "{}\n{}\n",
        TRICKY,
        &format!("{TRICKY}\r\n{TRICKY}\r\n"),
        &long,
        &unknown,
        "2026-01-01T00:00:00Z stdout F {\"auditID\":\"1\"}\n",
        "cut\"}\n[1]\n",
        // torn lines
        "{\"kind\":\"Event\",\"auditID\":\n{\"kind\":\"Event\"}\n",
        "{\"kind\":\"Event\",\n{\"kind\":\"Event\",\"auditID\":\"1\"}\n",
        "{\"kind\":\"Eve\n{\"kind\":\"EventList\",\"items\":[\n",
        "{\"a\":\"items\",\"kind\":\"Event\"}\n{\"items\":[",
        "{\"a\\",
    ] {
        assert!(!wants_splitting(head.as_bytes()), "{head}");
    }
}

proptest! {
    #[test]
    fn the_output_does_not_depend_on_the_reads(
        text in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"items\"", "\"items\":[", "\"", "\\", "\n", " ", "\"a\"", "1", "null", "x",
            "{\"a\":1}", "\u{feff}", "\"long string of text\"",
        ]), 0..60),
        step in 1..20_usize,
        held_bytes_max in prop_oneof![Just(limits::LINE_BYTES_MAX), Just(10), Just(30)],
    ) {
        let text = text.concat();
        let run = |step| {
            let mut reader = ItemReader::new(Steps(text.as_bytes(), step));
            reader.splitter.held_bytes_max = held_bytes_max;
            let mut out = Vec::new();
            reader.read_to_end(&mut out).unwrap();
            (out, reader.ended_inside())
        };
        prop_assert_eq!(run(step), run(1_000));
        let _ = wants_splitting(text.as_bytes());
    }

    #[test]
    fn any_event_comes_out_of_a_pretty_list_as_it_went_in(
        strings in prop::collection::vec(any::<String>(), 1..6),
        numbers in prop::collection::vec(any::<i64>(), 0..4),
    ) {
        let event = serde_json::json!({ "s": strings, "items": numbers, "o": { "items": [{}] } }).to_string();
        let list = event_list(&[&event, &event]);
        prop_assert_eq!(split(&pretty(&list)), format!("{event}\n{event}\n"));
        prop_assert_eq!(split(&format!("[{event},{event}]")), format!("{event}\n{event}\n"));
    }
}

#[test]
fn lists_of_log_stores_give_their_elements() {
    let cases = [
        (r#"{"events":[{"message":"a"}],"searchedLogStreams":[{"x":1}]}"#, "{\"message\":\"a\"}\n"),
        (r#"{"Items":[{"Level":"a"}]}"#, "{\"Level\":\"a\"}\n"),
        (r#"{"status":"x","records":[{"a":[1]},{"b":2}]}"#, "{\"a\":[1]}\n{\"b\":2}\n"),
        (r#"{"results":[[{"field":"a"}],[]],"statistics":{}}"#, "[{\"field\":\"a\"}]\n[]\n"),
        (r#"{"took":1,"hits":{"total":{"value":2},"hits":[{"_id":1},{"_id":2}]}}"#, "{\"_id\":1}\n{\"_id\":2}\n"),
        (
            r#"{"data":{"resultType":"s","result":[{"stream":{"values":[0]},"values":[["1","a"]]},{"values":[["2","b"]],"x":[3]}]}}"#,
            "[\"1\",\"a\"]\n[\"2\",\"b\"]\n",
        ),
        (r#"{"records":[{"c":1}],"streams":[{"values":[["1","a"]]}]}"#, "{\"c\":1}\n[\"1\",\"a\"]\n"),
    ];
    for (document, items) in cases {
        assert_eq!(split(document), items, "{document}");
        let value: serde_json::Value = serde_json::from_str(document).unwrap();
        assert_eq!(split(&format!("{value:#}")), items, "{document}, pretty");
    }
}

#[test]
fn lists_elsewhere_are_members_like_others() {
    for object in [
        r#"{"hits":[1]}"#,
        r#"{"a":{"hits":[1],"records":[2]}}"#,
        r#"{"data":{"result":[{"a":{"values":[1]}},[{"values":[2]}]],"values":[3]}}"#,
        r#"{"data":[{"result":[{"values":[1]}]}]}"#,
        r#"{"hits":{"a":{"hits":[1]}},"x":{"records":[2]}}"#,
        r#"{"a":"records","b":[1],"c":{"d":"events"},"e":[2]}"#,
    ] {
        assert_eq!(split(object), format!("{object}\n"));
    }
}

#[test]
fn a_wrapper_longer_than_what_is_looked_at_is_split() {
    let long = "x".repeat(limits::SNIFF_BYTES);
    let head = |text: &str| wants_splitting(&text.as_bytes()[..limits::SNIFF_BYTES]);
    for key in ["messageType", "records", "events", "data"] {
        assert!(head(&format!("{{\"{key}\":\"{long}")), "{key}");
        assert!(head(&format!("{{\"{key}\":1,\"x\":[[\"a\",\"{long}")), "{key}");
    }
    assert!(!head(&format!("{{\"a\":1,\"x\":\"{long}")));
    assert!(!head(&format!("{{\"auditID\":1,\"records\":\"{long}")));
    assert!(!head(&format!("{{\"records\":\"a\nb{long}")), "a torn line");
    assert!(!wants_splitting(b"{\"records\":[1]}\n{\"records\":[2]}\n"), "documents on lines of their own");
    assert!(wants_splitting(b"{\"messageType\":1}{\"messageType\":1}"));
}
