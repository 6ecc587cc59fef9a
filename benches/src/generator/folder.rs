//! The directory of a run and how its parts look.

use std::path::Path;

use costlake_engine::model::DatasetType;

use super::columns::{HeaderCase, header};
use super::manifest::{file_format, relative, run_folder};
use super::rows::Month;
use super::writer::PartFormat;

/// How the parts of a run look. Which header case and line end a month has
/// depends on the month alone, so that a restatement has the same.
pub(super) fn part_format(
    out: &Path,
    context: &Month<'_>,
    dataset: DatasetType,
    run_id: &str,
    names: &[&str],
) -> PartFormat {
    let options = context.options;
    let month = (context.month.year() * 12) as u32 + context.month.month();
    let cases = [HeaderCase::Documented, HeaderCase::Pascal, HeaderCase::Lower];
    let case = match options.quirks.header_case {
        true => cases[((month * 2 + dataset as u32) % 3) as usize],
        false => HeaderCase::Documented,
    };
    let returns = options.quirks.carriage_returns && month.is_multiple_of(2);
    let line_end: &[u8] = if returns { b"\r\n" } else { b"\n" };
    let mut first_line = Vec::new();
    if options.quirks.byte_order_mark {
        first_line.extend_from_slice(b"\xef\xbb\xbf");
    }
    let header = header(names.iter().copied(), case);
    first_line.extend_from_slice(header.as_bytes());
    first_line.extend_from_slice(line_end);
    PartFormat {
        directory: out.join(relative(&run_folder(dataset, context.month, run_id))),
        header: first_line,
        line_end,
        columns: header.split(',').map(str::to_owned).collect(),
        file_format: file_format(options, dataset),
        part_bytes_max: options.part_bytes_max,
    }
}

/// Makes a run's directory, without what an earlier run of the same id left:
/// first its manifest, so that no manifest ever names parts that are gone.
pub(super) fn empty_directory(directory: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(directory.join("manifest.json")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if directory.exists() {
        std::fs::remove_dir_all(directory)?;
    }
    std::fs::create_dir_all(directory)
}
