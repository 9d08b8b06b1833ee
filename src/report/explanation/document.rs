//! The explanation as JSON: one line for each member and element.

use serde_json::{Value, json};

use super::super::human::rfc3339;
use super::super::ndjson::{Row, text};
use super::{Explanation, Param, Question};
use crate::detection::{Detection, attack};
use crate::error::Result;
use crate::finding::Request;

/// The document.
pub(in crate::report) fn json(explanation: &Explanation<'_>) -> Result<String> {
    let detection = explanation.detection.map(|detection| self::detection(detection, &explanation.params));
    let mut document = format!("{{\"finding\":{},\n", text(&Row::new(explanation.finding))?);
    document += &format!("\"detection\":{},\n", text(&detection)?);
    document += &format!("\"suppressed\":{},\n", text(&explanation.suppressed)?);
    document += &format!("\"requests_total\":{},\n", explanation.total);
    document += &format!("\"requests_unread\":{},\n", text(&explanation.unread)?);
    document += &format!("\"requests\":{},\n", list(explanation.requests.iter().map(request))?);
    document += &format!("\"questions\":{}}}\n", list(explanation.questions.iter().map(question))?);
    Ok(document)
}

fn list(items: impl Iterator<Item = Value>) -> Result<String> {
    let lines = items.map(|item| text(&item)).collect::<Result<Vec<_>>>()?;
    Ok(if lines.is_empty() { "[]".to_owned() } else { format!("[\n{}]", lines.join(",\n")) })
}

fn detection(detection: &Detection, params: &[Param]) -> Value {
    let header = &detection.header;
    let attack: Vec<Value> = header
        .attack
        .iter()
        .map(|id| json!({"id": id, "names": id.split('/').filter_map(attack::name).collect::<Vec<_>>()}))
        .collect();
    let params: Vec<Value> = params
        .iter()
        .map(|param| json!({"name": param.name, "value": param.value, "default": param.default}))
        .collect();
    json!({
        "id": detection.id,
        "title": header.title,
        "severity": header.severity,
        "status": header.status,
        "describe": header.describe,
        "attack": attack,
        "triage": header.triage,
        "benign": header.benign,
        "blind": header.blind,
        "references": header.references,
        "params": params,
        "sql": detection.sql.trim(),
    })
}

fn request(request: &Request) -> Value {
    json!({
        "ts": rfc3339(request.ts),
        "audit_id": request.audit_id,
        "actor": request.actor,
        "username": request.username,
        "verb": request.verb,
        "resource": request.resource,
        "subresource": request.subresource,
        "namespace": request.namespace,
        "name": request.name,
        "request_uri": request.request_uri,
        "response_code": request.code,
        "outcome": request.outcome,
        "client_ip": request.client_ip,
        "user_agent": request.user_agent,
        "credential_id": request.credential_id,
        "issued_credential_id": request.issued_credential_id,
    })
}

fn question(question: &Question) -> Value {
    json!({"ask": question.ask, "command": question.command})
}
