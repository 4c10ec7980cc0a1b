//! Verified reading of blobs. Invariant: no byte leaves this module before the hash of its chunk
//! was verified.

use super::chunks::{CHUNK_BYTES, ChunkHashes};
use super::{BlobError, Blobs};
use crate::store::fault;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tokio::task::{JoinHandle, spawn_blocking};

/// A blob that is open for reading, with at most one chunk of it in memory.
///
/// If a chunk differs from what was stored, reading fails with an error that contains
/// [`BlobError::Damaged`], and the blob is moved to quarantine.
#[derive(Debug)]
pub struct BlobReader {
    /// Offset of the next byte to return.
    position: u64,
    size: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle(Source),
    Loading(JoinHandle<(Source, Result<(), BlobError>)>),
    /// The reading thread has panicked.
    Gone,
}

/// The open file and the last verified chunk.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) blobs: Blobs,
    pub(super) sha256: String,
    pub(super) file: File,
    pub(super) chunks: ChunkHashes,
    /// Index of the chunk in `bytes`.
    pub(super) loaded: Option<usize>,
    pub(super) bytes: Vec<u8>,
}

impl Source {
    /// Reads a chunk and verifies it.
    pub(super) fn load(&mut self, index: usize) -> Result<(), BlobError> {
        self.loaded = None;
        fault::io("blob-read-fails")?;
        match read_chunk(&mut self.file, &self.chunks, index, &mut self.bytes) {
            Ok(true) => {
                self.loaded = Some(index);
                Ok(())
            }
            Ok(false) => Err(self.blobs.damaged(&self.sha256)),
            Err(error) => Err(error.into()),
        }
    }

    /// The loaded bytes from `position` on; `None` if the position is in another chunk.
    fn at(&self, position: u64) -> Option<&[u8]> {
        let (first, _) = self.chunks.place(self.loaded?);
        let offset = usize::try_from(position.checked_sub(first)?).ok()?;
        self.bytes.get(offset..).filter(|rest| !rest.is_empty())
    }
}

/// Reads a chunk into `bytes`. Returns `false` if it differs from what was stored.
pub(super) fn read_chunk(file: &mut File, chunks: &ChunkHashes, index: usize, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let (first, length) = chunks.place(index);
    file.seek(SeekFrom::Start(first))?;
    bytes.resize(length, 0);
    match file.read_exact(bytes) {
        Ok(()) => Ok(chunks.is_right(index, bytes)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

impl BlobReader {
    pub(super) fn new(source: Source) -> Self {
        Self {
            position: 0,
            size: source.chunks.size,
            state: State::Idle(source),
        }
    }

    /// Size of the blob in bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Gets the chunk at the position into memory, so that a failure is known before anything is sent.
    pub async fn load(&mut self) -> Result<(), BlobError> {
        if self.position < self.size {
            std::future::poll_fn(|cx| self.poll_chunk(cx)).await?;
        }
        Ok(())
    }

    /// Gets the chunk at the position into memory.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match std::mem::replace(&mut self.state, State::Gone) {
                State::Idle(source) if source.at(self.position).is_some() => {
                    self.state = State::Idle(source);
                    return Poll::Ready(Ok(()));
                }
                State::Idle(mut source) => {
                    let index = usize::try_from(self.position / CHUNK_BYTES).unwrap_or(usize::MAX);
                    self.state = State::Loading(spawn_blocking(move || {
                        let loaded = source.load(index);
                        (source, loaded)
                    }));
                }
                State::Loading(mut loading) => {
                    let Poll::Ready(done) = Pin::new(&mut loading).poll(cx) else {
                        self.state = State::Loading(loading);
                        return Poll::Pending;
                    };
                    let (source, loaded) = done.map_err(io::Error::other)?;
                    self.state = State::Idle(source);
                    loaded.map_err(io::Error::from)?;
                }
                State::Gone => return Poll::Ready(Err(io::Error::other("an earlier read broke off"))),
            }
        }
    }
}

impl AsyncRead for BlobReader {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.position >= self.size || into.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_chunk(cx))?;
        if let State::Idle(source) = &self.state
            && let Some(bytes) = source.at(self.position)
        {
            let count = bytes.len().min(into.remaining());
            into.put_slice(&bytes[..count]);
            self.position += count as u64;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for BlobReader {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(ErrorKind::InvalidInput)?;
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(self.position))
    }
}
