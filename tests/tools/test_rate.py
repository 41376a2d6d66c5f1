"""`tally rate` as a program: OCPI's worked examples, an oracle over random charges, wrong input.

usage: test_rate.py FOLDER_OF_TALLY
"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from fractions import Fraction

import rate_oracle

TALLY = pathlib.Path(sys.argv[1]) / "tally"
VECTORS = pathlib.Path(__file__).resolve().parents[3] / "shared" / "vectors"
FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="tally-rate-"))


def run(tariff, cdr, *options):
    for name, content in (("tariff.json", tariff), ("cdr.json", cdr)):
        text = content if isinstance(content, str) else json.dumps(content)
        (FOLDER / name).write_text(text)
    return subprocess.run([TALLY, "rate", "--tariff", FOLDER / "tariff.json", "--cdr", FOLDER / "cdr.json", *options],
                          capture_output=True, text=True, timeout=60)


def priced(tariff, cdr, *options):
    done = run(tariff, cdr, "--json", *options)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout, parse_float=Fraction)
    total = answer["total_cost"]
    assert total["excl_vat"] == sum(line["excl_vat"] for line in answer["lines"]), done.stdout
    assert total["incl_vat"] == sum(line["incl_vat"] for line in answer["lines"]), done.stdout
    assert answer["currency"] == cdr["currency"]
    return total["excl_vat"], total["incl_vat"]


def cdr(start, *periods):
    """Periods are (minutes on the clock, {dimension: volume}), one after the other."""
    now = datetime.fromisoformat(start + "+00:00")
    text = lambda when: when.strftime("%Y-%m-%dT%H:%M:%SZ")
    listed = []
    begin = now
    for minutes, dimensions in periods:
        listed.append({"start_date_time": text(now),
                       "dimensions": [{"type": kind, "volume": volume} for kind, volume in dimensions.items()]})
        now += timedelta(minutes=minutes)
    return {"start_date_time": text(begin), "end_date_time": text(now), "currency": "EUR", "charging_periods": listed}


KWH_20 = (60, {"ENERGY": 20, "TIME": 1})
MORNING = "2019-02-05T09:00:00"


def parts(*pairs, **limits):
    element = {"price_components": [{"type": kind, "price": price, "step_size": step, **({"vat": vat} if vat else {})}
                                    for kind, price, vat, step in pairs]}
    return {**element, "restrictions": limits} if limits else element


def tariff(*elements, **more):
    return {"currency": "EUR", "elements": list(elements), **more}


ENERGY = ("ENERGY", 0.25, 10, 1)
START = ("FLAT", 0.5, 20, 1)
STEPS = tariff(parts(("TIME", 1.2, None, 1800), ("PARKING_TIME", 1.0, None, 900), start_time="00:00", end_time="17:00"),
               parts(("TIME", 2.4, None, 900), ("PARKING_TIME", 1.0, None, 900), start_time="17:00", end_time="20:00"),
               parts(("TIME", 2.4, None, 900), start_time="20:00", end_time="00:00"))
WORK_DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]
FEE_IF_EXPIRED = tariff(parts(("FLAT", 4, 20, 1), reservation="RESERVATION_EXPIRES"),
                        parts(("TIME", 2, 20, 600), reservation="RESERVATION"), parts(START, ENERGY))
MORE_IF_EXPIRED = tariff(parts(("TIME", 6, 20, 600), reservation="RESERVATION_EXPIRES"),
                         parts(("TIME", 3, 20, 600), reservation="RESERVATION"), parts(START, ENERGY))
COMPLEX = tariff(parts(("FLAT", 2.5, 15, 1)), parts(("TIME", 1, 20, 900), max_current=32),
                 parts(("TIME", 2, 20, 600), min_current=32, day_of_week=WORK_DAYS),
                 parts(("TIME", 1.25, 20, 600), min_current=32, day_of_week=["SATURDAY", "SUNDAY"]),
                 parts(("PARKING_TIME", 5, 10, 300), start_time="09:00", end_time="18:00", day_of_week=WORK_DAYS),
                 parts(("PARKING_TIME", 6, 10, 300), start_time="10:00", end_time="17:00", day_of_week=["SATURDAY"]))

# name, our own data, the charge, without and with tax
CASES = [
    ("energy_only", tariff(parts(ENERGY)), cdr(MORNING, KWH_20), "5.00", "5.50"),
    ("min_price_hit", tariff(parts(ENERGY), min_price={"excl_vat": 0.5, "incl_vat": 0.55}),
     cdr(MORNING, (10, {"ENERGY": 1})), "0.50", "0.55"),
    ("energy_start_parking", tariff(parts(START, ENERGY, ("PARKING_TIME", 2, 20, 900))),
     cdr(MORNING, KWH_20, (40, {"PARKING_TIME": 0.667})), "7.00", "7.90"),
    ("time_parking", tariff(parts(("TIME", 3, 10, 60), ("PARKING_TIME", 5, 20, 300))),
     cdr(MORNING, (150, {"TIME": 2.5}), (42, {"PARKING_TIME": 0.7})), "11.25", "12.75"),
    # The table of OCPI 2.3.0 forgets the step of 100 Wh, with which it is 20.5 kWh.
    ("alt_url_table_2_3_0", tariff(parts(START, ("ENERGY", 0.25, 10, 1))),
     cdr(MORNING, (60, {"ENERGY": 20.45, "TIME": 1})), "5.61", "6.22"),
    ("complex_monday", COMPLEX,
     cdr("2019-02-04T09:30:00", (165, {"TIME": 2.75, "MAX_CURRENT": 16}), (42, {"PARKING_TIME": 0.7})),
     "9.00", "10.30"),
    ("reservation", tariff(parts(("TIME", 5, 20, 60), reservation="RESERVATION"), parts(START, ENERGY)),
     cdr(MORNING, (15, {"RESERVATION_TIME": 0.25}), KWH_20), "6.75", "7.60"),
    ("reservation_expire_fee_used", FEE_IF_EXPIRED,
     cdr(MORNING, (22, {"RESERVATION_TIME": 0.3667}), KWH_20), "6.50", "7.30"),
    ("reservation_expired", FEE_IF_EXPIRED, cdr(MORNING, (60, {"RESERVATION_TIME": 1})), "6.00", "7.20"),
    ("reservation_expire_time_expired", MORE_IF_EXPIRED,
     cdr(MORNING, (90, {"RESERVATION_TIME": 1.5})), "9.00", "10.80"),
    ("step_switch_1", STEPS, cdr("2019-02-05T16:55:00", (10, {"TIME": 0.167}), (2, {"PARKING_TIME": 0.0333})),
     "0.55", None),
    ("step_switch_free", STEPS, cdr("2019-02-05T19:40:00", (12, {"TIME": 0.2}), (20, {"PARKING_TIME": 0.3333})),
     "0.73", None),
    ("max_duration", tariff(parts(("ENERGY", 0, 20, 1), max_duration=1800),
                            parts(("ENERGY", 0.25, 20, 1), max_duration=3600), parts(("ENERGY", 0.4, 20, 1))),
     cdr(MORNING, (30, {"ENERGY": 5}), (10, {"ENERGY": 1.2})), "0.30", None),
    ("step1_115_2Wh", tariff(parts(("ENERGY", 0.25, None, 1))), cdr(MORNING, (5, {"ENERGY": 0.1152})), "0.029", None),
]


def check_amount(got, expected, name):
    """Expected figures are rounded to the digits they show."""
    places = len(expected.split(".")[1])
    assert rate_oracle.half_up(got, places) == Fraction(expected), f"{name}: {float(got)} is not {expected}"


def test_worked_examples():
    for name, terms, record, excl, incl in CASES:
        got = priced(terms, record)
        check_amount(got[0], excl, name)
        if incl:
            check_amount(got[1], incl, name)


def test_shared_vectors():
    if not VECTORS.exists():
        print("skipped: no shared vectors beside the repository")
        return
    ours = {case[0]: case for case in CASES}
    for vector in json.loads((VECTORS / "tariffs.json").read_text()):
        name, _, record, excl, incl = ours[vector["name"]]
        assert excl == vector["expected_excl"] and (incl or vector["expected_incl"]) == vector["expected_incl"], name
        if vector["tariff_example"] == "(text)" or name == "alt_url_table_2_3_0":
            continue  # The one has no tariff, the other's figures leave out the tariff's step.
        got = priced((VECTORS / "ocpi221" / vector["tariff_example"]).read_text(), record)
        check_amount(got[0], vector["expected_excl"], name)
        if vector["expected_incl"]:
            check_amount(got[1], vector["expected_incl"], name)
    for path in sorted((VECTORS / "ocpi221").glob("tariff*.json")):
        priced(path.read_text(), cdr(MORNING, KWH_20))
    example = json.loads((VECTORS / "ocpi221" / "cdr_example.json").read_text())
    assert priced(example["tariffs"][0], example) == (4, Fraction("4.4"))


def random_limits(dice, energy_too):
    limits = {}
    if dice.random() < 0.5:
        limits["start_time"] = f"{dice.randrange(24):02}:{dice.choice((0, 15, 30)):02}"
        limits["end_time"] = f"{dice.randrange(24):02}:{dice.choice((0, 20, 45)):02}"
    if dice.random() < 0.25:
        limits["day_of_week"] = dice.sample(rate_oracle.DAYS, dice.randrange(1, 7))
    for key in ("min_duration", "max_duration"):
        if dice.random() < 0.15:
            limits[key] = dice.randrange(0, 240) * 60
    for key in ("min_kwh", "max_kwh") if energy_too else ():
        if dice.random() < 0.2:
            limits[key] = dice.randrange(0, 40_000) / 1000
    for key in ("min_power", "max_power", "min_current", "max_current"):
        if dice.random() < 0.08:
            limits[key] = dice.choice((11, 16, 22.5))
    if dice.random() < 0.1:
        limits["start_date"] = f"2024-03-{dice.randrange(28, 32)}"
    if dice.random() < 0.1:
        limits["end_date"] = f"2024-03-{dice.randrange(28, 32)}"
    if dice.random() < 0.15:
        limits["reservation"] = dice.choice(("RESERVATION", "RESERVATION_EXPIRES"))
    return limits


def random_tariff(dice):
    elements = []
    for _ in range(dice.randrange(1, 6)):
        kinds = dice.sample(("ENERGY", "TIME", "PARKING_TIME", "FLAT"), dice.randrange(1, 5))
        elements.append(parts(*((kind, dice.choice((0, 0.1, 0.3333, 2.5, round(dice.random() * 9, 4))),
                                 dice.choice((None, 7.7, 19, 8.875)), dice.choice((0, 1, 60, 500, 900)))
                                for kind in kinds), **random_limits(dice, True)))
    more = {}
    if dice.random() < 0.2:
        more["min_price"] = {"excl_vat": 4, **dice.choice(({}, {"incl_vat": 4.8}))}
    if dice.random() < 0.2:
        more["max_price"] = {"excl_vat": 20, **dice.choice(({}, {"incl_vat": 23.5}))}
    return tariff(*elements, **more)


def random_cdr(dice):
    periods = []
    for index in range(dice.randrange(1, 5)):
        minutes = dice.randrange(0, 60) * 3
        kind = "RESERVATION_TIME" if index == 0 and dice.random() < 0.2 else dice.choice(
            ("TIME", "TIME", "PARKING_TIME"))
        dimensions = {kind: minutes / 60}
        if dice.random() < 0.1:
            dimensions[kind] = dice.randrange(0, 8) / 4  # not what the clock says
        if kind == "TIME":
            dimensions["ENERGY"] = dice.randrange(0, 30_000) / 1000
            dimensions["MAX_POWER"] = dice.choice((10, 16, 22.5, 50))
        if dice.random() < 0.5:
            dimensions["MIN_CURRENT"] = dice.choice((6, 16, 32))
        periods.append((minutes, dimensions))
    # The nights around the begin of summer time in Europe.
    start = datetime(2024, 3, 28, tzinfo=timezone.utc) + timedelta(minutes=dice.randrange(0, 4 * 1440))
    return cdr(start.strftime("%Y-%m-%dT%H:%M:%S"), *periods)


def test_random_charges_against_the_oracle():
    dice = random.Random(20240331)
    differ = 0
    for round_number in range(250):
        terms, record = random_tariff(dice), random_cdr(dice)
        zone = dice.choice(("UTC", "Europe/Berlin", "America/New_York", "Asia/Shanghai"))
        expected = rate_oracle.rate(terms, record, zone)
        got = priced(terms, record, "--time-zone", zone)
        assert got == expected, f"round {round_number} in {zone}: {[float(x) for x in got]} is not " \
            f"{[float(x) for x in expected]}\n{json.dumps(terms)}\n{json.dumps(record)}"
        differ += expected[0] > 0
    assert differ > 150, f"only {differ} charges cost anything"


def test_local_time_is_that_of_the_zone():
    night = tariff(parts(("ENERGY", 0.1, None, 1), start_time="22:00", end_time="06:00"), parts(("ENERGY", 1, None, 1)))
    record = cdr("2024-10-27T00:30:00", (60, {"ENERGY": 10}))
    assert priced(night, record)[0] == 1
    assert priced(night, record, "--time-zone", "Asia/Shanghai")[0] == 10
    # Europe went back at 01:00 UTC: local 02:30 to 03:00, and again 02:00 to 02:30.
    hours = tariff(parts(("ENERGY", 0.1, None, 1), start_time="02:00", end_time="02:30"), parts(("ENERGY", 1, None, 1)))
    assert priced(hours, record, "--time-zone", "Europe/Berlin")[0] == Fraction("5.5")


def test_what_is_not_read_does_not_matter():
    record = {**cdr(MORNING, KWH_20), "total_cost": None, "tariffs": "none", "cdr_token": 5}
    record["charging_periods"][0]["tariff_id"] = "another"
    record["charging_periods"][0]["dimensions"].append({"type": "STATE_OF_CHARGE", "volume": 80})
    done = run(tariff(parts(ENERGY), id="x", party_id=None, energy_mix={}), record)
    assert done.returncode == 0 and "5.5000" in done.stdout
    assert "note: /charging_periods/0/dimensions/2/type: \"STATE_OF_CHARGE\" is not priced" in done.stderr


def test_wrong_input_is_named():
    good, record = tariff(parts(ENERGY)), cdr(MORNING, KWH_20)
    refused = [
        (good, {**record, "currency": "CHF"}, "cdr.json: /currency: is CHF, but the tariff is in EUR"),
        (good, {**record, "end_date_time": MORNING[:-2]}, "/end_date_time: is"),
        (good, "{", "cdr.json: not JSON"),
        ("[]", record, "tariff.json: document: must be an object"),
        ('{"currency":"EUR","currency":"CHF"}', record, "currency: is given twice"),
        (tariff(parts(("ENERGY", -0.25, 10, 1))), record, "/elements/0/price_components/0/price: is -"),
        (good, cdr(MORNING, (60, {"ENERGY": -1})), "/charging_periods/0/dimensions/0/volume: is -1, but must be"),
        (good, json.dumps(record).replace('"volume": 20', '"volume": 1e400'), "cdr.json: "),
        (good, "[" * 100 + "]" * 100, "not JSON"),
    ]
    for terms, record_text, wanted in refused:
        done = run(terms, record_text)
        assert done.returncode == 78 and wanted in done.stderr, (wanted, done)
        assert done.stdout == ""
    assert run(good, record, "--time-zone", "Europe/Nowhere").returncode == 64
    missing = subprocess.run([TALLY, "rate", "--tariff", "/nowhere", "--cdr", "/nowhere"], capture_output=True)
    assert missing.returncode == 74
    assert subprocess.run([TALLY, "rate"], capture_output=True).returncode == 64
    shown = subprocess.run([TALLY, "rate", "--help"], capture_output=True, text=True)
    assert shown.returncode == 0 and "Examples:" in shown.stdout


if __name__ == "__main__":
    for name, test in sorted(globals().items()):
        if name.startswith("test_"):
            test()
            print(f"ok {name}")
