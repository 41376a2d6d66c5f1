"""The messages of ledger.proto that clearing is made of, for tests/verifier/codec.py: {number: (name, kind)}."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "verifier"))

from codec import Malformed, fields, message  # noqa: E402  pylint: disable=wrong-import-position

REF = {1: ("signer", "bytes"), 2: ("id", "bytes")}
TARIFF_REF = {1: ("tariff_id", "text"), 2: ("version", "uint")}
READING = {1: ("time", "int"), 2: ("offset", "sint"), 3: ("register", "int"), 4: ("estimated", "bool"),
           5: ("activity", "uint"), 6: ("power", "uint")}
METERED = {1: ("authorization", REF), 2: ("evse", "text"), 3: ("bridge", "text"), 4: ("serial", "text"),
           5: ("epoch", "uint"), 6: ("readings", [READING]), 7: ("evidence", "bytes"), 8: ("signature", "bytes")}
MEMBER = {1: ("party", "bytes"), 2: ("country", "text"), 3: ("role", "uint"), 4: ("operator_id", "text"),
          5: ("member_key", "bytes"), 6: ("consensus_key", "bytes"), 7: ("link_key", "bytes"), 8: ("validator", "bool")}
PARAMETERS = {number: (name, "int") for number, name in enumerate((
    "start_window_ms", "record_window_ms", "settle_window_ms", "claim_window_ms", "countersign_window_ms",
    "home_release_after_ms", "charger_clock_back_ms", "charger_clock_ahead_ms", "minimum_approval", "delta_ms",
    "idle_interval_ms", "skip_timeout_ms", "epoch_blocks_max", "admissions_per_epoch", "epoch_blocks_min",
    "arbitrate_window_ms", "dispute_default", "correction_window_ms", "cycle_start_ms", "cycle_length_ms",
    "payment_window_ms", "default_bearer"), 1)}
LEG = {1: ("cycle", "uint"), 2: ("currency", "bytes"), 3: ("debtor", "bytes"), 4: ("creditor", "bytes")}
RATED = {1: ("metered", METERED), 2: ("tariff", TARIFF_REF), 3: ("currency", "bytes"), 4: ("rated", "int"), 5: ("amount", "int")}

ACTIONS = {
    10: ("set_agreement", {1: ("partner", "bytes"), 2: ("active", "bool"), 3: ("currency", "bytes"),
                           4: ("tariffs", ["text"]), 5: ("cap", "int")}),
    11: ("register_bridge", {1: ("bridge", "text"), 2: ("key", "bytes"), 3: ("kind", "uint")}),
    12: ("register_charger", {1: ("evse", "text"), 2: ("station", "text"), 3: ("connector", "uint"),
                              4: ("bridge", "text"), 5: ("rated_power", "uint"), 6: ("serial", "text"),
                              7: ("epoch", "uint"), 8: ("meter_key", "bytes")}),
    13: ("publish_tariff", {1: ("ref", TARIFF_REF), 2: ("tariff", "bytes")}),
    14: ("set_limit", {1: ("member", "bytes"), 2: ("currency", "bytes"), 3: ("limit", "int")}),
    15: ("countersign", {1: ("transaction", REF), 2: ("hash", "bytes")}),
    16: ("decide_authorization", {
        1: ("visited", "bytes"), 2: ("request_hash", "bytes"), 3: ("token", "bytes"), 4: ("station", "text"),
        5: ("currency", "bytes"), 6: ("approved", "bool"), 7: ("amount", "int"), 8: ("tariffs", [TARIFF_REF]),
        9: ("start_by", "int"), 10: ("reason", "uint")}),
    17: ("release_authorization", {1: ("authorization", REF)}),
    18: ("start_charge", {1: ("authorization", REF), 2: ("evse", "text"), 3: ("tariff", TARIFF_REF)}),
    19: ("record_charge", {1: ("metered", METERED), 2: ("rated", "int"), 3: ("amount", "int")}),
    20: ("settle_charge", {1: ("authorization", REF), 2: ("amount", "int")}),
    21: ("claim_charge", {1: ("authorization", REF)}),
    # Of membership only what clearing depends on is followed; the results are taken as they are.
    22: ("admit_follower", {1: ("member", MEMBER), 2: ("p1", "bytes"), 3: ("p2", "bytes"), 4: ("p3", "bytes")}),
    23: ("propose_change", {1: ("kind", "uint"), 2: ("member", "bytes"), 3: ("k1", "bytes"), 4: ("k2", "bytes"),
                            5: ("k3", "bytes"), 6: ("parameters", PARAMETERS), 7: ("p1", "bytes"), 8: ("p2", "bytes"),
                            9: ("p3", "bytes"), 10: ("feature", "uint"), 11: ("leg", LEG)}),
    24: ("vote_on_change", {1: ("proposal", REF), 2: ("approve", "bool")}),
    25: ("rotate_key", None),
    26: ("report_ready", None),
    27: ("submit_evidence", None),
    28: ("revoke_bridge", {1: ("bridge", "text")}),
    29: ("open_dispute", {1: ("authorization", REF), 2: ("disputed", "int"), 3: ("reason", "uint"), 4: ("evidence", "bytes")}),
    30: ("accept_dispute", {1: ("authorization", REF)}),
    31: ("arbitrate", {1: ("authorization", REF), 2: ("amount", "int"), 3: ("reason", "bytes")}),
    32: ("late_charge", {1: ("charge", RATED)}),
    33: ("credit_charge", {1: ("authorization", REF), 2: ("record", REF), 3: ("currency", "bytes"), 4: ("charged", "int"),
                           5: ("amount", "int"), 6: ("reason", "bytes")}),
    34: ("rebill_charge", {1: ("credit", REF), 2: ("charge", RATED)}),
    35: ("confirm_payment", {1: ("cycle", "uint"), 2: ("currency", "bytes"), 3: ("debtor", "bytes"), 4: ("reference", "text")}),
}


def transaction(data):
    """(id, not_after, name of the action, its fields)."""
    identity, not_after, action = b"", 0, None
    for number, value in fields(data):
        if number == 1:
            identity = value
        elif number == 2:
            not_after = value
        elif number in ACTIONS and action is None:
            name, schema = ACTIONS[number]
            action = name, message(value, schema) if schema else {}
        else:
            raise Malformed(f"field {number}")
    return identity, not_after, *action


def price_of(tariff):
    """(currency, price of a kWh) of a tariff that is nothing but one price for energy; else the price is None."""
    parts = list(fields(tariff))
    currency = next(value for number, value in parts if number == 1).decode()
    rest = [value for number, value in parts if number != 1]
    if [number for number, _ in parts] not in ([1, 6], [1, 2]):
        return currency, None
    if parts[1][0] == 6:  # one element with one component: kind energy, price
        element = list(fields(rest[0]))
        if [number for number, _ in element] != [1]:
            return currency, None
        component = dict(fields(element[0][1]))
        return currency, component[2] if component.get(1) == 1 and set(component) == {1, 2} else None
    band = dict(fields(rest[0]))  # before tariffs had elements
    return currency, band[2] if set(band) == {2} else None
