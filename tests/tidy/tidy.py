"""Checks the rules of the house that no compiler checks. Run by ctest as `tidy`; prints one line per finding.

The rules: which folder may include which, what deterministic code must not touch, where generated protobuf headers may be
seen, how many files include the slow Boost headers, sizes of files and functions, the GCC 12 coroutine trap, no sleeps in
tests, no unfinished marks, formatting. `tidy.py ROOT --self-test` plants one violation of each rule and demands that it is found.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# folder -> folders whose headers it may include besides its own; the longest matching prefix counts.
LEDGER = ["ledger/base/", "ledger/crypto/", "ledger/model/", "ledger/state/", "ledger/chain/", "ledger/store/", "ledger/audit/"]
MAY_INCLUDE = {name: LEDGER[:rank] for rank, name in enumerate(LEDGER)}
MAY_INCLUDE |= {
    "consensus/": ["ledger/base/", "ledger/crypto/"],
    "node/": ["ledger/", "consensus/"],
    "charger_bridge/": ["ledger/", "node/link/", "node/runtime/"],
    "tools/": ["ledger/", "consensus/", "node/", "charger_bridge/", "tests/simulator/"],
    "tests/": ["ledger/", "consensus/", "node/", "charger_bridge/", "tools/"],
    "tests/simulator/": ["ledger/", "consensus/", "node/replica/", "tests/support/"],
}

# Code that must give the same result on every machine and in every run.
DETERMINISTIC = (
    "ledger/crypto/merkle", "ledger/model/", "ledger/state/", "ledger/chain/", "consensus/simplex/",
)
BANNED_THERE = re.compile(
    r"#include <(random|thread|mutex|atomic|condition_variable|future|unordered_map|unordered_set|iostream|fstream|locale"
    r"|boost/.*|leveldb/.*|spdlog/.*|openssl/.*|sys/.*|unistd\.h)>"
    r"|_clock::now\b|\bstd::rand\b|\brandom_device\b|\b(float|double)\b|\bstd::time\b")
# The core compiles without Boost, logging and storage libraries.
CORE = ("ledger/", "consensus/")
BANNED_IN_CORE = re.compile(r"#include <(boost|spdlog|prometheus|toml\+\+|CLI|valijson)/")

# Only these may see generated protobuf code.
PB_EDGES = {
    "ledger/model/transaction.cpp", "ledger/model/membership_wire.cpp", "ledger/model/tariff_wire.cpp",
    "ledger/model/clearing_wire.cpp",
    "consensus/wire/wire.cpp", "node/link/bridge_messages.cpp", "node/roaming/messages.cpp",
}
PB_EDGE_DIRS = ("consensus/wire/",)

BEAST_OR_SSL = re.compile(r"#include <boost/(beast|asio/ssl)")
BEAST_OR_SSL_FILES_MAX = 9

FILE_LINES_MAX = {"tests/": 800, "": 600}
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100

INCLUDE = re.compile(r'#include "([^"]+)"')
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
SLEEPS = re.compile(r"sleep_for|sleep_until|\busleep\(|\bnanosleep\(|time\.sleep\(|\bsleep\(\d")
# A capturing lambda or an aggregate temporary inside a co_await expression is destroyed twice by GCC 12.
CO_AWAIT_TRAP = re.compile(r"co_await\b[^;]*?(\[[^\]\[]*[&=\w][^\]\[]*\]\s*(\([^)]*\))?\s*(mutable\s*)?\{|\b[A-Z]\w*\{\s*\.)", re.S)
TEST_CASE = re.compile(r"^\s*(SCENARIO|TEST_CASE)\s*\(")


def sources(root):
    for top in ("ledger", "consensus", "node", "charger_bridge", "tools", "tests"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".h", ".cpp") and "node_modules" not in path.parts:
                yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")


def longest_prefix(name, table):
    found = [prefix for prefix in table if name.startswith(prefix)]
    return max(found, key=len) if found else None


def without_comments(text):
    """Comments and string contents become blanks; line breaks stay."""
    def blank(match):
        token = match.group(0)
        if token.startswith(("//", "/*")):
            return re.sub(r"[^\n]", " ", token)
        if token.startswith("R\""):
            return "R\"\"" + re.sub(r"[^\n]", " ", token[3:])
        return token[0] + " " * (len(token) - 2) + token[-1]
    return re.sub(r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def function_lengths(code):
    """(line, length) of bodies that open at the end of a line at namespace or class level, found by indentation.

    clang-format puts the closing brace of a function at the indentation of its first line.
    """
    lines = code.splitlines()
    opener = re.compile(r"^(\s*)(?!.*\b(namespace|class|struct|enum|union|extern|do|else|if|for|while|switch|try|catch|case|default)\b)\S.*[)\w>]\s*\{$")
    index = 0
    while index < len(lines):
        match = opener.match(lines[index])
        if match and "=" not in lines[index].split("(")[0]:
            start = index
            indent = match.group(1)
            # The signature may span lines: its first line has the closing brace's indentation.
            end = next((i for i in range(index + 1, len(lines)) if re.match(r"^\s*\}", lines[i])
                        and len(lines[i]) - len(lines[i].lstrip()) <= len(indent)), None)
            if end is not None and TEST_CASE.match(lines[start]) is None:
                yield start + 1, end - start + 1
            index = (end or index) + 1 if end is not None and TEST_CASE.match(lines[start]) is None else index + 1
        else:
            index += 1


def include_problems(name, number, line):
    include = INCLUDE.match(line)
    if not include:
        return
    target = include[1]
    if target.endswith(".pb.h"):
        if name not in PB_EDGES and not name.startswith(PB_EDGE_DIRS) and not name.startswith("tests/"):
            yield f"{name}:{number}: only edge files may include {target}"
        return
    rule = longest_prefix(name, MAY_INCLUDE)
    if rule is None or target.startswith(rule) or "/" not in target:
        if "/" not in target:
            yield f"{name}:{number}: include by the path from the root: {target}"
        return
    if not target.startswith(tuple(MAY_INCLUDE[rule])):
        yield f"{name}:{number}: {rule} may not include {target}"


def line_problems(name, number, line, code):
    if len(line) > COLUMNS_MAX:
        yield f"{name}:{number}: {len(line)} columns, at most {COLUMNS_MAX}"
    yield from include_problems(name, number, line)
    if name.startswith(DETERMINISTIC) and BANNED_THERE.search(code):
        yield f"{name}:{number}: not allowed in deterministic code: {line.strip()}"
    if name.startswith(CORE) and BANNED_IN_CORE.search(code):
        yield f"{name}:{number}: the core does without this library: {line.strip()}"
    if UNFINISHED.search(line):
        yield f"{name}:{number}: finish it before it is merged"
    if name.startswith("tests/") and SLEEPS.search(code):
        yield f"{name}:{number}: wait for a condition with a deadline instead of sleeping"


def text_problems(name, text):
    lines = text.splitlines()
    limit = FILE_LINES_MAX[longest_prefix(name, FILE_LINES_MAX)]
    if len(lines) > limit:
        yield f"{name}: {len(lines)} lines, at most {limit}"
    if name.endswith(".h") and "#pragma once" not in text:
        yield f"{name}: has no #pragma once"
    code_text = without_comments(text)
    code = code_text.splitlines()
    for number, (line, bare) in enumerate(zip(lines, code), start=1):
        yield from line_problems(name, number, line, bare)
    for match in CO_AWAIT_TRAP.finditer(code_text):
        number = code_text.count("\n", 0, match.start()) + 1
        yield f"{name}:{number}: name the lambda or aggregate before co_await (GCC 12 destroys it twice)"
    for start, length in function_lengths(code_text):
        if length > FUNCTION_LINES_MAX:
            yield f"{name}:{start}: function of {length} lines, at most {FUNCTION_LINES_MAX}"


def tree_problems(files):
    slow = [name for name, text in files if not name.startswith("tests/") and BEAST_OR_SSL.search(text)]
    if len(slow) > BEAST_OR_SSL_FILES_MAX:
        yield f"{len(slow)} files include Beast or SSL, at most {BEAST_OR_SSL_FILES_MAX}: {' '.join(slow)}"
    for name in slow:
        if name.endswith(".h"):
            yield f"{name}: Beast and SSL stay inside .cpp files"


def format_problems(root):
    tool = shutil.which("clang-format")
    if tool is None:
        yield "clang-format is not installed: run tools/setup"
        return
    files = [root / name for name, _ in sources(root)]
    result = subprocess.run([tool, "--dry-run", "-Werror", *files], capture_output=True, text=True, check=False)
    named = sorted({line.split(":")[0] for line in result.stderr.splitlines() if "error:" in line})
    for path in named:
        yield f"{pathlib.Path(path).relative_to(root)}: not formatted: run clang-format -i on it"


def problems(root, with_format=True):
    files = list(sources(root))
    if not files:
        yield f"{root}: no sources found"
    for name, text in files:
        yield from text_problems(name, text)
    yield from tree_problems(files)
    if with_format:
        yield from format_problems(root)


PLANTED = {
    "may not include": ("ledger/base/a.h", '#pragma once\n#include "ledger/crypto/sha256.h"\n'),
    "not allowed in deterministic": ("consensus/simplex/a.cpp", "#include <unordered_map>\n"),
    "does without this library": ("ledger/store/a.cpp", "#include <boost/asio.hpp>\n"),
    "only edge files": ("node/api/a.cpp", '#include "ledger/model/ledger.pb.h"\n'),
    "at most 600": ("node/a.cpp", "int x;\n" * 601),
    "function of": ("node/a.cpp", "int f() {\n" + "    g();\n" * 70 + "}\n"),
    "columns": ("node/a.cpp", "// " + "x" * 100 + "\n"),
    "before co_await": ("node/a.cpp", "void f() {\n    co_await run([key] { return use(key); });\n}\n"),
    "finish it": ("node/a.cpp", "// TO" + "DO later\n"),
    "instead of sleeping": ("tests/node/a.cpp", "std::this_thread::sleep_" + "for(x);\n"),
    "no #pragma once": ("node/a.h", "int f();\n"),
    "Beast or SSL": (None, None),
}


def self_test():
    failures = []
    for expected, (name, text) in PLANTED.items():
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            planted = [(name, text)] if name else [
                (f"node/f{i}.cpp", "#include <boost/beast/http.hpp>\n") for i in range(BEAST_OR_SSL_FILES_MAX + 1)]
            for file, content in planted:
                (root / file).parent.mkdir(parents=True, exist_ok=True)
                (root / file).write_text(content)
            if not any(expected in found for found in problems(root, with_format=False)):
                failures.append(f"the rule '{expected}' does not find its planted violation")
    return failures


if __name__ == "__main__":
    findings = self_test() if "--self-test" in sys.argv else list(problems(pathlib.Path(sys.argv[1])))
    print("\n".join(findings) if findings else "tidy: nothing found")
    sys.exit(1 if findings else 0)
