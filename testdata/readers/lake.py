"""Asks costlake about a lake: many questions, one process."""

import json
import subprocess
import tempfile


def ask(costlake: str, lake: str, questions: dict[str, str], as_of: str | None = None,
        config: str | None = None, number=float) -> dict[str, list[list]]:
    """The rows that each named SELECT list answers; NULL is None.

    A question is what follows `select` in a query; its rows are told apart by a first column
    that holds its name.
    """
    script = ";\n".join(f"select '{name}' as question, {rest}" for name, rest in questions.items())
    flags = [*(("--as-of", as_of) if as_of else ()), *(("--config", config) if config else ())]
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as file:
        file.write(script)
        file.flush()
        command = [costlake, "--quiet", "--lake", lake, *flags,
                   "sql", "--format", "ndjson", "-f", file.name]
        output = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    answers = {name: [] for name in questions}
    for line in output.splitlines():
        name, *row = json.loads(line, parse_float=number, parse_int=number).values()
        answers[name].append(row)
    return answers
