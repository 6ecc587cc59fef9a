//! The page itself.
//!
//! Input: a document and its kept sections. Output: HTML. Every text goes through maud,
//! which escapes it; only charts are put in as they are, and their texts are escaped by
//! their library.

use costlake_engine::report::IfEmpty;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::report::chart::data::{ChartData, LeftOut, charts};
use crate::report::chart::svg;
use crate::report::columns::{ColumnKind, ColumnView};
use crate::report::document::{Document, Note};
use crate::report::kept::KeptSection;
use crate::report::section::{Cell, NOTHING, UNKNOWN};

/// Letters of a word that is never parted, in print either.
const WORD_WHOLE_MAX: usize = 15;

const STYLE: &str = include_str!("style.css");

/// A whole page.
pub fn page(document: &Document, sections: &[KeptSection]) -> String {
    let shown: Vec<&KeptSection> =
        sections.iter().filter(|section| !is_left_out(section)).collect();
    let title = format!("{}: {}", document.title, document.subject.title());
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(concat!("costlake ", env!("CARGO_PKG_VERSION")));
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(svg::style())) }
            }
            body {
                main {
                    (header(document))
                    @if shown.len() > 2 { (contents(&shown)) }
                    @for section in &shown { (section_of(document, section)) }
                    footer {
                        p {
                            "Amounts are rounded to the decimals of their currency; all digits are in \
                             the other formats. Two currencies are never added. What is unknown is \
                             in no total."
                        }
                    }
                }
            }
        }
    }
    .into_string()
}

fn is_left_out(section: &KeptSection) -> bool {
    section.rows_total == 0 && section.view.definition.if_empty == IfEmpty::LeaveOut
}

fn header(document: &Document) -> Markup {
    html! {
        header {
            p.report { (document.title) }
            h1 { (document.subject.title()) }
            p.facts {
                @if let Some(subtitle) = document.subject.subtitle() { span { (subtitle) } }
                span { (document.months) }
                @if let Some(currency) = &document.currency { span { (currency) } }
                span { "as of " (document.made_on) }
            }
            @if let Some(question) = &document.question { p.question { (question) } }
            ul.notes {
                @for note in &document.notes {
                    @match note {
                        Note::Caution(text) => li.caution { (text) },
                        Note::Fine(text) => li { (text) },
                    }
                }
            }
        }
    }
}

fn contents(sections: &[&KeptSection]) -> Markup {
    html! {
        nav aria-label="Sections" {
            @for section in sections {
                a href={ "#" (section.view.definition.name) } { (section.view.definition.title) }
            }
        }
    }
}

fn section_of(document: &Document, section: &KeptSection) -> Markup {
    let definition = &section.view.definition;
    html! {
        section id=(definition.name) {
            h2 { (definition.title) }
            @if section.rows_total == 0 {
                @if let Some(sentence) = document.if_empty(definition) {
                    p.empty { (sentence) }
                }
            } @else {
                @if let Some(note) = &definition.note { p.note { (note) } }
                @let charts = charts(section);
                @if !charts.drawn.is_empty() {
                    div.charts { @for chart in &charts.drawn { (figure(&definition.title, chart)) } }
                }
                @if let Some(note) = charts.note() { p.more { (note) "." } }
                @let shows_table = definition.shows_table || charts.drawn.is_empty();
                @if shows_table || !section.totals.is_empty() {
                    (table(document, section, shows_table))
                }
            }
        }
    }
}

fn figure(section: &str, chart: &ChartData) -> Markup {
    let caption = match (&chart.title, &chart.unit) {
        (Some(title), _) => Some(title.clone()),
        (None, Some(unit)) => Some(unit.clone()),
        (None, None) => None,
    };
    html! {
        @if let Some(drawing) = svg::draw(chart) {
            figure.wide[svg::is_wide(chart)] role="img" aria-label={ "Chart: " (section) @if let Some(caption) = &caption { ", " (caption) } } {
                @if let Some(caption) = &caption { figcaption { (caption) } }
                div.drawing { (PreEscaped(drawing)) }
                @if chart.left_out != LeftOut::default() {
                    p.more { (chart.left_out_text()) }
                }
            }
        }
    }
}

fn table(document: &Document, section: &KeptSection, with_rows: bool) -> Markup {
    let columns: Vec<(usize, &ColumnView)> = section
        .view
        .on_page(document.several_sources)
        .into_iter()
        // Without rows, columns without a total are empty.
        .filter(|at| with_rows || section.totals.iter().any(|row| row[*at].shown.is_some()))
        .map(|at| (at, &section.view.columns[at]))
        .collect();
    let hidden = if with_rows { section.more() } else { section.rows_total };
    html! {
        div.table tabindex="0" role="region" aria-label=(section.view.definition.title) {
            table {
                thead {
                    tr {
                        @for (_, column) in &columns {
                            th scope="col" class=[column.kind.is_number().then_some("n")] { (column.label) }
                        }
                    }
                }
                @if with_rows {
                    tbody {
                        @for row in section.shown() {
                            tr { @for (at, column) in &columns { (cell(&row[*at], column, section.is_unknown(row, *at))) } }
                        }
                    }
                }
                @if !section.totals.is_empty() {
                    tfoot {
                        @for row in &section.totals {
                            tr {
                                @for (place, (at, column)) in columns.iter().enumerate() {
                                    (total(&row[*at], column, place == 0, section.is_total_unknown(row, *at)))
                                }
                            }
                        }
                    }
                }
            }
        }
        @if hidden > 0 {
            p.more {
                @if with_rows { (hidden) " more rows are" } @else { "The " (hidden) " rows are" }
                " in the other formats. Totals are of all " (section.rows_total) "."
            }
        }
        @for note in section.notes() { p.more { (note) "." } }
    }
}

fn cell(cell: &Cell, column: &ColumnView, unknown: bool) -> Markup {
    let number = column.kind.is_number();
    html! {
        @match (&cell.shown, number) {
            (Some(text), true) => td.n title=[cell.exact.as_deref()] { (text) },
            (Some(text), false) => td class=[class_of(column).or(has_short_words(text))] { (text) },
            (None, _) if unknown => td.n.unknown { (UNKNOWN) },
            (None, true) => td.n.nothing { (NOTHING) },
            (None, false) => td.nothing { (NOTHING) },
        }
    }
}

/// Words that a narrow column need not part.
fn has_short_words(text: &str) -> Option<&'static str> {
    text.split_whitespace().all(|word| word.chars().count() <= WORD_WHOLE_MAX).then_some("w")
}

/// Days stay in one line, and ids are set small.
fn class_of(column: &ColumnView) -> Option<&'static str> {
    match column.kind {
        ColumnKind::Date | ColumnKind::Instant => Some("day"),
        _ if column.name.ends_with("month") => Some("day"),
        _ if column.is_id() => Some("id"),
        _ => None,
    }
}

fn total(cell: &Cell, column: &ColumnView, first: bool, unknown: bool) -> Markup {
    html! {
        @match (&cell.shown, first) {
            (Some(text), true) if !column.kind.is_number() => th scope="row" { "Total " (text) },
            (Some(text), _) => {
                td class=[column.kind.is_number().then_some("n")] title=[cell.exact.as_deref()] { (text) }
            }
            (None, _) if unknown => td.n.unknown { (UNKNOWN) },
            (None, true) => th scope="row" { "Total" },
            (None, false) => td {},
        }
    }
}
