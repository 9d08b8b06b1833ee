//! The data in `datasets`: what the manifest says of it is so, and the generator still makes it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::rig::{Scratch, files_below};

const BYTES_MAX: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    dataset: Vec<Dataset>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dataset {
    name: String,
    describe: String,
    origin: String,
    licence: String,
    command: String,
    file: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: String,
    bytes: u64,
    sha256: String,
    /// Of the text, for a packed file.
    text_sha256: Option<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets")
}

fn manifest() -> Manifest {
    toml::from_str(&fs::read_to_string(root().join("manifest.toml")).unwrap()).unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text_of(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    if path.extension().is_none_or(|extension| extension != "gz") {
        return bytes;
    }
    let mut text = Vec::new();
    MultiGzDecoder::new(&bytes[..]).read_to_end(&mut text).unwrap();
    text
}

#[test]
fn the_manifest_names_every_file_and_its_hash() {
    let mut named = Vec::new();
    for dataset in manifest().dataset {
        assert!(!dataset.describe.is_empty() && !dataset.origin.is_empty() && dataset.licence == "Apache-2.0");
        let total: u64 = dataset.file.iter().map(|file| file.bytes).sum();
        assert!(total < BYTES_MAX, "{}: {total} bytes", dataset.name);
        for file in &dataset.file {
            let path = root().join(&dataset.name).join(&file.path);
            let bytes = fs::read(&path).unwrap();
            assert_eq!((bytes.len() as u64, sha256(&bytes)), (file.bytes, file.sha256.clone()), "{}", path.display());
            if let Some(expected) = &file.text_sha256 {
                assert_eq!(sha256(&text_of(&path)), *expected, "{}", path.display());
            }
            named.push(path);
        }
    }
    named.extend(["README.md", "manifest.toml"].map(|name| root().join(name)));
    named.sort();
    assert_eq!(files_below(&root()), named);
}

#[test]
fn the_generator_still_makes_the_demo() {
    let demo = manifest().dataset.into_iter().find(|dataset| dataset.name == "demo").unwrap();
    let arguments = demo.command.strip_prefix("kubesift ").unwrap();
    let scratch = Scratch::new();
    scratch.run(arguments).ends(0);
    let made = files_below(&scratch.path("datasets/demo"));
    assert_eq!(made.len(), demo.file.len(), "{made:?}");
    for file in &demo.file {
        let (kept, made) = (root().join("demo").join(&file.path), scratch.path("datasets/demo").join(&file.path));
        // the text, not the packing of it: another release of the compressor may pack it better
        assert!(text_of(&kept) == text_of(&made), "{}: the generator makes another text", file.path);
    }
}
