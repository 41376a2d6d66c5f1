"""Netting cycles and their bank legs, recomputed (docs/protocol/ledger.md, section 5)."""

import dataclasses

import genesis as genesis_file
from merkle import tagged_hash
from refusal import refuse_if

UNKNOWN_LEG, LEG_CONFIRMED, OVERFLOW = 115, 116, 33
PENDING, DEFAULTED, CONFIRMED = range(1, 4)
SHARED = 2  # default_bearer
DEADLINE = 5  # kind of a leg's deadline
CURRENCIES_PER_BLOCK, PAIRS_PER_BLOCK = 64, 256 * 255
MONEY_MAX = 2**63 - 1


@dataclasses.dataclass
class Leg:
    amount: int
    due_by: int
    status: int = PENDING
    shares: tuple = ()
    reference: str = ""


@dataclasses.dataclass
class Closed:
    closed_at: int
    due_by: int
    open_legs: int
    creditors: tuple


def match(net):
    """((debtor, creditor, amount), ...): the first that owes pays the first that is owed, and so on."""
    owing = [[party, -amount] for party, amount in net if amount < 0]
    owed = [[party, amount] for party, amount in net if amount > 0]
    legs = []
    while owing:
        amount = min(owing[0][1], owed[0][1])
        legs.append((owing[0][0], owed[0][0], amount))
        for side in (owing, owed):
            side[0][1] -= amount
            if side[0][1] == 0:
                side.pop(0)
    return legs


def share(amount, weights):
    """By largest remainder, of equal ones the first."""
    whole = sum(weight for _, weight in weights)
    parts = [amount * weight // whole for _, weight in weights]
    remainders = sorted(range(len(weights)), key=lambda place: (-(amount * weights[place][1] % whole), place))
    for place in remainders[:amount - sum(parts)]:
        parts[place] += 1
    return [(party, part) for (party, _), part in zip(weights, parts)]


def leg_ref(key):
    cycle, currency, debtor, creditor = key
    return debtor, cycle.to_bytes(8, "big") + currency.encode() + creditor.encode() + bytes(2)


def matrix_hash(cycle, currency, matrix):
    return tagged_hash("tally/cycle-matrix/v1", cycle.to_bytes(8, "big"), currency.encode(), len(matrix).to_bytes(4, "big"),
                       b"".join(debtor.encode() + creditor.encode() + amount.to_bytes(8, "big")
                                for debtor, creditor, amount in matrix))


class Netting:
    def __init__(self, oracle, genesis):
        self._oracle = oracle
        period = genesis_file.period_of(oracle.parameters, genesis.time)
        self.number, self.period, self.opened_at = period, period, genesis.time
        self.closing = None  # (number, first currency that is left)
        self.closed, self.legs, self.history = {}, {}, {}

    def open_amount(self, currency):
        return sum(leg.amount for key, leg in self.legs.items() if key[1] == currency and leg.status != CONFIRMED)

    # ---- the end of a cycle

    def close(self):
        """("closed", cycle, currency, net figures, hash of the matrix) of each currency."""
        oracle = self._oracle
        if self.closing is None:
            period = genesis_file.period_of(oracle.parameters, oracle.now)
            if period == self.period:
                return []
            self.closing = self.number, "AAA"
            self.number = max(self.number + 1, period)
            self.period, self.opened_at = period, oracle.now
        cycle, start = self.closing
        posted = sorted({currency for (_, currency), account in oracle.accounts.items()
                         if currency >= start and (account.debits_posted or account.credits_posted)})
        events, pairs = [], 0
        for currency in posted:
            matrix = sorted((debtor, creditor, pair.posted) for (debtor, creditor, other), pair in oracle.exposures.items()
                            if other == currency and pair.posted)
            pairs += len(matrix)
            if events and (len(events) == CURRENCIES_PER_BLOCK or pairs > PAIRS_PER_BLOCK):
                self.closing = cycle, currency
                return events
            events.append(self._close_currency(cycle, currency, matrix))
        self.closing = None
        return events

    def _close_currency(self, cycle, currency, matrix):
        oracle = self._oracle
        net = []
        for party in sorted(party for party, other in oracle.accounts if other == currency):
            account = oracle.accounts[party, currency]
            if account.debits_posted or account.credits_posted:
                net.append((party, account.credits_posted - account.debits_posted))
            account.debits_posted = account.credits_posted = 0
        assert sum(amount for _, amount in net) == 0
        oracle.posted[currency] = 0
        for debtor, creditor, _ in matrix:
            oracle.exposures[debtor, creditor, currency].posted = 0
        due_by = oracle.now + oracle.parameters["payment_window_ms"]
        legs = match(net)
        for debtor, creditor, amount in legs:
            self._owe(debtor, creditor, currency, amount)
            self.legs[cycle, currency, debtor, creditor] = Leg(amount, due_by)
        if legs:
            self.closed[cycle, currency] = Closed(oracle.now, due_by, len(legs), tuple(item for item in net if item[1] > 0))
        self.history[cycle, currency] = oracle.now, due_by, net, matrix
        oracle.seen["closed", len(legs)] += 1
        return "closed", cycle, currency, tuple(net), matrix_hash(cycle, currency, matrix)

    def _owe(self, debtor, creditor, currency, amount):
        self._oracle.accounts[debtor, currency].legs_owed += amount
        self._oracle.accounts[creditor, currency].legs_due += amount
        self._oracle.exposures[debtor, creditor, currency].legs += amount

    # ---- legs

    def due(self):
        return [(leg.due_by, leg_ref(key), DEADLINE) for key, leg in self.legs.items()
                if leg.status == PENDING and leg.due_by < self._oracle.now]

    def default(self, ref):
        """("defaulted", cycle, currency, debtor, creditor, amount, shares)"""
        key = next(key for key in self.legs if leg_ref(key) == ref)
        cycle, currency, debtor, creditor = key
        leg = self.legs[key]
        leg.status = DEFAULTED
        if self._oracle.parameters["default_bearer"] == SHARED:
            leg.shares = tuple((party, part) for party, part in share(leg.amount, self.closed[cycle, currency].creditors)
                               if party != creditor and part and self._post(party, creditor, currency, part))
        self._oracle.suspended.add(debtor)
        return "defaulted", cycle, currency, debtor, creditor, leg.amount, leg.shares

    def confirm(self, key, reference):
        refuse_if(key not in self.legs, UNKNOWN_LEG)
        cycle, currency, debtor, creditor = key
        leg = self.legs[key]
        refuse_if(leg.status == CONFIRMED, LEG_CONFIRMED)
        for party, part in leg.shares:
            refuse_if(not self._post(creditor, party, currency, part), OVERFLOW)
        self._owe(debtor, creditor, currency, -leg.amount)
        leg.status, leg.reference = CONFIRMED, reference
        closed = self.closed[cycle, currency]
        closed.open_legs -= 1
        if closed.open_legs == 0:
            del self.closed[cycle, currency]
            self.legs = {other: leg for other, leg in self.legs.items() if other[:2] != (cycle, currency)}

    def _post(self, debtor, creditor, currency, amount):
        """No limit binds; whether the sums have room for it."""
        oracle = self._oracle
        owes, gets = oracle.accounts[debtor, currency], oracle.accounts[creditor, currency]
        pair = oracle.exposures[debtor, creditor, currency]
        if max(owes.debits(), gets.credits(), pair.sum()) + amount > MONEY_MAX:
            return False
        owes.debits_posted += amount
        gets.credits_posted += amount
        pair.posted += amount
        oracle.posted[currency] += amount
        return True
