"""Wrong configuration: a message with file, line and key, and exit code 78."""

import pathlib
import socket
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
BRIDGE = """bridge_id = "B1"
key_file = "bridge.key"
data_dir = "data"
chain_id = "0000000000000000000000000000000000000000000000000000000000000000"
[node]
address = "127.0.0.1:1"
link_key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
[ocpp]
listen = "{ocpp}"
[api]
listen = "{api}"
token_file = "api.token"
[[charger]]
id = "CP1"
password = "a-password-of-16-or-more"
connectors = 1
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
    check_problem("tally-bridge", bin_dir, BRIDGE.replace("a-password-of-16-or-more", "fifteen-letters"), 15, "has 15")


def passwords_are_hashed_unless_they_are_too_short(bin_dir):
    for length, code in ((1, 64), (15, 64), (16, 0), (64, 0), (65, 64)):
        done = subprocess.run([pathlib.Path(bin_dir, "tally-bridge"), "hash-password"], input="x" * length + "\n",
                              capture_output=True, text=True, timeout=30, check=False)
        check_equal(done.returncode, code, f"exit code for a password of {length} bytes ({done.stderr})")
        check_equal(done.stdout.startswith("scrypt1:"), code == 0, f"a hash for a password of {length} bytes")
        check(code == 0 or f"16 to 64 bytes, this one {length}" in done.stderr, f"what is wrong is not said: {done.stderr}")


def a_new_local_list_takes_the_place_of_the_old_one(bin_dir):
    with tempfile.TemporaryDirectory() as folder:
        key, tokens, out, old = (pathlib.Path(folder, name) for name in ("operator.key", "tokens", "local.list", "held-open"))
        key.touch(mode=0o600)
        key.write_text("11" * 32, encoding="ascii")
        said = []
        for limit in ("15.00", "25.00"):
            tokens.write_text(f"BBB-1 {limit}\n", encoding="ascii")
            done = subprocess.run([pathlib.Path(bin_dir, "tally-bridge"), "sign-list", "--tokens", tokens, "--operator", "BBB",
                                   "--currency", "CNY", "--valid-until", "2099-01-01T00:00:00Z", "--key", key, "--out", out],
                                  capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL)
            check_equal(done.returncode, 0, f"exit code of sign-list ({done.stderr})")
            said.append(out.read_text(encoding="ascii"))
            if not old.exists():
                old.hardlink_to(out)  # As a bridge that is reading it.
        check("15.0000" in said[0] and "25.0000" in said[1], "the lists do not have the limits")
        check_equal(old.read_text(encoding="ascii"), said[0], "the list that was being read")


def help_has_exit_codes_and_an_example(bin_dir):
    commands = [["tally-bridge", *words] for words in (["run"], ["review"], ["review", "list"], ["review", "show"],
                ["review", "release"], ["review", "reject"], ["sign-list"], ["hash-password"])]
    commands += [["tally", *words] for words in (["charger"], ["meter", "verify"], ["calibrate"], ["tokens", "new-key"],
                 ["tokens", "status"], ["tokens", "register"], ["tokens", "drop"])]
    for program, *words in commands:
        done = subprocess.run([pathlib.Path(bin_dir, program), *words, "--help"], capture_output=True, text=True, timeout=30,
                              check=False, stdin=subprocess.DEVNULL)
        check_equal(done.returncode, 0, f"exit code of the help of {program} {words}")
        examples = [line for line in done.stdout.splitlines() if line.startswith(f"  {program} {words[0]}")]
        check("Exit codes: 0" in done.stdout and examples, f"{program} {words} has no exit codes or no example")


def a_missing_file_is_named(bin_dir):
    for program in ("tallyd", "tally-bridge"):
        done = subprocess.run([pathlib.Path(bin_dir, program), "run", "--config", "/nonexistent.toml"],
                              capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL)
        check_equal(done.returncode, 78, f"exit code of {program}")
        check("/nonexistent.toml" in done.stderr, f"{program} does not name the file: {done.stderr}")


def a_port_that_is_taken_is_named(bin_dir):
    with tempfile.TemporaryDirectory() as folder, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        for name, secret in (("bridge.key", "11" * 32), ("api.token", "token")):
            pathlib.Path(folder, name).touch(mode=0o600)
            pathlib.Path(folder, name).write_text(secret, encoding="ascii")
        for key in ("ocpp", "api"):
            listen = {"ocpp": "127.0.0.1:0", "api": "127.0.0.1:0", key: where}
            path = pathlib.Path(folder, "bridge.toml")
            path.write_text(BRIDGE.format(**listen), encoding="utf-8")
            done = subprocess.run([pathlib.Path(bin_dir, "tally-bridge"), "run", "--config", path], capture_output=True,
                                  text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
            check_equal(done.returncode, 74, f"exit code with a taken port of {key} ({done.stderr[-500:]})")
            check(f"cannot listen on {where}" in done.stderr, f"the port of {key} is not named: {done.stderr}")


main([a_port_that_is_taken_is_named, wrong_node_configuration_is_named, wrong_bridge_configuration_is_named,
      passwords_are_hashed_unless_they_are_too_short, help_has_exit_codes_and_an_example,
      a_new_local_list_takes_the_place_of_the_old_one, a_missing_file_is_named])
