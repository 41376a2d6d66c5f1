"""kill -9 of the bridge or of its node between any two messages of many charges: the same comes out at the ledger.

The points are numbers of messages that the chargers sent, drawn from TALLY_E2E_SEED (1 unless told); `tally charger` says
when it is there.
"""

import os
import random

from charger_fleet import Fleet, begun, check_each_once, wait_all_told
from harness import Devnet, check, check_equal, main

KILLS = 24
SCRIPTS = ["normal", "stop-swipe", "duplicates", "permuted", "reboot-goes-on", "offline-charge", "reboot", "no-number"]
ROUNDS = 4


def nothing_is_lost_or_doubled(bin_dir):
    seed = int(os.environ.get("TALLY_E2E_SEED", "1"))
    chance = random.Random(seed)
    with Devnet(bin_dir, operators=2, up_options=["--bridges", "1", "--chargers", "8", "--customers", "40"]) as net:
        points = sorted(chance.sample(range(20, 260), KILLS))
        options = [word for script in SCRIPTS for word in ("--script", script)]
        options += [word for point in points for word in ("--mark", str(point))]
        fleet = Fleet(net, "--count", str(len(SCRIPTS)), "--rounds", str(ROUNDS), "--give-up", "300", *options)
        killed = 0
        while fleet.wait_line("is sent"):
            victim = chance.choice(["bridge-AAA", "bridge-AAA", "AAA"])
            net.kill(victim)
            net.run("devnet", "start", victim, "--dir", net.net, "--no-wait")
            killed += 1
        summary = fleet.finish()
        check_equal(summary["failures"], [], f"failures (seed {seed}, {killed} kills)")
        check(killed >= KILLS // 4, f"only {killed} points were reached")
        accepted = begun(summary["charges"])
        check(accepted, "no charge was accepted at all")
        check_equal([charge for charge in accepted if not charge["ended"]], [], "charges without an answered stop")
        for name in ("AAA", "bridge-AAA"):
            net.restart(name)
        wait_all_told(net, "AAA", len(accepted))
        check_each_once(net, "AAA", summary["charges"])
        net.audit()
        print(f"  seed {seed}: {killed} kills, {len(accepted)} of {len(summary['charges'])} charges accepted")


main([nothing_is_lost_or_doubled])
