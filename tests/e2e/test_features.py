"""A protocol feature is voted in while old programs run: it waits for them, begins when a quorum knows it, and an old
program then stops and says why."""

import pathlib
import shutil
import subprocess

from harness import Devnet, check, check_equal, main, wait_until

FEATURE = 1000  # known to tests/next/tallyd only
EXIT_OUTDATED = 76


def decide(net, kind, *arguments):
    answer = net.vote(net.propose(kind, *arguments, by="AAA"), "BBB", "HUB")
    check_equal((answer["result"], answer["state"]), ("ok", "decided"), kind)


def upgraded_programs(net, bin_dir):
    newer = pathlib.Path(bin_dir).parent / "tests" / "next" / "tallyd"
    check(newer.exists(), f"{newer} is not built")
    folder = pathlib.Path(net.folder, "bin")
    folder.mkdir()
    for program in ("tally", "tally-bridge"):
        shutil.copy2(net.bin / program, folder / program)
    shutil.copy2(newer, folder / "tallyd")
    return folder


def upgrade(net, member):
    net.run("devnet", "stop", member, "--dir", net.net)
    net.restart(member)


def check_old_program_refuses(net, member, old_bin):
    done = subprocess.run([pathlib.Path(old_bin, "tallyd"), "run", "--config", net.node(member)["config"]],
                          capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    check_equal(done.returncode, EXIT_OUTDATED, f"exit code of the old program ({done.stderr})")
    check(f"feature {FEATURE}" in done.stderr and "install a newer release" in done.stderr, f"what it says: {done.stderr}")


def a_feature_begins_when_a_quorum_runs_programs_that_know_it(bin_dir):
    with Devnet(bin_dir, up_options=("--bridges", "0")) as net:
        decide(net, "set-parameters", "--set", "epoch_blocks_max=12")
        decide(net, "activate-feature", "--feature", str(FEATURE))
        begun = net.epoch("HUB")["epoch"]
        epoch = net.wait_epoch("HUB", begun + 2, 120)  # ended by its length, more than once
        check_equal((epoch["features"], epoch["wanted_features"], epoch["ready"]), ([], [FEATURE], []), "nobody knows it")
        net.bin = upgraded_programs(net, bin_dir)  # from here on `devnet start` takes the newer program
        for member in ("AAA", "BBB"):
            upgrade(net, member)
        wait_until(lambda: net.epoch("HUB")["ready"] == ["AAA", "BBB"], 60, "both upgraded nodes are ready")
        net.wait_epoch("HUB", net.epoch("HUB")["epoch"] + 1, 120)
        check_equal(net.epoch("HUB")["features"], [], "two of four are not enough")
        upgrade(net, "HUB")
        wait_until(lambda: (net.epoch("HUB") or {}).get("features") == [FEATURE], 60, "the feature is active")
        wait_until(lambda: net.get("CCC", "/api/v1/status") is None, 60, "the old program has stopped")
        check_old_program_refuses(net, "CCC", bin_dir)
        net.check_goes_on("AAA")
        net.restart("CCC")
        net.wait_same_height()
        for member in net.members():
            epoch = net.epoch(member)
            check_equal((epoch["features"], epoch["wanted_features"]), ([FEATURE], []), f"features at {member}")
        net.check_same_state_roots()
        for done in net.audit(codes=(1,)):  # `tally` does not know it either
            check(f"feature {FEATURE}" in done.stdout, f"what the audit says: {done.stdout}")


main([a_feature_begins_when_a_quorum_runs_programs_that_know_it])
