//! How a blob is compressed.

/// Compression around a whole blob. Parquet's own compression is not meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Compression {
    /// As it is.
    None,
    /// Gzip, one member or several in a row.
    Gzip,
}
