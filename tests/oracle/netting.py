"""Netting cycles, their bank legs and defaults, recomputed (docs/protocol/ledger.md, section 5)."""

import dataclasses
import fractions

from merkle import tagged_hash
from refusal import refuse_if

OVERFLOW, UNKNOWN_LEG, LEG_CONFIRMED = 33, 115, 116
PENDING, DEFAULTED, CONFIRMED = 1, 2, 3
CREDITOR, SHARED = 1, 2  # default_bearer
DEADLINE = 5  # kind of a leg's deadline
CURRENCIES_MAX, PAIRS_MAX = 64, 65280  # closed in one block
MONEY_MAX = 2**63 - 1


@dataclasses.dataclass
class Leg:
    amount: int
    due_by: int
    status: int = PENDING
    shares: list = dataclasses.field(default_factory=list)  # (party, amount)
    reference: str = ""


@dataclasses.dataclass
class Closed:
    closed_at: int
    due_by: int
    open_legs: int
    receiving: list  # (party, amount)


@dataclasses.dataclass
class History:
    closed_at: int
    due_by: int
    net: list  # (party, amount)
    matrix: list  # (debtor, creditor, amount)


def by_party(net):
    """[(debtor, creditor, amount)]: where the running sums of what is owed and of what is received overlap."""
    def spans(figures):
        begin = 0
        for party, amount in figures:
            yield party, begin, begin + amount
            begin += amount
    owing = list(spans((party, -amount) for party, amount in net if amount < 0))
    receiving = list(spans((party, amount) for party, amount in net if amount > 0))
    return [(debtor, creditor, min(end, until) - max(begin, since)) for debtor, begin, end in owing
            for creditor, since, until in receiving if min(end, until) > max(begin, since)]


def payments(net, matrix):
    """[(debtor, creditor, amount)] in order: direct debts first, the largest before the others, then by party."""
    gross, left, legs = {row[:2]: row[2] for row in matrix}, dict(net), {}
    direct = sorted((gross.get((creditor, debtor), 0) - amount, debtor, creditor) for (debtor, creditor), amount in gross.items()
                    if left[debtor] < 0 < left[creditor])
    most = sum(amount != 0 for _, amount in net) - 1
    for difference, debtor, creditor in direct:
        amount = min(-difference, -left[debtor], left[creditor])
        if amount > 0 and len(legs) < most:
            legs[debtor, creditor] = amount
            left[debtor] += amount
            left[creditor] -= amount
    for debtor, creditor, amount in by_party(sorted(left.items())):
        legs[debtor, creditor] = legs.get((debtor, creditor), 0) + amount
    return [(*pair, amount) for pair, amount in sorted(legs.items())]


def shared(amount, weights):
    """[(party, part)] that sum to the amount: floors, and one more for the largest remainders, of equal ones by party."""
    total = sum(weight for _, weight in weights)
    exact = {party: fractions.Fraction(amount * weight, total) for party, weight in weights}
    parts = {party: share.numerator // share.denominator for party, share in exact.items()}
    left = amount - sum(parts.values())
    for party in sorted(exact, key=lambda name: (parts[name] - exact[name], name))[:left]:
        parts[party] += 1
    return sorted(parts.items())


def matrix_hash(cycle, currency, matrix):
    rows = b"".join(debtor.encode() + creditor.encode() + amount.to_bytes(8, "big") for debtor, creditor, amount in matrix)
    return tagged_hash("tally/cycle-matrix/v1", cycle.to_bytes(8, "big") + currency.encode() + len(matrix).to_bytes(4, "big") + rows)


def leg_ref(cycle, currency, debtor, creditor):
    return debtor, cycle.to_bytes(8, "big") + currency.encode() + creditor.encode() + b"\0\0"


class Netting:
    """The tables of cycles and legs. Accounts, pairs and suspensions are the oracle's, which this changes."""

    def __init__(self, oracle, parameters, time):
        self._oracle = oracle
        self.number = self.period = self._period_of(parameters, time)
        self.opened_at = time
        self.closing = None  # (number, the currency to go on from)
        self.closed, self.legs, self.history = {}, {}, {}

    @staticmethod
    def _period_of(parameters, time):
        return max(0, (time - parameters["cycle_start_ms"]) // parameters["cycle_length_ms"])

    # ---- the end of a cycle

    def close(self):
        """The events of the cycles that the block closes, each (kind, cycle, currency, net figures, hash of the matrix)."""
        oracle = self._oracle
        period = self._period_of({name: oracle.in_force(name) for name in ("cycle_start_ms", "cycle_length_ms")}, oracle.now)
        if self.closing is None and period != self.period:
            self.closing = self.number, "AAA"
            self.number, self.period, self.opened_at = max(self.number + 1, period), period, oracle.now
        events, pairs = [], 0
        while self.closing:
            cycle, begin = self.closing
            currency = min((currency for (_, currency), account in oracle.accounts.items()
                            if currency >= begin and (account.debits_posted or account.credits_posted)), default=None)
            if currency is None:
                self.closing = None
                break
            matrix = sorted((debtor, creditor, pair.posted) for (debtor, creditor, other), pair in oracle.exposures.items()
                            if other == currency and pair.posted > 0)
            if len(events) == CURRENCIES_MAX or (events and pairs + len(matrix) > PAIRS_MAX):
                self.closing = cycle, currency
                break
            pairs += len(matrix)
            events.append(self._close(cycle, currency, matrix))
        return events

    def _close(self, cycle, currency, matrix):
        oracle, net = self._oracle, []
        for (party, other), account in sorted(oracle.accounts.items()):
            if other == currency and (account.debits_posted or account.credits_posted):
                net.append((party, account.credits_posted - account.debits_posted))
                account.debits_posted = account.credits_posted = 0
        assert sum(amount for _, amount in net) == 0, f"net figures of {currency}"
        assert net == net_of(matrix), f"the figures of {currency} are not those of its pairs"
        for debtor, creditor, _ in matrix:
            oracle.exposures[debtor, creditor, currency].posted = 0
        oracle.posted[currency] = 0
        due_by, receiving = oracle.now + oracle.in_force("payment_window_ms"), [item for item in net if item[1] > 0]
        legs = payments(net, matrix)
        for debtor, creditor, amount in legs:
            self.legs[cycle, currency, debtor, creditor] = Leg(amount, due_by)
            self._owe(debtor, creditor, currency, amount)
        if legs:
            self.closed[cycle, currency] = Closed(oracle.now, due_by, len(legs), receiving)
        self.history[cycle, currency] = History(oracle.now, due_by, net, matrix)
        oracle.seen["cycle_closed", min(len(legs), 2)] += 1
        return "closed", cycle, currency, tuple(net), matrix_hash(cycle, currency, matrix)

    def _owe(self, debtor, creditor, currency, amount):
        oracle = self._oracle
        oracle.accounts[debtor, currency].legs_owed += amount
        oracle.accounts[creditor, currency].legs_due += amount
        oracle.exposures[debtor, creditor, currency].legs += amount

    # ---- legs

    def owed(self, currency):
        return sum(leg.amount for key, leg in self.legs.items() if key[1] == currency and leg.status != CONFIRMED)

    def due(self):
        return [(leg.due_by, leg_ref(*key), DEADLINE) for key, leg in self.legs.items()
                if leg.status == PENDING and leg.due_by < self._oracle.now]

    def waits(self, due_by):
        """Whether the block is the first one behind the due_by of a leg, which is not in default yet."""
        return due_by >= self._oracle.before

    def default(self, ref):
        """The event (kind, cycle, currency, debtor, creditor, amount, shares)."""
        key = next(key for key in self.legs if leg_ref(*key) == ref)
        cycle, currency, debtor, creditor = key
        leg, bearer = self.legs[key], self._oracle.in_force("default_bearer")
        leg.status = DEFAULTED
        self._oracle.suspended.add(debtor)
        parts = shared(leg.amount, self.closed[cycle, currency].receiving) if bearer == SHARED else []
        for party, part in parts:
            held = self._oracle.accounts[creditor, currency]
            if (party != creditor and part > 0 and self._has_room(party, creditor, currency, part)
                    and held.debits() + part <= MONEY_MAX):
                held.shares_held += part
                self._post(party, creditor, currency, part)
                leg.shares.append((party, part))
        self._oracle.seen["leg_defaulted", bearer] += 1
        self._oracle.effects["leg defaulted, shares", min(len(leg.shares), 1)] += 1
        return "defaulted", cycle, currency, debtor, creditor, leg.amount, tuple(leg.shares)

    def confirm(self, creditor, action):
        self.end((action["cycle"], action["currency"].decode(), action["debtor"].decode(), creditor), action["reference"])

    def refuse_unless_open(self, key):
        refuse_if(key not in self.legs, UNKNOWN_LEG)
        refuse_if(self.legs[key].status == CONFIRMED, LEG_CONFIRMED)

    def end(self, key, reference):
        self.refuse_unless_open(key)
        leg, (cycle, currency, debtor, creditor) = self.legs[key], key
        for party, part in leg.shares:
            self._oracle.accounts[creditor, currency].shares_held -= part
            refuse_if(not self._has_room(creditor, party, currency, part), OVERFLOW)
            self._oracle.accounts[creditor, currency].shares_held += part
        for party, part in leg.shares:
            self._oracle.accounts[creditor, currency].shares_held -= part
            self._post(creditor, party, currency, part)
        self._owe(debtor, creditor, currency, -leg.amount)
        self._oracle.effects["leg confirmed that was", leg.status] += 1
        leg.status, leg.reference = CONFIRMED, reference
        self.closed[cycle, currency].open_legs -= 1
        if self.closed[cycle, currency].open_legs == 0:
            del self.closed[cycle, currency]
            self.legs = {other: item for other, item in self.legs.items() if other[:2] != (cycle, currency)}
            self._oracle.effects["legs of a cycle all confirmed", 0] += 1

    def _has_room(self, debtor, creditor, currency, amount):
        accounts, pair = self._oracle.accounts, self._oracle.exposures[debtor, creditor, currency]
        return amount + max(accounts[debtor, currency].debits(), accounts[creditor, currency].credits(), pair.sum()) <= MONEY_MAX

    def _post(self, debtor, creditor, currency, amount):
        self._oracle.accounts[debtor, currency].debits_pending += amount
        self._oracle.accounts[creditor, currency].credits_pending += amount
        self._oracle.exposures[debtor, creditor, currency].pending += amount
        self._oracle.resolve(debtor, creditor, currency, amount, amount)


def net_of(matrix):
    figures = {}
    for debtor, creditor, amount in matrix:
        figures[debtor] = figures.get(debtor, 0) - amount
        figures[creditor] = figures.get(creditor, 0) + amount
    return sorted(figures.items())
