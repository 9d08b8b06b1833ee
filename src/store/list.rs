//! Which objects there are: by folder, or by any beginning of their keys.

use std::sync::Arc;

use futures::TryStreamExt;
use object_store::list::PaginatedListOptions;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::cloud::Client;
use super::{Entry, Location};
use crate::error::{Error, Result};
use crate::limits;

impl Location {
    /// All objects below this folder, by key, [`limits::OBJECTS_LISTED_MAX`] at most.
    pub fn list(&self) -> Result<Vec<Entry>> {
        let prefix = if self.path().is_root() { String::new() } else { format!("{}/", self.path()) };
        self.list_where(&prefix, |_| true)
    }

    /// The objects of the bucket whose keys begin with `prefix` and that `keep` wants, by key. Markers of folders
    /// (empty objects that others lie below) are left out.
    pub fn list_where(&self, prefix: &str, keep: impl Fn(&str) -> bool + Send + 'static) -> Result<Vec<Entry>> {
        let (client, prefix) = (self.bucket.client.clone(), prefix.to_owned());
        let kept = Kept { keep: Box::new(keep), entries: Vec::new(), is_full: false };
        let answer = self.bucket.wait(listed(client, prefix, kept))?;
        let Kept { mut entries, is_full, .. } = self.told(answer)?;
        if is_full {
            return Err(Error::Limit(format!(
                "{}: more than {} objects; name fewer at a time",
                self.url(),
                limits::OBJECTS_LISTED_MAX
            )));
        }
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(without_markers(entries))
    }
}

struct Kept {
    keep: Box<dyn Fn(&str) -> bool + Send>,
    entries: Vec<Entry>,
    is_full: bool,
}

impl Kept {
    /// Takes what is wanted of a page; says whether more may come.
    fn take(&mut self, objects: impl IntoIterator<Item = ObjectMeta>) -> bool {
        let keep = &self.keep;
        self.entries.extend(objects.into_iter().filter(|object| keep(object.location.as_ref())).map(Entry::new));
        self.is_full = self.entries.len() > limits::OBJECTS_LISTED_MAX;
        !self.is_full
    }
}

async fn listed(client: Client, prefix: String, mut kept: Kept) -> object_store::Result<Kept> {
    let Some(pages) = client.pages else { return listed_by_folder(client.store, &prefix, kept).await };
    let mut page_token = None;
    loop {
        let options = PaginatedListOptions { page_token, ..PaginatedListOptions::default() };
        let page = pages
            .list_paginated(Some(&prefix).filter(|prefix| !prefix.is_empty()).map(String::as_str), options)
            .await?;
        page_token = page.page_token;
        if !kept.take(page.result.objects) || page_token.is_none() {
            return Ok(kept);
        }
    }
}

/// For a store that lists whole folders only.
async fn listed_by_folder(store: Arc<dyn ObjectStore>, prefix: &str, mut kept: Kept) -> object_store::Result<Kept> {
    let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
    let folder = Path::parse(folder)?;
    let mut objects = store.list(Some(&folder));
    while let Some(object) = objects.try_next().await? {
        if object.location.as_ref().starts_with(prefix) && !kept.take([object]) {
            break;
        }
    }
    Ok(kept)
}

/// Takes out empty objects that name a folder: consoles make them. `entries` are sorted.
fn without_markers(entries: Vec<Entry>) -> Vec<Entry> {
    let is_folder = |path: &Path| {
        let below = format!("{path}/");
        let next = entries.partition_point(|entry| entry.path.as_ref() < below.as_str());
        entries.get(next).is_some_and(|entry| entry.path.as_ref().starts_with(&below))
    };
    let markers: Vec<bool> = entries.iter().map(|entry| entry.bytes == 0 && is_folder(&entry.path)).collect();
    entries.into_iter().zip(markers).filter(|(_, is_marker)| !is_marker).map(|(entry, _)| entry).collect()
}
