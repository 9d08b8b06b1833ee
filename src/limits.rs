//! Every bound of the program by name and unit, so that "what happens if there is more?" has one place to be asked.

/// The longest line or event that is parsed, in bytes; a longer one is a reject (`too_long`).
pub const LINE_BYTES_MAX: usize = 16 << 20;
/// How many decompressed bytes one worker parses at a time: they are gone over several times, so they should stay in
/// the core's own cache.
pub const CHUNK_BYTES: usize = 256 << 10;
/// Memory for the texts that a worker remembers from line to line, in bytes; beyond it all are forgotten.
pub const VOCABULARY_BYTES_MAX: usize = 64 << 20;
/// How deep the JSON of an event may nest; the API server itself stays far below.
pub const JSON_DEPTH_MAX: usize = 256;
/// How many envelopes may lie in each other around an event.
pub const WRAPPERS_MAX: usize = 8;
/// How many of them may be texts within texts.
pub const WRAPPED_TEXTS_MAX: usize = 3;
/// Bytes that may be unpacked from the base64 and gzip of one line.
pub const UNPACKED_BYTES_MAX: usize = 64 << 20;
/// Values of one record that is made into an event, bodies apart; a record has some hundred.
pub const RECORD_VALUES_MAX: usize = 100_000;
/// Emptied chunk buffers that a reader keeps for later.
pub const CHUNKS_SPARE_MAX: usize = 16;
/// A longer run of NUL bytes is the padding of a crashed writer or a hole in the file, not part of a line.
pub const ZERO_RUN_BYTES_MAX: usize = 4 << 10;
/// What is looked at to tell lines of events from JSON documents that span lines, in decompressed bytes.
pub const SNIFF_BYTES: usize = 64 << 10;
/// Rows of one Parquet page.
pub const PAGE_ROWS_MAX: usize = 16 << 10;
/// Bytes of a text column that end a page before that.
pub const PAGE_BYTES_MAX: usize = 4 << 20;
/// Rows of one Parquet row group.
pub const ROW_GROUP_ROWS_MAX: usize = 256 << 10;
/// Encoded bytes that one Parquet writer holds before it closes a row group.
pub const ROW_GROUP_BYTES_MAX: usize = 48 << 20;
/// Size at which a part is closed and the next one begun.
pub const PART_BYTES_MAX: u64 = 256 << 20;
/// Dates that one worker writes at a time; a worker that meets more closes the one written longest ago.
pub const OPEN_PARTS_PER_WORKER_MAX: usize = 4;
/// Memory for the hashes that find duplicate events, in bytes; more are spilled by hour of event time.
pub const DEDUP_BYTES_MAX: usize = 128 << 20;
/// Hashes of one window of event time that are held at once; beyond it duplicates of that window stay and are counted.
pub const DEDUP_WINDOW_EVENTS_MAX: usize = 6_000_000;
/// The part of a source that is compared first when looking whether it was ingested before, in decompressed bytes.
pub const HEAD_BYTES: usize = 4 << 10;
/// Rejects kept with their text for each source; more are counted only.
pub const REJECTS_KEPT_MAX: usize = 10_000;
/// Bytes of a rejected line that are kept.
pub const REJECT_BYTES_MAX: usize = 4 << 10;
/// Default of `--max-rejects`: more of them refuse the file.
pub const REJECTS_MAX: u64 = 10_000;
/// Default of `--max-reject-ratio`: a larger share of a file's lines refuses it.
pub const REJECT_RATIO_MAX: f64 = 0.01;
/// Decompressed bytes per compressed byte beyond which a file is taken for a bomb (after [`RATIO_FREE_BYTES`]).
pub const RATIO_MAX: u64 = 400;
/// Decompressed bytes that are always allowed, whatever the ratio.
pub const RATIO_FREE_BYTES: u64 = 1 << 30;
/// zstd frames may ask for a window of up to 2^27 bytes (128 MiB), as the zstd tool allows by default.
pub const ZSTD_WINDOW_LOG_MAX: u32 = 27;
/// Memory that the dictionary of an xz or lzma stream may take, in bytes; `xz -9` takes 65 MiB.
pub const XZ_MEMORY_MAX: u64 = 128 << 20;
/// Packings around one another that are undone, such as gzip within gzip.
pub const PACKED_DEPTH_MAX: usize = 3;
/// Members of one archive that are looked at; what lies behind them is refused.
pub const MEMBERS_MAX: usize = 100_000;
/// Bytes of a member that are looked at to tell what it is: a block of bzip2 gives nothing before it is whole.
pub const MEMBER_START_BYTES: usize = 1 << 20;
/// Starts of members that are remembered of one archive, in bytes, so that it is not unpacked once more for them.
pub const MEMBER_HEADS_BYTES_MAX: usize = 64 << 20;
/// Bytes of a member's name that are kept, of its end.
pub const MEMBER_NAME_BYTES_MAX: usize = 1 << 10;
/// Bytes of an extended tar header; a longer one ends the archive.
pub const TAR_HEADER_BYTES_MAX: u64 = 1 << 20;
/// Decoders that stand in the middle of a packed archive and wait for the next member.
pub const STANDING_DECODERS_MAX: usize = 4;
/// Files of one folder or archive that are listed as left out, for each reason; more are counted.
pub const SKIPPED_LISTED_MAX: usize = 20;
/// Elements kept of `sourceIPs` and `groups`; an API server writes a handful.
pub const LIST_ELEMENTS_MAX: usize = 1_024;
/// Audit ids listed as the evidence of one finding.
pub const AUDIT_IDS_MAX: usize = 100;
/// Requests of one finding that `explain` shows; more are counted.
pub const EXPLAINED_REQUESTS_MAX: usize = 20;
/// Names that one question of `explain` asks for.
pub const QUESTION_NAMES_MAX: usize = 20;
/// Characters of one name in a question of `explain`; what needs more is not asked for.
pub const QUESTION_NAME_CHARS_MAX: usize = 400;
/// Rows of one answer of a dossier that are looked at; beyond it the dossier says that it is not all.
pub const DOSSIER_ROWS_MAX: usize = 200_000;
/// Rows of one table of a dossier that are shown for people; machines get all of them.
pub const DOSSIER_SHOWN_MAX: usize = 200;
/// Credentials, and addresses, of one subject that a dossier looks for elsewhere.
pub const DOSSIER_NAMES_MAX: usize = 500;
/// Times that a dossier asks for tokens that were minted with the tokens it has found.
pub const CHAIN_LENGTH_MAX: usize = 8;
/// Identities that may come from one address before a dossier gives their number and not their names.
pub const SHARED_ADDRESS_IDENTITIES_MAX: usize = 10;
/// Identities whose rights one dossier looks at.
pub const RIGHTS_ACTORS_MAX: usize = 20;
/// Identities that a report looks into together; of more it takes those of the loudest findings.
pub const SUSPECTS_MAX: usize = 200;
/// Pairs of such an identity and an address.
pub const SUSPECT_ORIGINS_MAX: usize = 600;
/// Requests of one finding whose makers are looked up, to tell whom it is about.
pub const SUSPECT_FINDING_IDS_MAX: usize = 50;
/// Such requests of all findings together; one of each finding is always among them.
pub const SUSPECT_IDS_MAX: usize = 20_000;
/// Such requests that one statement asks for; its text has a bound, [`SQL_BYTES_MAX`].
pub const SUSPECT_IDS_ASKED_MAX: usize = 4_000;
/// Findings that a report explains with the requests behind them, the loudest.
pub const REPORT_EXPLAINED_MAX: usize = 25;
/// Bindings that a dossier names as the reason why requests were allowed.
pub const REASONS_SHOWN_MAX: usize = 20;
/// Silent times of a log that a dossier tells of.
pub const GAPS_MAX: usize = 1_000;
/// Identities, and secrets, whose risk a report tells.
pub const RISKS_REPORTED_MAX: usize = 10;
/// Findings named behind one term of a risk score.
pub const RISK_FINDINGS_MAX: usize = 50;
/// Findings kept of one detection in one run; more are counted and the run says so.
pub const FINDINGS_PER_DETECTION_MAX: usize = 100_000;
/// Findings drawn on the HTML page.
pub const HTML_FINDINGS_MAX: usize = 1_000;
/// Sources listed on the HTML page.
pub const HTML_SOURCES_MAX: usize = 1_000;
/// Audit ids of one finding listed on the HTML page.
pub const HTML_AUDIT_IDS_MAX: usize = 20;
/// Rows of a query's result that a table on the terminal keeps and shows; more are counted.
pub const TABLE_ROWS_MAX: usize = 1_000;
/// Characters of one cell on the terminal or the HTML page.
pub const CELL_CHARS_MAX: usize = 400;
/// Default of `--memory`, for queries, in bytes.
pub const QUERY_BYTES_DEFAULT: usize = 2 << 30;
/// The least `--memory` that is accepted.
pub const QUERY_BYTES_MIN: usize = 256 << 20;
/// Spilled query data, in bytes.
pub const SPILL_BYTES_MAX: u64 = 20 << 30;
/// Default of `--timeout`, for each query, in seconds.
pub const QUERY_SECONDS_DEFAULT: u64 = 300;
/// Text of one SQL statement, in bytes: planning time grows faster than the text.
pub const SQL_BYTES_MAX: usize = 64 << 10;
/// `AND`, `OR` and `+` links of one SQL statement: DataFusion's planner recurses over them.
pub const SQL_LINKS_MAX: usize = 1_000;
/// Rows of a materialised view that stay in memory, in bytes; a larger one, and one that needs more than half of what
/// `--memory` leaves for queries, is spilled as Parquet.
pub const VIEW_BYTES_MAX: usize = 1 << 30;
/// Groups that the rows of a materialised view are kept in; the rest shares one.
pub const VIEW_GROUPS_MAX: usize = 64;
/// Times a commit is tried again when another writer was first.
pub const COMMIT_RETRIES_MAX: usize = 15;
/// Events dated before 2014 or this many hours after now are clock errors and share one partition.
pub const CLOCK_AHEAD_HOURS_MAX: i64 = 48;
/// Events of one slice of a generated log, about 6 MB of text.
pub const GENERATED_SLICE_EVENTS: u64 = 4_096;
/// Generated slices that are made or wait to be written, for each worker.
pub const GENERATED_SLICES_PER_WORKER: usize = 3;
/// Size at which a file of a generated log is full, before compression: the API server's `--audit-log-maxsize`.
pub const GENERATED_FILE_BYTES: u64 = 100 << 20;
/// Days before the time under examination from which baselines know identities.
pub const BASELINE_DAYS_MAX: i64 = 90;
/// Text of one file of Kubernetes objects, in bytes; all roles and bindings of a large cluster are some 50 MB, ten
/// thousand pods some 100 MB.
pub const MANIFEST_BYTES_MAX: usize = 256 << 20;
/// YAML documents of one such file.
pub const MANIFEST_DOCUMENTS_MAX: usize = 100_000;
/// How deep its YAML may nest; roles stay below 10, and the schemas in custom resources below 40.
pub const MANIFEST_DEPTH_MAX: usize = 64;
/// Values in its YAML.
pub const MANIFEST_NODES_MAX: usize = 50_000_000;
/// Pods, workloads and references of these to Secrets of one file.
pub const INVENTORY_ROWS_MAX: usize = 2_000_000;
/// Roles and bindings of one snapshot.
pub const RBAC_OBJECTS_MAX: usize = 1_000_000;
/// Changes of roles and bindings that a history holds; more are counted.
pub const RBAC_CHANGES_MAX: usize = 2_000_000;
/// Operations of one JSON patch that are followed, as many as an API server takes.
pub const RBAC_PATCH_OPERATIONS_MAX: usize = 10_000;
/// Steps of collecting the rules of cluster roles that select others by label.
pub const RBAC_AGGREGATION_STEPS_MAX: usize = 20_000_000;
/// Rules that such cluster roles collect, all together.
pub const RBAC_RULES_COLLECTED_MAX: usize = 2_000_000;
/// Text of an authorizer's reason that is read, in bytes.
pub const RBAC_REASON_BYTES_MAX: usize = 16 << 10;
/// Notes, warnings and faults about roles and bindings; more are counted.
pub const RBAC_NOTES_MAX: usize = 1_000;
/// Verb × resource × name of one rule that are listed with their use; of a larger rule, those that were used.
pub const RBAC_CELLS_PER_RULE_MAX: usize = 10_000;
/// Those of all rules of an identity.
pub const RBAC_CELLS_MAX: usize = 1_000_000;
/// Different uses of the patterns of one rule, and different namespaces of one rule, that are listed.
pub const RBAC_USES_SHOWN_MAX: usize = 1_000;
/// Names of objects that grants are indexed by; grants of more are gone through one by one.
pub const RBAC_NAMES_INDEXED_MAX: usize = 4_000_000;
/// Names of objects that a proposed rule holds before it names none.
pub const RBAC_NAMES_PER_RULE_MAX: usize = 100;
/// Days of log from which on a proposal of roles is trusted.
pub const RBAC_DAYS_TRUSTED: f64 = 30.0;
/// Permissions of each side of a difference of roles that are listed.
pub const RBAC_DIFF_LINES_MAX: usize = 50_000;
/// Dates of a window for each of which a pattern of paths is looked up alone; in a longer one all are.
pub const PATTERN_DATES_MAX: i64 = 400;
/// Kept findings around a date that a new one is held against by its events; against more it is held by its id.
pub const TOLD_MAX: usize = 200_000;
/// Files of one name that an export numbers through.
pub const EXPORTS_NUMBERED_MAX: u32 = 1_000;
/// Connecting to an object store, in seconds.
pub const REMOTE_CONNECT_SECONDS: u64 = 10;
/// One request to an object store, its answer's body included, in seconds.
pub const REMOTE_REQUEST_SECONDS: u64 = 120;
/// Times that a request to an object store is tried again (`AWS_MAX_ATTEMPTS` less one, where it is set).
pub const REMOTE_RETRIES_MAX: usize = 7;
/// How long after its beginning a request to an object store is tried again, in seconds.
pub const REMOTE_RETRY_SECONDS: u64 = 90;
/// The longest wait before a request to an object store is tried again, in seconds.
pub const REMOTE_BACKOFF_SECONDS: u64 = 5;
/// Asking a machine's metadata server for credentials, in seconds with all tries: it answers at once or is not there.
pub const REMOTE_CREDENTIAL_SECONDS: u64 = 5;
/// Threads that talk to object stores.
pub const REMOTE_THREADS: usize = 2;
/// Sources on object stores whose first bytes are asked for at a time.
pub const REMOTE_HEADS_AT_ONCE: usize = 16;
/// The first range that is read of an object, in bytes; the next are each eight times the one before, up to
/// [`REMOTE_RANGE_BYTES`].
pub const REMOTE_RANGE_FIRST_BYTES: u64 = 128 << 10;
/// The largest range that is read of an object at a time, in bytes; a reader holds two of them.
pub const REMOTE_RANGE_BYTES: u64 = 8 << 20;
/// Times that a range is asked for again where the store itself cannot tell whether the object is still the same.
pub const REMOTE_RANGE_TRIES: usize = 3;
/// One part of an object that is written in parts, in bytes; a writer holds two of them. S3 takes 10,000 parts.
pub const REMOTE_PART_BYTES: usize = 8 << 20;
/// An object that is read in one piece, in bytes: a log entry, a ledger, a baseline.
pub const OBJECT_BYTES_MAX: u64 = 256 << 20;
/// Objects of a lake that are read at a time.
pub const REMOTE_READS_AT_ONCE: usize = 16;
/// A run that writes to a lake on an object store and has not told for so many hours that it lives is dead.
pub const REMOTE_RUN_HOURS_MAX: i64 = 24;
/// Objects that one listing gives.
pub const OBJECTS_LISTED_MAX: usize = 1_000_000;
/// Findings that a review is told of, the loudest.
pub const REVIEW_FINDINGS_MAX: usize = 60;
/// The request of a review, in bytes; fewer findings are told where it would be longer.
pub const REVIEW_BODY_BYTES_MAX: usize = 128 << 10;
/// Columns of the evidence of one finding that a review is told of.
pub const REVIEW_COLUMNS_MAX: usize = 16;
/// Entries of one list that a review is told of.
pub const REVIEW_LIST_MAX: usize = 8;
/// Characters of one text of a detection that a review is told.
pub const REVIEW_HEADER_CHARS_MAX: usize = 600;
/// The answer of a model, in bytes.
pub const REVIEW_ANSWER_BYTES_MAX: usize = 1 << 20;
/// What an endpoint says of its own error, in bytes.
pub const REVIEW_ERROR_BYTES_MAX: usize = 64 << 10;
/// Statements of a review that are shown.
pub const REVIEW_STATEMENTS_MAX: usize = 12;
/// Characters of one statement, before names are put back.
pub const REVIEW_STATEMENT_CHARS_MAX: usize = CELL_CHARS_MAX - 2;
/// Findings that one statement may cite.
pub const REVIEW_CITATIONS_MAX: usize = 20;
/// JSON objects in the answer of a model that are looked at for statements.
pub const REVIEW_OBJECTS_TRIED_MAX: usize = 64;
/// Characters of what an endpoint says that the reason for a missing review repeats.
pub const REVIEW_FAULT_CHARS_MAX: usize = 200;
/// The key of an endpoint, in bytes.
pub const REVIEW_KEY_BYTES_MAX: usize = 8 << 10;
/// Connecting to the endpoint of a review, in seconds.
pub const REVIEW_CONNECT_SECONDS: u64 = 10;
/// Default of `review.timeout_seconds`, for the whole answer.
pub const REVIEW_SECONDS_DEFAULT: u64 = 60;
/// The most that `review.timeout_seconds` may be.
pub const REVIEW_SECONDS_MAX: u64 = 600;
/// The longest wait that a busy endpoint may ask for, in seconds, before it is asked once more.
pub const REVIEW_RETRY_SECONDS_MAX: u64 = 20;
