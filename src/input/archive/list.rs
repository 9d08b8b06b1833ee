//! From a file to the sources in it: itself, or the members of the archive that it is.

use std::io::{BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use super::name::Names;
use super::tar::{Next, Tape, Walk};
use super::{Archive, Kind, Member, Stored, too_many, zip};
use crate::input::decode::{self, Decoder, Ending, Feed};
use crate::input::find::{Found, Place, Reasons, Source, is_ours_or_hidden};
use crate::input::sniff::{self, Container, MAGIC_BYTES, Packing};
use crate::limits;

/// Takes a source that was found: the members where it is an archive, and nothing but a note where nobody named it and
/// it is plainly no log. Sources that cannot be opened are taken too, since their reading says why they are refused.
pub(in crate::input) fn take(source: Source, found: &mut Found) {
    if matches!(source.place, Place::Object { .. }) && !is_called_archive(&source.name) {
        return found.sources.push(source);
    }
    let Ok(mut decoder) = decode::begin(&source.place) else { return found.sources.push(source) };
    let wanted = if source.named { MAGIC_BYTES } else { limits::SNIFF_BYTES };
    let packed = decoder.is_packed();
    let Ok(head) = decoder.head(wanted) else { return found.sources.push(source) };
    match Container::of(head) {
        Some(Container::Tar) => Listing::new(source, packed, found).tar(decoder),
        Some(Container::Zip) if !packed => Listing::new(source, false, found).zip(),
        _ if source.named => found.sources.push(source),
        _ => match other_than_log(head) {
            Some(reason) => found.skip(Path::new(&source.name), reason),
            None => found.sources.push(source),
        },
    }
}

/// To look into each object costs an answer of the store, which a bucket of many thousands is not worth.
fn is_called_archive(name: &str) -> bool {
    const MARKS: &[&str] = &[".tar", ".tgz", ".tbz", ".txz", ".tzst", ".zip"];
    let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    MARKS.iter().any(|mark| name.contains(mark))
}

fn other_than_log(head: &[u8]) -> Option<String> {
    sniff::foreign(head).or_else(|| sniff::no_log(head).map(str::to_owned))
}

fn is_left_out(name: &[u8]) -> bool {
    name.split(|byte| *byte == b'/').any(is_ours_or_hidden)
}

/// The listing of one archive.
struct Listing<'a> {
    source: Source,
    archive: Arc<Archive>,
    names: Names,
    found: &'a mut Found,
    outer: Reasons,
    /// Bytes of heads that were kept.
    heads: usize,
    members: usize,
}

impl<'a> Listing<'a> {
    fn new(source: Source, packed: bool, found: &'a mut Found) -> Self {
        let archive =
            Archive::new(source.place.clone(), source.bytes, if packed { Kind::PackedTar } else { Kind::Tar });
        let outer = found.begin_folder();
        Self { names: Names::of(&source.name), archive, source, found, outer, heads: 0, members: 0 }
    }

    fn tar(mut self, decoder: Decoder) {
        let fault = self.tar_members(decoder).unwrap_or_else(Some);
        self.close(fault);
    }

    fn zip(mut self) {
        self.archive = Archive::new(self.source.place.clone(), self.source.bytes, Kind::Zip);
        let listed = self.archive.file().and_then(|file| zip::entries(file, self.source.bytes));
        let (entries, fault) = listed.unwrap_or_else(|reason| (Vec::new(), Some(reason)));
        for entry in entries.into_iter().filter(|entry| !is_left_out(&entry.name)) {
            let name = self.names.give(&entry.name);
            match entry.unread {
                Some(reason) => self.found.skip(Path::new(&name), reason),
                None => self.member(name, Stored::Zip(entry.stored), entry.stored.bytes, None),
            }
        }
        self.close(fault);
    }

    /// Ends the listing. What cannot be read of the archive is a source that is refused when it is read.
    fn close(self, fault: Option<String>) {
        self.found.end_folder(Path::new(&self.source.name), self.outer);
        if let Some(reason) = fault {
            self.found.sources.push(Source { place: Place::Unreadable(reason.into()), ..self.source });
        }
    }

    /// Lists all members of a tar; gives what cannot be read of it.
    fn tar_members(&mut self, decoder: Decoder) -> Result<Option<String>, String> {
        let tape = if self.archive.kind == Kind::PackedTar {
            Tape::Packed(Box::new(decoder))
        } else {
            Tape::File { file: BufReader::new(self.archive.file()?), bytes: self.archive.bytes }
        };
        let before = self.found.sources.len();
        let mut walk = Walk::new(tape);
        loop {
            let next = match walk.next() {
                Ok(next) => next,
                Err(error) => {
                    // a wrong checksum or a bomb: as of a packed log, nothing of it is taken
                    self.found.sources.truncate(before);
                    return Err(error.to_string());
                }
            };
            match next {
                Next::Entry(_) if self.members == limits::MEMBERS_MAX => return Ok(Some(too_many())),
                Next::Entry(entry) if is_left_out(&entry.name) => self.members += 1,
                Next::Entry(entry) => {
                    self.members += 1;
                    let name = self.names.give(&entry.name);
                    match entry.unread {
                        Some(reason) => self.found.skip(Path::new(&name), reason),
                        None => self.member(name, Stored::Tar(entry.at), entry.bytes, Some(&mut walk)),
                    }
                }
                Next::Damaged(at, what) => {
                    let hint = "what lies behind is not read; copy it again";
                    return Ok(Some(format!("is damaged: {what} at byte {at}, {hint}")));
                }
                Next::CutOff(at) => {
                    self.note(format!("is cut off after {at} bytes; members behind that are missing"));
                    break;
                }
                Next::Garbage => {
                    self.note("what lies behind its end is no member and was ignored".to_owned());
                    break;
                }
                Next::End => break,
            }
        }
        match walk.finish() {
            Err(error) => {
                self.found.sources.truncate(before);
                Err(error.to_string())
            }
            Ok(Tape::Packed(decoder)) => {
                if let Ending::Truncated(what) | Ending::Garbage(what) = decoder.ending() {
                    self.note(what);
                }
                Ok(None)
            }
            Ok(Tape::File { .. }) => Ok(None),
        }
    }

    fn note(&mut self, reason: String) {
        self.found.skipped.push((self.source.name.clone().into(), reason));
    }

    /// Takes a member, unless it is plainly no log. Where a tape is given, it stands at the member's beginning.
    fn member(&mut self, name: String, stored: Stored, bytes: u64, tape: Option<&mut Walk>) {
        if bytes == 0 {
            return self.found.skip(Path::new(&name), "is empty");
        }
        let mut member = Member::new(&self.archive, stored, bytes);
        match start(&member, tape).map(|start| Start::of(start, bytes)) {
            Some(Start::NoLog(reason)) => return self.found.skip(Path::new(&name), reason),
            Some(Start::Log(Some(head))) if self.heads + head.len() <= limits::MEMBER_HEADS_BYTES_MAX => {
                self.heads += head.len();
                member.head = Some(head);
            }
            Some(Start::Log(_)) | None => {}
        }
        let (place, cluster) = (Place::Member(Arc::new(member)), self.source.cluster.clone());
        let modified_ns = self.source.modified_ns;
        self.found.sources.push(Source { name, place, bytes, modified_ns, named: false, cluster, envelope: None });
    }
}

/// The first bytes of a member as they lie in the archive; `None` where they cannot be read, which its reading will
/// tell.
fn start(member: &Member, tape: Option<&mut Walk>) -> Option<Vec<u8>> {
    let small = usize::try_from(member.bytes).unwrap_or(usize::MAX).min(limits::SNIFF_BYTES);
    let large = usize::try_from(member.bytes).unwrap_or(usize::MAX).min(limits::MEMBER_START_BYTES);
    let mut opened = match tape {
        Some(tape) => Opened::Tape(tape),
        None => Opened::Reader(member.reader().ok()?),
    };
    let mut start = Vec::new();
    opened.read_to(&mut start, small)?;
    if Packing::of(&start[..start.len().min(MAGIC_BYTES)]).is_some() {
        opened.read_to(&mut start, large)?;
    }
    Some(start)
}

enum Opened<'a> {
    Tape(&'a mut Walk),
    Reader(Box<dyn Read + Send>),
}

impl Opened<'_> {
    /// Reads on until `start` has `bytes` bytes, or to the end.
    fn read_to(&mut self, start: &mut Vec<u8>, bytes: usize) -> Option<()> {
        let have = start.len();
        match self {
            Self::Tape(walk) => {
                start.resize(bytes, 0);
                let n = walk.read(&mut start[have..]).ok()?;
                start.truncate(have + n);
            }
            Self::Reader(reader) => {
                reader.take((bytes - have) as u64).read_to_end(start).ok()?;
            }
        }
        Some(())
    }
}

/// What the beginning of a member tells.
enum Start {
    /// It may be a log that begins so, if that much is known.
    Log(Option<Box<[u8]>>),
    NoLog(String),
}

impl Start {
    fn of(start: Vec<u8>, bytes: u64) -> Self {
        let is_all = start.len() as u64 == bytes;
        let feed = Feed { reader: Box::new(Cursor::new(start)), expected: None, shrunk: "", allowance: None };
        let Ok(mut decoder) = Decoder::new(feed) else { return Self::Log(None) };
        let Ok(head) = decoder.head(limits::SNIFF_BYTES) else { return Self::Log(None) };
        if Container::of(head).is_some() {
            return Self::NoLog("an archive within an archive; unpack it and name it".to_owned());
        }
        if let Some(reason) = other_than_log(head) {
            return Self::NoLog(reason);
        }
        let is_known = is_all || head.len() >= limits::HEAD_BYTES;
        Self::Log(is_known.then(|| head[..head.len().min(limits::HEAD_BYTES)].into()))
    }
}
