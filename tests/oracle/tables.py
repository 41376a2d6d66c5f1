"""The state of an oracle in the encoding of docs/protocol/ledger.md, section 6: {key: value} of the tables of clearing."""

from corrections import reference
from netting import leg_ref, PENDING
from oracle import Account, APPROVED, DISPUTED, RECORDED, STARTED

VERSION = b"\1"
# Compared as a whole. Tariffs, members, parameters, epochs and proposals are not clearing.
TABLES = {0x02: "account", 0x03: "agreement", 0x04: "bridge", 0x05: "charger", 0x07: "authorization",
          0x08: "countersign", 0x09: "exposure", 0x0A: "totals", 0x0F: "cycle", 0x10: "leg", 0x12: "correction",
          0x80: "deadline", 0x81: "station", 0x82: "finished", 0x83: "cycle history"}


def u(value, width):
    return value.to_bytes(width, "big")


def i64(*values):
    return b"".join(value.to_bytes(8, "big", signed=True) for value in values)


def text(value):
    return u(len(value), 4) + value.encode()


def padded(value, width):
    return value.encode().ljust(width, b"\0")


def ref_of(ref):
    return ref[0].encode() + ref[1]


def optional(value):
    return b"\0" if value is None else b"\1" + value


def authorization(item):
    start = item.start and i64(*item.start[:2]) + text(item.start[2]) + text(item.start[3]) + u(item.start[4], 4)
    record = item.record and i64(*item.record[:8]) + item.record[8]
    dispute = item.dispute and i64(*item.dispute[:3]) + u(item.dispute[3], 1) + item.dispute[4]
    end = item.end and i64(*item.end[:2]) + u(item.end[2], 1) + u(item.end[3], 1)
    return (VERSION + u(item.status, 1) + item.visited.encode() + item.currency.encode() + i64(item.amount)
            + item.request_hash + item.token + text(item.station) + u(len(item.tariffs), 4)
            + b"".join(text(tariff) + u(version, 4) for tariff, version in item.tariffs)
            + i64(item.decided_at, item.start_by) + optional(start) + optional(record)
            + optional(dispute) + optional(end))


def charger(item):
    last = item.last and text(item.last[0]) + u(item.last[1], 4) + i64(item.last[2])
    return (VERSION + text(item.station) + u(item.connector, 2) + text(item.bridge) + u(item.rated_power, 4)
            + text(item.serial) + u(item.epoch, 4) + u(len(item.meter_key), 4) + item.meter_key
            + optional(item.busy and ref_of(item.busy)) + i64(item.last_end) + optional(last))


def rated(oracle, charge):
    return (oracle.encoded_metered(charge["metered"]) + charge["metered"]["signature"] + text(charge["tariff"]["tariff_id"])
            + u(charge["tariff"]["version"], 4) + charge["currency"] + i64(charge["rated"], charge["amount"]))


def countersign(oracle, item):
    action = item.action
    if item.name == "set_limit":
        value = b"\1" + action["member"] + action["currency"] + i64(action["limit"])
    elif item.name == "late_charge":
        value = b"\2" + rated(oracle, action["charge"])
    elif item.name == "credit_charge":
        value = (b"\3" + ref_of(reference(action["authorization"])) + ref_of(reference(action["record"])) + action["currency"]
                 + i64(action["charged"], action["amount"]) + action["reason"])
    else:
        value = b"\4" + ref_of(reference(action["credit"])) + rated(oracle, action["charge"])
    return VERSION + item.hash + i64(item.expires) + value


def correction(item):
    return (VERSION + item.visited.encode() + item.currency.encode() + i64(item.expires) + u(len(item.charges), 4)
            + b"".join(ref_of(charge.ref) + i64(charge.charged, charge.credited) for charge in item.charges)
            + u(len(item.credits), 4) + b"".join(map(ref_of, item.credits)))


def kept(oracle):
    """The accounts without those that are all zero."""
    return {key: item for key, item in oracle.accounts.items() if item != Account()}


def totals(oracle):
    sums = {currency: [0] * 6 for currency in oracle.currencies}
    for (_, currency), account in kept(oracle).items():
        six = sums[currency]
        for place, value in enumerate((account.debits_pending, account.debits_posted, account.credits_pending,
                                       account.credits_posted, account.legs_owed, account.legs_due)):
            six[place] += value
    return sums


def positions(items):
    return u(len(items), 4) + b"".join(party.encode() + i64(amount) for party, amount in items)


def encoded_netting(netting):
    closing = netting.closing and u(netting.closing[0], 8) + netting.closing[1].encode()
    state = {b"\x0f": VERSION + u(netting.number, 8) + u(netting.period, 8) + i64(netting.opened_at) + optional(closing)}
    for (cycle, currency), item in netting.closed.items():
        state[b"\x0f" + u(cycle, 8) + currency.encode()] = (
            VERSION + i64(item.closed_at, item.due_by) + u(item.open_legs, 4) + positions(item.receiving))
    for key, item in netting.legs.items():
        cycle, currency, debtor, creditor = key
        state[b"\x10" + u(cycle, 8) + currency.encode() + debtor.encode() + creditor.encode()] = (
            VERSION + i64(item.amount, item.due_by) + u(item.status, 1) + positions(item.shares) + text(item.reference))
        if item.status == PENDING:
            state[b"\x80" + i64(item.due_by) + ref_of(leg_ref(*key)) + b"\5"] = b""
    for (cycle, currency), item in netting.history.items():
        state[b"\x83" + u(cycle, 8) + currency.encode()] = (
            VERSION + i64(item.closed_at, item.due_by) + positions(item.net) + u(len(item.matrix), 4)
            + b"".join(debtor.encode() + creditor.encode() + i64(amount) for debtor, creditor, amount in item.matrix))
    return state


def encoded(oracle):
    state = {}
    for (party, currency), item in kept(oracle).items():
        state[b"\x02" + party.encode() + currency.encode()] = VERSION + i64(
            item.debits_pending, item.debits_posted, item.credits_pending, item.credits_posted, item.limit, item.legs_owed,
            item.legs_due, item.shares_held)
    for (owner, partner), (active, currency, offered, cap) in oracle.agreements.items():
        state[b"\x03" + owner.encode() + partner.encode()] = (
            VERSION + u(active, 1) + currency.encode() + u(len(offered), 4) + b"".join(map(text, offered)) + i64(cap))
    for (owner, bridge), key in oracle.bridges.items():
        state[b"\x04" + owner.encode() + padded(bridge, 36)] = VERSION + key + b"\1" + u((owner, bridge) in oracle.revoked, 1)
    for (owner, evse), item in oracle.chargers.items():
        state[b"\x05" + owner.encode() + padded(evse, 48)] = charger(item)
        state[b"\x81" + owner.encode() + padded(item.station, 48) + u(item.connector, 2)] = evse.encode()
    for ref, item in oracle.live.items():
        assert item.status in (APPROVED, STARTED, RECORDED, DISPUTED)
        state[b"\x07" + ref_of(ref)] = authorization(item)
        state[b"\x80" + i64(item.deadline()) + ref_of(ref) + b"\1"] = b""
    for ref, item in oracle.finished.items():
        state[b"\x82" + ref_of(ref)] = authorization(item)
    for ref, item in oracle.countersigns.items():
        state[b"\x08" + ref_of(ref)] = countersign(oracle, item)
        state[b"\x80" + i64(item.expires) + ref_of(ref) + b"\2"] = b""
    for ref, item in oracle.votes.open.items():
        state[b"\x80" + i64(item.expires) + ref_of(ref) + b"\3"] = b""
    for ref, item in oracle.corrections.table.items():
        state[b"\x12" + ref_of(ref)] = correction(item)
        state[b"\x80" + i64(item.expires) + ref_of(ref) + b"\4"] = b""
    for (debtor, creditor, currency), item in oracle.exposures.items():
        if item.sum() != 0:
            state[b"\x09" + currency.encode() + debtor.encode() + creditor.encode()] = (
                VERSION + i64(item.pending, item.posted, item.legs))
    state |= encoded_netting(oracle.netting)
    for currency, sums in totals(oracle).items():
        state[b"\x0a" + currency.encode()] = VERSION + b"".join(value.to_bytes(16, "big", signed=True) for value in sums)
    return state


def differences(oracle, state):
    """In words, the first few entries that differ from `state`, {key: value} of all tables."""
    expected = encoded(oracle)
    actual = {key: value for key, value in state.items() if key[0] in TABLES}
    found = []
    for key in sorted(set(expected) | set(actual)):
        if expected.get(key) != actual.get(key):
            found.append(f"{TABLES[key[0]]} {key[1:].hex()} ({key[1:]!r}):\n  oracle {hexadecimal(expected.get(key))}"
                         f"\n  ledger {hexadecimal(actual.get(key))}")
    return found[:5]


def hexadecimal(value):
    return value.hex() if value is not None else "nothing"
