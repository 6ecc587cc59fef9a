"""How every engine types the columns of a cost export.

The same for all: exact decimals as costlake keeps them, dates, and text for the rest.
"""

import gzip
import pathlib

DECIMALS = frozenset("""effectiveprice quantity costinbillingcurrency costinpricingcurrency
costinusd paygcostinbillingcurrency paygcostinusd exchangeratepricingtobilling
partnerearnedcreditrate paygprice unitprice""".split())
DATES = frozenset("""billingperiodenddate billingperiodstartdate serviceperiodenddate
serviceperiodstartdate date exchangeratedate""".split())

DECIMAL = "decimal"
DATE = "date"
TEXT = "text"


def typed_columns(file: str) -> dict[str, str]:
    """Kinds by column name, as the header spells it: letter case differs between exports."""
    path = pathlib.Path(file)
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig") as lines:
        names = lines.readline().rstrip("\r\n").split(",")
    return {name: kind(name.lower()) for name in names}


def kind(name: str) -> str:
    if name in DECIMALS:
        return DECIMAL
    return DATE if name in DATES else TEXT
