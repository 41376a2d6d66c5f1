#!/usr/bin/env python3
"""Checks the table of the bridge's metrics in docs/operators.md: each metric that the code makes has one row, with its type
and its labels, and no row is of a metric that is gone.

    metric_table.py ROOT                exit code 1 and a line for each thing that is wrong
    metric_table.py ROOT --self-test    plants what it must find
"""

import pathlib
import re
import sys

NAME = re.compile(r'"(tally_bridge_\w+)"')
# A metric is made by one statement: how, its name, and what follows up to the end.
MADE = re.compile(r'\b(counter|gauge|histogram|count)\(\s*"(tally_bridge_\w+)"([^;]*);')
LABEL = re.compile(r'\{\s*"(\w+)",')
ROW = re.compile(r"^\| `(tally_bridge_\w+)` \| (\w+) \| ([^|]*) \| ([^|]+) \|$", re.M)


def made_in(sources):
    """Name -> (type, labels) of the metrics that the sources make, and the literals that are in no such statement."""
    found, loose = {}, []
    for text in sources:
        for kind, name, rest in MADE.findall(text):
            found[name] = ("counter" if kind == "count" else kind, set(LABEL.findall(rest)))
        loose += NAME.findall(MADE.sub("", text))
    return found, loose


def problems(sources, page):
    made, loose = made_in(sources)
    yield from (f"{name}: how it is made was not understood" for name in loose)
    rows = ROW.findall(page)
    names = [name for name, _, _, _ in rows]
    yield from (f"{name}: has no row" for name in sorted(set(made) - set(names)))
    yield from (f"{name}: has several rows" for name in sorted({name for name in names if names.count(name) > 1}))
    for name, kind, labels, _ in rows:
        if name not in made:
            yield f"{name}: has a row, and is not made"
        elif (kind, set(re.findall(r"\w+", labels))) != made[name]:
            yield f"{name}: the row says {kind} {{{labels}}}, the code {made[name][0]} {sorted(made[name][1])}"


def self_test():
    code = 'm.counter("tally_bridge_a", "help", {{"why", text}}).add(); m.gauge("tally_bridge_b", "help").set(1);'
    good = "| `tally_bridge_a` | counter | why | x |\n| `tally_bridge_b` | gauge |  | x |\n"
    bad = {"several rows": good + good, "has no row": "", "is not made": good + "| `tally_bridge_c` | gauge |  | x |\n",
           "the code counter": good.replace("counter", "gauge"), "['why']": good.replace("why", "code")}
    if list(problems([code], good)):
        yield "finds fault with a right table"
    yield from (f"does not find: {what}" for what, page in bad.items() if what not in "\n".join(problems([code], page)))
    if not list(problems(['name = "tally_bridge_a";'], "")):
        yield "does not find a metric that is made in another way"


def main():
    root = pathlib.Path(sys.argv[1])
    if "--self-test" in sys.argv:
        found = list(self_test())
    else:
        sources = [path.read_text() for path in sorted((root / "charger_bridge").rglob("*.cpp"))]
        found = list(problems(sources, (root / "docs" / "operators.md").read_text()))
    print("\n".join(found) if found else "metric_table: nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
