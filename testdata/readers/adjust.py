"""By what a partner multiplies a row's prices: the [[adjustments]] of a costlake.toml."""

import json
import pathlib
import tomllib
from decimal import Decimal


class Adjustments:
    """The adjustments of a config file, and the price customers are billed."""

    def __init__(self, config: str | None):
        text = pathlib.Path(config).read_text(encoding="utf-8") if config else ""
        settings = tomllib.loads(text, parse_float=Decimal)
        self.prices = settings.get("billing", {}).get("prices", "list")
        self.versions = {}
        for adjustment in settings.get("adjustments", []):
            self.versions.setdefault(adjustment["name"], []).append(adjustment)

    def columns(self) -> list[str]:
        """The columns that the conditions ask, in order."""
        found = set()
        for versions in self.versions.values():
            for adjustment in versions:
                for rule in adjustment["rules"]:
                    found |= asked(rule.get("when"))
        return sorted(found)

    def effective(self, name: str, month: str):
        """The version of an adjustment that holds in a month, or None."""
        begun = [version for version in self.versions[name] if version["effective_month"] <= month]
        return max(begun, key=lambda version: version["effective_month"], default=None)

    def added(self, name: str, month: str, row: dict) -> Decimal:
        """What an adjustment adds to 1."""
        adjustment = self.effective(name, month)
        if adjustment is None:
            return Decimal(0)
        matching = (rule for rule in adjustment["rules"] if matches(rule.get("when"), row))
        percent = Decimal(next(matching, {"percent": 0})["percent"])
        return percent / 100 * self.left_by(adjustment.get("builds_on"), month, row)

    def left_by(self, name: str | None, month: str, row: dict) -> Decimal:
        """What 1 is after an adjustment and all that it builds on."""
        if name is None:
            return Decimal(1)
        adjustment = self.effective(name, month) or {}
        before = self.left_by(adjustment.get("builds_on"), month, row)
        return before + self.added(name, month, row)

    def factor(self, month: str, row: dict) -> float:
        return float(1 + sum(self.added(name, month, row) for name in self.versions))


def load(connection, adjustments: Adjustments) -> None:
    """Makes the table `factored`: the rows of `priced`, and each one's `factor`."""
    cells = ", ".join(f"'{column}', {column}" for column in adjustments.columns())
    asked_cells = f"json_object({cells})::text"
    found = connection.execute(f"select distinct billing_month, {asked_cells} from priced").fetchall()
    months, rows = zip(*found)
    factors = [adjustments.factor(month, json.loads(row)) for month, row in found]
    connection.execute(
        f"""create table factored as
        with factors as (select unnest(?) as billing_month, unnest(?) as row_asked, unnest(?) as factor)
        select priced.*, factor
        from priced join factors on priced.billing_month = factors.billing_month
            and {asked_cells} = row_asked""",
        [list(months), list(rows), factors],
    )


def asked(when: dict | None) -> set[str]:
    found = set()
    for word, rest in (when or {}).items():
        match word:
            case "and" | "or":
                found.update(*map(asked, rest))
            case "not":
                found |= asked(rest)
            case _:
                found |= rest.keys()
    return found


def matches(when: dict | None, row: dict) -> bool:
    if when is None:
        return True
    ((word, rest),) = when.items()
    match word:
        case "and":
            return all(matches(part, row) for part in rest)
        case "or":
            return any(matches(part, row) for part in rest)
        case "not":
            return not matches(rest, row)
    return all(has(word, row[column], texts) for column, texts in rest.items())


def has(word: str, cell: str | None, texts: str | list[str]) -> bool:
    """Whether a cell is, or contains, one of some texts; '' is a cell without a value."""
    value = (cell or "").lower()
    wanted = [text.lower() for text in ([texts] if isinstance(texts, str) else texts)]
    if word == "equals":
        return value in wanted
    return any(text in value for text in wanted)
