//! The first sheet: what the workbook is about, and its other sheets.

use rust_xlsxwriter::{FormatAlign, XlsxError};

use super::{XlsxDocument, refused};
use crate::failure::Failure;
use crate::report::document::Note;

impl XlsxDocument {
    pub(super) fn write_summary(&mut self) -> Result<(), Failure> {
        let formats = &self.formats;
        let sheet = self.workbook.worksheet_from_index(0).map_err(refused)?;
        let document = &self.document;
        let mut row = 0;
        let written: Result<(), XlsxError> = (|| {
            sheet.set_column_width(0, 30)?.set_column_width(1, 90)?;
            let title = format!("{}: {}", document.title, document.subject.title());
            sheet.write_string_with_format(row, 0, title, &formats.title)?;
            row += 1;
            if let Some(question) = &document.question {
                sheet.write_string_with_format(row, 0, question, &formats.muted)?;
                row += 1;
            }
            row += 1;
            let mut facts = vec![("Months", document.months.to_string())];
            facts.extend(document.subject.subtitle().map(|subtitle| ("Scope", subtitle)));
            facts.extend(document.currency.clone().map(|currency| ("Currency", currency)));
            facts.push(("As of", document.made_on.clone()));
            for (name, value) in facts {
                sheet.write_string(row, 0, name)?.write_string(row, 1, value)?;
                row += 1;
            }
            for note in &document.notes {
                let (label, format) = match note {
                    Note::Caution(_) => ("Note", &formats.caution),
                    Note::Fine(_) => ("Data", &formats.muted),
                };
                sheet.write_string(row, 0, label)?;
                sheet.write_string_with_format(row, 1, note.text(), format)?;
                row += 1;
            }
            row += 1;
            sheet.write_string_with_format(row, 0, "Sheet", &formats.header)?;
            sheet.write_string_with_format(row, 1, "Rows", &formats.header)?;
            row += 1;
            for (title, sheet_name, rows) in &self.listed {
                match sheet_name {
                    Ok(name) => {
                        let link = rust_xlsxwriter::Url::new(format!("internal:'{name}'!A1"))
                            .set_text(title);
                        sheet.write_url(row, 0, link)?;
                        let count = formats.count.clone().set_align(FormatAlign::Left);
                        sheet.write_number_with_format(row, 1, *rows as f64, &count)?;
                    }
                    Err(sentence) => {
                        sheet.write_string(row, 0, title)?;
                        sheet.write_string_with_format(row, 1, sentence, &formats.muted)?;
                    }
                }
                row += 1;
            }
            Ok(())
        })();
        written.map_err(refused)
    }
}
