//! Lines made to mislead a parser that predicts what comes next.

use std::fmt::Write as _;

use kubesift::limits;

use super::assert_agrees;
use super::line::{FULL, Members, OBJECTS, PLAIN, changed, keys, quoted, with};

#[test]
fn every_field_may_have_any_type() {
    const VALUES: &[&str] = &[
        "null",
        "true",
        "5",
        "-1.5",
        "\"\"",
        "\"x\"",
        "\" \"",
        "[]",
        "[\"a\"]",
        "[\"a\",\"b\"]",
        "[1]",
        "[null]",
        "[[\"a\"]]",
        "[\"a\",1]",
        "{}",
        "{\"a\":1}",
        "{\"username\":\"z\",\"username\":\"y\"}",
        "[{\"a\":1,\"a\":2}]",
        "\"null\"",
        "[ ]",
        "{ }",
    ];
    let values = || VALUES.iter();
    let all = keys().into_iter().flat_map(|(path, key)| values().map(move |value| with(FULL, path, &key, value)));
    assert_agrees(all);
}

#[test]
fn any_field_may_be_missing() {
    let without = |(path, key): (&str, String)| {
        changed(FULL, path, |members| members.0.retain(|(name, _)| *name != quoted(&key)))
    };
    let empty = OBJECTS.iter().map(|path| changed(FULL, path, |members| members.0.clear()));
    let only = keys().into_iter().filter(|(path, _)| path.is_empty()).map(|(_, key)| {
        changed(FULL, "", |members| {
            let kept = [&key, "requestReceivedTimestamp", "auditID"].map(quoted);
            members.0.retain(|(name, _)| kept.contains(name));
        })
    });
    assert_agrees(keys().into_iter().map(without).chain(empty).chain(only));
}

#[test]
fn keys_may_stand_in_any_order() {
    let mut lines = Vec::new();
    for path in OBJECTS {
        let count = keys().iter().filter(|(object, _)| object == path).count();
        for from in 0..count {
            lines.push(changed(FULL, path, |members| members.0.rotate_left(from)));
            lines.push(changed(FULL, path, |members| members.0.swap(from, (from + 1) % count)));
            lines.push(changed(FULL, path, |members| {
                let member = members.0.remove(from);
                members.0.push(member);
            }));
            lines.push(changed(FULL, path, |members| {
                let member = members.0.remove(from);
                members.0.insert(0, member);
            }));
        }
    }
    assert_agrees(lines);
}

#[test]
fn keys_that_nobody_knows_may_stand_anywhere() {
    const NAMES: &[&str] = &[
        "new",
        "",
        "Kind",
        "username",
        "name",
        "user.username",
        "user.name",
        "level.x",
        "annotations.code",
        "items",
        "metadata",
        "timestamp",
        "requestReceivedTimestamp ",
        "sourceips",
        "nul\u{0}",
        "z\u{fc}",
        "responseStatus.kind",
        "user.extra",
    ];
    let mut lines = Vec::new();
    for path in OBJECTS {
        let count = keys().iter().filter(|(object, _)| object == path).count();
        for name in NAMES {
            for (at, value) in
                [(0, "1"), (count / 2, "{\"sourceIPs\":[\"6.6.6.6\"]}"), (count, "\"x\""), (count, "null")]
            {
                lines.push(changed(FULL, path, |members| members.0.insert(at, (quoted(name), value.to_owned()))));
            }
        }
    }
    assert_agrees(lines);
}

#[test]
fn blanks_may_stand_between_any_tokens() {
    let gaps = |line: &str| {
        let (mut gaps, mut in_string, mut escaped) = (vec![0], false, false);
        for (at, byte) in line.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => {
                    in_string = !in_string;
                    gaps.push(if in_string { at } else { at + 1 });
                }
                b'{' | b'}' | b'[' | b']' | b':' | b',' if !in_string => gaps.extend([at, at + 1]),
                _ => {}
            }
        }
        gaps.dedup();
        gaps
    };
    let gaps = gaps(FULL);
    let mut lines = Vec::new();
    for blank in [" ", "\t", "\r", "  \t "] {
        lines.extend(gaps.iter().map(|at| format!("{}{blank}{}", &FULL[..*at], &FULL[*at..])));
        let mut all = FULL.to_owned();
        gaps.iter().rev().for_each(|at| all.insert_str(*at, blank));
        lines.push(all);
    }
    // and what is no blank to JSON
    for other in ["\u{b}", "\u{c}", "\u{a0}", "\u{feff}", "\0", "/**/"] {
        lines.extend(gaps.iter().map(|at| format!("{}{other}{}", &FULL[..*at], &FULL[*at..])));
    }
    assert_agrees(lines);
}

#[test]
fn a_key_may_stand_twice() {
    let mut lines = Vec::new();
    for (path, key) in keys() {
        let escaped = format!("\"\\u{:04x}{}\"", u32::from(key.as_bytes()[0]), &key[1..]);
        let near = format!("\"{key} \"");
        for name in [quoted(&key), escaped, near] {
            for value in ["null", "\"other\"", "[]"] {
                let insert = |at: usize| {
                    changed(FULL, path, |members| {
                        members.0.insert(at.min(members.0.len()), (name.clone(), value.to_owned()));
                    })
                };
                lines.extend([insert(0), insert(1), insert(usize::MAX)]);
            }
        }
    }
    assert_agrees(lines);
}

#[test]
fn a_key_among_many_may_stand_twice() {
    let mut lines = Vec::new();
    for count in [2, 3, 62, 63, 64, 65, 66, 130] {
        for (first, second) in [(0, count - 1), (count / 2, count - 1), (0, 1), (count - 2, count - 1), (0, 0)] {
            let name = |at: usize| if at == second { first } else { at };
            let many: String = (0..count).fold(String::new(), |mut text, at| {
                let _ = write!(text, ",\"k{}\":\"v\"", name(at));
                text
            });
            let many = format!("{{{}}}", &many[1..]);
            lines.push(with(FULL, "", "annotations", &many));
            lines.push(with(FULL, "", "user", &many));
            lines.push(with(FULL, "user", "extra", &many));
            lines.push(with(FULL, "", "requestObject", &many));
            lines.push(format!("{},{}", FULL.strip_suffix('}').unwrap(), &many[1..]));
        }
    }
    assert_agrees(lines);
}

#[test]
fn keys_may_be_written_with_escapes() {
    let mut lines = Vec::new();
    for (path, key) in keys() {
        for at in [0, key.len() / 2, key.len() - 1] {
            let code = u32::from(key.as_bytes()[at]);
            for escape in
                [format!("\\u{code:04x}"), format!("\\u{code:04X}"), format!("\\{}", char::from(key.as_bytes()[at]))]
            {
                let escaped = format!("\"{}{escape}{}\"", &key[..at], &key[at + 1..]);
                lines.push(changed(FULL, path, |members| {
                    let member = members.0.iter_mut().find(|(name, _)| *name == quoted(&key)).unwrap();
                    member.0.clone_from(&escaped);
                }));
            }
        }
    }
    assert_agrees(lines);
}

/// Contents of strings, raw; those of the second list are no JSON.
const CONTENTS: &[&str] = &[
    r"\\",
    r"\\\\",
    r#"\""#,
    r#"\\\""#,
    r"\/",
    r"\b\f\n\r\t",
    r"A",
    r"é",
    r"\u00e9",
    r"\ud83d\ude00",
    r"\u0000",
    r"\u2028",
    "\u{7f}",
    "\u{2028}\u{1f600}",
    r#"\"},\"sourceIPs\":[\"6.6.6.6\"],\"userAgent\":\"x"#,
    r#"\",\"verb\":\"get\",\"x\":\""#,
    r"}{][,:",
    r"x\\",
    r#"\"}}"#,
    "null",
    "true",
    "0",
    r"\u003cscript\u003e",
    r"\\u0041",
    r"\\\u0041",
    r#"\\\\\""#,
    r"{\u0022a\u0022:1}",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
    "Bearer abcdefghijklmnop",
    "AKIAABCDEFGHIJKLMNOP",
];
const NO_CONTENTS: &[&str] = &[
    "\\",
    "\\x",
    "\\u12",
    "\\u12g4",
    "\\ud800",
    "\\udc00",
    "\\ud800\\u0041",
    "\\ud800x",
    "\\U0041",
    "\u{1}",
    "\u{1f}",
    "\t",
    "\"",
    "\0",
];

/// The paths of strings, and a template with `%` where the content goes.
fn strings() -> Vec<(&'static str, String, &'static str)> {
    let is_list =
        |key: &str| matches!(key, "groups" | "sourceIPs") || key.starts_with("authentication.kubernetes.io/pod");
    let mut strings: Vec<(&str, String, &str)> = keys()
        .into_iter()
        .map(|(path, key)| if is_list(&key) { (path, key, r#"["a","%"]"#) } else { (path, key, r#""%""#) })
        .collect();
    for (path, key) in [
        ("", "requestObject"),
        ("", "responseObject"),
        ("user", "extra"),
        ("responseStatus", "details"),
        ("", "unknown"),
    ] {
        strings.extend([r#"{"a":"%"}"#, r#"{"%":["b"]}"#, r#"["%"]"#].map(|template| (path, key.to_owned(), template)));
    }
    strings
}

#[test]
fn strings_may_hold_anything() {
    let mut lines = Vec::new();
    for (path, key, template) in strings() {
        for content in CONTENTS.iter().chain(NO_CONTENTS) {
            lines.push(with(FULL, path, &key, "\"%%\"").replace("\"%%\"", &template.replace('%', content)));
        }
    }
    assert_agrees(lines);
}

#[test]
fn escapes_may_stand_at_any_boundary_of_a_vector() {
    let mut lines = Vec::new();
    for length in 0..70 {
        for end in [r"\\", r#"\""#, r#"\\\""#, r"\u0041", r"\ud83d\ude00", "\u{e9}", "", "\t", r"\\\\", "\\"] {
            let content = format!("\"{}{end}\"", "a".repeat(length));
            let agent = with(PLAIN, "", "userAgent", "\"%%\"").replace("\"%%\"", &content);
            let body = with(PLAIN, "", "requestObject", "\"%%\"")
                .replace("\"%%\"", &format!("{{\"a\":{content},\"b\":[{content}]}}"));
            let unknown = with(PLAIN, "", "zone", "\"%%\"").replace("\"%%\"", &content);
            lines.extend([agent, body, unknown]);
        }
    }
    assert_agrees(lines);
}

#[test]
fn bytes_may_be_no_utf8() {
    const BYTES: &[&[u8]] = &[
        b"\xff",
        b"\x80",
        b"\xc3",
        b"\xc0\xaf",
        b"\xe2\x82",
        b"\xed\xa0\x80",
        b"\xf5\x80\x80\x80",
        b"\xc3\xa9",
        b"\xef\xbb\xbf",
    ];
    let mut lines = Vec::new();
    for (path, key, template) in strings() {
        let line = with(FULL, path, &key, "\"%%\"").replace("\"%%\"", &template.replace('%', "%%"));
        let at = line.find("%%").unwrap();
        lines.extend(BYTES.iter().map(|bytes| [&line.as_bytes()[..at], bytes, &line.as_bytes()[at + 2..]].concat()));
    }
    for (at, bytes) in
        [(0, BYTES[0]), (1, BYTES[0]), (0, b"\xef\xbb\xbf"), (FULL.len(), BYTES[0]), (FULL.len() - 1, BYTES[1])]
    {
        lines.push([&FULL.as_bytes()[..at], bytes, &FULL.as_bytes()[at..]].concat());
    }
    lines.extend([vec![0; 5], vec![0], b"\0{}".to_vec(), b"\xef\xbb\xbf".to_vec()]);
    assert_agrees(lines);
}

const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "00",
    "01",
    "1.0",
    "1e2",
    "1E+2",
    "2e0",
    "1e999",
    "-1e999",
    "1e-999",
    "-",
    "+1",
    ".5",
    "5.",
    "0x10",
    "NaN",
    "Infinity",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "123456789012345678901234567890",
    "1_000",
    "1e",
    "1e+",
    "--1",
    "0.1e-7",
    "1.7976931348623157e308",
    "99",
    "100",
    "101",
    "199",
    "200",
    "299",
    "300",
    "399",
    "400",
    "401",
    "403",
    "404",
    "500",
    "600",
    "-200",
    "200 ",
    " 200",
    "2 00",
    "200,",
    "200a",
    "true",
    "\"200\"",
    "[200]",
    "nul",
    "nullx",
    "True",
    "tru",
    "null ",
];

#[test]
fn numbers_may_be_odd() {
    let mut lines = Vec::new();
    for number in NUMBERS {
        for (path, key, template) in [
            ("responseStatus", "code", "%"),
            ("", "requestObject", "{\"n\":%}"),
            ("", "auditID", "%"),
            ("", "new", "[%]"),
        ] {
            lines.push(with(FULL, path, key, "\"%%\"").replace("\"%%\"", &template.replace('%', number)));
            lines.push(
                with(PLAIN, "", "responseStatus", "{}")
                    .replace("{}", &format!("{{\"metadata\":{{}},\"code\":{number}}}")),
            );
        }
    }
    assert_agrees(lines);
}

#[test]
fn anything_may_stand_before_or_behind_an_event() {
    let mut lines = Vec::new();
    for line in [FULL, PLAIN] {
        for other in [
            "x", "}", "]", ",", "{}", "\0", " ", "\t", "\r", "\u{b}", "\u{c}", "null", "\u{feff}", "\"", "{", "//",
            "0", PLAIN,
        ] {
            lines.extend([
                format!("{line}{other}"),
                format!("{other}{line}"),
                format!("{line} {other}"),
                format!("{line}\r{other}\r"),
            ]);
        }
        lines.push(line.replacen('{', "[", 1));
        lines.push(format!("[{line}]"));
        lines.push(quoted(line));
    }
    lines.extend(
        ["", " ", "\r", "{}", "[]", "5", "null", "\"x\"", "true", "{", "}", "\"", "{\"a\":1}", "tru"]
            .map(str::to_owned),
    );
    assert_agrees(lines);
}

#[test]
fn an_event_may_be_cut_at_any_byte() {
    for line in [FULL, PLAIN] {
        let lines = (1..line.len()).filter(|at| line.is_char_boundary(*at));
        assert_agrees(lines.clone().map(|at| &line[..at]));
        assert_agrees(lines.map(|at| &line[at..]));
    }
}

#[test]
fn keys_of_other_fields_may_be_planted_where_users_write() {
    let planted = [
        Members::of(FULL).json(),
        r#"{"sourceIPs":["6.6.6.6"],"userAgent":["evil"],"groups":["system:masters"],"extra":{},"username":"root"}"#
            .to_owned(),
        r#"{"code":200,"status":"Success","authorization.k8s.io/decision":"allow","kind":"EventList","items":[]}"#
            .to_owned(),
        r#"{"requestReceivedTimestamp":"2020-01-01T00:00:00.000000Z","stageTimestamp":"2020-01-01T00:00:00.000000Z"}"#
            .to_owned(),
        r#"{"metadata":{"managedFields":[{"a":1}],"name":"x"},"data":{"a":"b"},"kind":"Secret"}"#.to_owned(),
    ];
    let mut lines = Vec::new();
    for (path, key) in keys() {
        for json in &planted {
            let ended = format!("x\"}},{},\"y\":\"", &json[1..json.len() - 1]);
            for value in [
                json.clone(),
                format!("[{json}]"),
                quoted(json),
                quoted(&ended),
                format!("[{},{}]", quoted(&ended), quoted("\\")),
            ] {
                lines.push(with(FULL, path, &key, &value));
            }
            lines.push(changed(FULL, path, |members| members.0.insert(0, (quoted(&ended), "[\"v\"]".to_owned()))));
        }
    }
    assert_agrees(lines);
}

#[test]
fn json_may_nest_deeply() {
    let mut lines = Vec::new();
    for depth in [1, 30, 62, 63, 64, 65, 125, 126, 127, 128, 129, 252, 253, 254, 255, 256, 257, 300, 5_000] {
        let arrays = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let objects = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        for json in [
            arrays.clone(),
            objects,
            arrays[..arrays.len() - 1].to_owned(),
            format!("{{\"a\":{arrays},\"b\":[{arrays}]}}"),
        ] {
            for key in ["requestObject", "responseObject", "annotations", "user", "new", "verb", "kind"] {
                lines.push(with(PLAIN, "", key, "\"%%\"").replace("\"%%\"", &json));
            }
            lines.push(json);
        }
    }
    assert_agrees(lines);
}

#[test]
fn a_line_or_a_list_may_be_long() {
    let room = limits::LINE_BYTES_MAX - with(PLAIN, "", "userAgent", "\"\"").len();
    for length in [room, room + 1] {
        assert_agrees([with(PLAIN, "", "userAgent", &quoted(&"a".repeat(length)))]);
    }
    let lists = [1_023, 1_024, 1_025, 3_000].map(|count| format!("[{}\"z\"]", "\"a\",".repeat(count - 1)));
    assert_agrees(lists.iter().flat_map(|list| {
        [
            with(FULL, "", "sourceIPs", list),
            with(FULL, "user", "groups", list),
            with(FULL, "impersonatedUser", "groups", list),
        ]
    }));
    assert_agrees([1_024, 1_040, 1_041, 5_000].map(|length| with(FULL, "", "userAgent", &quoted(&"a".repeat(length)))));
}
