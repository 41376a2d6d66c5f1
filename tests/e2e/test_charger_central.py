"""`tally charger` at an independent central system (npm ocpp-rpc, strict mode), with both versions of OCPP."""

import hashlib
import json
import pathlib
import shutil
import signal
import subprocess
import tempfile

from certificates import certificate, openssl
from harness import check, check_equal, main

HERE = pathlib.Path(__file__).parent


class Central:
    """The central system's process; `seen` after it was stopped."""

    def __init__(self, *files):
        self.files = files

    def __enter__(self):
        check(shutil.which("node"), "node is not installed: run tools/setup")
        check((HERE / "node_modules" / "ocpp-rpc").is_dir(), "ocpp-rpc is not installed: run tools/setup")
        self.process = subprocess.Popen(["node", HERE / "ocpp_rpc_central.js", *self.files], stdout=subprocess.PIPE, text=True,
                                        stdin=subprocess.DEVNULL)
        self.port = int(self.process.stdout.readline())
        self.seen = None
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.seen = json.loads(self.process.stdout.readline())
        self.process.wait(timeout=30)

    def __exit__(self, kind, error, trace):
        if self.seen is None:
            self.process.kill()
            self.process.wait(timeout=30)


def play(bin_dir, central, *options, codes=(0,), password="secret"):
    url = f"{'wss' if central.files else 'ws'}://127.0.0.1:{central.port}/ocpp"
    secret = ["--password", password] if password else []
    done = subprocess.run(
        [pathlib.Path(bin_dir) / "tally", "charger", "--url", url, *secret, "--card", "BBB-{n:4}", "--card", "BBB-9{n:3}",
         "--speed", "600", "--json", *options],
        capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL)
    check(done.returncode in codes, f"tally charger gave {done.returncode}\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout) if done.stdout.startswith("{") else None


def no_errors(answers, but=()):
    """Outcomes of calls, without those that a strict central system must give."""
    for action, outcomes in answers.items():
        for outcome in outcomes:
            check(outcome in ("ok", "Accepted") or outcome in but, f"{action} was answered {outcome}")


def every_message_keeps_its_schema_in_both_versions(bin_dir):
    scripts = ["normal", "duplicates", "two-cards", "reboot", "permuted", "offline-charge", "missing-stop", "faulted"]
    with Central() as central:
        options = [word for script in scripts for word in ("--script", script)]
        for version in ("1.6", "2.0.1"):
            summary = play(bin_dir, central, "--version", version, "--count", str(len(scripts)), "--sign", *options)
            check_equal(summary["failures"], [], f"failures with {version}")
            for script in scripts:
                no_errors(summary["scripts"][script])
            check_equal(len(summary["charges"]), 8, f"charges with {version}")
            check_equal(sum(charge["ended"] for charge in summary["charges"]), 7, f"charges that ended with {version}")
        central.stop()
        check("error" not in central.seen, f"the central system's own call: {central.seen.get('error')}")
        check(central.seen["calls"]["TransactionEvent"] > 20, "too few transaction events")
        check(central.seen["calls"]["StopTransaction"] > 8, "too few stops")


def the_same_seed_says_the_same(bin_dir):
    """All of it but times, and the ids that are made of them."""
    def said():
        with Central() as central:
            play(bin_dir, central, "--version", "both", "--count", "4", "--script", "permuted", "--seed", "7",
                 "--sample", "60")
            central.stop()
            # How many samples there are depends on the time that passes.
            kept = [[action, params.get("idTag"), params.get("reason"), params.get("eventType")]
                    for name in sorted(central.seen["stations"]) for action, params in central.seen["stations"][name]
                    if action in ("BootNotification", "Authorize", "StartTransaction")]
            return kept
    check_equal(said(), said(), "what two runs of a seed say")


def a_wrong_password_is_reported(bin_dir):
    with Central() as central:
        summary = play(bin_dir, central, "--give-up", "2", password="wrong", codes=(1,))
        check_equal(len(summary["failures"]), 1, "failures")
        check(any("401" in why for why in summary["disconnections"]), f"no 401 in {summary['disconnections']}")
        central.stop()
        check_equal(central.seen["calls"], {}, "calls")


def a_fleet_charges_at_once(bin_dir):
    with Central() as central:
        summary = play(bin_dir, central, "--count", "60", "--id", "SITE-{n:3}", "--version", "both",
                       "--script", "reconnect-storm")
        check_equal(summary["failures"], [], "failures")
        check_equal(sum(charge["ended"] for charge in summary["charges"]), 60, "charges that ended")
        check_equal(summary["connections"], 240, "connections: the first, and three more each")
        central.stop()
        check_equal(len(central.seen["stations"]), 60, "stations")


def certificates_of_both_sides_are_checked(bin_dir):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        authority = certificate(folder, "authority")
        other = certificate(folder, "other")
        server, charger = certificate(folder, "server", authority), certificate(folder, "charger", authority)
        pin = hashlib.sha256(openssl("x509", "-in", server[0], "-outform", "DER")).hexdigest()
        own = ["--certificate", charger[0], "--certificate-key", charger[1], "--version", "both", "--count", "2"]
        with Central(*server, authority[0]) as central:
            for trust in (["--ca", authority[0]], ["--pin", pin]):
                summary = play(bin_dir, central, *trust, *own, password="")
                check_equal([charge["ended"] for charge in summary["charges"]], [True, True], f"charges with {trust[0]}")
            wrong = [["--ca", other[0], *own], ["--pin", pin[::-1], *own], own, ["--ca", authority[0]]]
            for options in wrong:
                summary = play(bin_dir, central, *options, "--give-up", "2", codes=(1,), password="")
                check(not summary["charges"], f"a charge with {options}")
            central.stop()


main([certificates_of_both_sides_are_checked, every_message_keeps_its_schema_in_both_versions, the_same_seed_says_the_same, a_wrong_password_is_reported,
      a_fleet_charges_at_once])
