"""The bridge in front of an operator's own central system (npm ocpp-rpc, as the charger is): own cards are upstream's alone,
foreign ones roam and are settled, whatever is restarted in the middle."""

import contextlib
import itertools
import os
import random
import time

from charger_fleet import Fleet, begun, bridge_metric, check_each_once, records_by_station, site_api, wait_all_told
from harness import Devnet, check, check_equal, main, wait_until
from test_charger import check_script, scripts_of
from upstream import Charge16, OwnCsms, Station, moment, stand_before

OWN = "AAA-OWN-1"
TRANSACTION = ("StartTransaction", "MeterValues", "StopTransaction")


def foreign_card(net):
    return next(customer["token"] for customer in net.manifest["customers"] if customer["home"] == "BBB")


class Site:
    """A devnet whose operator AAA has a central system of its own, and one of its chargers."""

    def __init__(self, bin_dir):
        self.bin_dir = bin_dir
        self.csms = OwnCsms(OWN)

    def __enter__(self):
        with contextlib.ExitStack() as started:
            started.enter_context(self.csms)
            self.net = started.enter_context(Devnet(self.bin_dir, operators=2, up_options=["--bridges", "1", "--chargers", "4",
                                                                                           "--customers", "8"]))
            stand_before(self.net, "AAA", self.csms.port)
            self.started = started.pop_all()
        return self

    def __exit__(self, *error):
        return self.started.__exit__(*error)

    def station(self, number=0, protocol="ocpp1.6"):
        bridge = self.net.bridge("AAA")
        return Station(bridge, bridge["chargers"][number], protocol)

    def check_records(self, station, energies):
        """What of the station is on the ledger, settled: energies in Wh."""
        wait_all_told(self.net, "AAA", len(energies))
        records = records_by_station(self.net, "AAA")[station.id]
        check_equal([record["energy_wh"] for record in records], energies, "energies on the ledger")
        self.net.check_books()

    def check_upstream_saw(self, station, starts, stops):
        """Of what transactions upstream heard: the cards of their starts, the numbers of their stops."""
        calls = self.csms.calls(station.id, *TRANSACTION)
        check_equal([call["params"]["idTag"] for call in calls if call["method"] == "StartTransaction"], starts, "starts upstream")
        check_equal([call["params"]["transactionId"] for call in calls if call["method"] == "StopTransaction"], stops,
                    "stops upstream")


def boot(station):
    answer = station.call("BootNotification", chargePointVendor="Independent", chargePointModel="rpc")
    check_equal(answer["interval"], 300, "the interval, which is upstream's")
    station.call("StatusNotification", connectorId=1, errorCode="NoError", status="Available")


def charge(station, card, meter, wh):
    """A whole charge; its transaction number."""
    it = Charge16(station, card, meter)
    check_equal((it.swipe(), it.start()), ("Accepted", "Accepted"), f"swipe and start of {card}")
    it.values(60, wh // 2)
    it.stop(120, wh)
    return it.transaction


def own_cards_are_upstreams_and_foreign_ones_roam(bin_dir):
    with Site(bin_dir) as site, site.station() as station:
        boot(station)
        own = charge(station, OWN, 0, 2000)
        foreign = charge(station, foreign_card(site.net), 2000, 3000)
        check(foreign >= 2_000_000_000, f"the bridge's number is {foreign}")
        again = charge(station, OWN, 5000, 1000)
        check_equal(Charge16(station, "ZZZ-NOBODY").swipe(), "Invalid", "a card that nobody knows")
        site.check_records(station, [3000])
        site.check_upstream_saw(station, [OWN, OWN], [own, again])
        check_equal([call["params"].get("transactionId") for call in site.csms.calls(station.id, "MeterValues")], [own, again],
                    "meter values upstream")
        # Upstream's own calls pass, both before and after.
        check_equal(site.csms.ask(station.id, "GetConfiguration", {}), {"configurationKey": [], "unknownKey": []}, "GetConfiguration")
        refused = site.csms.ask(station.id, "ChangeConfiguration", {"key": "AuthorizationKey", "value": "00"})
        check_equal(refused, {"status": "Rejected"}, "a password set by upstream")
        check_equal(station.asked("ChangeConfiguration"), [], "what the charger was asked")
        _, chargers = site_api(site.net, "AAA", "/api/v1/chargers")
        states = {charger["id"]: charger["upstream"] for charger in chargers["items"]}
        check_equal(states[station.id], "connected", "the connection to upstream")
        check_equal(bridge_metric(site.net, "AAA", "tally_bridge_upstream_connected"), 1.0, "connections to upstream")
        site.net.audit()


def upstream_restarts_in_an_own_charge(bin_dir):
    with Site(bin_dir) as site, site.station() as station:
        boot(station)
        it = Charge16(station, OWN)
        check_equal((it.swipe(), it.start()), ("Accepted", "Accepted"), "swipe and start")
        it.values(60, 500)
        site.csms.stop()
        wait_until(lambda: not station.is_connected(), 60, "the charger is sent away, so that it queues")
        number = station.begin("Heartbeat")
        check("result" not in station.answer_of(number), "a heartbeat was answered without upstream")
        site.csms.start()
        it.values(120, 1500)
        it.stop(180, 2000)
        site.check_upstream_saw(station, [OWN], [it.transaction])
        check_equal(len(site.csms.calls(station.id, "MeterValues")), 2, "meter values upstream")
        site.check_records(station, [])


def upstream_restarts_in_a_roaming_charge(bin_dir):
    with Site(bin_dir) as site, site.station() as station:
        boot(station)
        it = Charge16(station, foreign_card(site.net))
        check_equal((it.swipe(), it.start()), ("Accepted", "Accepted"), "swipe and start")
        it.values(60, 500)
        site.csms.stop()
        wait_until(lambda: bridge_metric(site.net, "AAA", "tally_bridge_upstream_connected") == 0, 60, "upstream is lost")
        it.values(120, 1500)
        station.call("StatusNotification", connectorId=1, errorCode="NoError", status="Charging")
        check(station.is_connected(), "the charger was sent away in a roaming charge")
        asked = len(station.asked("TriggerMessage"))
        site.csms.start()
        wait_until(lambda: site.csms.connected(station.id), 120, "upstream is there again")
        wait_until(lambda: len(station.asked("TriggerMessage")) > asked, 60, "the state that upstream missed is asked for")
        it.values(180, 2500)
        it.stop(240, 3000)
        station.call("StatusNotification", connectorId=1, errorCode="NoError", status="Available")
        site.check_records(station, [3000])
        # The same with an end while upstream is away: acknowledged, and then the charger queues.
        second = Charge16(station, foreign_card(site.net), 3000, it.begin + 300)
        check_equal((second.swipe(), second.start()), ("Accepted", "Accepted"), "swipe and start")
        second.values(60, 1000)
        site.csms.stop()
        second.stop(120, 2000)
        wait_until(lambda: not station.is_connected(), 60, "the charger is sent away after the charge")
        site.csms.start()
        station.call("Heartbeat")
        site.check_records(station, [3000, 2000])
        site.check_upstream_saw(station, [], [])


def the_bridge_is_killed_in_a_roaming_charge(bin_dir):
    with Site(bin_dir) as site, site.station() as station:
        boot(station)
        it = Charge16(station, foreign_card(site.net))
        check_equal(it.swipe(), "Accepted", "swipe")
        site.net.kill("bridge-AAA")
        site.net.restart("bridge-AAA")
        check_equal(it.start(), "Accepted", "start")
        it.values(60, 500)
        site.net.kill("bridge-AAA")
        site.net.restart("bridge-AAA")
        it.values(120, 1500)
        site.net.kill("bridge-AAA")
        site.net.restart("bridge-AAA")
        it.stop(180, 3000)
        it.stop(180, 3000)
        site.check_records(station, [3000])
        site.check_upstream_saw(station, [], [])
        site.net.audit()


def in_2_0_1_foreign_cards_roam_too(bin_dir):
    with Site(bin_dir) as site, site.station(1, "ocpp2.0.1") as station:
        boot = station.call("BootNotification", reason="PowerUp", chargingStation={"model": "rpc", "vendorName": "Independent"})
        check_equal(boot["interval"], 300, "the interval, which is upstream's")
        check(station.asked("TriggerMessage"), "states that the bridge does not know were not asked for")
        station.call("StatusNotification", timestamp=moment(time.time(), 0), connectorStatus="Available", evseId=1, connectorId=1)
        own = charge_201(station, "OWN-T", OWN, 0, 2000, 0)
        check_equal(own, "Accepted", "an own card")
        foreign = charge_201(station, "FOREIGN-T", foreign_card(site.net), 2000, 3000, 300)
        check_equal(foreign, "Accepted", "a foreign card")
        # The card comes when the transaction runs already, and without an Authorize.
        late = charge_201(station, "LATE-T", foreign_card(site.net), 5000, 1000, 600, cable_first=True)
        check_equal(late, "Accepted", "a foreign card after the cable")
        site.check_records(station, [3000, 1000])
        seen = [call["params"]["transactionInfo"]["transactionId"] + " " + call["params"]["eventType"]
                for call in site.csms.calls(station.id, "TransactionEvent")]
        check_equal(seen, ["OWN-T Started", "OWN-T Updated", "OWN-T Ended", "LATE-T Started", "LATE-T Ended"], "what upstream saw")
        site.net.audit()


def every_script_roams(bin_dir):
    """The chargers' misbehaviour comes out as without upstream, which hears of no transaction but the one without a start."""
    for version in ("1.6", "2.0.1"):
        with Devnet(bin_dir, operators=2, up_options=["--bridges", "1", "--chargers", "32", "--customers", "80"]) as net, \
                OwnCsms(OWN) as csms:
            stand_before(net, "AAA", csms.port)
            scripts = scripts_of(net, version)
            options = [word for script in scripts for word in ("--script", script)]
            summary = Fleet(net, "--version", version, "--count", str(len(scripts)), "--starts-per-second", "4",
                            *options).finish()
            check_equal(summary["failures"], [], "failures")
            bad = ("register-reset", "missing-start", "offline-unknown")
            wait_all_told(net, "AAA", sum(charge["script"] not in bad for charge in begun(summary["charges"])))
            records = records_by_station(net, "AAA")
            for script, charger in zip(scripts, net.bridge("AAA")["chargers"]):
                station = charger["id"]
                check_script(script, [charge for charge in summary["charges"] if charge["station"] == station], records[station])
                heard = csms.calls(station, *TRANSACTION, "TransactionEvent")
                check(bool(heard) == (script == "missing-start"), f"upstream heard of {script}: {heard}")
            net.check_books()
            net.audit()


def nothing_is_lost_when_bridge_and_upstream_restart(bin_dir):
    seed = int(os.environ.get("TALLY_E2E_SEED", "1"))
    chance = random.Random(seed)
    scripts = ["normal", "stop-swipe", "duplicates", "permuted", "reboot-goes-on", "offline-charge", "no-number", "missing-stop"]
    with Devnet(bin_dir, operators=2, up_options=["--bridges", "1", "--chargers", "8", "--customers", "40"]) as net, \
            OwnCsms(OWN) as csms:
        stand_before(net, "AAA", csms.port)
        points = sorted(chance.sample(range(20, 200), 12))
        options = [word for script in scripts for word in ("--script", script)]
        options += [word for point in points for word in ("--mark", str(point))]
        fleet = Fleet(net, "--count", str(len(scripts)), "--rounds", "2", "--give-up", "300", *options)
        done = []
        while fleet.wait_line("is sent"):
            done.append(chance.choice(["bridge", "upstream"]))
            if done[-1] == "bridge":
                net.kill("bridge-AAA")
                net.run("devnet", "start", "bridge-AAA", "--dir", net.net, "--no-wait")
            else:
                csms.stop()
                csms.start()
        summary = fleet.finish()
        check_equal(summary["failures"], [], f"failures (seed {seed}, {done})")
        check(len(done) >= 3, f"only {done} points were reached")
        accepted = begun(summary["charges"])
        check(accepted, "no charge was accepted at all")
        net.restart("bridge-AAA")
        wait_all_told(net, "AAA", len(accepted))
        check_each_once(net, "AAA", summary["charges"])
        net.audit()
        print(f"  seed {seed}: {done}, {len(accepted)} of {len(summary['charges'])} charges accepted")


def charge_201(station, name, card, meter, wh, later_s, cable_first=False):
    """A whole charge; what the card was answered."""
    begin = time.time() + later_s
    token = {"idToken": card, "type": "ISO14443"}
    sequence = itertools.count()

    def say(kind, trigger, seconds, register, **more):
        value = [{"timestamp": moment(begin, seconds), "sampledValue": [{"value": meter + register}]}]
        return station.call("TransactionEvent", eventType=kind, timestamp=moment(begin, seconds), triggerReason=trigger,
                            seqNo=next(sequence), evse={"id": 1, "connectorId": 1}, meterValue=value,
                            transactionInfo={"transactionId": name, **more.pop("info", {})}, **more)
    if cable_first:
        say("Started", "CablePluggedIn", 0, 0)
        answer = say("Updated", "Authorized", 5, 0, idToken=token)
    else:
        station.call("Authorize", idToken=token)
        answer = say("Started", "Authorized", 0, 0, idToken=token)
        say("Updated", "MeterValuePeriodic", 60, wh // 2)
    say("Ended", "StopAuthorized", 120, wh, info={"stoppedReason": "Local"})
    return answer["idTokenInfo"]["status"]


def a_prepaid_amount_stops_a_roaming_charge_without_upstream(bin_dir):
    with Site(bin_dir) as site, site.station() as station:
        boot(station)
        station.call("DataTransfer", vendorId="tally", messageId="Prepaid", data='{"amount":"10.00"}')
        it = Charge16(station, foreign_card(site.net))
        check_equal((it.swipe(), it.start()), ("Accepted", "Accepted"), "swipe and start")
        it.values(60, 200)
        site.csms.stop()
        it.values(600, 9000)
        stopped = wait_until(lambda: station.asked("RemoteStopTransaction"), 60, "the charge is stopped")
        check_equal(stopped[0], {"transactionId": it.transaction}, "what is stopped")
        it.stop(620, 9000)
        site.check_records(station, [9000])


main([own_cards_are_upstreams_and_foreign_ones_roam, upstream_restarts_in_an_own_charge, upstream_restarts_in_a_roaming_charge,
      the_bridge_is_killed_in_a_roaming_charge, in_2_0_1_foreign_cards_roam_too, every_script_roams,
      nothing_is_lost_when_bridge_and_upstream_restart, a_prepaid_amount_stops_a_roaming_charge_without_upstream])
