"""What `tally rate` must answer, computed a second time with fractions and the time zones of Python.

Shares nothing with the C++ code but the rules of docs/protocol/rating.md. It walks a charge minute by
minute, so times in its charges are whole minutes, and so are all borders of its tariffs.
"""
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from math import ceil, floor
from zoneinfo import ZoneInfo

DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
MINUTE = 60_000


def number(value):
    """A JSON number as it was written."""
    return Fraction(str(value))


def half_up(value, places=4):
    return Fraction(floor(value * 10**places + Fraction(1, 2)), 10**places)


def millis(text):
    when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round((when - datetime(1970, 1, 1, tzinfo=timezone.utc)) / timedelta(milliseconds=1))


class Place:
    """One instant of a charge: when, how much energy (Wh) before it, what goes on."""

    def __init__(self, time, energy, activity, began, dimensions, zone):
        self.local = datetime.fromtimestamp(time // 1000, tz=timezone.utc).astimezone(zone)
        self.energy, self.activity, self.dimensions = energy, activity, dimensions
        self.seconds = (time - began) // 1000

    def is_between(self, limits, low, high, value):
        return (low not in limits or (value is not None and value >= number(limits[low]))) and \
               (high not in limits or value is None or value < number(limits[high]))

    def circumstance(self, limits, name):
        least = self.dimensions.get("MIN_" + name, self.dimensions.get(name, self.dimensions.get("MAX_" + name)))
        most = self.dimensions.get("MAX_" + name, self.dimensions.get(name, self.dimensions.get("MIN_" + name)))
        low, high = "min_" + name.lower(), "max_" + name.lower()
        return (low not in limits or (least is not None and least >= number(limits[low]))) and \
               (high not in limits or most is None or most < number(limits[high]))

    def holds(self, limits):
        reservation = limits.get("reservation")
        if reservation is None and self.activity.startswith("reservation"):
            return False
        if reservation == "RESERVATION" and not self.activity.startswith("reservation"):
            return False
        if reservation == "RESERVATION_EXPIRES" and self.activity != "reservation_expired":
            return False
        start = limits.get("start_time", "00:00")
        end = limits.get("end_time", "00:00")
        now = self.local.strftime("%H:%M")
        if start != end:
            inside = start <= now and (now < end or end == "00:00") if start < end or end == "00:00" \
                else now >= start or now < end
            if not inside:
                return False
        date = self.local.strftime("%Y-%m-%d")
        if date < limits.get("start_date", "") or date >= limits.get("end_date", "9999-99-99"):
            return False
        days = limits.get("day_of_week") or DAYS
        if DAYS[self.local.weekday()] not in days:
            return False
        return self.is_between(limits, "min_kwh", "max_kwh", self.energy / 1000) and \
            self.is_between(limits, "min_duration", "max_duration", self.seconds) and \
            self.circumstance(limits, "POWER") and self.circumstance(limits, "CURRENT")

    def price(self, tariff, kind):
        for element in tariff["elements"]:
            if self.holds(element.get("restrictions") or {}):
                for component in element["price_components"]:
                    if component["type"] == kind:
                        return component
        return None

    def prices(self, tariff):
        time = {"charging": "TIME", "parking": "PARKING_TIME"}.get(self.activity, "TIME")
        energy = None if self.activity.startswith("reservation") else self.price(tariff, "ENERGY")
        return energy, self.price(tariff, time), self.price(tariff, "FLAT")


class Bill:
    def __init__(self):
        self.quantities = {}  # (kind, price, vat) -> quantity
        self.last = {}  # group -> (key, step)
        self.flats = set()

    def add(self, kind, group, component, quantity):
        if component is None or quantity == 0:
            return
        vat = component.get("vat")
        key = (kind, number(component["price"]), None if vat is None else number(vat))
        self.quantities[key] = self.quantities.get(key, 0) + quantity
        self.last[group] = (key, component["step_size"])

    def flat(self, kind, component):
        if component is not None and kind not in self.flats:
            self.flats.add(kind)
            self.add(kind, kind, component, 1)

    def totals(self, tariff):
        for group, (key, step) in self.last.items():
            if step and "flat" not in group:
                total = sum(q for other, q in self.quantities.items() if other[0] == key[0])
                self.quantities[key] += ceil(Fraction(total) / step) * step - total
        excl = incl = Fraction(0)
        for (kind, price, vat), quantity in self.quantities.items():
            per = 1 if "flat" in kind else 1000 if kind == "energy" else 3600
            net = half_up(price * quantity / per)
            excl += net
            incl += net + half_up(net * (vat or 0) / 100)
        for name, pick in (("min_price", max), ("max_price", min)):
            limit = tariff.get(name)
            if limit:
                bound = pick(excl, number(limit["excl_vat"]))
                if "incl_vat" in limit:
                    incl = pick(incl, number(limit["incl_vat"]))
                elif bound != excl:
                    incl = bound + (half_up((incl - excl) * bound / excl) if excl else 0)
                excl = bound
        return excl, incl


def pieces(cdr):
    """(begin, end, activity, Wh, billed seconds, dimensions) of each period, one activity each."""
    periods = cdr["charging_periods"]
    starts = [millis(period["start_date_time"]) for period in periods] + [millis(cdr["end_date_time"])]
    everything = [d["type"] for period in periods for d in period["dimensions"]]
    used = any(kind in ("TIME", "PARKING_TIME", "ENERGY") for kind in everything)
    for period, begin, end in zip(periods, starts, starts[1:]):
        dimensions = {d["type"]: number(d["volume"]) for d in period["dimensions"]}
        reserved = "reservation" if used else "reservation_expired"
        name = {"RESERVATION_TIME": reserved, "TIME": "charging", "PARKING_TIME": "parking"}
        times = [(name[kind], dimensions[kind] * 3600) for kind in name if kind in dimensions] or [("charging", 0)]
        assert len(times) == 1
        yield begin, end, times[0][0], dimensions.get("ENERGY", Fraction(0)) * 1000, times[0][1], dimensions


def cut_at_offset_changes(pieces_of_cdr, zone):
    """A period across a change of the clocks is two, with whole Wh and ms in the first."""
    def offset(time):
        return datetime.fromtimestamp(time // 1000, tz=timezone.utc).astimezone(zone).utcoffset()

    for begin, end, activity, energy, seconds, dimensions in pieces_of_cdr:
        for time in range(begin + MINUTE, end, MINUTE):
            if offset(time) != offset(time - MINUTE):
                share = Fraction(time - begin, end - begin)
                first_energy = Fraction(floor(energy * share))
                first_seconds = Fraction(floor(seconds * 1000 * share), 1000)
                yield begin, time, activity, first_energy, first_seconds, dimensions
                begin, energy, seconds = time, energy - first_energy, seconds - first_seconds
        yield begin, end, activity, energy, seconds, dimensions


def rate(tariff, cdr, zone_name="UTC"):
    zone = ZoneInfo(zone_name)
    bill = Bill()
    used = Fraction(0)
    began = {}
    borders = {number(limits[key]) * 1000 for element in tariff["elements"]
               for limits in [element.get("restrictions") or {}] for key in ("min_kwh", "max_kwh") if key in limits}
    for begin, end, activity, energy, seconds, dimensions in cut_at_offset_changes(pieces(cdr), zone):
        phase = "reservation" if activity.startswith("reservation") else "charge"
        origin = began.setdefault(phase, begin)
        length = end - begin

        def place(time, at_energy):
            return Place(time, at_energy, activity, origin, dimensions, zone).prices(tariff)

        events = {Fraction(time): None for time in range(begin + MINUTE, end, MINUTE)}
        for border in borders:
            if used < border < used + energy:
                events[begin + (border - used) * length / energy] = border
        parts = []  # (time in ms, Wh used in the charge) where prices change
        current = place(begin, used)
        segments = [current]
        for time in sorted(events):
            exact = used + (energy * (time - begin) / length if length else energy)
            now = place(floor(time), events[time] if events[time] is not None else exact)
            if now != current:
                whole = events[time] if events[time] is not None else used + floor(exact - used)
                parts.append((floor(time), whole))
                segments.append(now)
                current = now
        ends = parts + [(end, used + energy)]
        before_energy, before_ms = used, Fraction(0)
        for prices, (time, at_energy) in zip(segments, ends):
            total_ms = seconds * 1000
            ms = total_ms if time == end else Fraction(floor(total_ms * (time - begin) / length))
            bill.add("energy", "energy", prices[0], at_energy - before_energy)
            kind = "reservation" if phase == "reservation" else activity
            group = "reservation" if phase == "reservation" else "time"
            bill.add(kind, group, prices[1], (ms - before_ms) / 1000)
            bill.flat(phase + " flat", prices[2])
            before_energy, before_ms = at_energy, ms
        used += energy
    return bill.totals(tariff)
