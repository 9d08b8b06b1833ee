//! Native lines wrapped as clouds, collectors and stores of logs hand them on: for tests, demonstrations and benchmarks.
//!
//! The wrappers are written as the real systems write them: cut into pieces where those cut, several events to a document
//! where those batch, and without the fields that those drop.

mod batch;
mod event;
mod google;
mod line;
mod record;
mod renamed;

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use event::Event;

macro_rules! wrappers {
    ($($variant:ident = $name:literal, $extension:literal, $about:literal;)*) => {
        /// What native lines are wrapped in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Wrapper {
            $(#[doc = $about] $variant,)*
        }

        impl Wrapper {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name, as `--envelope` has it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The extension of its files.
            #[must_use]
            pub const fn extension(self) -> &'static str {
                match self {
                    $(Self::$variant => $extension,)*
                }
            }
        }
    };
}

wrappers! {
    EventList = "event-list", "json", "Batches of a webhook, one a line.";
    GoNames = "go-names", "json", "Batches of a home-made webhook that writes the names of Go's fields.";
    Legacy = "legacy", "log", "Text of `--audit-log-format=legacy`.";
    EksSubscription = "eks-subscription", "json", "`CloudWatch` Logs subscription records, one a line.";
    EksFirehose = "eks-firehose", "json", "The same as Firehose leaves them: each a gzip member, nothing between them.";
    EksExport = "eks-export", "log", "Export task of `CloudWatch` Logs.";
    EksFilter = "eks-filter", "json", "Answer of `aws logs filter-log-events`.";
    EksInsights = "eks-insights", "json", "Result of a query of `CloudWatch` Logs Insights.";
    EksTail = "eks-tail", "log", "Output of `aws logs tail`.";
    Ocsf = "ocsf", "json", "Amazon Security Lake: OCSF, API Activity.";
    AksRecords = "aks-records", "json", "Messages of an Azure Event Hub.";
    AksLine = "aks-line", "json", "Diagnostic log in an Azure storage account.";
    AksTable = "aks-table", "json", "Rows of the table `AKSAudit`.";
    Gke = "gke", "json", "Entries of Cloud Logging.";
    Pubsub = "pubsub", "json", "The same as messages of Pub/Sub.";
    OpenshiftNodeLogs = "openshift-node-logs", "log", "Output of `oc adm node-logs`.";
    OpenshiftViaq = "openshift-viaq", "json", "Records of `OpenShift` Logging.";
    Otlp = "otlp", "json", "OpenTelemetry log records.";
    AckSls = "ack-sls", "json", "Rows of Alibaba Cloud's Log Service.";
    Yandex = "yandex", "json", "Data events of Yandex Cloud's Audit Trails.";
    Elastic = "elastic", "json", "Documents of Elastic Agent's Kubernetes integration.";
    DockerJson = "docker-json", "log", "Docker's json-file.";
    Cri = "cri", "log", "Container log of containerd.";
    FluentBit = "fluent-bit", "json", "Records of Fluent Bit.";
    Fluentd = "fluentd", "log", "Fluentd's `out_file`.";
    Vector = "vector", "json", "Records of Vector.";
    Filebeat = "filebeat", "json", "Records of Filebeat.";
    Loki = "loki", "json", "Answer of a query of Loki.";
    Logcli = "logcli", "json", "Output of `logcli -o jsonl`.";
    Splunk = "splunk", "json", "Splunk's HTTP event collector.";
    Syslog = "syslog", "log", "Syslog, RFC 5424.";
    Gelf = "gelf", "json", "Graylog extended log format.";
}

impl Wrapper {
    /// All names, in the order of [`Self::ALL`].
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|wrapper| wrapper.name()).collect()
    }
}

impl fmt::Display for Wrapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Wrapper {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|wrapper| wrapper.name() == text);
        known.copied().ok_or_else(|| format!("unknown envelope {text}; use one of {}", Self::names().join(", ")))
    }
}

/// Lines on their way into a wrapper.
#[derive(Debug)]
pub struct Wrapping {
    wrapper: Wrapper,
    /// Events so far.
    events: u64,
    /// Events in the document that is open.
    held: usize,
    /// The document that is open, where it is packed as a whole.
    document: Vec<u8>,
}

impl Wrapping {
    /// Nothing yet.
    #[must_use]
    pub fn new(wrapper: Wrapper) -> Self {
        Self { wrapper, events: 0, held: 0, document: Vec::new() }
    }

    /// Wraps an event, whose line may end in a line feed, and appends what is complete.
    ///
    /// Fails with `InvalidData` if the line is no JSON object.
    pub fn push(&mut self, line: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let event = Event::read(line, self.events)?;
        if self.events == 0 {
            batch::begin(self.wrapper, out)?;
        }
        self.events += 1;
        let Some(batch) = batch::of(self.wrapper) else { return line::write(self.wrapper, &event, out) };
        let document = if batch.is_packed { &mut self.document } else { &mut *out };
        document.extend_from_slice(if self.held == 0 { batch.open } else { "," }.as_bytes());
        batch::write(self.wrapper, &event, document)?;
        self.held += 1;
        if self.held == batch.events {
            self.close(out)?;
        }
        Ok(())
    }

    /// Appends the end of what is open.
    pub fn finish(mut self, out: &mut Vec<u8>) -> io::Result<()> {
        if self.held > 0 { self.close(out) } else { Ok(()) }
    }

    fn close(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let Some(batch) = batch::of(self.wrapper) else { return Ok(()) };
        self.held = 0;
        if batch.is_packed {
            self.document.extend_from_slice(batch.close.as_bytes());
            batch::pack(&self.document, out)?;
            self.document.clear();
        } else {
            out.extend_from_slice(batch.close.as_bytes());
        }
        Ok(())
    }
}

/// Wraps lines, each one event, into `out`.
pub fn wrap<'a>(wrapper: Wrapper, lines: impl Iterator<Item = &'a [u8]>, out: &mut dyn Write) -> io::Result<()> {
    let (mut wrapping, mut piece) = (Wrapping::new(wrapper), Vec::new());
    for line in lines {
        wrapping.push(line, &mut piece)?;
        out.write_all(&piece)?;
        piece.clear();
    }
    wrapping.finish(&mut piece)?;
    out.write_all(&piece)
}

#[cfg(test)]
mod tests;
