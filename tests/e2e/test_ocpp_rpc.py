"""An independent OCPP client (npm ocpp-rpc, strict mode) drives the bridge through a whole charge."""

import json
import pathlib
import shutil
import subprocess
import time

from harness import Devnet, check, check_equal, main, units, wait_until

HERE = pathlib.Path(__file__).parent


def an_independent_client_charges(bin_dir):
    check(shutil.which("node"), "node is not installed: run tools/setup")
    check((HERE / "node_modules" / "ocpp-rpc").is_dir(), "ocpp-rpc is not installed: run tools/setup")
    with Devnet(bin_dir) as net:
        bridge = net.bridge("CCC")
        charger = bridge["chargers"][1]
        token = next(customer["token"] for customer in net.manifest["customers"] if customer["home"] == "AAA")
        done = subprocess.run(
            ["node", HERE / "ocpp_rpc_charge.js", bridge["ocpp"], charger["id"], charger["password"], token.lower(), "2",
             "0", str(int(time.time() * 1000))],
            capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        check_equal(done.returncode, 0, f"exit code of the client ({done.stderr})")
        check(json.loads(done.stdout)["transactionId"] > 0, "transactionId is not positive")
        session = wait_until(lambda: next((session for session in net.sessions("CCC") if session["state"] == "settled"), None),
                             30, "the charge is settled")
        check_equal((session["home"], session["station"], session["connector"]), ("AAA", charger["id"], 2), "the session")
        check_equal(session["energy_wh"], 3000, "energy")
        check_equal(session["mp"], "40.0000", "prepaid amount")
        net.wait_same_height()
        check_equal(net.check_books(), units(session["amount"]), "posted sum")


main([an_independent_client_charges])
