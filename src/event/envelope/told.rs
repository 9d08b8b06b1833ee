//! What a document is: an event, or which envelope, by the names of its members.

use super::keys::{Key, Keys};
use super::look::Look;
use super::{
    Envelope, Inner, Piece, Rebuilder, Told, Wrapped, aws, azure, google, openshift, rebuild, rebuilt, shippers,
};
use crate::event::document::Document;
use crate::event::parse::{self, Event, Parsed, Rejected};
use crate::event::reject::Reason;

/// What a document turned out to be.
pub(in crate::event) enum Shape<'a> {
    Event(Box<Event<'a>>),
    Wrapped(Wrapped<'a>),
}

/// How one envelope is told: it has all of the members, one of the second ones if there are any, and none of the third.
struct Row {
    all: &'static [Key],
    any: &'static [Key],
    none: &'static [Key],
    how: How,
}

/// What is inside.
#[derive(Clone, Copy)]
enum How {
    /// What the function finds, which may see that it is another envelope after all.
    Find(for<'a> fn(&Document<'a>) -> Told<'a>),
    /// The event that the whole record tells in other words.
    Record(Envelope, Rebuilder),
}

const fn row(
    all: &'static [Key],
    any: &'static [Key],
    none: &'static [Key],
    find: for<'a> fn(&Document<'a>) -> Told<'a>,
) -> Row {
    Row { all, any, none, how: How::Find(find) }
}

/// A row without members that may not be there, for a record that is made into an event.
const fn record(all: &'static [Key], any: &'static [Key], envelope: Envelope, by: Rebuilder) -> Row {
    Row { all, any, none: &[], how: How::Record(envelope, by) }
}

use Key as K;

/// Records that say of themselves that they are events, or look so, and mean something else by it.
const DISGUISED: &[Row] = &[
    row(&[K::Level], &[K::K8sAuditLevel, K::OpenshiftAuditLevel, K::Openshift], &[], openshift::viaq),
    Row {
        all: &[K::RequestUri, K::Method, K::RequestTimestamp],
        any: &[],
        none: &[K::Kind, K::ApiVersion],
        how: How::Record(Envelope::Rancher, rebuild::rancher),
    },
    row(&[K::User, K::RequestUri], &[], &[], ack_sls),
];

/// Kubernetes objects, in which no text is looked into: whoever may write one chooses its texts.
const OBJECTS: &[Row] =
    &[row(&[K::Kind, K::ItemsCapital], &[], &[], go_list), row(&[K::Kind, K::Items], &[], &[], list_of_objects)];

/// The rest, the most telling first.
const ROWS: &[Row] = &[
    record(&[K::AuditIdCapital, K::LevelCapital], &[], Envelope::GoNames, rebuild::go_names),
    row(&[K::ItemsCapital], &[], &[], go_list),
    row(&[K::MessageType, K::LogEvents], &[], &[], aws::subscription),
    row(&[K::AwsLogs], &[], &[], aws::lambda),
    row(&[K::RecordsCapital], &[], &[], aws::lambda),
    record(&[K::ProtoPayload], &[], Envelope::Gke, rebuild::gke),
    record(&[K::ProtoPayloadOfBigQuery], &[], Envelope::Gke, rebuild::gke),
    record(&[K::Entry, K::AuditPayload], &[], Envelope::Gke, rebuild::gke),
    row(&[], &[K::JsonPayload, K::TextPayload], &[], google::cloud_logging),
    record(&[K::ClassUid], &[], Envelope::Ocsf, rebuild::ocsf),
    row(&[K::Category, K::Properties], &[], &[], azure::line),
    row(&[K::LogOfDiagnostics], &[K::Category, K::CategoryCapital], &[], azure::diagnostics),
    record(&[K::AuditId, K::Stage], &[K::RequestUriOfTable], Envelope::AksTable, rebuild::aks_table),
    row(&[K::Records], &[], &[], azure::records),
    row(&[K::EventType], &[], &[], yandex),
    row(&[K::ResourceLogs], &[], &[], openshift::otlp),
    row(&[K::ScopeLogs], &[], &[], openshift::otlp),
    row(&[K::LogType], &[K::Openshift, K::TimestampOfElastic], &[], openshift::viaq),
    row(&[K::Events], &[], &[], aws::filter),
    row(&[K::Message, K::Timestamp], &[K::LogStreamName, K::IngestionTime, K::EventId], &[], aws::filter_event),
    row(&[K::Results], &[], &[], aws::insights),
    row(&[K::Source], &[K::Index, K::Id], &[], shippers::elastic_source),
    row(&[K::Hits], &[], &[], shippers::elastic_hits),
    row(&[K::Kubernetes], &[], &[], shippers::elastic),
    row(&[K::Data, K::Status], &[], &[], shippers::loki),
    row(&[K::Streams], &[], &[], shippers::loki),
    row(&[K::Line], &[K::Labels, K::Timestamp, K::Fields, K::Date], &[], shippers::logcli),
    row(&[K::Message, K::Subscription], &[], &[], google::pubsub),
    row(&[K::ReceivedMessages], &[], &[], google::pubsub),
    row(&[K::Data], &[K::MessageId, K::PublishTime, K::Attributes], &[], google::pubsub),
    row(&[K::Result], &[K::Preview], &[], shippers::splunk_result),
    row(&[K::Raw], &[], &[], shippers::splunk_raw),
    row(
        &[K::Event],
        &[K::SourcetypeOfSplunk, K::IndexOfSplunk, K::Time],
        &[K::TimestampOfElastic],
        shippers::splunk_event,
    ),
    row(&[K::MessageCapital, K::JournalTime], &[], &[], shippers::journald),
    row(&[K::Message, K::SourceType], &[], &[], shippers::vector),
    row(&[K::Message], &[K::Metadata, K::Agent, K::Ecs, K::Beat], &[], shippers::filebeat),
    row(&[K::Message, K::VersionOfLogstash], &[], &[], shippers::logstash),
    row(&[K::Version, K::Host], &[K::ShortMessage, K::FullMessage, K::Message], &[], shippers::gelf),
    row(&[K::Log, K::Stream, K::Time], &[], &[K::Date, K::Kubernetes, K::Docker], shippers::docker),
    row(
        &[K::Log],
        &[K::Date, K::TimestampOfElastic, K::Stream, K::Kubernetes, K::Partial, K::Tag],
        &[],
        shippers::fluent_bit,
    ),
    row(&[], &[], &[], shippers::json_message),
];

/// What `document` is, or why it is nothing.
pub(in crate::event) fn told<'a>(document: &Document<'a>) -> Result<Shape<'a>, Rejected> {
    if document.is_array(0) {
        let wrapped = array(document)?;
        return wrapped.map(Shape::Wrapped).ok_or((Reason::NotObject, "the line is JSON but not an object"));
    }
    let keys = Keys::of(document);
    if let Some(wrapped) = first_of(DISGUISED, keys, document)? {
        return Ok(Shape::Wrapped(wrapped));
    }
    let why = match parse::parse(document) {
        Ok(Parsed::Event(event)) => return Ok(Shape::Event(event)),
        Ok(Parsed::List) => return list(document)?.map(Shape::Wrapped).ok_or(parse::NO_ITEMS),
        Err(why @ (Reason::NotAuditEvent, _)) => why,
        Err(why) => return Err(why),
    };
    let rows = if keys.has_all(&[K::Kind, K::ApiVersion]) { OBJECTS } else { ROWS };
    first_of(rows, keys, document)?.map(Shape::Wrapped).ok_or(why)
}

fn first_of<'a>(rows: &[Row], keys: Keys, document: &Document<'a>) -> Told<'a> {
    let fits =
        |row: &&Row| keys.has_all(row.all) && (row.any.is_empty() || keys.has_any(row.any)) && !keys.has_any(row.none);
    for row in rows.iter().filter(fits) {
        let found = match row.how {
            How::Find(find) => find(document)?,
            How::Record(envelope, by) => Some(rebuilt(envelope, document.text_of_all(), by)),
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// An array on one line: a row of a query's result, an entry of Loki's, or records.
fn array<'a>(document: &Document<'a>) -> Told<'a> {
    let look = Look::top(document);
    if let Some(wrapped) = aws::insights_row(document)? {
        return Ok(Some(wrapped));
    }
    if let Some(wrapped) = shippers::loki_entry(document) {
        return Ok(Some(wrapped));
    }
    if look.elements().next().is_none() || !look.elements().all(Look::is_object) {
        return Ok(None);
    }
    let pieces = document.items(0, 0).into_iter().map(|text| Piece::new(Inner::Json(text))).collect();
    Ok(Some(Wrapped::new(Envelope::JsonArray, pieces)))
}

/// `EventList` on one line of a log, as a webhook backend that logs its batches writes it. (Lists that span lines are
/// split before they get here, in `input::split`.)
fn list<'a>(document: &Document<'a>) -> Told<'a> {
    let items = Look::top(document).list("items")?;
    Ok(items.map(|items| {
        let pieces = items.into_iter().map(|(_, text)| Piece::new(Inner::Json(text))).collect();
        Wrapped::new(Envelope::EventList, pieces)
    }))
}

/// A list of any Kubernetes kind.
fn list_of_objects<'a>(document: &Document<'a>) -> Told<'a> {
    let kind = Look::top(document).text(&["kind"])?;
    if kind.is_some_and(|kind| kind.ends_with("List")) { list(document) } else { Ok(None) }
}

/// A list whose items have the names of Go's fields.
fn go_list<'a>(document: &Document<'a>) -> Told<'a> {
    let Some(items) = Look::top(document).list("Items")? else { return Ok(None) };
    let of_item = |(_, text): (_, &[u8])| rebuilt(Envelope::GoNames, text, rebuild::go_names).pieces;
    Ok(Some(Wrapped::new(Envelope::GoNames, items.into_iter().flat_map(of_item).collect())))
}

/// The user of an event is an object, or nobody; here it is the text of one, and so is every other member.
fn ack_sls<'a>(document: &Document<'a>) -> Told<'a> {
    let user = Look::top(document).text(&["user"])?;
    let is_text = user.is_some_and(|user| user.starts_with('{'))
        && document.fields(0).all(|field| document.text(field.value).is_some());
    Ok(is_text.then(|| rebuilt(Envelope::AckSls, document.text_of_all(), rebuild::ack_sls)))
}

fn yandex<'a>(document: &Document<'a>) -> Told<'a> {
    let kind = Look::top(document).text(&["event_type"])?;
    let is_it = kind.is_some_and(|kind| kind.starts_with("yandex.cloud."));
    Ok(is_it.then(|| rebuilt(Envelope::Yandex, document.text_of_all(), rebuild::yandex)))
}
