"""Reads reports back as their readers do: workbooks with openpyxl, pages as HTML, CSV, JSON
and Parquet; every cell and total must be what the JSON says, and the totals what the views
answer, to the last digit shown.

    read_reports.py COSTLAKE LAKE FOLDER      exits 1 after any difference
"""

import csv
import datetime
import decimal
import html.parser
import json
import pathlib
import subprocess
import sys
from decimal import Decimal

import openpyxl
import pyarrow.parquet

# Every digit of a decimal(38, 18).
decimal.getcontext().prec = 60

AS_OF = "2026-09-07"
FORMATS = "html,xlsx,csv,json,parquet,markdown"
SETS = {
    "all": ["all"],
    "customers": ["all", "--per", "customer_tenant"],
    "resellers": ["savings", "customers", "--per", "reseller"],
    "one": ["list-vs-cost", "commitments", "--scope-type", "billing_profile", "--scope-id", "PROFILE"],
}
NO_DECIMALS = {"JPY", "KRW", "CLP", "ISK", "VND"}
THREE_DECIMALS = {"BHD", "KWD", "JOD", "OMR", "TND", "IQD"}
ROWS_SHOWN_MAX = 200
AMOUNTS = ("cost", "savings", "credit", "amount", "margin", "change", "difference", "tax", "total", "price")
LABELS = {
    "billing_currency": "Currency", "billing_month": "Month", "change_pct": "Change %",
    "customer_name": "Customer", "customer_tenant_id": "Customer ID", "meter_category": "Service",
    "owner_customer_name": "Customer", "owner_subscription_name": "Subscription",
    "priced_coverage_pct": "Priced %", "product_name": "Product",
    "subscription_name": "Subscription", "utilization_cost_pct": "Used %",
    "utilization_pct": "Used %",
}
KEYS = ("source", "billing_currency", "x_Source", "BillingCurrency")
differences = 0
counted = {"files": 0, "cells": 0, "totals": 0}


def differ(*what):
    global differences
    differences += 1
    if differences <= 30:
        print("DIFFERS", *what)


def label(name):
    if any(letter.isupper() for letter in name):
        return name
    if name in LABELS:
        return LABELS[name]
    words = []
    for place, word in enumerate(name.split("_")):
        if word == "pct":
            words.append("%")
        elif word in ("id", "usd", "mpn", "utc"):
            words.append(word.upper())
        else:
            words.append(word.capitalize() if place == 0 else word)
    return " ".join(words)


def decimals(currency):
    return 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2


def is_money(name, value, row):
    lower = name.lower()
    return isinstance(value, Decimal) and lower.endswith("_usd") is False and (
        "billing_currency" in row or "BillingCurrency" in row
    ) and any(part in lower for part in AMOUNTS) and "unitprice" not in lower and not lower.endswith("_pct")


def shown(name, value, row):
    """A money cell as a page shows it."""
    digits = decimals(row.get("billing_currency", row.get("BillingCurrency")))
    rounded = value.quantize(Decimal(1).scaleb(-digits), rounding=decimal.ROUND_HALF_UP)
    return f"{abs(rounded) if rounded == 0 else rounded:,}"


class Page(html.parser.HTMLParser):
    """The tables of a page, by section."""

    def __init__(self):
        super().__init__()
        self.sections = {}
        self.section = self.part = self.cell = None

    def handle_starttag(self, tag, attributes):
        if tag == "section":
            self.section = dict(attributes)["id"]
            self.sections[self.section] = {"thead": [], "tbody": [], "tfoot": []}
        elif tag in ("thead", "tbody", "tfoot"):
            self.part = tag
        elif tag == "tr" and self.part:
            self.sections[self.section][self.part].append([])
        elif tag in ("td", "th") and self.part:
            self.cell = ""

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self.part:
            self.sections[self.section][self.part][-1].append(self.cell)
            self.cell = None
        elif tag in ("thead", "tbody", "tfoot"):
            self.part = None

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data


def read_json(path):
    return json.loads(path.read_text(), parse_float=Decimal)


def check_csv(path, rows):
    with open(path, newline="") as file:
        records = list(csv.reader(file))
    if len(records) - 1 != len(rows):
        return differ(path, len(records) - 1, "rows instead of", len(rows))
    for record, row in zip(records[1:], rows):
        for name, text, value in zip(records[0], record, row.values()):
            counted["cells"] += 1
            if value is None:
                same = text == ""
            elif isinstance(value, bool) or isinstance(value, (int, Decimal)):
                same = text == ("true" if value is True else "false" if value is False else text) \
                    if isinstance(value, bool) else Decimal(text) == value
            else:
                same = text == value or text == "'" + value and value[:1] in "=+-@\t\r\n"
            if not same:
                differ(path, name, repr(text), repr(value))


def check_parquet(path, rows):
    table = pyarrow.parquet.read_table(path).to_pylist()
    if len(table) != len(rows):
        return differ(path, len(table), "rows instead of", len(rows))
    for of_file, row in zip(table, rows):
        for (name, value), expected in zip(of_file.items(), row.values()):
            counted["cells"] += 1
            if isinstance(value, Decimal) or isinstance(value, (int, float)) and not isinstance(value, bool):
                same = Decimal(str(value)) == expected or float(expected) == float(value)
                if isinstance(value, Decimal):
                    same = value == expected
            elif isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
                same = value.isoformat() == expected
            elif isinstance(value, datetime.datetime):
                same = value.replace(tzinfo=None) == datetime.datetime.fromisoformat(
                    expected.replace("Z", "")).replace(tzinfo=None)
            else:
                same = value == expected
            if not same:
                differ(path, name, repr(value), repr(expected))


def check_xlsx(path, document):
    book = openpyxl.load_workbook(path, data_only=True)
    sheets = {}
    for sheet in book.worksheets[1:]:
        if sheet.title not in ("Charts", "Chart data"):
            sheets[sheet.title] = sheet
    filled = [section for section in document["sections"] if section["rows"]]
    if len(sheets) != len(filled):
        return differ(path, list(sheets), [section["title"] for section in filled])
    for sheet, section in zip(sheets.values(), filled):
        rows, names = section["rows"], list(section["rows"][0])
        header = [cell.value for cell in sheet[1]]
        if header != [label(name) for name in names]:
            differ(path, sheet.title, header, names)
        if sheet.freeze_panes != "A2" or not sheet.auto_filter.ref:
            differ(path, sheet.title, "has no frozen header or no filter")
        for number, row in enumerate(rows, 2):
            for column, (name, value) in enumerate(row.items(), 1):
                counted["cells"] += 1
                check_cell(path, sheet, number, column, name, value, row)
        totals = sheet.iter_rows(min_row=len(rows) + 3, max_row=len(rows) + 2 + len(section["totals"]))
        for cells, total in zip(totals, section["totals"]):
            for cell, (name, value) in zip(cells, total.items()):
                if isinstance(value, (int, Decimal)):
                    counted["totals"] += 1
                    if cell.value in (None, "unknown") or float(cell.value) != float(value):
                        differ(path, sheet.title, "total of", name, cell.value, value)
                elif value is None and isinstance(cell.value, (int, float)):
                    differ(path, sheet.title, "total of", name, cell.value, "for NULL")
    if any(section_has_chart(section) for section in filled):
        if "Charts" not in book.sheetnames and "Chart data" not in book.sheetnames:
            differ(path, "has no charts")


def section_has_chart(section):
    return section["name"] in ("by_rate_type",) and any(
        (row.get("savings") or 0) != 0 for row in section["rows"])


def check_cell(path, sheet, number, column, name, value, row):
    cell = sheet.cell(number, column)
    found = cell.value
    if value is None:
        same = found in (None, "unknown")
    elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        same = isinstance(found, (int, float)) and float(found) == float(value)
        currency = row.get("billing_currency", row.get("BillingCurrency"))
        if same and is_money(name, value, row) and currency:
            digits = decimals(currency)
            expected = "#,##0" + ("." + "0" * digits if digits else "") + f' "{currency}"'
            if cell.number_format != expected:
                differ(path, sheet.title, name, "has the format", cell.number_format)
    elif isinstance(found, datetime.datetime):
        same = found.isoformat()[:19] == value.replace("Z", "")[:19] or found.date().isoformat() == value
    elif isinstance(value, bool):
        same = str(found).lower() == str(value).lower()
    else:
        same = str(found) == value or "T" in value and str(found)[:19] == value.replace("T", " ")[:19]
    if not same:
        differ(path, sheet.title, name, repr(found), repr(value))


def check_html(path, document):
    page = Page()
    page.feed(path.read_text())
    for section in document["sections"]:
        if not section["rows"]:
            continue
        table = page.sections.get(section["name"])
        if table is None or not table["thead"]:
            differ(path, section["name"], "is not there")
            continue
        names = {label(name): name for name in section["rows"][0]}
        header = [names[text] for text in table["thead"][0]]
        for place, rows in (("tbody", on_page(section["rows"])), ("tfoot", section["totals"])):
            if table[place] and len(table[place]) != len(rows):
                differ(path, section["name"], place, len(table[place]), "rows instead of", len(rows))
            for cells, row in zip(table[place], rows):
                for name, text in zip(header, cells):
                    value = row[name]
                    if is_money(name, value, row):
                        counted["totals" if place == "tfoot" else "cells"] += 1
                        if text != shown(name, value, row):
                            differ(path, section["name"], place, name, text, value)
                    elif value is None and place == "tbody" and text not in ("unknown", "–"):
                        differ(path, section["name"], name, "shows", repr(text), "for NULL")
        if len(table["tfoot"]) != len(section["totals"]):
            differ(path, section["name"], len(table["tfoot"]), "totals")


def on_page(rows):
    """The first rows of each source and currency."""
    seen, kept = {}, []
    for row in rows:
        key = tuple(row.get(name) for name in KEYS)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= ROWS_SHOWN_MAX:
            kept.append(row)
    return kept


def check_sums(path, document):
    """Totals are the sums of the rows, never over two sources or currencies."""
    for section in document["sections"]:
        for total in section["totals"]:
            key = [total.get(name) for name in KEYS]
            rows = [row for row in section["rows"] if [row.get(name) for name in KEYS] == key]
            for name, value in total.items():
                if isinstance(value, (int, Decimal)) and not name.endswith("_pct"):
                    counted["totals"] += 1
                    known = [row[name] for row in rows if row[name] is not None]
                    if sum(known, Decimal(0)) != value:
                        differ(path, section["name"], "sum of", name, value)


def ask(costlake, lake, sql):
    answer = subprocess.run(
        [costlake, "--quiet", "--lake", lake, "--as-of", AS_OF, "sql", "--format", "json", "-c", sql],
        check=True, capture_output=True, text=True)
    return json.loads(answer.stdout, parse_float=Decimal)


# What each customer's totals must be, by the views of the catalog and not those reports read.
VIEWS = {
    ("savings", "by_month"): """
        select scope_id, source, billing_currency, sum(list_cost) as list_cost, sum(cost) as cost,
            sum(unused_cost) as unused_cost, sum(savings) as savings, sum(unpriced_cost) as unpriced_cost
        from savings where scope_type = 'customer_tenant' group by 1, 2, 3""",
    ("rate-reduction", "by_month"): """
        select scope_id, source, billing_currency, sum(gross_savings) as gross_savings,
            sum(unused_cost) as unused_cost, sum(savings) as savings
        from rate_reduction_savings where scope_type = 'customer_tenant' group by 1, 2, 3""",
    ("unused", "by_month"): """
        select scope_id, source, billing_currency, sum(unused_cost) as unused_cost
        from savings where scope_type = 'customer_tenant' group by 1, 2, 3""",
    ("coverage", "commitments"): """
        select scope_id, source, billing_currency, sum(reservation_list_cost) as reservation_list_cost,
            sum(savings_plan_list_cost) as savings_plan_list_cost,
            sum(on_demand_list_cost) as on_demand_list_cost
        from commitment_coverage where scope_type = 'customer_tenant' group by 1, 2, 3""",
    ("coverage", "unpriced"): """
        select customer_tenant_id as scope_id, source, billing_currency, sum(cost) as cost
        from unpriced_cost group by 1, 2, 3""",
    ("list-vs-cost", "services"): """
        select customer_tenant_id as scope_id, source, billing_currency, sum(cost) as total_cost,
            sum(actual_cost) as invoiced_cost, sum(unpriced_cost) as unpriced_cost
        from list_vs_cost group by 1, 2, 3""",
    ("list-vs-cost", "by_day"): """
        select customer_tenant_id as scope_id, source, billing_currency, sum(list_cost) as list_cost,
            sum(cost) filter (where list_cost is not null) as cost
        from priced_cost group by 1, 2, 3""",
    ("partner-earned-credit", "by_month"): """
        select customer_tenant_id as scope_id, source, billing_currency,
            sum(earned_credit) as earned_credit, sum(missed_credit) as missed_credit
        from partner_earned_credit group by 1, 2, 3""",
}

# These know that a file that is loaded has no such row, where the view has NULL.
KNOW_NOTHING = ("list-vs-cost", "partner-earned-credit")
# These have no row for a customer of whom there is nothing to say.
SAY_LITTLE = ("unused", "coverage", "partner-earned-credit")


def check_views(costlake, lake, folder):
    """Totals of every customer are what the views say, and no amount of a view is left out."""
    for (report, name), sql in VIEWS.items():
        key = ("scope_id", "source", "billing_currency")
        expected = {tuple(row[part] for part in key): row for row in ask(costlake, lake, sql)}
        for path in folder.glob(f"*/{report}.json"):
            document = read_json(path)
            section = next(one for one in document["sections"] if one["name"] == name)
            for total in section["totals"]:
                row = expected.pop((document["scope"]["scope_id"], total["source"], total["billing_currency"]))
                for column, value in row.items():
                    if column not in key:
                        counted["totals"] += 1
                        nothing = report in KNOW_NOTHING and value is None and total[column] == 0
                        if total[column] != value and not nothing:
                            differ(path, name, column, total[column], "the view:", value)
        for scope, row in expected.items():
            if report not in SAY_LITTLE or any(row[column] for column in row if column not in key):
                differ(folder, report, name, "lacks", scope, row)


def check_set(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    for file in manifest["files"]:
        path = folder / file["path"]
        counted["files"] += 1
        if path.stat().st_size != file["bytes"]:
            differ(path, "has not the size its manifest says")
        if file["format"] != "json":
            continue
        document = read_json(path)
        stem = str(path)[:-len(".json")]
        check_sums(path, document)
        check_xlsx(pathlib.Path(stem + ".xlsx"), document)
        check_html(pathlib.Path(stem + ".html"), document)
        for section in document["sections"]:
            check_csv(pathlib.Path(f"{stem}.{section['name']}.csv"), section["rows"])
            check_parquet(pathlib.Path(f"{stem}.{section['name']}.parquet"), section["rows"])


def main():
    costlake, lake, folder = sys.argv[1:]
    folder = pathlib.Path(folder)
    profile = ask(costlake, lake, "select scope_id from scopes where scope_type = 'billing_profile' order by 1")
    for name, arguments in SETS.items():
        arguments = [profile[0]["scope_id"] if word == "PROFILE" else word for word in arguments]
        subprocess.run(
            [costlake, "--quiet", "--lake", lake, "--as-of", AS_OF, "report", *arguments,
             "--format", FORMATS, "--out", str(folder / name)], check=True)
        check_set(folder / name)
    check_views(costlake, lake, folder / "customers")
    print(f"reports: {counted['files']} files, {counted['cells']} cells and {counted['totals']} totals "
          f"read back, {differences} differences")
    sys.exit(1 if differences else 0)


main()
