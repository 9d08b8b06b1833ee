//! Rows between the parser and a part: numbers as they are, texts that repeat as codes of a [`Vocabulary`].
//!
//! Most texts of an audit log repeat: a million events have some fifty agents and a hundred users. The parser looks each
//! one up once and writes a number; the Parquet writer, whose dictionaries are made of the same numbers, never looks at
//! the text again. Arrow arrays of the same rows are made only for those who ask ([`Block::to_batch`]).

mod arrays;
mod dictionary;

use std::ops::{Index, IndexMut};

pub use arrays::Stored;
pub use dictionary::{Code, Dictionary, Mark, NULL, make_room};

macro_rules! names {
    ($(#[$doc:meta])* $kind:ident { $($variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each is a column, which schema::COLUMNS explains")]
        pub enum $kind {
            $($variant,)*
        }

        impl $kind {
            /// All of them, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The column's name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

names! {
    /// The columns that a [`Vocabulary`] has a dictionary for.
    Coded {
        Cluster = "cluster",
        Stage = "stage",
        Level = "level",
        Verb = "verb",
        RequestUri = "request_uri",
        Username = "username",
        UserUid = "user_uid",
        Groups = "groups",
        UserExtra = "user_extra",
        ImpersonatedUsername = "impersonated_username",
        ImpersonatedUid = "impersonated_uid",
        ImpersonatedGroups = "impersonated_groups",
        ImpersonatedExtra = "impersonated_extra",
        ImpersonationConstraint = "impersonation_constraint",
        SourceIps = "source_ips",
        UserAgent = "user_agent",
        Resource = "resource",
        Subresource = "subresource",
        Namespace = "namespace",
        Name = "name",
        ApiGroup = "api_group",
        ApiVersion = "api_version",
        ObjectUid = "object_uid",
        ResponseStatus = "response_status",
        ResponseReason = "response_reason",
        ResponseMessage = "response_message",
        ResponseDetails = "response_details",
        AuthDecision = "auth_decision",
        AuthReason = "auth_reason",
        Annotations = "annotations",
        Actor = "actor",
        ActorKind = "actor_kind",
        ServiceAccountNamespace = "service_account_namespace",
        ServiceAccountName = "service_account_name",
        ClientIp = "client_ip",
        PodName = "pod_name",
        PodUid = "pod_uid",
        NodeName = "node_name",
        CredentialId = "credential_id",
        IssuedCredentialId = "issued_credential_id",
        Scope = "scope",
        Outcome = "outcome",
        ExecCommand = "exec_command",
        Sensitivity = "sensitivity",
        Flags = "flags",
        Source = "source",
        Envelope = "envelope",
        Lost = "lost",
        ApiServer = "api_server",
    }
}

names! {
    /// The columns whose texts hardly repeat.
    Plain {
        AuditId = "audit_id",
        ResourceVersion = "resource_version",
        RequestObject = "request_object",
        ResponseObject = "response_object",
        Extra = "extra",
    }
}

/// The coded columns of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codes([Code; Coded::ALL.len()]);

impl Default for Codes {
    fn default() -> Self {
        Self([NULL; Coded::ALL.len()])
    }
}

impl Index<Coded> for Codes {
    type Output = Code;

    fn index(&self, column: Coded) -> &Code {
        &self.0[column as usize]
    }
}

impl IndexMut<Coded> for Codes {
    fn index_mut(&mut self, column: Coded) -> &mut Code {
        &mut self.0[column as usize]
    }
}

/// The columns of one row that are no texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Microseconds since 1970.
    pub ts: i64,
    /// Microseconds since 1970.
    pub stage_ts: Option<i64>,
    /// The HTTP status.
    pub response_code: Option<i32>,
    /// From 1.
    pub line: i64,
    /// The hash of the whole event.
    pub event_hash: u128,
    /// Whether an earlier source IP differs from the last.
    pub source_ips_disagree: bool,
    /// Whether the bodies were dropped.
    pub truncated: bool,
}

/// A column of texts, one behind the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// The length of each; `None` for NULL.
    lengths: Vec<Option<u32>>,
    bytes: Vec<u8>,
}

impl Texts {
    /// Appends a text or NULL. Longer ones than 4 GiB do not come: `limits::LINE_BYTES_MAX` bounds them.
    pub fn push(&mut self, text: Option<&[u8]>) {
        self.bytes.extend_from_slice(text.unwrap_or_default());
        self.lengths.push(text.map(|text| u32::try_from(text.len()).unwrap_or(u32::MAX)));
    }

    /// Appends a text without some ranges of it, which stand in order and apart.
    pub fn push_without(&mut self, text: &[u8], ranges: &[(usize, usize)]) {
        let (before, mut kept) = (self.bytes.len(), 0);
        for (start, end) in ranges {
            self.bytes.extend_from_slice(&text[kept..*start]);
            kept = *end;
        }
        self.bytes.extend_from_slice(&text[kept..]);
        self.lengths.push(Some(u32::try_from(self.bytes.len() - before).unwrap_or(u32::MAX)));
    }

    /// Takes the last text or NULL away again.
    pub fn pop(&mut self) {
        if let Some(length) = self.lengths.pop() {
            self.bytes.truncate(self.bytes.len() - length.unwrap_or_default() as usize);
        }
    }

    /// The texts in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<&[u8]>> {
        let mut rest = &self.bytes[..];
        self.lengths.iter().map(move |length| {
            length.map(|length| {
                let (text, behind) = rest.split_at(length as usize);
                rest = behind;
                text
            })
        })
    }

    /// The lengths in bytes; `None` for NULL.
    #[must_use]
    pub fn lengths(&self) -> &[Option<u32>] {
        &self.lengths
    }

    /// The bytes of all texts.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Rows of `schema::events`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    /// The coded columns, row by row.
    pub codes: Vec<Codes>,
    /// The numbers, row by row.
    pub facts: Vec<Facts>,
    /// The plain texts, in the order of [`Plain::ALL`].
    pub texts: [Texts; Plain::ALL.len()],
}

impl Block {
    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// The texts of a plain column.
    #[must_use]
    pub fn texts(&self, column: Plain) -> &Texts {
        &self.texts[column as usize]
    }

    /// The texts of a plain column, to append to.
    pub fn texts_mut(&mut self, column: Plain) -> &mut Texts {
        &mut self.texts[column as usize]
    }

    /// Takes all rows away and keeps the memory.
    pub fn clear(&mut self) {
        self.codes.clear();
        self.facts.clear();
        self.texts.iter_mut().for_each(|texts| {
            texts.lengths.clear();
            texts.bytes.clear();
        });
    }

    /// The rows whose place in `mask` is true.
    #[must_use]
    pub fn filter(&self, mask: &[bool]) -> Self {
        let mut kept = Self::default();
        kept.codes.extend(self.codes.iter().zip(mask).filter_map(|(row, keep)| keep.then_some(*row)));
        kept.facts.extend(self.facts.iter().zip(mask).filter_map(|(row, keep)| keep.then_some(*row)));
        for (from, to) in self.texts.iter().zip(&mut kept.texts) {
            from.iter().zip(mask).filter(|(_, keep)| **keep).for_each(|(text, _)| to.push(text));
        }
        kept
    }

    /// The first and the last time; `None` without rows.
    #[must_use]
    pub fn times(&self) -> Option<(i64, i64)> {
        let times = || self.facts.iter().map(|facts| facts.ts);
        times().min().zip(times().max())
    }
}

/// The dictionaries of the coded columns. Codes of one vocabulary mean nothing in another, nor after
/// [`Vocabulary::clear`].
#[derive(Debug)]
pub struct Vocabulary {
    dictionaries: [Dictionary; Coded::ALL.len()],
    generation: u64,
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self { dictionaries: std::array::from_fn(|_| Dictionary::default()), generation: 0 }
    }
}

impl Vocabulary {
    /// The dictionary of a column.
    #[must_use]
    pub fn dictionary(&self, column: Coded) -> &Dictionary {
        &self.dictionaries[column as usize]
    }

    /// The code of a text in a column.
    pub fn code(&mut self, column: Coded, text: &str) -> Code {
        self.dictionaries[column as usize].code(text.as_bytes())
    }

    /// As [`Self::code`], for bytes that are known to be UTF-8.
    pub fn code_of_bytes(&mut self, column: Coded, text: &[u8]) -> Code {
        self.dictionaries[column as usize].code(text)
    }

    /// As [`Self::code`]; [`NULL`] for `None`.
    pub fn code_of(&mut self, column: Coded, text: Option<&str>) -> Code {
        text.map_or(NULL, |text| self.code(column, text))
    }

    /// The code of a list in a column of lists; [`NULL`] for an empty one.
    pub fn code_of_list(&mut self, column: Coded, texts: &[&str]) -> Code {
        if texts.is_empty() {
            return NULL;
        }
        let mut packed = Vec::new();
        for text in texts {
            packed.extend_from_slice(&(text.len() as u64).to_le_bytes());
            packed.extend_from_slice(text.as_bytes());
        }
        self.dictionaries[column as usize].code(&packed)
    }

    /// The bytes of memory that all texts take, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.dictionaries.iter().map(Dictionary::bytes).sum()
    }

    /// Forgets all texts.
    pub fn clear(&mut self) {
        self.dictionaries.iter_mut().for_each(Dictionary::clear);
        self.generation += 1;
    }

    /// How often the vocabulary was cleared: codes of another generation mean nothing.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

/// The elements of a list by the text that stands for it in a dictionary of lists.
pub fn elements(mut packed: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = packed.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX).min(rest.len());
        let (text, behind) = rest.split_at(length);
        packed = behind;
        Some(text)
    })
}
