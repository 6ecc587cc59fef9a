"""Prices Azure's own files a second time and must agree with costlake.

    price_the_same.py COSTLAKE LAKE SOURCE=EXPORTS...

Reads the CSV files below EXPORTS/actual and EXPORTS/amortized of each source, applies
the rules of sql/README.md to each row with Python's decimals (price sheets below
EXPORTS/price-sheet among them), and compares with the
views `priced_cost`, `savings` and `list_vs_cost` of the lake, to the last decimal. It
shares no code with costlake: not the CSV reader, not the arithmetic, not the SQL.
Exits 1 with what differs.
"""

import collections
import csv
import gzip
import io
import pathlib
import sys
from decimal import ROUND_HALF_EVEN, Decimal, getcontext

import lake
from exports import newest_runs

getcontext().prec = 80
UNIT = Decimal(1).scaleb(-18)
ZERO_GUID = "00000000-0000-0000-0000-000000000000"
DIFFERENCES_SHOWN = 20
SCOPES = {
    "billing_account": "billingaccountid",
    "billing_profile": "billingprofileid",
    "customer_tenant": "customertenantid",
    "subscription": "subscriptionid",
}


def rounded(number):
    return None if number is None else number.quantize(UNIT, ROUND_HALF_EVEN)


def number(text):
    return rounded(Decimal(text)) if text else None


def rows(file: pathlib.Path):
    data = file.read_bytes()
    if file.suffix == ".gz":
        data = gzip.decompress(data)
    reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
    names = [name.lower() for name in next(reader)]
    for cells in reader:
        row = dict(zip(names, cells, strict=True))
        if row.get("subscriptionid", "").lower() == ZERO_GUID:
            row["subscriptionid"] = ""
        row["billingprofileid"] = row.get("billingprofileid", "").lower()
        if row.get("chargetype") == "UnusedBenefit":
            planned = row["pricingmodel"].replace(" ", "") == "SavingsPlan"
            row["chargetype"] = "UnusedSavingsPlan" if planned else "UnusedReservation"
        yield row


def day(text):
    if "/" in text:
        month, number_of_day, year = text.split("/")
        return f"{year}-{int(month):02}-{int(number_of_day):02}"
    return text[:10]


def exchange_rate(row):
    rate = number(row.get("exchangeratepricingtobilling", ""))
    same = row["billingcurrency"] == row.get("pricingcurrency")
    return Decimal(1) if rate is None and same else rate


def rate_key(row):
    return row["meterid"].lower(), row["productid"].lower(), row.get("pricingcurrency")


def on_demand_rates(month_rows):
    lowest = {}
    for row in month_rows:
        price = number(row["paygprice"])
        if row["chargetype"] == "Usage" and row["pricingmodel"] in ("OnDemand", "On Demand") and price:
            if row["meterid"] and row["productid"]:
                key = rate_key(row)
                lowest[key] = min(price, lowest.get(key, price))
    return lowest


def sheet_key(month, row, product):
    profile, unit = row.get("billingprofileid", ""), row.get("unitofmeasure", "")
    return (month, profile.lower(), row["meterid"].lower(), product.lower().replace("/", ""),
            unit.lower(), row.get("pricingcurrency") or row.get("currency"))


def price_sheets(sources):
    """The lowest market price of consumption, in the price sheets of all sources."""
    lowest = {}
    for exports in sources:
        for run in newest_runs(exports / "price-sheet"):
            for row in (row for file in run.files for row in rows(file)):
                price = number(row["marketprice"])
                if row["pricetype"] == "Consumption" and price is not None and price > 0:
                    key = sheet_key(run.month, row, row["productid"] + row["skuid"])
                    lowest[key] = min(price, lowest.get(key, price))
    return lowest


def list_cost(month, row, sheets, rates):
    """List cost and the rule it comes from."""
    if row["chargetype"] != "Usage" or row["publishertype"].lower() == "marketplace":
        return None, "not_applicable"
    price, quantity, rate = number(row["paygprice"]), number(row["quantity"]), exchange_rate(row)
    exported = row.get("paygcostinbillingcurrency", "")
    if price and exported:
        return number(exported), "export"
    if quantity is not None and rate is not None:
        units = rounded(quantity * rate)
        if price:
            return rounded(price * units), "payg_price"
        key = sheet_key(month, row, row["productid"])
        if key in sheets:
            return rounded(sheets[key] * units), "price_sheet"
        if rate_key(row) in rates:
            return rounded(rates[rate_key(row)] * units), "on_demand_rate"
    return None, "unknown"


class Sum:
    """A sum that is NULL until something is added."""

    def __init__(self):
        self.value = None

    def add(self, amount):
        if amount is not None:
            self.value = amount + (self.value or 0)


class Expected:
    def __init__(self):
        self.basis = collections.defaultdict(lambda: [0, Sum(), Sum()])
        self.scopes = collections.defaultdict(lambda: collections.defaultdict(Sum))
        self.days = collections.defaultdict(lambda: [Sum(), Sum(), Sum()])

    def amortized(self, month, row, amount, basis):
        cost, currency = number(row["costinbillingcurrency"]), row["billingcurrency"]
        found = self.basis[month, currency, basis]
        found[0] += 1
        found[1].add(amount)
        found[2].add(cost)
        at = self.days[month, day(row["date"]), row["chargetype"], currency]
        at[0].add(amount)
        at[1].add(cost)
        for scope, column in SCOPES.items():
            sums = self.scopes[scope, row.get(column) or None, month, currency]
            if basis == "unknown":
                sums["unpriced"].add(cost)
            elif amount is not None:
                sums["list"].add(amount)
                sums["cost"].add(cost)
            elif row["chargetype"] in ("UnusedReservation", "UnusedSavingsPlan"):
                sums["unused"].add(cost)

    def actual(self, month, row):
        key = month, day(row["date"]), row["chargetype"], row["billingcurrency"]
        self.days[key][2].add(number(row["costinbillingcurrency"]))

    def savings(self, at_subscription_scope):
        """Per scope: list cost, cost, unused cost, savings, unpriced cost."""
        answer = {}
        for key, sums in self.scopes.items():
            listed, cost = sums["list"].value, sums["cost"].value
            unused, unpriced = sums["unused"].value or Decimal(0), sums["unpriced"].value
            # No usage at all is a known nothing; usage without a price is not.
            if listed is None and unpriced is None:
                listed = cost = Decimal(0)
            savings = (listed or 0) - (cost or 0) - unused
            if at_subscription_scope:
                unused = savings = None
            elif listed is None and unused == 0:
                savings = None
            answer[key] = (listed, cost, unused, savings, unpriced or Decimal(0))
        return answer


def calculate(exports: pathlib.Path, sheets):
    expected = Expected()
    for run in newest_runs(exports / "amortized"):
        month_rows = [row for file in run.files for row in rows(file)]
        rates = on_demand_rates(month_rows)
        for row in month_rows:
            expected.amortized(run.month, row, *list_cost(run.month, row, sheets, rates))
    for run in newest_runs(exports / "actual"):
        for file in run.files:
            for row in rows(file):
                expected.actual(run.month, row)
    return expected


QUESTIONS = {
    "source_scopes": "source, scope_type from source_scopes",
    "priced_cost": "source, billing_month, billing_currency, list_cost_basis, "
    "count(*), sum(list_cost), sum(cost) from priced_cost group by 2, 3, 4, 5",
    "savings": "source, scope_type, scope_id, billing_month, billing_currency, "
    "list_cost, cost, unused_cost, savings, unpriced_cost from savings",
    "list_vs_cost": "source, billing_month, date, charge_type, billing_currency, "
    "sum(list_cost), sum(cost), sum(actual_cost) from list_vs_cost group by 2, 3, 4, 5, 6",
}


def by_key(answers, name, source, width):
    """What costlake says of a source, under the first `width` columns after it."""
    return {tuple(row[1:width + 1]): row[width + 1:] for row in answers[name] if row[0] == source}


def compare(name, ours, theirs):
    plain = lambda cell: None if cell is None else Decimal(cell)
    ours = {key: tuple(plain(cell) for cell in cells) for key, cells in ours.items()}
    theirs = {key: tuple(plain(cell) for cell in cells) for key, cells in theirs.items()}
    differing = [key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)]
    for key in differing[:DIFFERENCES_SHOWN]:
        print(f"{name} {key}: costlake {ours.get(key)}, calculated {theirs.get(key)}")
    cells = sum(len(values) for values in theirs.values())
    verdict = f"{len(differing)} DIFFERENT" if differing else "the same as costlake"
    print(f"{name}: {len(theirs)} rows, {cells} amounts calculated, {verdict}")
    return not differing


def main() -> int:
    costlake, at, *sources = sys.argv[1:]
    answers = lake.ask(costlake, at, QUESTIONS, number=Decimal)
    scopes = dict(answers["source_scopes"])
    values = lambda sums: [item.value if isinstance(item, Sum) else item for item in sums]
    good = True
    folders = {name: pathlib.Path(folder) for name, folder in (pair.split("=", 1) for pair in sources)}
    sheets = price_sheets(folders.values())
    for source, exports in folders.items():
        expected = calculate(exports, sheets)
        good = good and bool(expected.days)
        theirs = {
            "priced_cost": {key: values(sums) for key, sums in expected.basis.items()},
            "savings": expected.savings(scopes[source] == "subscription"),
            "list_vs_cost": {key: values(sums) for key, sums in expected.days.items()},
        }
        for (name, amounts), width in zip(theirs.items(), (3, 4, 4), strict=True):
            good = compare(f"{source} {name}", by_key(answers, name, source, width), amounts) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
