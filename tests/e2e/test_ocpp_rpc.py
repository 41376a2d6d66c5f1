"""Independent OCPP clients (npm ocpp-rpc, strict mode) drive the bridge through whole charges, in both versions."""

import json
import pathlib
import shutil
import subprocess
import time

from harness import Devnet, check, check_equal, main, units, wait_until

HERE = pathlib.Path(__file__).parent


def charge_by(net, script, station, connector, meter_start, later_s=0):
    """A client's charge of 3 kWh, beginning later than now; gives what it printed and the settled session."""
    check(shutil.which("node"), "node is not installed: run tools/setup")
    check((HERE / "node_modules" / "ocpp-rpc").is_dir(), "ocpp-rpc is not installed: run tools/setup")
    bridge = net.bridge("CCC")
    charger = bridge["chargers"][station]
    token = next(customer["token"] for customer in net.manifest["customers"] if customer["home"] == "AAA")
    before = {session["id"] for session in net.sessions("CCC")}
    done = subprocess.run(
        ["node", HERE / script, bridge["ocpp"], charger["id"], charger["password"], token.lower(), str(connector),
         str(meter_start), str(int((time.time() + later_s) * 1000))],
        capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
    check_equal(done.returncode, 0, f"exit code of the client ({done.stderr})")
    session = wait_until(
        lambda: next((session for session in net.sessions("CCC")
                      if session["state"] == "settled" and session["id"] not in before), None),
        60, "the charge is settled")
    check_equal((session["home"], session["station"], session["connector"]), ("AAA", charger["id"], connector), "the session")
    check_equal(session["energy_wh"], 3000, "energy")
    check_equal(session["mp"], "40.0000", "prepaid amount")
    return json.loads(done.stdout), session


def independent_clients_charge(bin_dir):
    with Devnet(bin_dir) as net:
        said, first = charge_by(net, "ocpp_rpc_charge.js", 1, 2, 0)
        check(said["transactionId"] > 0, "transactionId is not positive")
        said, second = charge_by(net, "ocpp_rpc_charge_201.js", 0, 1, 5000)
        check_equal(round(said["cost"] * 10000), units(second["amount"]), "the cost shown at the end")
        check(0 < said["running"] < said["cost"], "no cost was shown while it ran")
        check(said["costs"], "CostUpdated never came")
        # The same charger comes back with the other version.
        _, third = charge_by(net, "ocpp_rpc_charge_201.js", 1, 2, 9000, later_s=600)
        net.wait_same_height()
        check_equal(net.check_books(), sum(units(session["amount"]) for session in (first, second, third)), "posted sum")


main([independent_clients_charge])
