"""Reports for each of many customers: one command against one command for each.

A partner sends its customers their files every month. One pass reads a report's sections
once, ordered by customer; a command per customer plans and reads for each of them anew.
The files must be the same bytes, but for the sheet that dates a workbook.
"""

from collections.abc import Iterator

from peers import lakes
from peers.context import Context
from peers.measure import Run, warm
from peers.result import Ratio, Result
from peers.rounds import Figure

MONTH = "2026-07..2026-07"
ROWS = 5_000_000
ROWS_QUICK = 6_000
CUSTOMERS = 2_000
CUSTOMERS_QUICK = 20
REPORT = "savings"
FORMATS = "html,xlsx,csv"
AS_OF = "2026-09-07"


def report(context: Context, lake, *words) -> Run:
    return context.costlake.run("--lake", lake, "--as-of", AS_OF, "report", *words)


def run(context: Context) -> Iterator[Result]:
    with context.workspace("customers") as folder:
        lake = folder / "lake"
        customers = context.of(CUSTOMERS, CUSTOMERS_QUICK)
        rows = context.of(ROWS, ROWS_QUICK)
        lakes.build(context, lake, MONTH, rows, context.seed, customers=customers)
        warm([file for file in lake.rglob("*.parquet")])
        ids = context.costlake.sql(
            lake, "select scope_id from scopes where scope_type = 'customer_tenant' order by 1")
        ids = ids.output.decode().split()[1:]
        facts = {"month": MONTH, "rows": rows, "customers": len(ids), "formats": FORMATS}

        together, apart = folder / "together", folder / "apart"
        figures = {"one command": Figure(), "one command each": Figure()}
        figures["one command"].add(
            report(context, lake, REPORT, "--per", "customer_tenant", "--format", FORMATS,
                   "--out", together))
        single = [report(context, lake, REPORT, "--scope-type", "customer_tenant", "--scope-id", id,
                         "--format", FORMATS, "--out", apart / id) for id in ids]
        figures["one command each"].add(
            Run(sum(run.seconds for run in single), max(run.peak_mib for run in single), b""))
        result = Result("customers/savings", context.seed, figures)
        result.facts = {**facts, "report": REPORT, "files": count(together)}
        result.ratios = [Ratio.between(figures, "one command each", "one command", is_peer=False)]
        result.notes.extend(differing(together, apart))
        yield result

        for words in (["all"], ["focus"]):
            out = folder / "all"
            formats = "html,xlsx,csv" if words == ["all"] else "parquet"
            figures = {"one command": Figure()}
            figures["one command"].add(
                report(context, lake, *words, "--per", "customer_tenant", "--format", formats,
                       "--out", out))
            result = Result(f"customers/{words[0]}", context.seed, figures)
            result.facts = {**facts, "formats": formats, "report": words[0], "files": count(out)}
            yield result


def count(folder) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def differing(together, apart) -> list[str]:
    """Pages and CSV of one pass that are not those made alone."""
    made = {}
    for path in together.rglob("*"):
        if path.suffix in (".html", ".csv"):
            made.setdefault(path.name, set()).add(path.read_bytes())
    single = {}
    for path in apart.rglob("*"):
        if path.suffix in (".html", ".csv"):
            single.setdefault(path.name, set()).add(path.read_bytes())
    # What belongs to no customer is in the pass alone.
    return [f"{name} DIFFERS between one command and one command each"
            for name, files in single.items() if not files <= made.get(name, set())]
