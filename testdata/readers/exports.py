"""Azure's export folders: which run each month holds, and the cells of its files."""

import dataclasses
import json
import pathlib

import duckdb

DIALECT = """delim = ',', quote = '"', escape = '"'"""
# Datasets beside cost; their columns, and other names that a column has had.
FURTHER = {
    "price-sheet": "billingprofileid meterid productid skuid unitofmeasure marketprice currency pricetype",
    "reservation-details": "reservationorderid reservationid usagedate usedhours reservedhours",
    "reservation-transactions": """reservationorderid reservationordername eventdate eventtype quantity amount
        currency billingfrequency term armskuname region billingprofileid
        purchasingsubscriptionguid purchasingsubscriptionname""",
    "reservation-recommendations": "skuname",
}
OTHER_NAMES = {"usedhours": "riusedhours"}
WIDTHS = ("billing_account", "billing_profile", "customer_tenant", "subscription")
COLUMNS = """invoiceid previousinvoiceid billingaccountid billingaccountname billingprofileid
billingprofilename partnername resellername resellermpnid customertenantid customername date
productorderid productordername meterid metername metercategory productid productname
subscriptionid subscriptionname publishertype publishername resourceid resourcelocation location
meterregion effectiveprice quantity unitofmeasure chargetype billingcurrency pricingcurrency
costinbillingcurrency costinpricingcurrency costinusd paygcostinbillingcurrency paygcostinusd
exchangeratepricingtobilling additionalinfo partnerearnedcreditrate partnerearnedcreditapplied
paygprice frequency term reservationid reservationname pricingmodel unitprice benefitid
benefitname provider""".split()


@dataclasses.dataclass
class Run:
    """One month of one export, as its newest manifest describes it."""

    month: str
    run_id: str
    submitted: str
    scope_type: str
    files: list[pathlib.Path]


def all_runs(export: pathlib.Path) -> list[Run]:
    """Every run, in order of submission."""
    runs = []
    for path in export.rglob("manifest.json"):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        info = manifest["runInfo"]
        names = [blob["blobName"].rsplit("/", 1)[-1] for blob in manifest["blobs"]]
        runs.append(Run(
            month=info["startDate"][:7],
            run_id=info["runId"],
            submitted=info["submittedTime"],
            scope_type=scope_type(manifest["exportConfig"]["resourceId"]),
            files=[path.parent / name for name in names],
        ))
    return sorted(runs, key=lambda run: (run.submitted, run.month))


def newest_runs(export: pathlib.Path) -> list[Run]:
    """The run submitted last of each month, in order of months."""
    runs = {run.month: run for run in all_runs(export)}
    return [runs[month] for month in sorted(runs)]


def scope_type(resource_id: str) -> str:
    """The scope that an export's ARM path names."""
    if resource_id.startswith("/subscriptions/"):
        return "subscription"
    if "/customers/" in resource_id:
        return "customer_tenant"
    return "billing_profile" if "/billingProfiles/" in resource_id else "billing_account"


def load(connection: duckdb.DuckDBPyConnection, sources: dict[str, pathlib.Path]) -> None:
    """Makes the tables that the views' SQL starts from.

    `cells` holds every cell of the cost files as text, empty ones NULL, of all runs; `loads`
    the runs, oldest first; `runs` those that the months hold; `sources` their scopes; and
    there is one table of cells per further dataset, of the runs that its months hold.
    """
    keys = "source text, file text, billing_month text, run_id text"
    connection.execute(f"create table cells ({keys}, {', '.join(f'{name} text' for name in COLUMNS)})")
    connection.execute(f"create table runs ({keys}, submitted timestamp)")
    connection.execute(f"create table loads ({keys}, place int)")
    connection.execute("create table sources (source text, scope_type text, width int)")
    for file, names in FURTHER.items():
        columns = ", ".join(f"{name} text" for name in names.split())
        connection.execute(f"create table {table_of(file)} ({keys}, {columns})")
    for source, folder in sources.items():
        scopes = []
        for file in ("actual", "amortized"):
            for place, run in enumerate(all_runs(folder / file)):
                scopes.append((run.submitted, run.scope_type))
                connection.execute("insert into loads values (?, ?, ?, ?, ?)",
                                   [source, file, run.month, run.run_id, place])
                load_files(connection, "cells", COLUMNS, source, file, run)
        for file, names in FURTHER.items():
            for run in newest_runs(folder / file):
                load_files(connection, table_of(file), names.split(), source, file, run)
        for file in ("actual", "amortized", *FURTHER):
            for run in newest_runs(folder / file):
                connection.execute(
                    "insert into runs values (?, ?, ?, ?, ?::timestamp)",
                    [source, file, run.month, run.run_id, run.submitted.rstrip("Z")],
                )
        scope = max(scopes)[1]
        connection.execute("insert into sources values (?, ?, ?)", [source, scope, WIDTHS.index(scope)])


def table_of(file: str) -> str:
    return file.replace("-", "_")


def load_files(connection, table: str, columns: list[str], source: str, file: str, run: Run) -> None:
    """Appends the rows of one run to a table."""
    names = [str(name) for name in run.files]
    relation = f"read_csv({names!r}, header = true, all_varchar = true, union_by_name = true, {DIALECT})"
    described = connection.execute(f"describe select * from {relation}").fetchall()
    found = {row[0].lower().lstrip("\ufeff"): row[0] for row in described}
    cells = []
    for column in columns:
        name = found.get(column) or found.get(OTHER_NAMES.get(column))
        cells.append(f"""nullif("{name}", '')""" if name else "null")
    connection.execute(f"insert into {table} select ?, ?, ?, ?, {', '.join(cells)} from {relation}",
                       [source, file, run.month, run.run_id])
