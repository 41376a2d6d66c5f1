"""Wrong configuration: a message with file, line and key, and exit code 78."""

import pathlib
import subprocess
import tempfile

from harness import check, check_equal, main

NODE = """member = "AAA"
data_dir = "data"
genesis = "genesis.json"
[keys]
member = "m.key"
consensus = "c.key"
link = "l.key"
[link]
listen = "127.0.0.1:7001"
[api]
listen = "127.0.0.1:7002"
token_file = "api.token"
"""


def run(program, bin_dir, text):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "test.toml")
        path.write_text(text, encoding="utf-8")
        done = subprocess.run([pathlib.Path(bin_dir, program), "run", "--config", path], capture_output=True, text=True,
                              timeout=30, check=False, stdin=subprocess.DEVNULL)
        return done.returncode, done.stderr, str(path)


def check_problem(program, bin_dir, text, line, key):
    code, error, path = run(program, bin_dir, text)
    check_equal(code, 78, f"exit code of {program} for {key} ({error})")
    check(f"{path}:{line}:" in error and key in error, f"{program} does not name line {line} and {key}: {error}")


def wrong_node_configuration_is_named(bin_dir):
    check_problem("tallyd", bin_dir, NODE.replace('"AAA"', '"AAAA"'), 1, "member")
    check_problem("tallyd", bin_dir, NODE.replace("127.0.0.1:7001", "127.0.0.1:99999"), 9, "link.listen")
    check_problem("tallyd", bin_dir, NODE + 'colour = "red"\n', 13, "api.colour")
    check_problem("tallyd", bin_dir, NODE.replace("[api]", "[api"), 10, "")
    check_problem("tallyd", bin_dir, NODE.replace('token_file = "api.token"\n', ""), 10, "token_file")


def wrong_bridge_configuration_is_named(bin_dir):
    check_problem("tally-bridge", bin_dir, 'bridge_id = ""\nport = 7\n', 2, "port")


def a_missing_file_is_named(bin_dir):
    for program in ("tallyd", "tally-bridge"):
        done = subprocess.run([pathlib.Path(bin_dir, program), "run", "--config", "/nonexistent.toml"],
                              capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL)
        check_equal(done.returncode, 78, f"exit code of {program}")
        check("/nonexistent.toml" in done.stderr, f"{program} does not name the file: {done.stderr}")


main([wrong_node_configuration_is_named, wrong_bridge_configuration_is_named, a_missing_file_is_named])
