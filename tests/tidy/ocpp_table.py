#!/usr/bin/env python3
"""Checks docs/protocol/ocpp201.md: every acceptance case has one row, and the tests that rows name exist.

    ocpp_table.py ROOT       exit code 1 and a line for each thing that is wrong
"""

import pathlib
import re
import sys

STATES = ("done", "open", "not applicable")


def cases_of(root):
    """The ids of the acceptance list; None where the list is not at hand."""
    listing = root.parent / "shared" / "vectors" / "ocpp201_csms_testcases.tsv"
    if not listing.is_file():
        return None
    return [line.split("\t")[0] for line in listing.read_text().splitlines() if line]


def problems(root):
    page = (root / "docs" / "protocol" / "ocpp201.md").read_text()
    tests = {number: (name, title) for number, name, title in
             re.findall(r"^\| (\d+) \| (tests/\S+) \| (.+) \|$", page, re.M)}
    for number, (name, title) in tests.items():
        path = root / name
        # Long names are broken over two literals by the formatter.
        text = re.sub(r'"\s*"', "", path.read_text()) if path.is_file() else ""
        if f'TEST_CASE("{title}"' not in re.sub(r"TEST_CASE\(\s+", "TEST_CASE(", text):
            yield f"test {number}: {name} has no test \"{title}\""
    rows = re.findall(r"^\| (TC_\w+) \| ([^|]+) \| ([^|]*) \|$", page, re.M)
    seen = [case for case, _, _ in rows]
    for case, state, what in rows:
        if state not in STATES or not what:
            yield f"{case}: state \"{state}\", \"{what}\""
        if state != "done":
            continue
        for named in what.split(", "):
            if named not in tests and named != "`e2e_ocpp_rpc`":
                yield f"{case}: names the test {named}, which is not listed"
    for case in sorted({case for case in seen if seen.count(case) > 1}):
        yield f"{case}: has several rows"
    wanted = cases_of(root)
    if wanted is None:
        print("the acceptance list is not at hand: only the rows are checked")
    else:
        yield from (f"{case}: has no row" for case in wanted if case not in seen)
        yield from (f"{case}: is no case of the list" for case in seen if case not in wanted)
    for state in STATES:
        count = sum(1 for _, found, _ in rows if found == state)
        if not re.search(rf"\b{count} {state}\b", page):
            yield f"the page does not say that {count} are {state}"


def main():
    found = list(problems(pathlib.Path(sys.argv[1]).resolve()))
    print("\n".join(found) if found else "ocpp_table: nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
