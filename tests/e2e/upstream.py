"""An operator's own central system behind the bridge, and a charger that does as it is told; both independent (npm ocpp-rpc)."""

import datetime
import itertools
import json
import pathlib
import shutil
import subprocess
import threading
import time

from harness import Failure, check, free_port_range, wait_until

HERE = pathlib.Path(__file__).parent
LOST = ("Client disconnected", "socket not open", "Call timeout", "TimeoutError")


class NodeProgram:
    """A node.js program that says JSON lines and hears some."""

    def __init__(self, *arguments):
        check(shutil.which("node"), "node is not installed: run tools/setup")
        check((HERE / "node_modules" / "ocpp-rpc").is_dir(), "ocpp-rpc is not installed: run tools/setup")
        self.said = []
        self.process = subprocess.Popen(["node", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            self.said.append(json.loads(line))

    def tell(self, line):
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def wait(self, what, fits, deadline_s=60):
        """The first line that fits, once it was said."""
        return wait_until(lambda: next((line for line in list(self.said) if fits(line)), None), deadline_s, what)

    def end(self):
        self.process.kill()
        self.process.wait(timeout=30)


class OwnCsms:
    """The operator's own central system; may be stopped and started again on its port."""

    def __init__(self, *cards):
        self.port = free_port_range(1)
        self.cards = cards
        self.program = None
        self.before = []
        self.first = 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, error, trace):
        self.stop()

    def start(self):
        self.program = NodeProgram(HERE / "ocpp_rpc_csms.js", str(self.port), str(self.first), *self.cards)
        self.program.wait("the own central system listens", lambda line: line.get("listening"))

    def stop(self):
        if self.program is not None:
            self.program.end()
            self.before += self.program.said
            self.first += 1000
            self.program = None

    @property
    def said(self):
        return self.before + (list(self.program.said) if self.program else [])

    def calls(self, station, *methods):
        return [line for line in self.said if line.get("station") == station and line.get("method") in methods]

    def ask(self, station, method, params):
        """Makes it call a charger; gives the answer."""
        done = len([line for line in self.said if "asked" in line])
        self.program.tell({"station": station, "method": method, "params": params})
        asked = wait_until(lambda: [line for line in self.said if "asked" in line][done:], 60, f"{method} is answered")[0]
        check("error" not in asked, f"{method}: {asked.get('error')}")
        return asked["answer"]

    def connected(self, station):
        said = list(self.program.said) if self.program else []
        state = [line for line in said if line.get("station") == station and ("connected" in line or "disconnected" in line)]
        return bool(state) and "connected" in state[-1]


class Station:
    """A charger at the bridge, as its sub-protocol has it."""

    numbers = itertools.count(1)

    def __init__(self, bridge, charger, protocol="ocpp1.6"):
        self.id = charger["id"]
        self.program = NodeProgram(HERE / "ocpp_rpc_station.js", bridge["ocpp"], charger["id"], charger["password"], protocol)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.program.end()

    def begin(self, method, **params):
        number = next(Station.numbers)
        self.program.tell({"number": number, "method": method, "params": params})
        return number

    def answer_of(self, number, deadline_s=90):
        return self.program.wait(f"call {number} ends", lambda line: line.get("number") == number, deadline_s)

    def call(self, method, **params):
        """The answer, as chargers get it: said again, with a new message id, as often as the connection is lost."""
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            answer = self.answer_of(self.begin(method, **params))
            if "result" in answer:
                return answer["result"]
            check(any(why in answer["error"] for why in LOST), f"{method}: {answer['error']}")
            wait_until(self.is_connected, 120, "the charger is connected again")
        raise Failure(f"{method} was never answered")

    def is_connected(self):
        state = [line for line in list(self.program.said) if "connected" in line or "disconnected" in line]
        return bool(state) and "connected" in state[-1]

    def asked(self, method):
        return [line["params"] for line in list(self.program.said) if line.get("asked") == method]


def moment(begin, seconds):
    return datetime.datetime.fromtimestamp(begin + seconds, datetime.timezone.utc).isoformat(timespec="milliseconds").replace(
        "+00:00", "Z")


class Charge16:
    """A charge of an OCPP 1.6 charger at connector 1, step by step."""

    def __init__(self, station, card, meter=0, begin=None):
        self.station, self.card, self.meter = station, card, meter
        self.begin = begin or time.time()
        self.transaction = None

    def swipe(self):
        return self.station.call("Authorize", idTag=self.card)["idTagInfo"]["status"]

    def start(self):
        answer = self.station.call("StartTransaction", connectorId=1, idTag=self.card, meterStart=self.meter,
                                   timestamp=moment(self.begin, 0))
        self.transaction = answer["transactionId"]
        return answer["idTagInfo"]["status"]

    def values(self, seconds, wh):
        self.station.call("MeterValues", connectorId=1, transactionId=self.transaction, meterValue=[
            {"timestamp": moment(self.begin, seconds), "sampledValue": [{"value": str(self.meter + wh)}]}])

    def stop(self, seconds, wh):
        return self.station.call("StopTransaction", transactionId=self.transaction, idTag=self.card,
                                 meterStop=self.meter + wh, timestamp=moment(self.begin, seconds), reason="Local")


def stand_before(net, operator, port):
    """The operator's bridge stands in front of its own central system from now on."""
    bridge = net.bridge(operator)
    net.kill(f"bridge-{operator}")
    with open(bridge["config"], "a", encoding="utf-8") as file:
        file.write(f'\n[upstream]\nurl = "ws://127.0.0.1:{port}/csms/{{id}}"\npassword = "upstream-secret"\n')
    net.restart(f"bridge-{operator}")
