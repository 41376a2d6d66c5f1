"""`tally charger` on a devnet, and what must be on the ledger afterwards."""

import collections
import itertools
import json
import os
import subprocess
import urllib.error
import urllib.request

from harness import Failure, check, check_equal, units, wait_until


def all_transactions(net, member):
    height = net.get(member, "/api/v1/status")["height"]
    found, number = [], 1
    while number <= height:
        page = net.get(member, f"/api/v1/blocks?limit=100&from={number}")
        for block in page["items"]:
            found += block["transactions"]
            number = block["height"] + 1
    return found


def site_api(net, operator, path, body=None, token=None):
    """(status, JSON) of the site's API, or the text where it is no JSON; POST when there is a body."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(net.bridge(operator)["api"] + path, data=data)
    request.add_header("Authorization", "Bearer " + (token or net.manifest["admin_token"]))
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read().decode()
            is_json = answer.headers.get_content_type() == "application/json"
            return answer.status, json.loads(text) if is_json else text
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}")


def orphans(net, operator):
    """What the bridge keeps for its operator, without the texts."""
    status, answer = site_api(net, operator, "/api/v1/orphans?from=0")
    check_equal(status, 200, "status of the orphans")
    return [{key: value for key, value in orphan.items() if key != "text"} for orphan in answer["items"]]


def held(net, operator):
    """Charges that wait for a person."""
    status, answer = site_api(net, operator, "/api/v1/review")
    check_equal(status, 200, "status of the review")
    return answer["waiting"]


def bridge_metric(net, operator, name):
    try:
        with urllib.request.urlopen(net.bridge(operator)["api"] + "/metrics", timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name + " "):
                    return float(line.split()[-1])
    except OSError:
        pass
    return None


class Fleet:
    """One run of `tally charger` on the chargers of an operator."""

    numbers = itertools.count(1)

    def __init__(self, net, *options, operator="AAA"):
        self.net = net
        self.operator = operator
        self.out = os.path.join(net.folder, f"fleet-{next(Fleet.numbers)}.json")
        self.process = subprocess.Popen(
            [net.bin / "tally", "charger", "--devnet", net.net, "--visited", operator, "--json-file", self.out, *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        self.heard = []

    def wait_line(self, what):
        """Reads its progress until a line has these words; None when it ended before."""
        for line in self.process.stderr:
            self.heard.append(line)
            if what in line:
                return line
        return None

    def finish(self, timeout_s=600):
        _, rest = self.process.communicate(timeout=timeout_s)
        check(self.process.returncode in (0, 1), f"tally charger: {''.join(self.heard[-5:])}{rest}")
        with open(self.out, encoding="utf-8") as file:
            return json.load(file)


def records_by_station(net, operator, at="HUB"):
    """Records on the ledger by the station whose connector they name, oldest first."""
    stations = {evse: charger["id"] for charger in net.bridge(operator)["chargers"] for evse in charger["evse_ids"]}
    records = collections.defaultdict(list)
    for transaction in all_transactions(net, at):
        own = transaction.get("evse_id") in stations  # Other operators' chargers charge too.
        if own and transaction["action"] == "RecordCharge" and transaction["result"] == "ok":
            readings = transaction["readings"]
            records[stations[transaction["evse_id"]]].append({
                "energy_wh": readings[-1]["register_wh"] - readings[0]["register_wh"],
                "amount": units(transaction["amount"]), "rated": units(transaction["rated_amount"]),
                "authorization": transaction["authorization"]})
    return records


def wait_all_told(net, operator, records, deadline_s=180):
    """Until the bridge has nothing left for its node, there are so many records, and they are settled."""
    wait_until(lambda: bridge_metric(net, operator, "tally_bridge_outbox_messages") == 0, deadline_s,
               "the bridge's outbox is empty")

    def settled():
        done = collections.Counter(transaction["action"] for transaction in all_transactions(net, operator)
                                   if transaction["result"] == "ok")
        seen.append(done["RecordCharge"])
        return done["RecordCharge"] >= records and done["RecordCharge"] == done["SettleCharge"]

    seen = []
    # Records are submitted behind the acknowledgement; what must not be there gets two blocks more to come.
    try:
        for _ in range(2):
            wait_until(settled, deadline_s, f"{records} records are settled")
            net.wait_height(operator, net.height(operator) + 2)
    except Failure as failure:
        sessions = [(session["station"], session["state"], session["energy_wh"], session.get("reason"))
                    for session in net.sessions(operator)]
        raise Failure(f"{failure}; there are {seen[-1:]}; sessions {sorted(sessions)}; "
                      f"orphans {orphans(net, operator)}") from failure
    net.wait_same_height()


def begun(charges):
    """Those that the bridge accepted: each must be recorded, once."""
    return [charge for charge in charges if charge["began"] == "Accepted"]


def check_each_once(net, operator, charges):
    """Every charge that the bridge accepted is on the ledger exactly once with its energy, and nothing else is."""
    records = records_by_station(net, operator)
    expected = collections.defaultdict(list)
    for charge in begun(charges):
        expected[charge["station"]].append(charge["energy_wh"])
    for station in sorted(set(records) | set(expected)):
        check_equal(sorted(record["energy_wh"] for record in records[station]), sorted(expected[station]),
                    f"energies of the records of {station}")
    used = [record["authorization"] for of_station in records.values() for record in of_station]
    check_equal(len(set(used)), len(used), "authorizations with a record")
    net.check_books()
    net.check_same_state_roots()
