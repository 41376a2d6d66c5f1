"""Charges of meters that sign, and charges that a person decides about: real chargers, bridges and nodes, in both versions.

AAA's chargers speak OCPP 1.6, BBB's 2.0.1. Each has six, and what is known of their meters differs:
 0  its key is on the ledger
 1  the same, but the charger signs with another key
 2  the same, but the charger does not sign
 3  its key is in the bridge's configuration
 4  nobody knows its key
 5  it does not sign, and its register goes back between two charges
"""

import base64
import json
import pathlib
import subprocess

from charger_fleet import Fleet, all_transactions, bridge_metric, held, records_by_station, site_api
from harness import Devnet, check, check_equal, main, units, wait_until

LEDGER_KEY, OTHER_KEY, NO_SIGNATURE, SITE_KEY, UNKNOWN_KEY, REGISTER_BACK = range(6)
VERSIONS = {"AAA": "1.6", "BBB": "2.0.1"}
HOMES = {"AAA": "BBB", "BBB": "AAA"}
# The driver comes back with the same card, so that the charge in the middle, which is held, loses its approval.
REGISTER_GOES_BACK = """name = "register-goes-back"
story = "the second of three charges begins below the end of the first"
step = [
    { do = "meter", register_wh = 50000 },
    { do = "swipe" }, { do = "start" }, { do = "charge", wh = 1000 }, { do = "stop" },
    { do = "meter", register_wh = 100 },
    { do = "swipe" }, { do = "start" }, { do = "charge", wh = 2000 }, { do = "stop" },
    { do = "meter", register_wh = 60000 },
    { do = "swipe" }, { do = "start" }, { do = "charge", wh = 3000 }, { do = "stop" },
]
"""


class Site:
    """One operator's chargers in this test."""

    def __init__(self, net, operator):
        self.net = net
        self.operator = operator
        self.stations = [charger["id"] for charger in net.bridge(operator)["chargers"]]
        self.folder = pathlib.Path(net.bridge(operator)["config"]).parent
        keys = pathlib.Path(net.folder) / f"{operator}-keys.json"
        net.run("charger", "--devnet", net.net, "--visited", operator, "--count", "6", "--sign", "--write-keys", str(keys))
        self.keys = {item["station"]: item["public_key"] for item in json.loads(keys.read_text())}

    def set_up(self):
        """Meters' keys on the ledger and in the site's configuration."""
        bridge = self.net.bridge(self.operator)
        for number in (LEDGER_KEY, OTHER_KEY, NO_SIGNATURE):
            charger = bridge["chargers"][number]
            done = self.net.submit(self.operator, {
                "action": "RegisterCharger", "evse_id": charger["evse_ids"][0], "station": charger["id"], "connector": 1,
                "bridge_id": f"{self.operator}-BRIDGE1", "rated_power_w": charger["rated_power_w"],
                "meter_serial": charger["id"] + "-M1", "meter_public_key": self.keys[charger["id"]]})
            check_equal(done["result"], "ok", f"registration of {charger['id']}")
        self.net.run("devnet", "stop", f"bridge-{self.operator}", "--dir", self.net.net)
        station = self.stations[SITE_KEY]
        config = pathlib.Path(bridge["config"])
        text = config.read_text()
        place = text.index("connectors", text.index(f'id = "{station}"'))
        meters = f'meters = [{{connector = 1, serial = "{station}-M1", key = "{self.keys[station]}"}}]\n'
        config.write_text(text[:place] + meters + text[place:])
        self.net.restart(f"bridge-{self.operator}")

    def fleet(self, numbers, *options):
        """Chargers of these numbers play; each fleet has cards of its own."""
        stations = [word for number in numbers for word in ("--station", self.stations[number])]
        cards = [word for number in numbers[:1] for word in ("--card", f"{HOMES[self.operator]}-CARD001{number}")]
        return Fleet(self.net, "--home", HOMES[self.operator], "--version", VERSIONS[self.operator], *stations, *options,
                     *(cards if len(numbers) == 1 else []), operator=self.operator)

    def fleets(self):
        script = pathlib.Path(self.net.folder) / "register-goes-back.toml"
        script.write_text(REGISTER_GOES_BACK)
        return [self.fleet([LEDGER_KEY, SITE_KEY, UNKNOWN_KEY], "--sign"),
                self.fleet([OTHER_KEY], "--sign", "--seed", "99"),
                self.fleet([NO_SIGNATURE]),
                self.fleet([REGISTER_BACK], "--script", str(script))]

    # ---- what the site's people do

    def review(self, *arguments, codes=(0,)):
        done = subprocess.run([self.net.bin / "tally-bridge", "review", "--config", self.net.bridge(self.operator)["config"],
                               "--json", *arguments], capture_output=True, text=True, timeout=60, check=False,
                              stdin=subprocess.DEVNULL)
        check(done.returncode in codes, f"tally-bridge review {arguments} gave {done.returncode}: {done.stderr}{done.stdout}")
        return json.loads(done.stdout)

    def held_of(self, number):
        waiting = self.review("list")["waiting"]
        return next((item for item in waiting if item["station"] == self.stations[number]), None)

    # ---- what was metered

    def evidence(self, authorization):
        """The texts of a charge, as an auditor gets them."""
        token = (self.folder / "evidence.token").read_text().strip()
        items = self.get_evidence("/api/v1/evidence", token)
        name = next(item["hash"] for item in json.loads(items)["items"] if item["authorization"] == authorization)
        lines = self.get_evidence("/api/v1/evidence/" + name, token).splitlines()
        return [json.loads(line) for line in lines[1:]]

    def pages(self, authorizations):
        """What the bridge gives an auditor of these charges, by hash."""
        token = (self.folder / "evidence.token").read_text().strip()
        items = json.loads(self.get_evidence("/api/v1/evidence", token))["items"]
        names = [item["hash"] for item in items if item["authorization"] in authorizations]
        check_equal(len(names), len(authorizations), f"evidence at the bridge of {self.operator}")
        return {name: self.get_evidence("/api/v1/evidence/" + name, token) for name in names}

    def get_evidence(self, path, token):
        status, answer = site_api(self.net, self.operator, path, token=token)
        check_equal(status, 200, f"status of {path}")
        return answer if isinstance(answer, str) else json.dumps(answer)


def signed_records(value):
    """Every OCMF record in a message, in order, whichever version carries it."""
    if isinstance(value, dict):
        if "signedMeterData" in value:
            return [base64.b64decode(value["signedMeterData"]).decode()]
        return [record for item in value.values() for record in signed_records(item)]
    if isinstance(value, list):
        return [record for item in value for record in signed_records(item)]
    if isinstance(value, str) and value.startswith(("{", "[")):
        return signed_records(json.loads(value))
    return []


def verify(site, records, key):
    """(exit code, answer) of `tally meter verify` for a begin and an end record."""
    folder = pathlib.Path(site.net.folder)
    for name, text in (("begin.ocmf", records[0]), ("end.ocmf", records[1]), ("meter.key", key)):
        (folder / name).write_text(text)
    done = site.net.run("meter", "verify", str(folder / "begin.ocmf"), str(folder / "end.ocmf"), "--key",
                        str(folder / "meter.key"), "--json", codes=(0, 1))
    return done.returncode, json.loads(done.stdout)


def check_source(site, record, source):
    texts = site.evidence(record["authorization"])
    said = json.loads(texts[-1])
    check_equal((said["tally"], said["source"]), ("metering", source), f"what the record of {record['authorization']} says")
    return [signed for text in texts for signed in signed_records(text)]


def check_signed(site, records):
    """Billed by what the meter signed, and anybody with the key sees it."""
    for number in (LEDGER_KEY, SITE_KEY):
        station = site.stations[number]
        check_equal([record["energy_wh"] for record in records[station]], [4000], f"records of {station}")
        signed = check_source(site, records[station][0], "signed")
        check_equal(len(signed), 2, f"signed records of {station}: begin and end")
        check_equal(verify(site, signed, site.keys[station]),
                    (0, {"signature": "valid", "billable": True, "reasons": []}), f"{station} with its key")
        code, answer = verify(site, signed, site.keys[site.stations[UNKNOWN_KEY]])
        check_equal((code, answer["signature"]), (1, "invalid"), f"{station} with another meter's key")
    station = site.stations[UNKNOWN_KEY]
    check_equal([record["energy_wh"] for record in records[station]], [4000], f"records of {station}")
    check_source(site, records[station][0], "unsigned")


def check_held(site, records):
    """Nothing is billed or dropped before somebody decides."""
    expected = {OTHER_KEY: ["signature_invalid"], NO_SIGNATURE: ["signature_missing"],
                REGISTER_BACK: ["register_below_previous"]}
    for number, reasons in expected.items():
        item = site.held_of(number)
        check(item is not None, f"no charge of {site.stations[number]} is held")
        check(set(reasons) <= set(item["reasons"]), f"{site.stations[number]} is held for {item['reasons']}")
    for number in (OTHER_KEY, NO_SIGNATURE):
        check_equal(records[site.stations[number]], [], f"records of {site.stations[number]}")
    check_equal([record["energy_wh"] for record in records[site.stations[REGISTER_BACK]]], [1000, 3000],
                "records around the one that is held")
    check_equal(bridge_metric(site.net, site.operator, "tally_bridge_review_waiting"), 3, "held charges in the metrics")


def decide(site):
    """A person rejects one, and accepts one; gives the late charge of the third."""
    rejected = site.held_of(OTHER_KEY)
    shown = site.review("show", str(rejected["number"]))
    check_equal((shown["signed_records"], shown["signed_records_invalid"]), (2, 2), "records of another key")
    check_equal([text["result"] for text in shown["signed_texts"]], ["signature_wrong"] * 2, "what became of their signatures")
    check(all(text["text"].startswith("OCMF|") for text in shown["signed_texts"]), "the signed texts are not shown")
    answer = site.review("reject", str(rejected["number"]), "--reason", "not this meter's key", "--by", "Li")
    check_equal((answer["outcome"], answer["by"]), ("rejected", "Li"), "the rejection")
    again = site.review("release", str(rejected["number"]), "--reason", "second thoughts", "--by", "Li", codes=(1,))
    check_equal(again["error"]["code"], "decided", "a second decision")
    released = site.held_of(NO_SIGNATURE)
    answer = site.review("release", str(released["number"]), "--reason", "display was read on site", "--by", "Li")
    check_equal(answer["outcome"], "released", "the release")
    late = site.held_of(REGISTER_BACK)
    check(late["late"], "the charge of a driver who came back kept its approval")
    answer = site.review("release", str(late["number"]), "--reason", "meter was replaced", "--by", "Li")
    check_equal(answer["outcome"], "released_late", "the release of a late charge")
    check_equal(site.review("show", str(late["number"]))["late_charge"], answer["late_charge"], "shown again")
    return answer["late_charge"]


def settle_late(site, late):
    """Both operators sign it; then it is on the ledger and paid for."""
    net, home = site.net, HOMES[site.operator]
    before = net.account("HUB", site.operator)["credits_posted"]
    done = net.submit(site.operator, late)
    check_equal(done["result"], "ok", "the late charge, signed by the visited operator")
    check_equal(net.account("HUB", site.operator)["credits_posted"], before, "credits before the other one signed")
    shown = net.get("HUB", "/api/v1/transactions/" + done["id"])
    signed = net.submit(home, {"action": "Countersign", "transaction": done["id"], "transaction_hash": shown["hash"]})
    check_equal(signed["result"], "ok", "the late charge, countersigned")
    check_equal(net.account("HUB", site.operator)["credits_posted"], before + units(late["amount"]), "credits afterwards")
    check(units(late["amount"]) > 0, "the late charge costs nothing")


def wait_evidence(net, member, pages):
    """The node serves what the bridge serves."""
    def same():
        return all(net.get_text(member, "/api/v1/evidence/" + name) == page for name, page in pages.items())
    wait_until(same, 180, f"{member} has the evidence of {len(pages)} charges")


def wait_late_evidence(net, site, late):
    """That of a late charge follows when both have signed it."""
    pages = site.pages({late["authorization"]})
    for member in (site.operator, HOMES[site.operator]):
        wait_evidence(net, member, pages)


def check_evidence_at_both(net, site):
    """Visited and home operator keep it; the home operator is killed and comes back late, then the visited one."""
    charges = {record["authorization"] for records in records_by_station(net, site.operator).values() for record in records}
    home, pages = HOMES[site.operator], site.pages(charges)
    check_equal(len(pages), 6, f"charges of {site.operator} on the ledger")
    net.kill(home)
    wait_evidence(net, site.operator, pages)
    net.restart(home)
    wait_evidence(net, home, pages)
    for member in (site.operator, home):
        net.kill(member)
        net.restart(member)
        wait_evidence(net, member, pages)


def wait_records(net, count):
    def settled():
        actions = [item["action"] for item in all_transactions(net, "HUB") if item["result"] == "ok"]
        return actions.count("RecordCharge") == actions.count("SettleCharge") == count
    wait_until(settled, 180, f"{count} records are settled")


def signed_and_held_charges(bin_dir):
    up = ["--bridges", "2", "--chargers", "6", "--customers", "40"]
    with Devnet(bin_dir, operators=2, up_options=up) as net:
        sites = [Site(net, operator) for operator in VERSIONS]
        for site in sites:
            site.set_up()
        for fleet in [fleet for site in sites for fleet in site.fleets()]:
            check_equal(fleet.finish()["failures"], [], "failures")
        for site in sites:
            wait_until(lambda site=site: len(held(net, site.operator)) == 3, 120, "three charges are held")
        wait_records(net, 2 * 5)
        for site in sites:
            records = records_by_station(net, site.operator)
            check_signed(site, records)
            check_held(site, records)
        late = [decide(site) for site in sites]
        wait_records(net, 2 * 6)
        for site in sites:
            check_evidence_at_both(net, site)
        for site, charge in zip(sites, late):
            records = records_by_station(net, site.operator)
            check_equal([item["energy_wh"] for item in records[site.stations[NO_SIGNATURE]]], [4000], "the accepted charge")
            check_source(site, records[site.stations[NO_SIGNATURE]][0], "unsigned")
            check_equal(records[site.stations[OTHER_KEY]], [], "records of the rejected charge")
            check_equal(held(net, site.operator), [], "held charges after all decisions")
            settle_late(site, charge)
            wait_late_evidence(net, site, charge)
        net.wait_same_height()
        net.check_books()
        net.check_same_state_roots()
        for site in sites:
            audit_with_evidence(net, site)


def audit_with_evidence(net, site):
    """The auditor fetches what was metered from the bridge, and verifies the one meter whose key is on the ledger."""
    bridge, report = net.bridge(site.operator), pathlib.Path(net.folder) / "audit.json"
    net.run("audit", net.node(HOMES[site.operator])["data_dir"], "--genesis", net.manifest["genesis"], "--level", "business",
            "--evidence", bridge["api"], "--evidence-token-file", str(site.folder / "evidence.token"), "--json", str(report))
    business = json.loads(report.read_text())["business"]
    check_equal(business["meter_signatures"], 1, f"meters' signatures in the evidence of {site.operator}")
    # Five records, the one that a person accepted, and the late one.
    check_equal(business["evidence_matched"], 7, f"charges of {site.operator} with their evidence")
    # The same from the home operator's node, which has that of both operators.
    token = pathlib.Path(net.folder) / "admin.token"
    token.write_text(net.manifest["admin_token"])
    token.chmod(0o600)
    home = HOMES[site.operator]
    net.run("audit", net.node(home)["data_dir"], "--genesis", net.manifest["genesis"], "--level", "business",
            "--evidence", net.node(home)["api"], "--evidence-token-file", str(token), "--json", str(report))
    business = json.loads(report.read_text())["business"]
    check_equal(business["meter_signatures"], 2, f"meters' signatures in the evidence at {home}")
    check_equal(business["evidence_matched"], 14, f"charges with their evidence at {home}")


main([signed_and_held_charges])
