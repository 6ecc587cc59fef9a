//! Reading the names of folders and files of an export.
//!
//! In: one path or name. Out: what it means. Never knows listings or manifests.

use crate::model::BillingMonth;

use super::manifest::FileFormat;
use crate::model::Compression;

/// A path as compared: percent-decoded, forward slashes, lower case, no
/// slashes at either end. Manifests, listings and local copies spell the same
/// blob differently.
pub(super) fn normal(path: &str) -> String {
    decode_percent(path).replace('\\', "/").trim_matches('/').to_lowercase()
}

/// Percent-decodes; a `%` that starts no escape, or an escape that is not
/// UTF-8, stays as it is.
fn decode_percent(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%')
            .then(|| Some((hex_digit(*bytes.get(at + 1)?)?, hex_digit(*bytes.get(at + 2)?)?)))
            .flatten();
        match escape {
            Some((high, low)) => {
                decoded.push(high * 16 + low);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The directory of a path; empty for a bare name.
pub(super) fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// The last segment of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Joins two paths, either of which may be empty.
#[cfg(test)]
pub(super) fn join(directory: &str, name: &str) -> String {
    match (directory, name) {
        ("", name) => name.to_owned(),
        (directory, "") => directory.to_owned(),
        (directory, name) => format!("{directory}/{name}"),
    }
}

/// Whether a file name is a manifest's, of either version.
pub(super) fn is_manifest(name: &str) -> bool {
    name.eq_ignore_ascii_case("manifest.json") || name.eq_ignore_ascii_case("_manifest.json")
}

/// Format and compression a data file's name tells; `None` for other files.
pub(super) fn data_format(name: &str) -> Option<(FileFormat, Compression)> {
    let name = name.to_ascii_lowercase();
    if name.ends_with(".csv.gz") || name.ends_with(".csv.gzip") {
        Some((FileFormat::Csv, Compression::Gzip))
    } else if name.ends_with(".csv") {
        Some((FileFormat::Csv, Compression::None))
    } else if name.ends_with(".parquet") {
        Some((FileFormat::Parquet, Compression::None))
    } else {
        None
    }
}

/// A folder named for a range of days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RangeFolder {
    /// One whole calendar month, as Azure names them.
    Month(BillingMonth),
    /// Any other range.
    Other,
}

/// Reads `20260701-20260731`; `None` when the name has another shape.
pub(super) fn range_folder(name: &str) -> Option<RangeFolder> {
    let (first, last) = name.split_once('-')?;
    let day = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    (day(first) && day(last)).then(|| {
        BillingMonth::from_range_folder(name).map_or(RangeFolder::Other, RangeFolder::Month)
    })
}

/// The time in the innermost folder named for one, `202507161527`, as some
/// layouts have it between month and run; milliseconds since 1970 UTC.
pub(super) fn run_time_ms(folder: &str) -> Option<i64> {
    folder.rsplit('/').find_map(|name| {
        let shaped = name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit());
        let number = |at: std::ops::Range<usize>| name[at].parse::<u32>().ok();
        if !shaped {
            return None;
        }
        let year = i32::try_from(number(0..4)?).ok()?;
        let month = BillingMonth::new(year, number(4..6)?)?;
        let (day, hour, minute) = (number(6..8)?, number(8..10)?, number(10..12)?);
        let fits = (1..=month.days()).contains(&day) && hour < 24 && minute < 60;
        let days = i64::from(month.first_day()) + i64::from(day) - 1;
        fits.then(|| (days * 1_440 + i64::from(hour) * 60 + i64::from(minute)) * 60_000)
    })
}

/// A data file's name without its extensions; that of a Parquet file may name its
/// compression, `.snappy.parquet`.
pub(super) fn stem(name: &str) -> &str {
    let lower = name.to_ascii_lowercase();
    let end = [".csv", ".snappy.parquet", ".parquet"].iter().filter_map(|end| lower.find(end));
    &name[..end.min().unwrap_or(name.len())]
}

/// The run's GUID in the name of an unpartitioned export, `{export}_{guid}`.
pub(super) fn run_guid(stem: &str) -> Option<&str> {
    let (_, guid) = stem.rsplit_once('_')?;
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let mut groups = guid.split('-');
    let shaped = GROUPS.iter().all(|&length| {
        groups.next().is_some_and(|group| {
            group.len() == length && group.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    });
    (shaped && groups.next().is_none()).then_some(guid)
}

/// Whether a file is one part of several by its name: `part_0_0001` or `000001`.
pub(super) fn is_part(stem: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match stem.to_ascii_lowercase().strip_prefix("part_") {
        Some(numbers) => numbers.split(['_', '.']).next().is_some_and(digits),
        None => stem.len() == 6 && digits(stem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_compare_across_spellings() {
        assert_eq!(normal("/Dir/My%20Export\\a.CSV"), "dir/my export/a.csv");
        assert_eq!(normal("100%/x%2"), "100%/x%2");
        assert_eq!(normal("a%ff"), "a%ff");
    }

    #[test]
    fn part_names_are_told_from_whole_files() {
        for part in ["part_0_0001", "000001", "part_1_0002.snappy"] {
            assert!(is_part(part), "{part}");
        }
        for whole in ["act_1f8d218f-0000-4000-8000-000000000001", "2026-07", "part", "part_x"] {
            assert!(!is_part(whole), "{whole}");
        }
        let guid = "1f8d218f-0000-4000-8000-000000000001";
        assert_eq!(run_guid(&format!("my_export_{guid}")), Some(guid));
        assert_eq!(run_guid("my_export"), None);
        assert_eq!(stem("part_0_0001.CSV.gz"), "part_0_0001");
        assert_eq!(stem("part_0_0001.snappy.parquet"), "part_0_0001");
        assert_eq!(stem("part_0_0001.Parquet"), "part_0_0001");
    }

    #[test]
    fn ranges_are_whole_months_or_refused() {
        let month = "2026-07".parse().unwrap();
        assert_eq!(range_folder("20260701-20260731"), Some(RangeFolder::Month(month)));
        assert_eq!(range_folder("20260701-20260715"), Some(RangeFolder::Other));
        assert_eq!(range_folder("20260101-20260331"), Some(RangeFolder::Other));
        assert_eq!(range_folder("202507161527"), None);
        assert_eq!(range_folder("1f8d218f-00004000"), None);
    }

    #[test]
    fn run_times_are_read_from_their_folder() {
        // 2025-07-16 15:27 UTC.
        let folder = "act/20250701-20250731/202507161527/guid";
        assert_eq!(run_time_ms(folder), Some(1_752_679_620_000));
        for none in ["act/20250701-20250731/guid", "202513010000", "202502290000", "202501012400"] {
            assert_eq!(run_time_ms(none), None, "{none}");
        }
    }
}
