"""Random late charges, credits and rebills for months.py."""

import oracle as rules
from builder import field, message

OPERATORS = ("AAA", "BBB", "CCC")


class Corrected:
    def __init__(self, month):
        self._month = month

    @property
    def _chance(self):
        return self._month.chance

    def _authorization(self, odds_corrected):
        """One that ended, or (with these odds) one that was corrected before: (ref, visited)."""
        month = self._month
        table = month.oracle.corrections.table
        if table and self._chance.random() < odds_corrected:
            if month.correcting:  # the one that has most
                most = max(table, key=lambda ref: (len(table[ref].charges) + len(table[ref].credits), ref))
                return most, table[most].visited
            ref = self._chance.choice(list(table))
            return ref, table[ref].visited
        if self._chance.random() < 0.05:
            return ("XYZ", bytes(16)), "AAA"
        ever = month.oracle.live if self._chance.random() < 0.1 else month.oracle.finished
        if not ever:
            return None
        ref = self._chance.choice(list(ever))
        return ref, ever[ref].visited

    def _rated(self, ref, visited):
        """A RatedCharge of the visited operator's first EVSE."""
        month, seldom = self._month, self._month.seldom
        charger = month.oracle.chargers[visited, visited + "*1"]
        duration = self._chance.randrange(600000, 3600000)
        energy = charger.rated_power * duration // 3600000 * self._chance.randrange(1, 40) // 100
        readings = ((month.time - duration, 1000), (month.time, 1000 + energy))
        name = self._chance.choice(("std", "std", "night"))
        versions = month.oracle.tariffs[visited, name]
        version = self._chance.randrange(1, len(versions) + 1)
        rated = rules.rated([{"register": register} for _, register in readings], versions[version - 1][1])
        rated = max(0, rated + seldom(1, 0, 0.03))
        amount = max(0, seldom(rated + 1, self._chance.choice((rated, self._chance.randrange(rated + 1))), 0.03))
        evse = seldom(visited + "*9", visited + "*1", 0.03)
        metered = month.metered(ref, visited, evse, (charger.serial, charger.epoch), readings)
        return message(f1=metered, f2=message(f1=name, f2=seldom(99, version, 0.03)),
                       f3=seldom("ZZZ", versions[version - 1][0], 0.03), f4=rated, f5=amount)

    def late(self):
        picked = self._authorization(0.1)
        if not picked:
            return None
        ref, visited = picked
        signer = self._month.seldom(self._chance.choice(OPERATORS), visited)
        return signer, self._month.transaction(32, field(1, self._rated(ref, signer)), self._taken(signer))

    def credit(self):
        picked = self._authorization(0.7)
        if not picked:
            return None
        month, seldom = self._month, self._month.seldom
        ref, visited = picked
        correction, ended = month.oracle.corrections.table.get(ref), month.oracle.finished.get(ref)
        if correction:
            charge = self._chance.choice(correction.charges)
            record, charged, left, currency = charge.ref, charge.charged, charge.charged - charge.credited, correction.currency
        elif ended and ended.record:
            record, charged, currency = (visited, ended.record[8]), ended.end[1], ended.currency
            left = charged
        else:
            record, charged, left, currency = (visited, bytes(16)), 50000, 50000, month.currency
        most = max(1, left // 12 if month.correcting else left)
        record = seldom((visited, self._chance.randbytes(16)), record, 0.05)
        record = seldom((OPERATORS[self._chance.randrange(3)], record[1]), record, 0.03)
        amount = seldom(left + 1, self._chance.randrange(1, most + 1))
        signer = seldom(self._chance.choice(OPERATORS), visited, 0.03)
        if signer != visited and self._chance.random() < 0.7:
            record = signer, record[1]
        return signer, month.transaction(33, message(
            f1=month.ref(ref), f2=month.ref(record), f3=seldom("ZZZ", currency, 0.03), f4=seldom(charged + 1, charged, 0.03),
            f5=amount, f6=bytes(32)), self._taken(signer))

    def rebill(self):
        month = self._month
        picked = self._authorization(0.95)
        if not picked:
            return None
        ref, visited = picked
        correction = month.oracle.corrections.table.get(ref)
        credits = correction.credits if correction else []
        credit = month.seldom(("AAA", bytes(16)), self._chance.choice(credits) if credits else ("BBB", bytes(16)))
        signer = month.seldom(self._chance.choice(OPERATORS), visited, 0.03)
        return signer, month.transaction(34, message(f1=month.ref(credit), f2=self._rated(ref, signer)), self._taken(signer))

    def _taken(self, signer):
        """Seldom the id of an action of the same signer that waits."""
        mine = [ref[1] for ref in self._month.oracle.countersigns if ref[0] == signer]
        return self._chance.choice(mine) if mine and self._chance.random() < 0.03 else None
