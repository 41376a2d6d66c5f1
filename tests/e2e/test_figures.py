"""The driver's figures of a running charge: the same integers at bridge, node A, hub backup and node B."""

import json
import os
import signal
import time
import urllib.request

from harness import Devnet, check, check_equal, main, wait_until

FIGURES = ("t_s", "energy_wh", "mc", "mp", "n_percent", "ts_s")
LOOKS = 3


def bridge_session(net, operator, session):
    bridge = net.bridge(operator)
    request = urllib.request.Request(bridge["api"] + "/api/v1/chargers")
    request.add_header("Authorization", "Bearer " + net.manifest["admin_token"])
    with urllib.request.urlopen(request, timeout=10) as answer:
        chargers = json.loads(answer.read().decode())
    for charger in chargers["items"]:
        for item in charger["sessions"]:
            if item["id"] == session:
                return item
    return None


def figures_everywhere(net, session):
    """By place; None where the session is not shown yet."""
    seen = {"bridge": bridge_session(net, "AAA", session)}
    for member in ("AAA", "HUB", "BBB"):
        seen[member] = net.session(member, session)
    return {place: tuple(view[name] for name in FIGURES) if view else None for place, view in seen.items()}


def running_session(net):
    for session in net.sessions("AAA"):
        if session["state"] == "charging" and session["t_s"] > 0:
            return session["id"]
    return None


def same_while_nothing_moves(net, session):
    """One meter value that all four show, or None: of two within 100 ms only one is relayed."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        seen = figures_everywhere(net, session)
        by_time = {}
        for place, figures in seen.items():
            if figures is not None:
                by_time.setdefault(figures[:2], set()).add(figures)
        for figures in by_time.values():
            check_equal(len(figures), 1, f"different figures of one meter value: {seen}")
        if None not in seen.values() and len(set(seen.values())) == 1:
            return seen["bridge"]
        time.sleep(0.1)
    return None


def figures_are_equal_at_all_four(bin_dir):
    with Devnet(bin_dir) as net:
        charge = net.start(*net.charge_arguments("AAA", "BBB", prepaid="50.00", energy_wh=20000, speed=20))
        try:
            wait_until(lambda: running_session(net) is not None, 120, "a charge shows figures")
            session = running_session(net)
            looks = set()
            deadline = time.monotonic() + 240
            while len(looks) < LOOKS and time.monotonic() < deadline and charge.poll() is None:
                os.kill(charge.pid, signal.SIGSTOP)
                same = same_while_nothing_moves(net, session)
                os.kill(charge.pid, signal.SIGCONT)
                if same is not None:
                    looks.add(same)
                time.sleep(0.5)
            check_equal(len(looks), LOOKS, f"meter values that all four showed: {looks}")
            for figures in looks:
                check(figures[4] is not None and figures[5] is not None, f"no N or ts in {figures}")
        finally:
            charge.kill()
            charge.communicate()


main([figures_are_equal_at_all_four])
