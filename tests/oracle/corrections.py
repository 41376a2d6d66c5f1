"""Charges that come late, are credited and billed again, recomputed (docs/protocol/ledger.md, section 3)."""

import dataclasses

import secp256k1
from refusal import refuse_if

UNKNOWN_MEMBER, SELF_ROAMING, ID_IN_USE, TOO_LATE, NOT_VISITED = 11, 49, 3, 45, 42
UNKNOWN_BRIDGE, UNKNOWN_CHARGER, UNKNOWN_TARIFF, CURRENCY_MISMATCH, NO_AGREEMENT, BRIDGE_REVOKED = 20, 21, 22, 24, 30, 110
BAD_BRIDGE_SIGNATURE, ENERGY_IMPLAUSIBLE, UNRATABLE, RATED_AMOUNT_DIFFERS, AMOUNT_DIFFERS = 60, 66, 67, 68, 69
ALREADY_CORRECTED, UNKNOWN_CORRECTION = 113, 114
AUTHORIZATION_LIVE, CREDIT_EXCEEDS_CHARGE, TOO_MANY_CORRECTIONS = 117, 118, 119
CHARGES_MAX = CREDITS_MAX = 8
DEADLINE = 4  # kind of its deadline
CORRECTION_OVER = 7  # cause of its end


@dataclasses.dataclass
class Charge:
    ref: tuple
    charged: int
    credited: int = 0


@dataclasses.dataclass
class Correction:
    visited: str
    currency: str
    expires: int
    charges: list = dataclasses.field(default_factory=list)
    credits: list = dataclasses.field(default_factory=list)  # that wait to be billed again


def reference(ref):
    return ref["signer"].decode(), ref["id"]


def authorization_of(name, action):
    return reference(action["authorization"] if name == "credit_charge" else action["charge"]["metered"]["authorization"])


class Corrections:
    """The table of corrections. Everything else is the oracle's."""

    def __init__(self, oracle):
        self._oracle = oracle
        self.table = {}  # authorization: Correction

    def check_first(self, visited, own, name, action):
        """What the first signature is refused for. Gives who has to countersign."""
        home = authorization_of(name, action)[0]
        refuse_if(own in self._oracle.countersigns, ID_IN_USE)
        refuse_if(home == visited, SELF_ROAMING)
        refuse_if(home not in self._oracle.members, UNKNOWN_MEMBER)
        refuse_if(name == "credit_charge" and action["record"]["signer"].decode() != visited, NOT_VISITED)
        return home

    def take_effect(self, own, name, action, reported):
        """The home operator has countersigned. `reported` is the ledger's result, for tariffs that are not understood."""
        authorization = authorization_of(name, action)
        correction = self.table.get(authorization)
        refuse_if(authorization in self._oracle.live, AUTHORIZATION_LIVE)
        refuse_if(correction and correction.visited != own[0], NOT_VISITED)
        refuse_if(correction and self._oracle.now > correction.expires, TOO_LATE)
        effect = {"late_charge": self._late, "credit_charge": self._credit, "rebill_charge": self._rebill}[name]
        effect(own, authorization, correction, action, reported)

    def due(self):
        return [(item.expires, ref, DEADLINE) for ref, item in self.table.items() if item.expires < self._oracle.now]

    def forget(self, authorization):
        del self.table[authorization]
        return CORRECTION_OVER, authorization, None, None, None, 0

    def _write(self, authorization, visited, currency):
        expires = self._oracle.now + self._oracle.in_force("correction_window_ms")
        self.table[authorization] = Correction(visited, currency, expires)
        return self.table[authorization]

    def _late(self, own, authorization, correction, action, reported):
        charge = action["charge"]
        refuse_if(correction, ALREADY_CORRECTED)
        self._check_charge(own[0], charge, reported)
        self._pay(authorization[0], own[0], charge["currency"].decode(), charge["amount"])
        written = self._write(authorization, own[0], charge["currency"].decode())
        written.charges.append(Charge(own, charge["amount"]))

    def _credit(self, own, authorization, correction, action, _reported):
        visited, currency, record = own[0], action["currency"].decode(), reference(action["record"])
        refuse_if(correction and correction.currency != currency, CURRENCY_MISMATCH)
        stated = Charge(record, action["charged"])
        charge = next((item for item in correction.charges if item.ref == record), None) if correction else stated
        refuse_if(charge is None, UNKNOWN_CORRECTION)
        refuse_if(charge.charged != action["charged"], AMOUNT_DIFFERS)
        refuse_if(charge.credited + action["amount"] > charge.charged, CREDIT_EXCEEDS_CHARGE)
        refuse_if(correction and len(correction.credits) == CREDITS_MAX, TOO_MANY_CORRECTIONS)
        self._pay(visited, authorization[0], currency, action["amount"])
        if not correction:
            correction = self._write(authorization, visited, currency)
            correction.charges.append(charge)
        charge.credited += action["amount"]
        correction.credits.append(own)

    def _rebill(self, own, authorization, correction, action, reported):
        charge, credit = action["charge"], reference(action["credit"])
        refuse_if(not correction or credit not in correction.credits, UNKNOWN_CORRECTION)
        refuse_if(correction.currency != charge["currency"].decode(), CURRENCY_MISMATCH)
        refuse_if(len(correction.charges) == CHARGES_MAX, TOO_MANY_CORRECTIONS)
        self._check_charge(own[0], charge, reported)
        self._pay(authorization[0], own[0], correction.currency, charge["amount"])
        correction.credits.remove(credit)
        correction.charges.append(Charge(own, charge["amount"]))

    def _check_charge(self, visited, charge, reported):
        oracle, metered = self._oracle, charge["metered"]
        versions = oracle.tariffs.get((visited, charge["tariff"]["tariff_id"]), [])
        refuse_if(not 1 <= charge["tariff"]["version"] <= len(versions), UNKNOWN_TARIFF)
        currency, price = versions[charge["tariff"]["version"] - 1]
        refuse_if(currency != charge["currency"].decode(), CURRENCY_MISMATCH)
        charger, first, last = oracle.chargers.get((visited, metered["evse"])), metered["readings"][0], metered["readings"][-1]
        refuse_if(charger is None, UNKNOWN_CHARGER)
        refuse_if(oracle.implausible(charger, first, last), ENERGY_IMPLAUSIBLE)
        key = oracle.bridges.get((visited, metered["bridge"]))
        refuse_if(key is None, UNKNOWN_BRIDGE)
        refuse_if((visited, metered["bridge"]) in oracle.revoked, BRIDGE_REVOKED)
        refuse_if(not secp256k1.verify(key, oracle.metered_digest(metered), metered["signature"]), BAD_BRIDGE_SIGNATURE)
        refuse_if(price is None and reported in (UNRATABLE, RATED_AMOUNT_DIFFERS), reported)
        refuse_if(price is not None and charge["rated"] != oracle.rated(metered["readings"], price), RATED_AMOUNT_DIFFERS)
        refuse_if(charge["amount"] > charge["rated"], AMOUNT_DIFFERS)

    def _pay(self, debtor, creditor, currency, amount):
        halves = [self._oracle.agreements.get(pair) for pair in ((debtor, creditor), (creditor, debtor))]
        refuse_if(not all(halves), NO_AGREEMENT)
        self._oracle.reserve(debtor, creditor, currency, amount, [half[3] for half in halves if half[1] == currency])
        self._oracle.resolve(debtor, creditor, currency, amount, amount)
