"""Charges while the nodes are away, by the operator's signed list, and chargers that do not stop: real processes, both versions.

AAA's chargers speak OCPP 1.6, BBB's 2.0.1; of each site the first one comes over TLS with a client certificate. The cards:
 10  on the list
 11  not on the list
 03  on the list, and blocked at its home operator
"""

import json
import pathlib
import re
import subprocess

from certificates import certificate
from charger_fleet import Fleet, bridge_metric, orphans, records_by_station, site_api, wait_all_told
from harness import Devnet, check, check_equal, free_port_range, main, wait_until

VERSIONS = {"AAA": "1.6", "BBB": "2.0.1"}
HOMES = {"AAA": "BBB", "BBB": "AAA"}
# What is done to a charger that goes on; the one of the test listens to that.
POLICY = {"AAA": "reset", "BBB": "unlock"}
LISTED, UNLISTED, BLOCKED, STUBBORN = range(4)
CARDS = {LISTED: "CARD0010", UNLISTED: "CARD0011", BLOCKED: "CARD0003"}

SHORT = """name = "short"
story = "a card, a short charge, the end"
step = [ { do = "swipe" }, { do = "start" }, { do = "charge", wh = %d }, { do = "stop" } ]
"""
DOES_NOT_STOP = """name = "does-not-stop"
story = "says yes to every remote stop and goes on"
step = [
    { do = "obey", remote_stop = false },
    { do = "swipe", prepaid = "6.00" },
    { do = "start" },
    { do = "charge", wh = 600000 },
    { do = "stop" },
]
"""


class Site:
    """One operator's bridge and chargers in this test."""

    def __init__(self, net, operator):
        self.net = net
        self.operator = operator
        self.home = HOMES[operator]
        self.stations = [charger["id"] for charger in net.bridge(operator)["chargers"]]
        self.config = pathlib.Path(net.bridge(operator)["config"])
        self.folder = self.config.parent

    # ---- configuration

    def set_up(self):
        self.tls_port = free_port_range(1)  # Found while the bridge has its own.
        self.net.run("devnet", "stop", f"bridge-{self.operator}", "--dir", self.net.net)
        key = self.sign_list()
        self.authority = certificate(self.folder, "authority")
        server = certificate(self.folder, "server", self.authority)
        self.own = certificate(self.folder, self.stations[0], self.authority, organization=self.operator)
        text = self.config.read_text()
        plain = re.search(r'\[ocpp\]\nlisten = "127.0.0.1:(\d+)"', text)
        text = text.replace(plain[0], f'[ocpp]\nlisten = "127.0.0.1:{self.tls_port}"\nplain_listen = "127.0.0.1:{plain[1]}"\n'
                                      f'ignored_stop = "{POLICY[self.operator]}"\nignored_stop_after_s = 10')
        first, *others = re.findall(r'\[\[charger\]\]\n.*?connectors = \d+\n', text, re.S)
        text = text.replace(first, re.sub(r"password = .*\n", "profile = 3\n", first))
        for charger in others:
            text = text.replace(charger, charger + "profile = 1\n")
        self.config.write_text(text + f"""
[ocpp.tls]
ec_certificate_file = "{server[0]}"
ec_key_file = "{server[1]}"
client_ca_file = "{self.authority[0]}"
client_organization = "{self.operator}"

[offline]
mode = "limited"
limit_per_token = "20.00"
limit_in_all = "30.00"
list_file = "local.list"
list_key = "{key}"
""")
        pathlib.Path(server[1]).chmod(0o600)
        self.net.restart(f"bridge-{self.operator}")

    def sign_list(self):
        """The operator's list in the site's folder; gives the public key that signed it."""
        tokens = self.folder / "tokens"
        tokens.write_text("".join(f"{self.home}-{CARDS[number]} 15.00\n" for number in (LISTED, BLOCKED)))
        done = subprocess.run(
            [self.net.bin / "tally-bridge", "sign-list", "--tokens", tokens, "--operator", self.operator, "--currency", "CNY",
             "--valid-until", "2099-01-01T00:00:00Z", "--key",
             pathlib.Path(self.net.node(self.operator)["config"]).parent / "keys" / "member.key", "--out",
             self.folder / "local.list"],
            capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        check_equal(done.returncode, 0, f"tally-bridge sign-list: {done.stderr}")
        return done.stdout.split()[-1]

    # ---- chargers

    def play(self, number, script, *options):
        """One charger plays a script, the first one with its certificate."""
        file = pathlib.Path(self.net.folder) / f"{self.operator}-{number}.toml"
        file.write_text(script)
        url = []
        if number == 0:
            url = ["--url", f"wss://127.0.0.1:{self.tls_port}/ocpp", "--ca", self.authority[0], "--certificate", self.own[0],
                   "--certificate-key", self.own[1]]
        return Fleet(self.net, "--home", self.home, "--version", VERSIONS[self.operator], "--station", self.stations[number],
                     "--script", str(file), *url, *options, operator=self.operator)

    def card(self, number):
        return ["--card", f"{self.home}-{CARDS[number]}"]

    def shown(self, number):
        """The charger as the site's API shows it."""
        _, answer = site_api(self.net, self.operator, "/api/v1/chargers")
        return next(item for item in answer["items"] if item["id"] == self.stations[number])

    def last_text(self, authorization):
        """What the bridge itself says in the evidence of a charge."""
        _, listed = site_api(self.net, self.operator, "/api/v1/evidence")
        name = next(item["hash"] for item in listed["items"] if item["authorization"] == authorization)
        _, texts = site_api(self.net, self.operator, "/api/v1/evidence/" + name)
        return json.loads(json.loads(texts.splitlines()[-1]))


def finish(fleets):
    summaries = {name: fleet.finish() for name, fleet in fleets.items()}
    for name, summary in summaries.items():
        check_equal(summary["failures"], [], f"failures of {name}")
    return summaries


def charge_once(sites):
    """A charge with a good card at each of three connectors: what it costs there is known then. And one that does not stop."""
    fleets = {}
    for site in sites:
        for number in (LISTED, UNLISTED, BLOCKED):
            fleets[site, number] = site.play(number, SHORT % 200, "--card", f"{site.home}-CARD002{number}", "--speed", "20")
        fleets[site, STUBBORN] = site.play(STUBBORN, DOES_NOT_STOP, "--card", f"{site.home}-CARD0023")
    for (site, number), summary in finish(fleets).items():
        began = [(charge["began"], charge["ended"]) for charge in summary["charges"]]
        check_equal(began, [("Accepted", True)], f"charges at {site.stations[number]}")
    for site in sites:
        wait_all_told(site.net, site.operator, 4 * len(sites))


def check_stubborn(site):
    """It was stopped by the site's policy, the excess is the site's loss, and nobody charges there before somebody looked."""
    records = records_by_station(site.net, site.operator)[site.stations[STUBBORN]]
    check_equal(len(records), 1, "records of the charger that went on")
    check(records[0]["amount"] <= 60_000 < records[0]["rated"], f"the charger that went on is billed {records[0]}")
    check(records[0]["energy_wh"] < 600_000, "the policy did not stop it")
    check(bridge_metric(site.net, site.operator, "tally_bridge_prepaid_exceeded_units_total") > 0, "the excess is not counted")
    check_equal(site.shown(STUBBORN)["marked"]["reason"], "stop_ignored", "the mark of the charger")
    card = ["--card", f"{site.home}-CARD0024"]
    refused = site.play(STUBBORN, SHORT % 200, *card).finish()
    check_equal(refused["charges"], [], "charges at a marked charger")
    _, answer = site_api(site.net, site.operator, "/api/v1/chargers")
    check("stop_ignored" in [refusal["reason"] for refusal in answer["refusals"]], "the refusal does not name the mark")
    path = f"/api/v1/chargers/{site.stations[STUBBORN]}/clear-mark"
    check_equal(site_api(site.net, site.operator, path, {"by": "Li"})[0], 400, "a mark cleared without a reason")
    check_equal(site_api(site.net, site.operator, path, {"by": "Li", "reason": "relay was replaced"})[0], 200, "clearing the mark")
    check("marked" not in site.shown(STUBBORN), "the mark is still there")
    again = site.play(STUBBORN, SHORT % 200, *card).finish()
    check_equal([charge["began"] for charge in again["charges"]], ["Accepted"], "charges after the mark was cleared")


def check_cause_is_told(site):
    """The site says why it has no node, and its log once, whatever the number of attempts."""
    def cause():
        status, answer = site_api(site.net, site.operator, "/readyz")
        check_equal(status, 503, "readiness of a site without its node")
        return answer.get("node")
    told = wait_until(cause, 30, "the cause is known")
    check_equal(told["why"], "connection_refused", "why the node is not reached")
    log = "".join(file.read_text() for file in site.folder.glob("*.log"))
    check_equal(log.count("event=not_reached"), 1, "lines of the log about it")


def charge_cut_off(net, sites):
    """The nodes are away: only who is on the list charges."""
    for site in sites:
        net.run("devnet", "stop", site.operator, "--dir", net.net)
        wait_until(lambda site=site: bridge_metric(net, site.operator, "tally_bridge_node_connected") == 0, 60,
                   f"bridge of {site.operator} is cut off")
        check_cause_is_told(site)
    # Their registers went to 200 Wh before; the ledger cannot be asked for it now.
    fleets = {(site, number): site.play(number, SHORT % 300, *site.card(number), "--register", "5000", "--speed", "20")
              for site in sites for number in (LISTED, UNLISTED, BLOCKED)}
    for (site, number), summary in finish(fleets).items():
        began = [(charge["began"], charge["ended"]) for charge in summary["charges"]]
        check_equal(began, [] if number == UNLISTED else [("Accepted", True)], f"charges at {site.stations[number]}, cut off")
    for site in sites:
        for number in (LISTED, BLOCKED):
            check_equal(site.shown(number)["sessions"][0]["state"], "undecided", "state of a charge that nobody decided yet")
    for site in sites:
        net.run("devnet", "start", site.operator, "--dir", net.net, "--no-wait")
    for site in sites:
        net.restart(site.operator)


def check_decided_afterwards(site, done):
    wait_all_told(site.net, site.operator, done)
    records = records_by_station(site.net, site.operator)
    check_equal([record["energy_wh"] for record in records[site.stations[LISTED]]], [200, 300], "records of the listed card")
    check_equal([record["energy_wh"] for record in records[site.stations[UNLISTED]]], [200], "records of the other card")
    check_equal([record["energy_wh"] for record in records[site.stations[BLOCKED]]], [200], "records of the blocked card")
    before, offline = [site.last_text(record["authorization"]) for record in records[site.stations[LISTED]]]
    check("cut_off" not in before, "the record of an ordinary charge says that it was cut off")
    check_equal(offline.get("cut_off"), True, "what the record of the cut-off charge says")
    lost = [orphan for orphan in orphans(site.net, site.operator) if orphan["kind"] == "offline_denied"]
    check_equal([(orphan["station"], orphan["detail"]) for orphan in lost], [(site.stations[BLOCKED], "token_blocked")],
                "what the site lost")


def cut_off_and_ignored_stop(bin_dir):
    up = ["--bridges", "2", "--chargers", "4", "--customers", "40"]
    with Devnet(bin_dir, operators=2, up_options=up) as net:
        sites = [Site(net, operator) for operator in VERSIONS]
        for site in sites:
            site.set_up()
        charge_once(sites)
        for site in sites:
            check_stubborn(site)
        for site in sites:
            wait_all_told(net, site.operator, 5 * len(sites))
        charge_cut_off(net, sites)
        for site in sites:
            check_decided_afterwards(site, 6 * len(sites))
        net.wait_same_height()
        net.check_books()
        net.check_same_state_roots()
        net.audit()


main([cut_off_and_ignored_stop])
