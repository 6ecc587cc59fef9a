//! Formats of cells, by what they are for and by currency.

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder};

use crate::report::columns::ColumnKind;
use crate::report::number::decimals;

/// Formats by what they are for.
pub(super) struct Formats {
    pub(super) title: Format,
    pub(super) header: Format,
    pub(super) header_right: Format,
    pub(super) muted: Format,
    pub(super) unknown: Format,
    pub(super) caution: Format,
    /// A month whose amounts are estimates.
    pub(super) estimate: Format,
    pub(super) date: Format,
    pub(super) instant: Format,
    pub(super) percent: Format,
    pub(super) number: Format,
    pub(super) count: Format,
    pub(super) total_label: Format,
    currencies: Vec<(Option<String>, Format, Format)>,
}

impl Formats {
    pub(super) fn new() -> Self {
        let header = Format::new()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::Top)
            .set_background_color(Color::RGB(0x00E8_EDF4))
            .set_border_bottom(FormatBorder::Thin);
        Self {
            title: Format::new().set_bold().set_font_size(16),
            header_right: header.clone().set_align(FormatAlign::Right),
            header,
            muted: Format::new().set_font_color(Color::RGB(0x0060_6A78)),
            unknown: Format::new()
                .set_italic()
                .set_font_color(Color::RGB(0x0080_8895))
                .set_align(FormatAlign::Right),
            caution: Format::new().set_font_color(Color::RGB(0x009A_5B00)).set_text_wrap(),
            estimate: Format::new().set_italic().set_font_color(Color::RGB(0x009A_5B00)),
            date: Format::new().set_num_format("yyyy-mm-dd"),
            instant: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
            percent: Format::new().set_num_format("0.0"),
            number: Format::new().set_num_format("#,##0.####"),
            count: Format::new().set_num_format("#,##0"),
            total_label: total(Format::new()),
            currencies: Vec::new(),
        }
    }

    /// Of amounts of a currency: in rows, and in totals.
    fn money(&mut self, currency: Option<&str>) -> (&Format, &Format) {
        let at = self.currencies.iter().position(|(known, ..)| known.as_deref() == currency);
        let at = at.unwrap_or_else(|| {
            let digits = match decimals(currency) {
                0 => "#,##0".to_owned(),
                decimals => format!("#,##0.{}", "0".repeat(decimals)),
            };
            // Only letters reach the format: a currency is a code.
            let is_code = |code: &&str| code.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let pattern = match currency.filter(is_code) {
                Some(code) => format!("{digits} \"{code}\""),
                None => digits,
            };
            let format = Format::new().set_num_format(pattern);
            self.currencies.push((currency.map(str::to_owned), format.clone(), total(format)));
            self.currencies.len() - 1
        });
        let (_, rows, totals) = &self.currencies[at];
        (rows, totals)
    }

    /// Of a cell of this kind.
    pub(super) fn of(&mut self, kind: ColumnKind, currency: Option<&str>) -> Format {
        match kind {
            ColumnKind::Money => self.money(currency).0.clone(),
            ColumnKind::Usd => self.money(Some("USD")).0.clone(),
            ColumnKind::Percent => self.percent.clone(),
            ColumnKind::Number => self.number.clone(),
            ColumnKind::Count => self.count.clone(),
            ColumnKind::Date => self.date.clone(),
            ColumnKind::Instant => self.instant.clone(),
            ColumnKind::Text => Format::new(),
        }
    }
}

pub(super) fn total(format: Format) -> Format {
    format.set_bold().set_border_top(FormatBorder::Thin)
}
