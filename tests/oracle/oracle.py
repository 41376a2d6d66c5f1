"""Clearing recomputed from transactions, block times and genesis alone (docs/protocol/ledger.md, sections 2 to 6).

`Oracle.block` gives the results and expiries that it expects. Rating is known for tariffs with a single price for energy;
for others the stated amount is taken. Results of membership actions are taken from the ledger, their effects are followed.
"""

import collections
import dataclasses

import actions
import corrections
import genesis as genesis_file
import netting
import secp256k1
import votes
from merkle import leaf_hash, tagged_hash
from refusal import Refused, refuse_if

OK, EXISTS, EXISTS_DIFFERENT, ID_IN_USE = 0, 1, 2, 3
NOT_PERMITTED, UNKNOWN_MEMBER, MEMBER_SUSPENDED = 10, 11, 12
(UNKNOWN_BRIDGE, UNKNOWN_CHARGER, UNKNOWN_TARIFF, TARIFF_VERSION_GAP, CURRENCY_MISMATCH, TARIFF_NOT_OFFERED,
 STATION_TAKEN) = range(20, 27)
NO_AGREEMENT, EXPOSURE_EXCEEDED, LIMIT_EXCEEDED, OVERFLOW, BELOW_MINIMUM = range(30, 35)
(UNKNOWN_AUTHORIZATION, WRONG_STATUS, NOT_VISITED, NOT_HOME, TOO_EARLY, TOO_LATE, INVALID_DEADLINE, WRONG_STATION,
 EVSE_BUSY, SELF_ROAMING) = range(40, 50)
(BAD_BRIDGE_SIGNATURE, WRONG_EVSE, WRONG_METER, REGISTER_WENT_BACK, OVERLAPS_PREVIOUS, TIME_OUT_OF_BOUNDS,
 ENERGY_IMPLAUSIBLE, UNRATABLE, RATED_AMOUNT_DIFFERS, AMOUNT_DIFFERS) = range(60, 70)
UNKNOWN_COUNTERSIGN, HASH_DIFFERS, ALREADY_SIGNED = range(80, 83)
BRIDGE_REVOKED, NOT_HUB, DISPUTE_AMOUNT = range(110, 113)
TOO_MANY_COUNTERSIGNS, OWN_DISPUTE = 120, 121

APPROVED, STARTED, RECORDED, SETTLED, CLAIMED, RELEASED, DENIED, EXPIRED, DISPUTED = range(1, 10)
NOT_STARTED, NOT_RECORDED, NOT_CLAIMED, NOT_COUNTERSIGNED, NOT_DECIDED, NOT_ARBITRATED = range(1, 7)
POST = 1  # what dispute_default does with a dispute that nobody ended
SWEEP_MAX = 1000
SHARES_MAX = 4096  # of defaults, after which a sweep ends
WAITING_MAX = 256  # first signatures of one member
WINDOW_MS = 120000
MONEY_MAX = 2**63 - 1
CLEARING = frozenset(name for number, (name, _) in actions.ACTIONS.items() if number <= 21 or number >= 28)


@dataclasses.dataclass
class Account:
    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0
    limit: int = 0
    legs_owed: int = 0
    legs_due: int = 0
    shares_held: int = 0  # that came in for legs in default and may have to go back

    def used(self):
        return self.debits_pending + max(0, self.debits_posted + self.shares_held - self.credits_posted) + self.legs_owed

    def debits(self):
        return self.debits_pending + self.debits_posted + self.legs_owed + self.shares_held

    def credits(self):
        return self.credits_pending + self.credits_posted + self.legs_due


@dataclasses.dataclass
class Exposure:
    pending: int = 0
    posted: int = 0
    legs: int = 0

    def sum(self):
        return self.pending + self.posted + self.legs


@dataclasses.dataclass
class Charger:
    station: str
    connector: int
    bridge: str
    rated_power: int
    serial: str
    epoch: int
    meter_key: bytes
    busy: tuple = None
    last_end: int = 0
    last: tuple = None  # serial, epoch, register


@dataclasses.dataclass
class Authorization:
    home: str
    visited: str
    currency: str
    amount: int
    request_hash: bytes
    token: bytes
    station: str
    tariffs: list  # (id, version)
    decided_at: int
    start_by: int
    status: int = APPROVED
    start: tuple = None  # started_at, record_by, EVSE, tariff id, version
    record: tuple = None  # recorded_at, settle_by, claim_until, begin, end, Wh, rated, amount, id
    dispute: tuple = None  # opened_at, arbitrate_by, disputed, reason, evidence
    end: tuple = None  # ended_at, posted, deny reason, expiry cause

    def reserved(self):
        return self.dispute[2] if self.dispute else self.amount

    def posted_so_far(self):
        return self.record[7] - self.dispute[2] if self.dispute else 0

    def deadline(self):
        if self.status == DISPUTED:
            return self.dispute[1]
        if self.status == APPROVED:
            return self.start_by
        return self.start[1] if self.status == STARTED else self.record[2]


@dataclasses.dataclass
class Countersign:
    hash: bytes
    expires: int
    second: str  # who has to sign
    name: str  # of the action
    action: dict


def parameters_of(parsed):
    result = {name: parsed.get(name, default) for name, default in genesis_file.WINDOWS}
    result["minimum_approval"] = genesis_file.amount_of(parsed.get("minimum_approval", "0"))
    result["arbitrate_window_ms"] = parsed.get("arbitrate_window_ms", genesis_file.ARBITRATE_WINDOW)
    result["dispute_default"] = genesis_file.DISPUTE_DEFAULTS[parsed.get("dispute_default", "post")]
    result |= genesis_file.cycles_of(parsed)
    result["default_bearer"] = genesis_file.DEFAULT_BEARERS[parsed.get("default_bearer", "creditor")]
    result["correction_window_ms"] = parsed.get("correction_window_ms", genesis_file.CORRECTION_WINDOW)
    return result


def reference(ref):
    return ref["signer"].decode(), ref["id"]


class Oracle:
    def __init__(self, genesis, with_activity=True):
        """`with_activity`: whether what a bridge signs has activity and power of each reading."""
        parsed = genesis.parsed
        self.chain_id = genesis.chain_id
        self._with_activity = with_activity
        self.hub = genesis.hub
        self.members = {member["party"] for member in parsed["members"]}
        self.suspended = set()
        self.parameters = parameters_of(parsed.get("parameters", {}))
        self.currencies = set()  # in which somebody had an account at the end of a block
        self.accounts = {(item["member"], item["currency"]): Account(limit=genesis_file.amount_of(item["limit"]))
                         for item in parsed["limits"]}
        self._note_currencies()
        self.agreements = {
            (item["member"], item["partner"]): (item.get("active", True), item["currency"],
                                                item.get("tariffs_offered", []),
                                                genesis_file.amount_of(item.get("exposure_cap", "0")))
            for item in parsed["agreements"]}
        self.bridges, self.chargers, self.tariffs = {}, {}, collections.defaultdict(list)
        self.revoked = set()  # keys of bridges
        self.live, self.finished, self.countersigns = {}, {}, {}
        self.votes = votes.Votes(self, (party for party, _ in genesis.validators))
        self.corrections = corrections.Corrections(self)
        self.exposures = collections.defaultdict(Exposure)
        self.netting = netting.Netting(self, self.parameters, genesis.time)
        self.posted = collections.Counter()  # of all charges since the last cycle; `finished` forgets one whose id is used again
        self._bound = {}  # (signer, id): (hash, time)
        self.now = self.before = genesis.time  # of the block, and of the one before
        self._in_force = self.parameters
        self.seen = collections.Counter()  # (action, result) and (expired, cause)
        self.effects = collections.Counter()  # (action, result) of actions that were countersigned, and how disputes ended

    # ---- a block

    def block(self, time, transactions, reported=None):
        """(results, expiries) of the transactions (signer, bytes). `reported` are the ledger's results, needed for tariffs
        that are not understood and for membership actions; without them only some of these are (votes.py)."""
        self.before, self.now = self.now, time
        self._in_force = dict(self.parameters)
        self._bound = {ref: bound for ref, bound in self._bound.items() if bound[1] > time - WINDOW_MS}
        expiries = self.netting.close() + self._sweep()
        results = []
        for place, (signer, data) in enumerate(transactions):
            code = self._transaction(signer, data, reported[place] if reported else None)
            results.append(code)
        self._note_currencies()
        return results, expiries

    def _note_currencies(self):
        self.currencies |= {currency for (_, currency), account in self.accounts.items() if account != Account()}

    def sealed(self, validators):
        """The block ended its epoch: who votes from the next block on."""
        self.votes.validators = set(validators)

    def in_force(self, name):
        """A parameter as it was before the block."""
        return self._in_force[name]

    def _transaction(self, signer, data, reported):
        identity, _, name, action = actions.transaction(data)
        digest = leaf_hash(data)
        bound = self._bound.get((signer, identity))
        if bound:
            code = EXISTS if bound[0] == digest else EXISTS_DIFFERENT
        else:
            self._bound[signer, identity] = digest, self.now
            try:
                if name in CLEARING:
                    getattr(self, "_" + name)(signer, (signer, identity), action, data, reported)
                elif reported is None:
                    self.votes.judge(name, signer, (signer, identity), action)
                elif reported == OK:
                    self.votes.follow(name, signer, (signer, identity), action)
                code = OK if name in CLEARING or reported is None else reported
            except Refused as refused:
                code = refused.code
        self.seen[name, code] += 1
        return code

    def _sweep(self):
        due = sorted([(item.deadline(), ref, 1) for ref, item in self.live.items() if item.deadline() < self.now]
                     + [(item.expires, ref, 2) for ref, item in self.countersigns.items() if item.expires < self.now]
                     + [(item.expires, ref, 3) for ref, item in self.votes.open.items() if item.expires < self.now]
                     + self.corrections.due() + self.netting.due())
        events, shares = [], 0
        for deadline, ref, kind in due[:SWEEP_MAX]:
            if kind == netting.DEADLINE and self.netting.waits(deadline):
                self.effects["leg behind due_by, not in default yet", 0] += 1
                continue
            if shares >= SHARES_MAX:
                break
            events.append(self._expire(ref, kind))
            shares += len(events[-1][-1]) if kind == netting.DEADLINE else 0
        return events

    def _expire(self, ref, kind):
        """(cause, ref, debtor, creditor, currency, amount)"""
        if kind == netting.DEADLINE:
            return self.netting.default(ref)
        if kind == 1:
            item = self.live[ref]
            cause = {APPROVED: NOT_STARTED, STARTED: NOT_RECORDED, RECORDED: NOT_CLAIMED, DISPUTED: NOT_ARBITRATED}[item.status]
            amount, posted = item.amount, 0
            if item.dispute:
                amount = item.dispute[2] if self._in_force["dispute_default"] == POST else 0
                posted = item.posted_so_far() + amount
                self.effects["dispute by default", self._in_force["dispute_default"]] += 1
            self._end(ref, EXPIRED, posted, cause=cause)
            event = cause, ref, item.home, item.visited, item.currency, amount
        elif kind == corrections.DEADLINE:
            event = self.corrections.forget(ref)
        else:
            del (self.countersigns if kind == 2 else self.votes.open)[ref]
            event = NOT_COUNTERSIGNED if kind == 2 else NOT_DECIDED, ref, None, None, None, 0
        self.seen["expired", event[0]] += 1
        return event

    # ---- money

    def _account(self, party, currency):
        return self.accounts.get((party, currency)) or Account()

    def reserve(self, debtor, creditor, currency, amount, caps):
        pair = self.exposures.get((debtor, creditor, currency)) or Exposure()
        opposite = self.exposures.get((creditor, debtor, currency)) or Exposure()
        net = pair.pending + max(0, pair.posted - opposite.posted) + pair.legs
        for cap in caps:
            refuse_if(cap > 0 and net + amount > cap, EXPOSURE_EXCEEDED)
        from_account, to_account = self._account(debtor, currency), self._account(creditor, currency)
        refuse_if(from_account.used() + amount > from_account.limit, LIMIT_EXCEEDED)
        refuse_if(max(from_account.debits(), to_account.credits(), pair.sum()) + amount > MONEY_MAX, OVERFLOW)
        self.accounts[debtor, currency], self.accounts[creditor, currency] = from_account, to_account
        from_account.debits_pending += amount
        to_account.credits_pending += amount
        self.exposures[debtor, creditor, currency].pending += amount

    def resolve(self, debtor, creditor, currency, released, posted):
        """Takes `released` from what is pending and posts `posted`."""
        from_account, to_account = self.accounts[debtor, currency], self.accounts[creditor, currency]
        pair = self.exposures[debtor, creditor, currency]
        from_account.debits_pending -= released
        to_account.credits_pending -= released
        pair.pending -= released
        from_account.debits_posted += posted
        to_account.credits_posted += posted
        pair.posted += posted
        self.posted[currency] += posted

    def _resolve(self, item, released, posted):
        self.resolve(item.home, item.visited, item.currency, released, posted)

    def _end(self, ref, status, posted, reason=0, cause=0):
        item = self.live.pop(ref)
        self._resolve(item, item.reserved(), posted - item.posted_so_far())
        charger = self.chargers.get((item.visited, item.start[2])) if item.start else None
        if charger and charger.busy == ref:
            charger.busy = None
        item.status, item.end = status, (self.now, posted, reason, cause)
        self.finished[ref] = item

    # ---- registry

    def _set_agreement(self, signer, _ref, action, *_):
        partner = action["partner"].decode()
        refuse_if(partner == signer, SELF_ROAMING)
        refuse_if(partner not in self.members, UNKNOWN_MEMBER)
        self.agreements[signer, partner] = (action["active"], action["currency"].decode(), action["tariffs"], action["cap"])

    def _register_bridge(self, signer, _ref, action, *_):
        self.bridges[signer, action["bridge"]] = action["key"]
        self.revoked.discard((signer, action["bridge"]))

    def _revoke_bridge(self, signer, _ref, action, *_):
        refuse_if((signer, action["bridge"]) not in self.bridges, UNKNOWN_BRIDGE)
        refuse_if((signer, action["bridge"]) in self.revoked, BRIDGE_REVOKED)
        self.revoked.add((signer, action["bridge"]))

    def _register_charger(self, signer, _ref, action, *_):
        refuse_if((signer, action["bridge"]) not in self.bridges, UNKNOWN_BRIDGE)
        refuse_if((signer, action["bridge"]) in self.revoked, BRIDGE_REVOKED)
        for (owner, evse), other in self.chargers.items():
            refuse_if(owner == signer and evse != action["evse"] and other.station == action["station"]
                      and other.connector == action["connector"], STATION_TAKEN)
        before = self.chargers.get((signer, action["evse"]))
        kept = (before.busy, before.last_end, before.last) if before else ()
        self.chargers[signer, action["evse"]] = Charger(*(action[name] for name in (
            "station", "connector", "bridge", "rated_power", "serial", "epoch", "meter_key")), *kept)

    def _publish_tariff(self, signer, _ref, action, *_):
        versions = self.tariffs[signer, action["ref"]["tariff_id"]]
        refuse_if(action["ref"]["version"] != len(versions) + 1, TARIFF_VERSION_GAP)
        versions.append(actions.price_of(action["tariff"]))

    # ---- what needs two signatures

    def _set_limit(self, signer, ref, action, data, *_):
        member = action["member"].decode()
        refuse_if(ref in self.countersigns, ID_IN_USE)
        refuse_if(member not in self.members, UNKNOWN_MEMBER)
        refuse_if((signer == self.hub) == (signer == member), NOT_PERMITTED)
        self._wait(ref, self.hub if signer == member else member, "set_limit", action, data)

    def _late_charge(self, signer, ref, action, data, *_):
        self._wait(ref, self.corrections.check_first(signer, ref, "late_charge", action), "late_charge", action, data)

    def _credit_charge(self, signer, ref, action, data, *_):
        self._wait(ref, self.corrections.check_first(signer, ref, "credit_charge", action), "credit_charge", action, data)

    def _rebill_charge(self, signer, ref, action, data, *_):
        self._wait(ref, self.corrections.check_first(signer, ref, "rebill_charge", action), "rebill_charge", action, data)

    def _wait(self, ref, second, name, action, data):
        refuse_if(sum(waiting[0] == ref[0] for waiting in self.countersigns) >= WAITING_MAX, TOO_MANY_COUNTERSIGNS)
        expires = self.now + self._in_force["countersign_window_ms"]
        self.countersigns[ref] = Countersign(leaf_hash(data), expires, second, name, action)

    def _countersign(self, signer, _ref, action, _data, reported):
        ref = reference(action["transaction"])
        refuse_if(ref not in self.countersigns, UNKNOWN_COUNTERSIGN)
        item = self.countersigns[ref]
        refuse_if(ref[0] == signer, ALREADY_SIGNED)
        refuse_if(signer != item.second, NOT_PERMITTED)
        refuse_if(self.now > item.expires, TOO_LATE)
        refuse_if(action["hash"] != item.hash, HASH_DIFFERS)
        try:
            self._take_effect(ref, item, reported)
        except Refused as refused:
            self.effects[item.name, refused.code] += 1
            raise
        self.effects[item.name, OK] += 1
        del self.countersigns[ref]

    def _take_effect(self, ref, item, reported):
        if item.name == "set_limit":
            limited = item.action["member"].decode(), item.action["currency"].decode()
            self.accounts.setdefault(limited, Account()).limit = item.action["limit"]
        else:
            self.corrections.take_effect(ref, item.name, item.action, reported)

    # ---- charges

    def _decide_authorization(self, home, ref, action, *_):
        visited, currency = action["visited"].decode(), action["currency"].decode()
        refuse_if(ref in self.live, ID_IN_USE)
        refuse_if(visited == home, SELF_ROAMING)
        refuse_if(visited not in self.members, UNKNOWN_MEMBER)
        tariffs = [(tariff["tariff_id"], tariff["version"]) for tariff in action["tariffs"]]
        item = Authorization(home, visited, currency, action["amount"], action["request_hash"], action["token"],
                             action["station"], tariffs, self.now, action["start_by"])
        if not action["approved"]:
            item.status, item.end = DENIED, (self.now, 0, action["reason"], 0)
            self.finished[ref] = item
            return
        refuse_if(self.suspended & {home, visited}, MEMBER_SUSPENDED)
        refuse_if(not self.now < item.start_by <= self.now + self._in_force["start_window_ms"], INVALID_DEADLINE)
        halves = [self.agreements.get((home, visited)), self.agreements.get((visited, home))]
        refuse_if(not all(half and half[0] for half in halves), NO_AGREEMENT)
        refuse_if(any(half[1] != currency for half in halves), CURRENCY_MISMATCH)
        offered = halves[1][2]
        for tariff, version in tariffs:
            versions = self.tariffs.get((visited, tariff), [])
            refuse_if(not 1 <= version <= len(versions), UNKNOWN_TARIFF)
            refuse_if(versions[version - 1][0] != currency, CURRENCY_MISMATCH)
            refuse_if(offered and tariff not in offered, TARIFF_NOT_OFFERED)
        refuse_if(not any(owner == visited and charger.station == item.station
                          for (owner, _), charger in self.chargers.items()), UNKNOWN_CHARGER)
        refuse_if(item.amount < self._in_force["minimum_approval"], BELOW_MINIMUM)
        self.reserve(home, visited, currency, item.amount, [half[3] for half in halves])
        self.live[ref] = item

    def _find(self, action):
        ref = reference(action["authorization"])
        refuse_if(ref not in self.live, UNKNOWN_AUTHORIZATION)
        return ref, self.live[ref]

    def _release_authorization(self, signer, _ref, action, *_):
        ref, item = self._find(action)
        refuse_if(signer not in (item.home, item.visited), NOT_PERMITTED)
        refuse_if(item.status in (RECORDED, DISPUTED) or (item.status == STARTED and signer == item.home), WRONG_STATUS)
        refuse_if(self.now > item.deadline(), TOO_LATE)
        refuse_if(signer == item.home and self.now < item.decided_at + self._in_force["home_release_after_ms"], TOO_EARLY)
        self._end(ref, RELEASED, 0)

    def _start_charge(self, signer, _ref, action, *_):
        ref, item = self._find(action)
        refuse_if(signer != item.visited, NOT_VISITED)
        refuse_if(item.status != APPROVED, WRONG_STATUS)
        refuse_if(self.now > item.start_by, TOO_LATE)
        refuse_if(self.suspended & {item.home, item.visited}, MEMBER_SUSPENDED)
        charger = self.chargers.get((signer, action["evse"]))
        refuse_if(charger is None, UNKNOWN_CHARGER)
        refuse_if(charger.station != item.station, WRONG_STATION)
        tariff = action["tariff"]["tariff_id"], action["tariff"]["version"]
        refuse_if(tariff not in item.tariffs, TARIFF_NOT_OFFERED)
        refuse_if(charger.busy is not None, EVSE_BUSY)
        charger.busy = ref
        item.status = STARTED
        item.start = (self.now, self.now + self._in_force["record_window_ms"], action["evse"], *tariff)

    def _record_charge(self, signer, own, action, _data, reported):
        metered = action["metered"]
        ref, item = self._find(metered)
        refuse_if(signer != item.visited, NOT_VISITED)
        refuse_if(item.status != STARTED, WRONG_STATUS)
        refuse_if(self.now > item.start[1], TOO_LATE)
        refuse_if(metered["evse"] != item.start[2], WRONG_EVSE)
        first, last = metered["readings"][0], metered["readings"][-1]
        energy = last["register"] - first["register"]
        price = self.tariffs[signer, item.start[3]][item.start[4] - 1][1]
        charger = self.chargers[signer, metered["evse"]]
        refuse_if((metered["serial"], metered["epoch"]) != (charger.serial, charger.epoch), WRONG_METER)
        refuse_if(charger.last and charger.last[:2] == (metered["serial"], metered["epoch"])
                  and first["register"] < charger.last[2], REGISTER_WENT_BACK)
        refuse_if(first["time"] < charger.last_end, OVERLAPS_PREVIOUS)
        refuse_if(first["time"] < item.decided_at - self._in_force["charger_clock_back_ms"]
                  or last["time"] > item.start[1] + self._in_force["charger_clock_ahead_ms"], TIME_OUT_OF_BOUNDS)
        refuse_if(self.implausible(charger, first, last), ENERGY_IMPLAUSIBLE)
        key = self.bridges.get((signer, metered["bridge"]))
        refuse_if(key is None, UNKNOWN_BRIDGE)
        refuse_if((signer, metered["bridge"]) in self.revoked, BRIDGE_REVOKED)
        refuse_if(not secp256k1.verify(key, self.metered_digest(metered), metered["signature"]), BAD_BRIDGE_SIGNATURE)
        refuse_if(price is None and reported == UNRATABLE, UNRATABLE)
        refuse_if(price is None and reported == RATED_AMOUNT_DIFFERS, RATED_AMOUNT_DIFFERS)
        refuse_if(price is not None and action["rated"] != rated(metered["readings"], price), RATED_AMOUNT_DIFFERS)
        refuse_if(action["amount"] != min(action["rated"], item.amount), AMOUNT_DIFFERS)
        settle_by = self.now + self._in_force["settle_window_ms"]
        item.status = RECORDED
        item.record = (self.now, settle_by, settle_by + self._in_force["claim_window_ms"], first["time"], last["time"], energy,
                       action["rated"], action["amount"], own[1])
        charger.busy, charger.last_end = None, last["time"]
        charger.last = metered["serial"], metered["epoch"], last["register"]

    @staticmethod
    def implausible(charger, first, last):
        energy = last["register"] - first["register"]
        return energy * 3600000 * 100 > charger.rated_power * (last["time"] - first["time"] + 60000) * 105

    def metered_digest(self, metered):
        """What a bridge signs."""
        return tagged_hash("tally/metered-charge/v1", self.chain_id, self.encoded_metered(metered))

    def encoded_metered(self, metered):
        def text(value):
            return len(value).to_bytes(4, "big") + value.encode()
        signer, identity = reference(metered["authorization"])
        readings = b"".join(
            item["time"].to_bytes(8, "big") + item["offset"].to_bytes(2, "big", signed=True)
            + item["register"].to_bytes(8, "big") + bytes([item["estimated"]])
            + (bytes([item["activity"]]) + (b"\1" + item["power"].to_bytes(4, "big") if item["power"] else b"\0")
               if self._with_activity else b"") for item in metered["readings"])
        return (signer.encode() + identity + text(metered["evse"]) + text(metered["bridge"]) + text(metered["serial"])
                + metered["epoch"].to_bytes(4, "big") + len(metered["readings"]).to_bytes(4, "big") + readings
                + metered["evidence"])

    def _settle_charge(self, signer, _ref, action, *_):
        ref, item = self._find(action)
        refuse_if(signer != item.home, NOT_HOME)
        refuse_if(item.status != RECORDED, WRONG_STATUS)
        refuse_if(self.now > item.record[1], TOO_LATE)
        refuse_if(action["amount"] != item.record[7], AMOUNT_DIFFERS)
        self._end(ref, SETTLED, item.record[7])

    def _claim_charge(self, signer, _ref, action, *_):
        ref, item = self._find(action)
        refuse_if(signer != item.visited, NOT_VISITED)
        refuse_if(item.status != RECORDED, WRONG_STATUS)
        refuse_if(self.now <= item.record[1], TOO_EARLY)
        refuse_if(self.now > item.record[2], TOO_LATE)
        self._end(ref, CLAIMED, item.record[7])

    # ---- bank legs

    def _confirm_payment(self, signer, _ref, action, *_):
        self.netting.confirm(signer, action)

    # ---- disputes

    def _open_dispute(self, signer, _ref, action, *_):
        _, item = self._find(action)
        refuse_if(signer != item.home, NOT_HOME)
        refuse_if(item.status != RECORDED, WRONG_STATUS)
        refuse_if(self.now > item.record[1], TOO_LATE)
        refuse_if(not 1 <= action["disputed"] <= item.record[7], DISPUTE_AMOUNT)
        item.status = DISPUTED
        item.dispute = (self.now, self.now + self._in_force["arbitrate_window_ms"], action["disputed"], action["reason"],
                        action["evidence"])
        self._resolve(item, item.amount - item.reserved(), item.posted_so_far())

    def _accept_dispute(self, signer, _ref, action, *_):
        ref, item = self._find(action)
        refuse_if(signer != item.visited, NOT_VISITED)
        self._end_dispute(ref, item, 0, "dispute accepted")

    def _arbitrate(self, signer, _ref, action, *_):
        ref, item = self._find(action)
        refuse_if(signer != self.hub, NOT_HUB)
        refuse_if(signer in (item.home, item.visited), OWN_DISPUTE)
        self._end_dispute(ref, item, action["amount"], "dispute arbitrated")

    def _end_dispute(self, ref, item, posted, how):
        refuse_if(item.status != DISPUTED, WRONG_STATUS)
        refuse_if(self.now > item.deadline(), TOO_LATE)
        refuse_if(posted > item.dispute[2], DISPUTE_AMOUNT)
        self.effects[how, OK] += 1
        self._end(ref, SETTLED, item.posted_so_far() + posted)

    # ---- what must hold

    def check_books(self):
        for currency in {currency for _, currency in self.accounts}:
            of_currency = [account for (_, other), account in self.accounts.items() if other == currency]
            pending = sum(item.reserved() for item in self.live.values() if item.currency == currency)
            assert sum(a.debits_pending for a in of_currency) == pending, f"pending debits of {currency}"
            assert sum(a.credits_pending for a in of_currency) == pending, f"pending credits of {currency}"
            assert sum(a.debits_posted for a in of_currency) == sum(a.credits_posted for a in of_currency), currency
            assert sum(a.debits_posted for a in of_currency) == self.posted[currency], f"posted debits of {currency}"
            for (party, other), account in self.accounts.items():
                held = sum(part for key, leg in self.netting.legs.items() if key[1] == other and key[3] == party
                           and leg.status == netting.DEFAULTED for _, part in leg.shares)
                assert account.shares_held == held, f"shares that {party} holds in {other}"
            legs = self.netting.owed(currency)
            assert sum(a.legs_owed for a in of_currency) == legs, f"legs owed in {currency}"
            assert sum(a.legs_due for a in of_currency) == legs, f"legs due in {currency}"


    @staticmethod
    def rated(readings, price):
        return rated(readings, price)


def rated(readings, price):
    """One line for all energy at the one price, half up (docs/protocol/rating.md, section 3)."""
    energy = readings[-1]["register"] - readings[0]["register"]
    return (energy * price * 2 + 1000) // 2000
