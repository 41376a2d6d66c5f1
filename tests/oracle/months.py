"""Random months of clearing: the ledger's executor and the oracle must come to the same, block by block.

    months.py BIN/tests/oracle_play [--months 100] [--first 1]

Each month has a seed, and with it parameters, limits, agreements, prices and actions of its own: charges that go well,
late, wrong or nowhere, limits that are changed and countersigned, agreements that are withdrawn, meters that are swapped,
repetitions. Compared are every result, every expiry in its order, and at the end the tables of the state, byte by byte.
"""

import argparse
import collections
import dataclasses
import functools
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile

import actions  # finds the verifier's modules, so it comes first
import builder
import corrected
import genesis as genesis_file
import oracle as rules
import tables
import votes
from blocks import CycleClosed, event_of, Expired, LegDefaulted
from builder import field, message, number
from merkle import root_of, tagged_hash

DAY = 86400000
HUB, OPERATORS = "HUB", ("AAA", "BBB", "CCC")
CURRENCIES = ("EUR", "CNY")
START = 1_800_000_000_000
BLOCKS = 160
STEPS = 1, 1000, 1000, 1000, 1000, 10000, 10000, 30000, 60000, 300000, 3600000  # milliseconds between blocks, mostly


@functools.lru_cache(maxsize=None)
def key_of(name):
    return builder.key_of(name)


def executed(program, lines):
    """The executor's answers, a list of words for each line."""
    run = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    answers = [line.split() for line in run.stdout.splitlines()]
    if run.returncode != 0 or len(answers) != len(lines):
        raise AssertionError(f"the executor ended with {run.returncode} after {len(answers)} of {len(lines)} lines\n{run.stderr}")
    return answers


def amount(units):
    return f"{units // 10000}.{units % 10000:04}"


def other_than(currency):
    return CURRENCIES[currency == CURRENCIES[0]]


def self_or(chance, currency):
    return currency if chance.random() < 0.95 else other_than(currency)


def make_genesis(chance):
    """Short windows, so that a month has expiries of all kinds."""
    parameters = {
        "start_window_ms": chance.choice((60000, 600000, 2 * 3600000)),
        "record_window_ms": chance.choice((3600000, DAY, 3 * DAY)),
        "settle_window_ms": chance.choice((3600000, 8 * 3600000, DAY)),
        "claim_window_ms": chance.choice((3600000, DAY, 7 * DAY)),
        "countersign_window_ms": chance.choice((600000, DAY)),
        "home_release_after_ms": chance.choice((1000, 120000)), "charger_clock_back_ms": 300000,
        "charger_clock_ahead_ms": chance.choice((300000, DAY)),
        "arbitrate_window_ms": chance.choice((600000, 8 * 3600000, 3 * DAY)),
        "correction_window_ms": chance.choice((3600000, 3 * DAY, 30 * DAY, 400 * DAY)),
        "dispute_default": chance.choice(("post", "release")), "cycle_start_ms": chance.choice((0, 4 * DAY)),
        "cycle_length_ms": chance.choice((3600000, DAY, 7 * DAY, 30 * DAY)),
        "payment_window_ms": chance.choice((600000, DAY, 2 * DAY)),
        "default_bearer": chance.choice(("creditor", "shared")), "minimum_approval": amount(chance.choice((0, 50000))),
        "epoch_blocks_min": 1000, "epoch_blocks_max": 1000}
    members = [{"party": party, "country": "DE", "role": "hub" if party == HUB else "operator", "validator": party == HUB,
                **{f"{role}_key": key_of(f"{party}/{role}/0").hex() for role in ("member", "consensus", "link")}}
               for party in sorted(OPERATORS + (HUB,))]
    main = chance.choice(CURRENCIES)
    currencies = {frozenset(pair): main if chance.random() < 0.75 else other_than(main)
                  for pair in itertools.combinations(OPERATORS, 2)}
    agreements = [{"member": owner, "partner": partner, "active": chance.random() < 0.95,
                   "currency": self_or(chance, currencies[frozenset((owner, partner))]),
                   "tariffs_offered": [] if chance.random() < 0.7 else ["std"],
                   "exposure_cap": amount(0 if chance.random() < 0.6 else chance.randrange(300000, 2000000))}
                  for owner in OPERATORS for partner in OPERATORS if owner != partner and chance.random() < 0.97]
    limits = [{"member": party, "currency": currency, "limit": amount(chance.randrange(500000, 3000000))}
              for party in OPERATORS for currency in CURRENCIES if currency == main or chance.random() < 0.8]
    return {"name": "month", "time_ms": START, "parameters": parameters, "members": members, "agreements": agreements,
            "limits": limits}


class Month:
    """The actions are made up from the oracle's state alone; the executor then gets them all, and its answers are compared."""

    def __init__(self, seed, folder, elements):
        self.chance = random.Random(seed)
        path = os.path.join(folder, "genesis.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(make_genesis(self.chance), file)
        genesis = genesis_file.load(path)
        self.oracle = rules.Oracle(genesis, with_activity=elements)
        self.elements = elements
        self.chain_id, self.time = genesis.chain_id, START
        self.lines = [f"genesis {path}"]
        self.expected = []  # of each block: time, transactions, results, expiries
        self.roots = {}  # of envelopes: time of the last block with it
        self.old = []  # (signer, transaction) of the blocks before
        self.currency = genesis.parsed["agreements"][0]["currency"]
        self.tariffs = {self.currency: "std", other_than(self.currency): "night"}  # what they are named, mostly
        self.correcting = self.chance.random() < 0.2  # a month of many corrections of few charges
        self.player = corrected.Corrected(self)
        self.setup()

    # ---- blocks

    def run(self, program):
        for _ in range(BLOCKS):
            self.time += self.chance.choice(STEPS) if self.chance.random() < 0.94 else self.chance.randrange(1, 3 * DAY)
            self.block([transaction for _ in range(self.chance.randrange(7))
                        for transaction in [self.action()] if transaction])
        answers = executed(program, self.lines + ["state"])
        if answers[0] != [self.chain_id.hex()]:
            raise AssertionError("another chain id")
        for expected, answer in zip(self.expected, answers[1:]):
            compare(*expected, answer)
        state = dict(tuple(bytes.fromhex(part) for part in entry.split("=")) for entry in answers[-1])
        found = tables.differences(self.oracle, state)
        if found:
            raise AssertionError("the state differs\n" + "\n".join(found))
        self.oracle.check_books()

    def setup(self):
        self.time += 1000
        transactions = []
        for owner in OPERATORS:
            transactions.append((owner, self.transaction(11, message(f1="bridge", f2=key_of(owner + "/bridge"), f3=1))))
            transactions += [(owner, self.tariff(name, 1, currency)) for currency, name in self.tariffs.items()]
            for connector in (1, 2):
                transactions.append((owner, self.charger(owner, connector)))
        self.block(transactions)

    def block(self, transactions):
        envelopes, order = [], []
        place = 0
        while place < len(transactions):
            signer, count = transactions[place][0], 1
            while (place + count < len(transactions) and transactions[place + count][0] == signer
                   and self.chance.random() < 0.5):
                count += 1
            bodies = [body for _, body in transactions[place:place + count]]
            place += count
            last = self.roots.get((signer, root_of(bodies)))
            if last is not None and last > self.time - 120000:
                continue  # would make the block invalid
            self.roots[signer, root_of(bodies)] = self.time
            envelopes.append(self.envelope(signer, bodies))
            order += [(signer, body) for body in bodies]
        self.lines.append(" ".join(["block", str(self.time)] + [envelope.hex() for envelope in envelopes]))
        self.expected.append((self.time, order, *self.oracle.block(self.time, order)))
        self.old = (self.old + order)[-20:]

    def envelope(self, signer, bodies):
        digest = tagged_hash("tally/envelope/v1", self.chain_id, signer.encode(), root_of(bodies))
        return b"\1" + signer.encode() + builder.counted(bodies) + builder.sign(f"{signer}/member/0", digest)

    # ---- actions

    def transaction(self, place, value, identity=None):
        identity = identity or number(self.time, 6) + self.chance.randbytes(10)
        return message(f1=identity, f2=self.time + self.chance.randrange(1, 120001)) + field(place, value)

    def tariff(self, name, version, currency):
        price = self.chance.randrange(0, 20000)
        if self.elements:
            priced = field(6, field(1, message(f1=1, f2=price)))
        else:
            priced = field(2, message(f2=price))
        return self.transaction(13, message(f1=message(f1=name, f2=version), f2=field(1, currency) + priced))

    def charger(self, owner, connector, epoch=0, station="ST1"):
        return self.transaction(12, message(
            f1=f"{owner}*{connector}", f2=station, f3=connector, f4="bridge", f5=self.chance.choice((11000, 60000)),
            f6=f"M{connector}", f7=epoch))

    def action(self):
        """(signer, transaction), or nothing when there is nothing to do it with."""
        kinds = ((self.approve, 6), (self.start, 8), (self.record, 10), (self.settle, 4), (self.claim, 3), (self.release, 1),
                 (self.confirm, 3), (self.dispute, 2), (self.accept, 1), (self.arbitrate, 1.5),
                 (self.player.late, 2), (self.player.credit, 15 if self.correcting else 2),
                 (self.player.rebill, 8 if self.correcting else 2),
                 (self.deny, 1), (self.limit, 1), (self.countersign, 25 if self.correcting else 6), (self.agreement, 1),
                 (self.registry, 2), (self.repeat, 1), (self.change, 0.3), (self.vote, 0.4))
        return self.chance.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]()

    def seldom(self, wrong, right, odds=0.05):
        return wrong if self.chance.random() < odds else right

    def pick(self, status):
        """A live authorization of this status; now and then any that there ever was, or none."""
        if self.chance.random() < 0.04:
            ever = list(self.oracle.live.items()) + list(self.oracle.finished.items())
        else:
            ever = [(ref, item) for ref, item in self.oracle.live.items() if item.status == status]
        return self.chance.choice(ever) if ever else None

    @staticmethod
    def ref(ref):
        return message(f1=ref[0].encode(), f2=ref[1])

    def approve(self):
        home, visited = self.chance.sample(OPERATORS, 2)
        visited = self.seldom(self.chance.choice((home, HUB, "XYZ")), visited)
        window = self.oracle.parameters["start_window_ms"]
        start_by = self.time + self.seldom(self.chance.choice((0, window + 1)), self.chance.randrange(1, window + 1))
        half = self.oracle.agreements.get((home, visited))
        currency = half[1] if half and half[1] in CURRENCIES else self.currency
        name = self.tariffs[currency]
        tariffs = [(name, self.seldom(9, max(1, len(self.oracle.tariffs.get((visited, name), [])))))]
        if self.chance.random() < 0.1:
            tariffs.append(("noon", 1))
        value = message(f1=visited, f2=self.chance.randbytes(32), f3=self.chance.randbytes(32), f4=self.seldom("ST9", "ST1"),
                        f5=self.seldom("ZZZ", currency), f6=1,
                        f7=self.seldom(self.chance.choice((1, 49999, 10**13)), self.chance.randrange(50000, 900000)))
        for name, version in tariffs:
            value += field(8, message(f1=name, f2=version))
        reused = self.chance.choice(list(self.oracle.live))[1] if self.oracle.live and self.chance.random() < 0.03 else None
        return home, self.transaction(16, value + field(9, start_by), reused)

    def deny(self):
        home, visited = self.chance.sample(OPERATORS, 2)
        visited = self.seldom(home, visited)
        return home, self.transaction(16, message(f1=visited, f2=bytes(32), f3=bytes(32), f4="ST1", f5=self.currency,
                                                  f10=self.chance.randrange(1, 10)))

    def start(self):
        picked = self.pick(rules.APPROVED)
        if not picked:
            return None
        ref, item = picked
        owner = self.seldom("CCC", item.visited)
        tariff, version = self.seldom(("std", 77), self.chance.choice(item.tariffs) if item.tariffs else ("std", 1))
        evse = self.seldom(f"{item.visited}*9", f"{item.visited}*{self.chance.randrange(1, 3)}")
        return owner, self.transaction(18, message(f1=self.ref(ref), f2=evse, f3=message(f1=tariff, f2=version)))

    def record(self):
        picked = self.pick(rules.STARTED)
        if not picked or not picked[1].start:
            return None
        ref, item = picked
        evse = self.seldom(f"{item.visited}*7", item.start[2])
        charger = self.oracle.chargers.get((item.visited, item.start[2]))
        duration = self.chance.randrange(60000, 3 * 3600000)
        begin = max(item.start[0], charger.last_end) + self.seldom(-self.chance.choice((1000, 400000, DAY)), 0, 0.1)
        energy = self.seldom(charger.rated_power * 4,
                             charger.rated_power * duration // 3600000 * self.chance.randrange(101) // 100)
        first = (charger.last[2] if charger.last else 0) + self.chance.choice((0, 0, 500)) + self.seldom(-501, 0)
        readings = ((begin, max(0, first)), (begin + duration, max(0, first) + energy))
        price = self.oracle.tariffs[item.visited, item.start[3]][item.start[4] - 1][1]
        rated = rules.rated([{"register": register} for _, register in readings], price)
        rated = max(0, rated + self.seldom(self.chance.choice((-1, 1)), 0, 0.03))
        posted = max(0, min(rated, item.amount) + self.seldom(self.chance.choice((-1, 1)), 0, 0.03))
        encoded = self.metered(ref, item.visited, evse, (self.seldom("M5", charger.serial), charger.epoch), readings)
        return self.seldom("BBB", item.visited), self.transaction(19, message(f1=encoded, f2=rated, f3=posted))

    def metered(self, ref, owner, evse, meter, readings):
        """What the owner's bridge signs, encoded as in a transaction."""
        metered = {"authorization": {"signer": ref[0].encode(), "id": ref[1]}, "evse": evse,
                   "bridge": self.seldom("other", "bridge"), "serial": meter[0], "epoch": meter[1],
                   "evidence": self.chance.randbytes(32), "readings": [
                       {"time": time, "offset": 60, "register": register, "estimated": False, "activity": 0, "power": 0}
                       for time, register in readings]}
        signature = builder.sign(self.seldom("AAA/wrong", owner + "/bridge"), self.oracle.metered_digest(metered))
        encoded = field(1, self.ref(ref)) + message(f2=evse, f3=metered["bridge"], f4=metered["serial"], f5=metered["epoch"])
        for time, register in readings:
            encoded += field(6, message(f1=time, f2=120, f3=register))  # 60 minutes, as zigzag
        return encoded + message(f7=metered["evidence"], f8=signature)

    def settle(self):
        picked = self.pick(rules.RECORDED)
        if not picked:
            return None
        ref, item = picked
        posted = item.record[7] if item.record else 5
        return self.seldom("AAA", item.home), self.transaction(
            20, message(f1=self.ref(ref), f2=self.seldom(posted + 1, posted)))

    def claim(self):
        picked = self.pick(rules.RECORDED)
        return picked and (self.seldom("BBB", picked[1].visited), self.transaction(21, message(f1=self.ref(picked[0]))))

    def confirm(self):
        if not self.oracle.netting.legs:
            return None
        cycle, currency, debtor, creditor = self.chance.choice(list(self.oracle.netting.legs))
        return self.seldom("AAA", creditor), self.transaction(35, message(
            f1=self.seldom(cycle + 1, cycle), f2=self.seldom("ZZZ", currency), f3=self.seldom("BBB", debtor), f4="x" * self.chance.randrange(1, 65)))

    def dispute(self):
        picked = self.pick(rules.RECORDED)
        if not picked:
            return None
        ref, item = picked
        recorded = item.record[7] if item.record else 5
        disputed = self.chance.choice((recorded, self.chance.randrange(recorded + 1), self.seldom(recorded + 1, 1, 0.3)))
        if disputed == 0:
            return None  # is malformed
        return self.seldom("CCC", item.home), self.transaction(29, message(
            f1=self.ref(ref), f2=disputed, f3=self.chance.randrange(1, 7), f4=self.chance.randbytes(32)))

    def accept(self):
        picked = self.pick(self.seldom(rules.RECORDED, rules.DISPUTED))
        return picked and (self.seldom("BBB", picked[1].visited, 0.3), self.transaction(30, message(f1=self.ref(picked[0]))))

    def arbitrate(self):
        picked = self.pick(rules.DISPUTED)
        if not picked:
            return None
        ref, item = picked
        disputed = item.dispute[2] if item.dispute else 5
        posted = self.seldom(disputed + 1, self.chance.randrange(disputed + 1))
        return self.seldom("BBB", HUB), self.transaction(31, message(f1=self.ref(ref), f2=posted, f3=bytes(32)))

    def release(self):
        picked = self.pick(self.chance.choice((rules.APPROVED, rules.STARTED)))
        return picked and (self.chance.choice((picked[1].visited, picked[1].home, self.seldom("CCC", picked[1].visited, 0.3))),
                           self.transaction(17, message(f1=self.ref(picked[0]))))

    def limit(self):
        member = self.seldom(self.chance.choice((HUB, "XYZ")), self.chance.choice(OPERATORS))
        signer = self.chance.choice((HUB, member, self.seldom("AAA", HUB)))
        if signer == "XYZ":
            return None
        return signer, self.transaction(14, message(f1=member, f2=self.seldom("ZZZ", self_or(self.chance, self.currency)),
                                                    f3=self.chance.randrange(0, 3000000)))

    def countersign(self):
        if not self.oracle.countersigns:
            return None
        ref, item = self.chance.choice(list(self.oracle.countersigns.items()))
        signer = self.seldom(self.chance.choice(OPERATORS + (ref[0],)), item.second)
        ref = self.seldom(("AAA", bytes(16)), ref)
        return signer, self.transaction(15, message(f1=self.ref(ref), f2=self.seldom(bytes(32), item.hash)))

    def agreement(self):
        owner = self.chance.choice(OPERATORS)
        partner = self.seldom(self.chance.choice((owner, "XYZ")), self.chance.choice(OPERATORS))
        half = self.oracle.agreements.get((owner, partner)) or self.oracle.agreements.get((partner, owner))
        currency = self_or(self.chance, half[1] if half and half[1] in CURRENCIES else self.currency)
        value = message(f1=partner, f2=self.seldom(0, 1), f3=self.seldom("USD", currency, 0.02))
        if self.chance.random() < 0.1:
            value += field(4, self.chance.choice(("std", "night")))
        cap = self.chance.randrange(300000, 2000000)
        if self.correcting and cap % 2:  # only a low cap is ever reached by what is billed again
            cap //= 20
        return owner, self.transaction(10, value + field(5, self.seldom(0, cap, 0.5)))

    def registry(self):
        owner = self.chance.choice(OPERATORS)
        kind = self.chance.randrange(10)
        if kind == 9:
            return owner, self.transaction(28, message(f1=self.seldom("other", "bridge", 0.3)))
        kind //= 2
        if kind == 0:
            currency = self.chance.choice(CURRENCIES)
            name = self.seldom("noon", self.tariffs[currency])
            version = len(self.oracle.tariffs.get((owner, name), [])) + self.seldom(2, 1)
            return owner, self.tariff(name, version, self_or(self.chance, currency))
        if kind == 1:  # the meter is swapped, and seldom the station has another name
            return owner, self.charger(owner, self.chance.randrange(1, 3), self.chance.randrange(2),
                                       self.seldom("ST2", "ST1", 0.3))
        if kind == 2:  # a station that another EVSE has, or a bridge that nobody has
            return owner, self.transaction(12, message(
                f1=f"{owner}*3", f2="ST1", f3=self.chance.randrange(1, 4), f4=self.seldom("none", "bridge", 0.3), f5=22000,
                f6="M3", f7=0))
        return owner, self.transaction(11, message(f1="bridge", f2=key_of(owner + "/bridge"), f3=1))

    def change(self):
        """The hub is the only validator here: what it proposes is decided at once, what others propose waits for its vote."""
        signer = self.seldom(self.chance.choice(OPERATORS), HUB, 0.3)
        if self.oracle.netting.legs and self.chance.random() < 0.4:
            cycle, currency, debtor, creditor = self.chance.choice(list(self.oracle.netting.legs))
            leg = message(f1=self.seldom(cycle + 1, cycle), f2=currency, f3=debtor, f4=creditor)
            return signer, self.transaction(23, message(f1=votes.CONFIRM_LEG) + field(11, leg))
        kind = self.seldom(votes.SET_PARAMETERS, votes.REINSTATE if self.oracle.suspended else votes.SUSPEND, 0.4)
        if kind != votes.SET_PARAMETERS:
            among = sorted(self.oracle.suspended) if kind == votes.REINSTATE else OPERATORS
            return signer, self.transaction(23, message(f1=kind, f2=self.seldom("CCC", self.chance.choice(among), 0.2)))
        windows = dict(self.oracle.parameters)
        windows[self.chance.choice(("record_window_ms", "settle_window_ms", "claim_window_ms"))] = self.chance.randrange(
            600000, 2 * DAY)
        cycles = {"cycle_length_ms": (3600000, DAY, 10 * DAY), "payment_window_ms": (600000, DAY), "default_bearer": (1, 2)}
        name = self.chance.choice(list(cycles))
        windows[name] = self.chance.choice(cycles[name])
        windows["start_window_ms"] = self.chance.choice((60000, 3600000))
        windows |= {"delta_ms": 50, "idle_interval_ms": 1000, "skip_timeout_ms": 2000, "epoch_blocks_max": 1000,
                    "admissions_per_epoch": 16, "epoch_blocks_min": 1000}
        parameters = b"".join(field(place, windows[name]) for place, (name, _) in actions.PARAMETERS.items())
        return signer, self.transaction(23, message(f1=kind, f6=parameters))

    def vote(self):
        if not self.oracle.votes.open:
            return None
        ref = self.seldom(("AAA", bytes(16)), self.chance.choice(list(self.oracle.votes.open)))
        approves = field(2, 1) if self.chance.random() < 0.5 else b""
        return self.seldom("AAA", HUB, 0.2), self.transaction(24, field(1, self.ref(ref)) + approves)

    def repeat(self):
        """The same again, or something else under the same id, shortly or long after."""
        if not self.old:
            return None
        signer, body = self.chance.choice(self.old)
        identity, not_after, _, _ = actions.transaction(body)
        if self.chance.random() < 0.5 and self.time < not_after <= self.time + 120000:
            return signer, body
        return signer, self.transaction(17, message(f1=self.ref(("AAA", identity))), identity)


def as_expiry(event):
    if isinstance(event, CycleClosed):
        return "closed", event.cycle, event.currency, event.net, event.matrix_hash
    if isinstance(event, LegDefaulted):
        return ("defaulted", *dataclasses.astuple(event))
    assert isinstance(event, Expired)
    letters = [value.decode() if value != bytes(3) else None for value in (event.debtor, event.creditor, event.currency)]
    return event.cause, (event.signer, event.id), *letters, event.amount


def compare(time, order, results, expiries, answer):
    if answer[0] != "ok":
        raise AssertionError(f"the block at {time} is invalid")
    bar = answer.index("|")
    theirs = [int(word) for word in answer[1:bar]]
    for (signer, body), our, their in zip(order, results, theirs):
        if our != their:
            raise AssertionError(f"at {time} {signer} {actions.transaction(body)}: oracle {our}, ledger {their}")
    seen = [as_expiry(event_of(bytes.fromhex(word))) for word in answer[bar + 1:]]
    if seen != expiries:
        raise AssertionError(f"at {time}: oracle expects {expiries}, ledger has {seen}")


def knows_elements(program, folder):
    """Whether tariffs have elements in the executor's version of the protocol."""
    for elements in (True, False):
        month = Month(0, folder, elements)
        if executed(program, month.lines)[1][0] == "ok":
            return elements
    raise AssertionError("the first block is invalid")


def play_months(program, first, count):
    seen, effects = collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        elements = knows_elements(program, folder)
        for seed in range(first, first + count):
            month = Month(seed, folder, elements)
            try:
                month.run(program)
            except AssertionError as error:
                print(f"month {seed}: {error}")
                return None
            seen += month.oracle.seen
            effects += month.oracle.effects
    return seen, effects


# What a hundred months have to come to at least once. Not among it: overflow, which takes more money than may be asked for.
REACHED = {
    "set_agreement": (0, 11, 49), "register_bridge": (0,), "revoke_bridge": (0, 20, 110),
    "register_charger": (0, 20, 26, 110), "publish_tariff": (0, 23),
    "set_limit": (0, 10, 11), "countersign": (0, 10, 80, 81),
    "decide_authorization": (0, 1, 2, 3, 11, 12, 21, 22, 24, 25, 30, 31, 32, 34, 46, 49),
    "release_authorization": (0, 2, 10, 40, 41, 44), "start_charge": (0, 12, 21, 25, 40, 41, 42, 47, 48),
    "record_charge": (0, 20, 40, 41, 42, 60, 61, 62, 63, 64, 65, 66, 68, 69, 110), "settle_charge": (0, 40, 41, 43, 45, 69),
    "claim_charge": (0, 40, 41, 42, 44), "open_dispute": (0, 40, 41, 43, 45, 112), "accept_dispute": (0, 40, 41, 42),
    "arbitrate": (0, 40, 41, 111, 112), "propose_change": (0, 97, 115, 116), "vote_on_change": (0, 90, 91),
    "late_charge": (0, 3, 11, 49), "credit_charge": (0, 11, 42, 49), "rebill_charge": (0, 11, 49),
    "expired": (1, 2, 3, 4, 5, 6, 7),
    "confirm_payment": (0, 115, 116), "cycle_closed": (0, 1, 2), "leg_defaulted": (1, 2)}

# The same of what took effect, or did not, when it was countersigned, and the ends of disputes.
EFFECTS = {
    "set_limit": (0,), "late_charge": (0, 20, 21, 22, 24, 30, 31, 32, 60, 68, 69, 110, 113, 117),
    "credit_charge": (0, 24, 30, 31, 32, 42, 69, 114, 117, 118, 119),
    "rebill_charge": (0, 20, 22, 24, 31, 32, 60, 68, 69, 110, 114, 119),
    "dispute accepted": (0,), "dispute arbitrated": (0,), "dispute by default": (1, 2),
    "leg defaulted, shares": (0, 1), "leg behind due_by, not in default yet": (0,),
    "leg confirmed that was": (1, 2), "leg confirmed by vote that was": (1, 2), "legs of a cycle all confirmed": (0,)}
# What a hundred months may do without, but not a thousand.
RARE = {("cycle_closed", 0), ("late_charge", 30), ("late_charge", 31), ("credit_charge", 30), ("credit_charge", 31), ("rebill_charge", 31),
        ("rebill_charge", 32), ("rebill_charge", 119)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--months", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--counts", action="store_true", help="how often each action had each result")
    arguments = parser.parse_args()
    played = play_months(arguments.program, arguments.first, arguments.months)
    if played is None:
        return 1
    missing = [(name, code) for counts, floors in zip(played, (REACHED, EFFECTS)) for name, codes in floors.items()
               for code in codes if not counts[name, code] and (arguments.months >= 1000 or (name, code) not in RARE)]
    if arguments.months >= 100 and missing:
        print(f"never happened, so it was not compared: {missing}")
        return 1
    if arguments.counts:
        for title, counts in zip(("results and expiries", "effects of what was countersigned, ends of disputes"), played):
            print(title)
            for (name, code), count in sorted(counts.items()):
                print(f"  {name:24} {code:4} {count}")
    print(f"{arguments.months} months, {sum(played[0].values())} results and expiries are the same")
    return 0


if __name__ == "__main__":
    sys.exit(main())
