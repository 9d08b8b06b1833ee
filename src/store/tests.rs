//! Locations over a store in memory.

use std::io::Read;

use object_store::memory::InMemory;

use super::*;

fn place(url: &str) -> Location {
    let stores = Stores::new([]);
    stores.bring("logs", Arc::new(InMemory::new()));
    stores.location(url).unwrap()
}

#[test]
fn places_are_joined_and_told_by_url() {
    let lake = place("memory://logs/lakes/prod/");
    assert_eq!(lake.url(), "memory://logs/lakes/prod");
    assert_eq!(lake.join("_delta_log/00.json").url(), "memory://logs/lakes/prod/_delta_log/00.json");
    assert_eq!(lake.join("/a//b*/").url(), "memory://logs/lakes/prod/a/b%2A");
    assert_eq!(format!("{lake:?}"), lake.url());
    assert_eq!(place("memory://logs").url(), "memory://logs");
    assert_eq!(lake, place("memory://logs/lakes/prod"));
}

#[test]
fn what_is_written_is_there() {
    let folder = place("memory://logs/a");
    assert!(folder.join("b").put_new("one").unwrap());
    assert!(!folder.join("b").put_new("two").unwrap());
    folder.join("b/c").put("three").unwrap();
    folder.join("ab").put("four").unwrap();
    let keys = |entries: Vec<Entry>| entries.iter().map(|entry| entry.path.to_string()).collect::<Vec<_>>();
    assert_eq!(keys(folder.list().unwrap()), ["a/ab", "a/b", "a/b/c"]);
    assert_eq!(keys(folder.list_where("a/b", |key| !key.ends_with('c')).unwrap()), ["a/b"]);
    let entry = folder.join("b/c").head().unwrap().unwrap();
    let mut text = String::new();
    folder.reader(&entry).read_to_string(&mut text).unwrap();
    assert_eq!(text, "three");
    folder.join("b").delete().unwrap();
    assert_eq!(folder.join("b").get().unwrap(), None);
}

#[test]
fn markers_of_folders_are_left_out_and_empty_objects_are_not() {
    let bucket = place("memory://logs");
    for (key, text) in [("a", ""), ("a/x", "1"), ("a-b", ""), ("c", "")] {
        bucket.join(key).put(text).unwrap();
    }
    let keys: Vec<_> = bucket.list().unwrap().into_iter().map(|entry| entry.path.to_string()).collect();
    assert_eq!(keys, ["a-b", "a/x", "c"]);
}

#[test]
fn a_key_that_no_object_has_is_a_usage_error() {
    let stores = Stores::new([]);
    for url in ["s3://logs/a//b", "s3://logs/../b", "s3://logs/a\nb", "memory://other/a", "https://example.com", "logs"]
    {
        let Err(error) = stores.location(url) else { panic!("{url} was taken") };
        assert_eq!(error.exit_code(), 2, "{error}");
    }
}
