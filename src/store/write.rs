//! An object that is written as a stream: in parts, in bounded memory, there whole or not at all.

use std::io::{self, Write};

use bytes::Bytes;
use object_store::{MultipartUpload, PutPayload};

use super::{Location, Pending};
use crate::error::{Error, Result};
use crate::limits;

/// Writes one object. What fits into one part is written by [`Self::finish`] at once. Dropped before, nothing is left.
/// Memory: two parts of [`limits::REMOTE_PART_BYTES`].
pub struct Writer {
    location: Location,
    buffer: Vec<u8>,
    upload: Option<Box<dyn MultipartUpload>>,
    /// The part on its way.
    part: Option<Pending<object_store::Result<()>>>,
}

impl Writer {
    pub(super) fn new(location: Location) -> Self {
        Self { location, buffer: Vec::new(), upload: None, part: None }
    }

    /// Puts the object into its place.
    pub fn finish(mut self) -> Result<()> {
        if self.upload.is_none() {
            return self.location.put(std::mem::take(&mut self.buffer));
        }
        if !self.buffer.is_empty() {
            self.send()?;
        }
        self.settle()?;
        if let Some(mut upload) = self.upload.take() {
            let bucket = self.location.bucket.clone();
            let (answer, upload) = bucket.wait(async move { (upload.complete().await, upload) })?;
            if answer.is_err() {
                self.upload = Some(upload);
            }
            self.location.told(answer)?;
        }
        Ok(())
    }

    /// Begins to write in parts and gives it up.
    pub(super) fn try_out(mut self) -> Result<()> {
        self.upload = Some(self.begin()?);
        Ok(())
    }

    /// Sends what is buffered as the next part, once the one before it has arrived.
    fn send(&mut self) -> Result<()> {
        self.settle()?;
        let bytes = Bytes::from(std::mem::take(&mut self.buffer));
        let mut upload = match self.upload.take() {
            Some(upload) => upload,
            None => self.begin()?,
        };
        let sent = upload.put_part(PutPayload::from(bytes));
        self.upload = Some(upload);
        self.part = Some(self.location.bucket.begin(sent));
        Ok(())
    }

    fn begin(&self) -> Result<Box<dyn MultipartUpload>> {
        let (store, path) = (self.location.store(), self.location.path().clone());
        let answer = self
            .location
            .bucket
            .wait(async move { object_store::ObjectStoreExt::put_multipart(&*store, &path).await })?;
        self.location.told(answer)
    }

    /// Waits for the part on its way.
    fn settle(&mut self) -> Result<()> {
        match self.part.take() {
            Some(part) => self.location.told(part.wait()?),
            None => Ok(()),
        }
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let free = limits::REMOTE_PART_BYTES - self.buffer.len();
        let taken = bytes.len().min(free);
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() == limits::REMOTE_PART_BYTES {
            self.send().map_err(of_write)?;
        }
        Ok(taken)
    }

    /// Nothing is to be seen of the object before [`Writer::finish`], so that there is nothing to flush.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn of_write(error: Error) -> io::Error {
    match error {
        Error::Storage { source, .. } => source,
        error => io::Error::other(error.to_string()),
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(mut upload) = self.upload.take() {
            self.part = None;
            // parts that nobody completes cost money; if this fails too, the bucket's own rule has to remove them
            let _ = self.location.bucket.wait(async move { upload.abort().await });
        }
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "writer of {:?}", self.location)
    }
}
