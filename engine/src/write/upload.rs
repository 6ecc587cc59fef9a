//! A `std::io::Write` over a multipart upload, for encoders on CPU threads.

use std::io;

use object_store::path::Path;
use object_store::{ObjectStore, WriteMultipart};
use tokio::runtime::Handle;

/// Size of one uploaded part.
const PART_SIZE_BYTES: usize = 8 * 1024 * 1024;
/// Parts on their way at once; more would only hold memory.
const PARTS_IN_FLIGHT_MAX: usize = 4;

/// Sends bytes to the store as they come, holding at most
/// `(PARTS_IN_FLIGHT_MAX + 1) × PART_SIZE_BYTES`.
pub(super) struct Upload {
    /// Taken by `finish` and `abort`, after which nothing may be written.
    multipart: Option<WriteMultipart>,
    runtime: Handle,
    size_bytes: u64,
}

impl Upload {
    /// Begins the upload. Must not be called on an IO thread of `runtime`.
    pub(super) fn begin(
        store: &dyn ObjectStore,
        path: &Path,
        runtime: Handle,
    ) -> object_store::Result<Self> {
        let upload = runtime.block_on(store.put_multipart_opts(path, Default::default()))?;
        let multipart = WriteMultipart::new_with_chunk_size(upload, PART_SIZE_BYTES);
        Ok(Self { multipart: Some(multipart), runtime, size_bytes: 0 })
    }

    /// Completes the upload, once; returns the stored size in bytes.
    pub(super) fn finish(&mut self) -> object_store::Result<u64> {
        if let Some(multipart) = self.multipart.take() {
            self.runtime.block_on(multipart.finish())?;
        }
        Ok(self.size_bytes)
    }

    /// Gives up: the store drops what it received.
    pub(super) fn abort(&mut self) -> object_store::Result<()> {
        match self.multipart.take() {
            Some(multipart) => self.runtime.block_on(multipart.abort()),
            None => Ok(()),
        }
    }
}

impl io::Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Parts are spawned onto the runtime, so its context must be entered.
        let _context = self.runtime.enter();
        let Some(multipart) = &mut self.multipart else {
            return Err(io::Error::other("the upload is already complete"));
        };
        self.runtime
            .block_on(multipart.wait_for_capacity(PARTS_IN_FLIGHT_MAX))
            .map_err(io::Error::other)?;
        multipart.write(bytes);
        self.size_bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
