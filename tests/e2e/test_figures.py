"""The driver's figures of a running charge: the same integers at bridge, node A, hub backup and node B, by the b that node A had
when it began, also when all four were killed in between; and what `tally calibrate` says of settled charges."""

import json
import os
import pathlib
import signal

from charger_fleet import site_api
from harness import Devnet, check, check_equal, main, units, wait_until

FIGURES = ("t_s", "energy_wh", "mc", "mp", "n_percent", "ts_s")
PLACES = ("bridge-AAA", "AAA", "HUB", "BBB")
LOOKS = 2
RATED_W = 60_000
B_PERMILLE = 2_500
# Less and less power from the begin on, so that time is lost against the rated power.
SCRIPT = """name = "slow"
story = "a battery that takes less and less"
taper_after_wh = 1
taper_span_wh = %d
floor_w = 6000
step = [{ do = "swipe" }, { do = "start" }, { do = "charge", wh = %d }, { do = "stop" }]
"""


def figures_at(net, place, session):
    if place == "bridge-AAA":
        status, chargers = site_api(net, "AAA", "/api/v1/chargers")
        check_equal(status, 200, "status of the chargers")
        view = next((item for charger in chargers["items"] for item in charger["sessions"] if item["id"] == session), None)
    else:
        view = net.session(place, session)
    return tuple(view[name] for name in FIGURES) if view else None


def running_session(net):
    for session in net.sessions("AAA"):
        if session["state"] == "charging" and session["t_s"] >= 60:  # some time was lost since
            return session["id"]
    return None


def half_up(value, divisor):
    return (2 * value + divisor) // (2 * divisor)


def remaining_s(figures, permille):
    """ts by the definition: (Mp - Mc) / Mc * T + b * (T - E / Pc)."""
    elapsed_s, energy_wh, paid, prepaid = figures[0], figures[1], units(figures[2]), units(figures[3])
    lost_ms = elapsed_s * 1000 - half_up(energy_wh * 3_600_000, RATED_W)
    check(lost_ms > 0, f"no time was lost: {figures}")
    return half_up((prepaid - paid) * elapsed_s, paid) + half_up(lost_ms * permille, 1_000_000)


def look(net, fleet, session, before):
    """The figures of a meter value that all four show and that is not in `before`; the charger is stopped meanwhile."""
    def same():
        seen = {place: figures_at(net, place, session) for place in PLACES}
        by_value = {}
        for figures in seen.values():
            if figures is not None:
                by_value.setdefault(figures[:2], set()).add(figures)
        for figures in by_value.values():
            check_equal(len(figures), 1, f"different figures of one meter value: {seen}")
        return seen["AAA"] if len(set(seen.values())) == 1 and seen["AAA"] not in before else None

    def moved():
        figures = figures_at(net, "bridge-AAA", session)
        return figures if figures and all(figures[0] > other[0] for other in before) else None

    def held():
        """Of two meter values within 100 ms one is not relayed: then the next one is looked at."""
        wait_until(moved, 120, "a new meter value reaches the bridge")
        os.kill(fleet.pid, signal.SIGSTOP)
        try:
            return wait_until(same, 5, "all four show the same")
        except AssertionError as error:
            if "different figures" in str(error):
                raise
            return None
        finally:
            os.kill(fleet.pid, signal.SIGCONT)
    return wait_until(held, 240, "all four show the figures of one meter value")


def start_fleet(net, wh, span_wh, speed):
    script = os.path.join(net.folder, f"slow{wh}.toml")
    pathlib.Path(script).write_text(SCRIPT % (span_wh, wh))
    return net.start("charger", "--devnet", net.net, "--visited", "AAA", "--home", "BBB", "--script", script,
                     "--speed", str(speed), "--sample", "20", "--give-up", "120", "--json")


def configure(net, lines):
    config = pathlib.Path(net.node("AAA")["config"])
    config.write_text(config.read_text().split("\n[[coefficient]]")[0] + lines)
    net.kill("AAA")
    net.restart("AAA")
    wait_until(lambda: net.get("AAA", "/readyz"), 90, "AAA is ready")
    wait_until(lambda: site_api(net, "AAA", "/readyz")[0] == 200, 90, "its bridge is connected")


def figures_are_equal_at_all_four(bin_dir):
    with Devnet(bin_dir) as net:
        configure(net, '\n[[coefficient]]\nup_to_w = 22000\nb = "9"\n[[coefficient]]\nup_to_w = 60000\nb = "2.5"\n'
                       '[[coefficient]]\nb = "0"\n')
        fleet = start_fleet(net, 14_000, 2_000, 20)
        try:
            session = wait_until(lambda: running_session(net), 120, "a charge shows figures")
            looks = []
            for _ in range(LOOKS):
                looks.append(look(net, fleet, session, looks))
            # What is configured since is for other charges; this one goes by what its approval said, wherever it was killed.
            config = pathlib.Path(net.node("AAA")["config"])
            config.write_text(config.read_text().split("\n[[coefficient]]")[0])
            for place in PLACES:
                net.kill(place)
                net.restart(place)
                wait_until(lambda place=place: figures_at(net, place, session), 90, f"{place} knows the charge again")
            looks.append(look(net, fleet, session, looks))
            for figures in looks:
                check_equal(figures[5], remaining_s(figures, B_PERMILLE), f"ts of {figures} with b = 2.5")
                check(figures[5] != remaining_s(figures, 1000), f"{figures} would be the same with b = 1")
                check(figures[4] is not None, f"no N in {figures}")
        finally:
            fleet.kill()
            fleet.communicate()


def calibrate(net, ledger, *options):
    bridge = net.bridge("AAA")
    token = os.path.join(os.path.dirname(bridge["config"]), "evidence.token")
    return net.run("calibrate", ledger, "--genesis", net.manifest["genesis"], "--evidence", bridge["api"],
                   "--evidence-token-file", token, *options).stdout


def settled_charges_are_fitted(bin_dir):
    with Devnet(bin_dir) as net:
        for energy_wh in (6_000, 9_000):
            fleet = start_fleet(net, energy_wh, 10_000, 300)
            output, errors = fleet.communicate(timeout=240)
            check_equal(fleet.returncode, 0, f"tally charger: {output} {errors}")
        wait_until(lambda: [session["state"] for session in net.sessions("AAA")].count("settled") == 2, 120, "two settled charges")

        # From a node's API and from a data folder alike.
        said = json.loads(calibrate(net, net.node("AAA")["api"], "--json"))
        check_equal(json.loads(calibrate(net, net.node("HUB")["data_dir"], "--json")), said, "from the hub's data folder")
        check_equal((said["charges"], said["without_samples"]), (2, 0), "charges and those without meter data")
        check_equal(len(said["groups"]), 1, "classes of connectors")
        group = said["groups"][0]
        check_equal((group["operator"], group["connectors"], group["charges"]), ("AAA", "up to 60000 W", 2), "the class")
        check(group["moments"] > 10, f"only {group['moments']} moments of two charges")
        errors = {name: group[name]["mean_s"] for name in ("with_fit", "with_1", "with_0")}
        check(errors["with_fit"] <= min(errors["with_1"], errors["with_0"]) + 0.5, f"the fitted b is not the best: {errors}")
        # These charges are tapers: whether b explains little follows from the errors, and is told with the line to paste.
        little = errors["with_fit"] > 0.8 * errors["with_0"]
        check_equal(group["explains_little"], little, f"whether b explains little with {errors}")
        proposed = 0 if little else group["b"]
        line = f'[[coefficient]]\nup_to_w = 60000\nb = "{proposed:.3f}"\n'
        check_equal(said["configuration"], {"AAA": line}, "the lines to paste")
        text = calibrate(net, net.node("AAA")["api"])
        for part in (line, f"b = {group['b']:.3f}", "b = 1\n", "b = 0\n", "N 50 to 60 %", "For the node.toml of AAA"):
            check(part in text, f"{part!r} is not in\n{text}")
        check_equal("b explains little" in text, little, "the warning")
        configure(net, "\n" + line)  # and the node takes them


main([figures_are_equal_at_all_four, settled_charges_are_fitted])
