//! The store itself: reading, listing and writing objects, and its errors.

use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::thread;

use kubesift::limits;
use kubesift::store::{ReadFault, Stores};

use super::server::{KEY_ID, Proxy, SECRET_KEY, Server, env_of};

/// Bytes that tell where they are.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at / 7 + at / 4_099) % 251).unwrap()).collect()
}

fn several_ranges() -> Vec<u8> {
    content(usize::try_from(limits::REMOTE_RANGE_BYTES).unwrap() * 2 + 12_345)
}

#[test]
fn an_object_of_several_ranges_is_read_whole_and_from_any_place() {
    let server = Server::start();
    let bytes = several_ranges();
    server.put("big", &bytes);
    let object = server.object("big");
    let entry = object.head().unwrap().unwrap();
    assert_eq!(entry.bytes, bytes.len() as u64);
    assert!(entry.modified_ns > 0 && entry.e_tag.is_some());
    let mut reader = object.reader(&entry);
    let mut read = Vec::new();
    reader.read_to_end(&mut read).unwrap();
    assert!(read == bytes, "{} bytes", read.len());
    for at in [0, 1, 131_071, 131_072, bytes.len() - 1, 5_000_000, bytes.len(), bytes.len() + 7] {
        reader.seek(SeekFrom::Start(at as u64)).unwrap();
        let mut piece = Vec::new();
        reader.by_ref().take(300_000).read_to_end(&mut piece).unwrap();
        let expected = bytes.get(at..).map_or(&[][..], |rest| &rest[..rest.len().min(300_000)]);
        assert!(piece == expected, "at {at}");
    }
    assert_eq!(reader.seek(SeekFrom::End(-3)).unwrap(), bytes.len() as u64 - 3);
    assert_eq!(reader.seek(SeekFrom::Current(-1)).unwrap(), bytes.len() as u64 - 4);
    assert!(reader.seek(SeekFrom::Current(-100_000_000)).is_err());
}

#[test]
fn a_broken_connection_is_taken_up_where_it_broke() {
    let server = Server::start();
    let bytes = several_ranges();
    server.put("big", &bytes);
    let proxy = Proxy::cutting_after(server.address, 6_000_000);
    let object = Stores::new(env_of(proxy.address)).location("s3://logs/big").unwrap();
    let mut read = Vec::new();
    object.reader(&object.head().unwrap().unwrap()).read_to_end(&mut read).unwrap();
    assert!(read == bytes, "{} bytes", read.len());
    assert!(proxy.connections() > 1, "nothing was cut");
}

#[test]
fn an_object_that_is_replaced_while_it_is_read_is_an_error() {
    let server = Server::start();
    let bytes = several_ranges();
    server.put("big", &bytes);
    let object = server.object("big");
    // a listing of this server tells no tag: the first range does
    for is_listed in [false, true] {
        let entry =
            if is_listed { server.object("").list().unwrap().remove(0) } else { object.head().unwrap().unwrap() };
        assert_eq!(entry.e_tag.is_none(), is_listed);
        let mut reader = object.reader(&entry);
        let mut head = [0; 1_000];
        reader.read_exact(&mut head).unwrap();
        let mut other = bytes.clone();
        other[0] ^= 1;
        server.put("big", &other);
        let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("replaced or removed"), "{error}");
        assert!(ReadFault::is(&error) && error.kind() != ErrorKind::UnexpectedEof);
        server.put("big", &bytes);
    }
}

#[test]
fn an_object_that_is_removed_before_it_is_read_is_an_error() {
    let server = Server::start();
    server.put("a", "abc");
    let object = server.object("a");
    let entry = object.head().unwrap().unwrap();
    object.delete().unwrap();
    object.delete().unwrap();
    assert_eq!(object.head().unwrap(), None);
    assert_eq!(object.get().unwrap(), None);
    let error = object.reader(&entry).read(&mut [0; 3]).unwrap_err();
    assert!(error.to_string().contains("replaced or removed"), "{error}");
}

#[test]
fn a_listing_goes_over_all_pages_and_below_the_folder_only() {
    let server = Server::start();
    let folder = server.folder().join("audit/day");
    std::fs::create_dir_all(&folder).unwrap();
    for number in 0..2_345 {
        std::fs::write(folder.join(format!("{number:05}.log")), b"{}").unwrap();
    }
    server.put("audit/day-2/a.log", "abc");
    let entries = server.object("audit/day").list().unwrap();
    assert_eq!(entries.len(), 2_345);
    assert_eq!(entries[0].path.as_ref(), "audit/day/00000.log");
    assert_eq!(entries[2_344].path.as_ref(), "audit/day/02344.log");
    assert_eq!(entries[7].bytes, 2);
    let found = server.object("").list_where("audit/day-", |key| key.ends_with("/a.log")).unwrap();
    assert_eq!(found.len(), 1);
    assert!(server.object("").list_where("audit/day-", |_| false).unwrap().is_empty());
    assert!(server.object("nope").list().unwrap().is_empty());
}

#[test]
fn of_two_writers_of_a_new_object_one_wins() {
    let server = Server::start();
    for round in 0..20 {
        let key = format!("_delta_log/{round:020}.json");
        let won: Vec<bool> = thread::scope(|scope| {
            let writers: Vec<_> = ["one", "two", "three"]
                .map(|text| {
                    let object = server.object(&key);
                    scope.spawn(move || object.put_new(text).unwrap())
                })
                .into_iter()
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "round {round}");
        let winner = ["one", "two", "three"][won.iter().position(|won| *won).unwrap()];
        assert_eq!(server.get(&key), winner.as_bytes());
    }
}

#[test]
fn a_write_whose_answer_was_lost_is_not_taken_for_another_writers() {
    let server = Server::start();
    assert!(server.object("entry").put_new("mine").unwrap());
    assert!(server.object("entry").put_new("mine").unwrap());
    assert!(!server.object("entry").put_new("theirs").unwrap());
    assert_eq!(server.get("entry"), b"mine");
}

#[test]
fn an_object_is_written_whole_or_not_at_all() {
    let server = Server::start();
    let bytes = content(limits::REMOTE_PART_BYTES * 2 + 54_321);
    for length in [0, 3, limits::REMOTE_PART_BYTES, bytes.len()] {
        let mut writer = server.object("out").writer().unwrap();
        bytes[..length].chunks(1_000_003).for_each(|piece| writer.write_all(piece).unwrap());
        writer.finish().unwrap();
        assert!(server.get("out") == bytes[..length], "{length} bytes");
    }
    server.put("out", "old");
    let mut writer = server.object("out").writer().unwrap();
    writer.write_all(&bytes).unwrap();
    drop(writer);
    assert_eq!(server.get("out"), b"old");
    assert_eq!(server.keys(), ["out"]);
}

#[test]
fn requests_work_from_within_another_runtime_and_from_many_threads() {
    let server = Server::start();
    server.put("a", "abc");
    let object = server.object("a");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (inside, engine) = (object.clone(), object.store());
    runtime.block_on(async move {
        assert_eq!(inside.get().unwrap().unwrap(), "abc");
        let found = object_store::ObjectStoreExt::get(&*engine, inside.path()).await.unwrap();
        assert_eq!(found.bytes().await.unwrap(), "abc");
        // the last hand on the stores may be within a runtime too
        drop(inside);
    });
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..10).for_each(|_| assert_eq!(object.get().unwrap().unwrap(), "abc")));
        }
    });
}

/// What listing a bucket gives, with some variables changed.
fn failure(server: &Server, url: &str, changes: &[(&str, &str)]) -> (u8, String) {
    let mut env = server.env();
    env.retain(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    env.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let error = Stores::new(env).location(url).and_then(|place| place.list()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("://") && !text.contains(SECRET_KEY) && !text.contains("hush"), "{text}");
    (error.exit_code(), text)
}

#[test]
fn what_is_wrong_on_the_way_is_told_by_its_exit_code_and_without_secrets() {
    let server = Server::start();
    let (code, text) = failure(&server, "s3://nope/a", &[]);
    assert_eq!(
        (code, text.as_str()),
        (2, "s3://nope/a: no such bucket, or nothing there; check the name, the region and the endpoint")
    );
    let (code, text) = failure(&server, "s3://logs/a", &[("AWS_SECRET_ACCESS_KEY", "hush-hush")]);
    assert_eq!(code, 2);
    assert!(text.contains("SignatureDoesNotMatch"), "{text}");
    let (code, text) = failure(&server, "s3://logs/a", &[("AWS_ACCESS_KEY_ID", "AKIDOFNOBODY")]);
    assert!(code == 2 && text.contains("credentials"), "{text}");
    let none = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", ""), ("AWS_EC2_METADATA_DISABLED", "true")];
    let (code, text) = failure(&server, "s3://logs/a", &none);
    assert!(code == 2 && text.contains("no credentials were found; set AWS_ACCESS_KEY_ID"), "{text}");
    let (code, text) =
        failure(&server, "s3://logs/a", &[("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_MAX_ATTEMPTS", "1")]);
    assert!(code == 5 && text.contains("cannot be reached"), "{text}");
    let (code, text) = failure(&server, "s3://logs/a", &[("AWS_ENDPOINT_URL_S3", "http://u:hush@s3.example.com")]);
    assert!(code == 2 && text.contains("KUBESIFT_ALLOW_HTTP"), "{text}");
    assert!(!format!("{:?}", server.object("a")).contains(KEY_ID));
}

#[test]
fn a_file_of_a_web_server_is_read_with_and_without_ranges() {
    let bytes: &'static [u8] = content(1_000_000).leak();
    for gives_ranges in [true, false] {
        let server = Server::of_file(bytes, gives_ranges);
        let url = format!("http://{}/audit.log?signature=hush", server.address);
        let object = Stores::new([]).location(&url).unwrap();
        assert_eq!(object.url(), format!("http://{}/audit.log", server.address));
        let entry = object.head().unwrap().unwrap();
        assert_eq!((entry.bytes, entry.modified_ns), (1_000_000, 1_795_161_600_000_000_000));
        let mut reader = object.reader(&entry);
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert!(read == bytes, "{} bytes", read.len());
        reader.seek(SeekFrom::Start(777_777)).unwrap();
        read.clear();
        reader.read_to_end(&mut read).unwrap();
        assert!(read == bytes[777_777..]);
        let error = object.put("x").unwrap_err();
        assert!(error.exit_code() == 2 && !error.to_string().contains("hush"), "{error}");
        let missing = Stores::new([]).location(&format!("http://{}/nope", server.address)).unwrap();
        assert_eq!(missing.head().unwrap(), None);
    }
}

#[test]
fn google_cloud_storage_is_read_by_its_own_client() {
    // its XML protocol is that of S3 as far as reading goes; what only it has is not shown here
    let server = Server::open_to_all();
    std::fs::write(server.folder().join("a b%20.log"), "abc").unwrap();
    let host = ("STORAGE_EMULATOR_HOST".to_owned(), server.address.to_string());
    let bucket = Stores::new([host]).location("gs://logs").unwrap();
    let entries = bucket.list().unwrap();
    assert_eq!(entries[0].path.as_ref(), "a b%20.log");
    let mut text = String::new();
    bucket.reader(&entries[0]).read_to_string(&mut text).unwrap();
    assert_eq!(text, "abc");
}
