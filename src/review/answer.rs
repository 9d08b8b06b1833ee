//! What a model answered: the envelope of the API, the first JSON in it that holds statements, and of these what cites
//! findings that it was told of. Nothing that an endpoint says is trusted.

use serde::Deserialize;
use serde_json::Value;

use super::brief::Brief;
use super::fault::{ReviewFault, outside};
use crate::limits::{
    REVIEW_CITATIONS_MAX, REVIEW_OBJECTS_TRIED_MAX, REVIEW_STATEMENT_CHARS_MAX, REVIEW_STATEMENTS_MAX,
};
use crate::report::review::{Dropped, Statement};

/// The text of the model in the body of an answer.
pub(super) fn text(host: &str, body: &[u8]) -> Result<String, ReviewFault> {
    let form = |why: &str| ReviewFault::Form { host: host.to_owned(), why: why.to_owned() };
    let body: Value = serde_json::from_slice(body).map_err(|error| form(&format!("it is no JSON: {error}")))?;
    let choice = body.pointer("/choices/0").ok_or_else(|| form("it has no choices"))?;
    let message = choice.get("message").ok_or_else(|| form("its first choice has no message"))?;
    if let Some(refusal) = message.get("refusal").and_then(Value::as_str).filter(|text| !text.trim().is_empty()) {
        return Err(ReviewFault::Refused(outside(refusal, None)));
    }
    match choice.get("finish_reason").and_then(Value::as_str) {
        Some("length") => return Err(ReviewFault::CutOff),
        Some("content_filter") => return Err(ReviewFault::Refused("its content filter stopped it".to_owned())),
        _ => {}
    }
    match message.get("content") {
        Some(Value::String(text)) => Ok(text.clone()),
        // some servers give a list of pieces
        Some(Value::Array(pieces)) => {
            Ok(pieces.iter().filter_map(|piece| piece.get("text").and_then(Value::as_str)).collect())
        }
        _ => Err(form("its message has no text")),
    }
}

/// The statements in the text of a model, and what was left out of it.
pub(super) fn statements(text: &str, brief: &Brief) -> Result<(Vec<Statement>, Dropped), ReviewFault> {
    let written = list(text).ok_or(ReviewFault::NoStatements)?;
    let mut dropped = Dropped::default();
    let mut statements = Vec::new();
    for written in &written {
        if let Some(statement) = statement(written, brief, &mut dropped) {
            if statements.len() < REVIEW_STATEMENTS_MAX {
                statements.push(statement);
            } else {
                dropped.beyond += 1;
            }
        }
    }
    Ok((statements, dropped))
}

/// The statements of the first JSON object that has some, whatever stands around it.
fn list(text: &str) -> Option<Vec<Value>> {
    let mut rest = text;
    for _ in 0..REVIEW_OBJECTS_TRIED_MAX {
        rest = &rest[rest.find('{')?..];
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        if let Some(Ok(mut object)) = stream.next() {
            if let Some(Value::Array(list)) = object.get_mut("statements").map(Value::take) {
                return Some(list);
            }
            rest = &rest[stream.byte_offset()..];
        } else {
            rest = &rest[1..];
        }
    }
    None
}

#[derive(Deserialize)]
struct Written {
    text: String,
    findings: Vec<Value>,
}

fn statement(written: &Value, brief: &Brief, dropped: &mut Dropped) -> Option<Statement> {
    let Some(Written { text, findings: cited }) =
        Written::deserialize(written).ok().filter(|it| !it.text.trim().is_empty())
    else {
        dropped.malformed += 1;
        return None;
    };
    let mut findings: Vec<String> = Vec::new();
    for cited in &cited {
        match cited.as_str().and_then(|cited| brief.finding(cited.trim())) {
            None => dropped.citations += 1,
            Some(id) if findings.len() < REVIEW_CITATIONS_MAX && !findings.iter().any(|known| known == id) => {
                findings.push(id.to_owned());
            }
            Some(_) => {}
        }
    }
    if findings.is_empty() {
        dropped.uncited += 1;
        return None;
    }
    let Some(parts) = brief.put_back(&one_line(&text)) else {
        dropped.strange += 1;
        return None;
    };
    Some(Statement { parts, findings })
}

/// The text on one line, cut between words: half a stand-in could be that of another name.
fn one_line(text: &str) -> String {
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(REVIEW_STATEMENT_CHARS_MAX) {
        let end = line[..end].rfind(' ').unwrap_or(0);
        line.truncate(end);
        line.push_str(" …");
    }
    line
}
