"""A user-space TCP proxy between nodes: one listener per direction of dialing, rules per direction of travel.

Every node is told to dial its peers through these listeners, so a test can delay, slow down, hold back or cut what one
node sends to another while both processes stay untouched. The loop has a thread of its own; every public member may be
called from any thread.
"""

import asyncio
import contextlib
import dataclasses
import random
import threading

CHUNK_BYTES = 64 * 1024
HELD_BYTES_MAX = 1024 * 1024  # per connection and direction; then the sender is made to wait
CALL_DEADLINE_S = 10


@dataclasses.dataclass
class Rule:
    """How bytes travel from one node to another. Times in seconds, rate in bytes a second."""

    delay: float = 0.0
    jitter: float = 0.0
    rate: float = 0.0  # 0: unlimited
    stalled: bool = False  # nothing arrives, connections stay open
    cut: bool = False  # connections are closed, new ones refused


class LinkProxy:
    """All links of a cluster. `listen` makes a way from one node to another, `set_rule` changes what happens on it."""

    def __init__(self, seed=1):
        self._loop = asyncio.new_event_loop()
        self._chance = random.Random(seed)
        self._rules = {}
        self._changed = None
        self._servers = []
        self._open = {}  # writers of both sides by (dialer, listener)
        self.bytes_carried = 0
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()
        self._call(self._prepare())

    # ---- for tests

    def listen(self, source, target, port):
        """A port on loopback through which `source` dials `target`, which listens on `port`."""
        return self._call(self._listen(source, target, port))

    def set_rule(self, source, target, **changes):
        """Changes what happens to bytes from `source` to `target`; what is not named stays."""
        self._call(self._set({(source, target): changes}))

    def set_both(self, one, other, **changes):
        self._call(self._set({(one, other): changes, (other, one): changes}))

    def set_all(self, names, **changes):
        self._call(self._set({(one, other): changes for one in names for other in names if one != other}))

    def partition(self, *groups, stalled=False):
        """Only nodes of the same group reach each other; `stalled` lets connections stand."""
        rules = {}
        for group in groups:
            for others in groups:
                if group is not others:
                    rules.update({(one, other): {"stalled" if stalled else "cut": True}
                                  for one in group for other in others})
        self._call(self._set(rules))

    def heal(self):
        """Every direction is as it was at the start."""
        self._call(self._set({key: dataclasses.asdict(Rule()) for key in list(self._rules)}))

    def stop(self):
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_DEADLINE_S)
        self._loop.close()

    # ---- on the loop

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(CALL_DEADLINE_S)

    async def _prepare(self):
        self._changed = asyncio.Condition()

    def _rule(self, source, target):
        return self._rules.setdefault((source, target), Rule())

    async def _set(self, rules):
        for (source, target), changes in rules.items():
            rule = self._rule(source, target)
            for name, value in changes.items():
                setattr(rule, name, value)
            if rule.cut:
                for key in ((source, target), (target, source)):
                    for writer in self._open.get(key, set()).copy():
                        writer.transport.abort()
        async with self._changed:
            self._changed.notify_all()

    async def _listen(self, source, target, port):
        async def accept(reader, writer):
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._carry(source, target, port, reader, writer)
        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self._servers.append(server)
        return server.sockets[0].getsockname()[1]

    async def _carry(self, source, target, port, reader, writer):
        if self._rule(source, target).cut or self._rule(target, source).cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        writers = self._open.setdefault((source, target), set())
        writers.update((writer, far_writer))
        pumps = [asyncio.ensure_future(self._pump(source, target, reader, far_writer)),
                 asyncio.ensure_future(self._pump(target, source, far_reader, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            writers.difference_update((writer, far_writer))
            writer.transport.abort()
            far_writer.transport.abort()

    async def _pump(self, source, target, reader, writer):
        """Reads on while earlier bytes are still on their way; ends with either side."""
        held = Held()
        sender = asyncio.ensure_future(self._deliver(source, target, held, writer))
        try:
            while not sender.done():
                data = await reader.read(CHUNK_BYTES)
                if not data:
                    break
                await held.put(self._arrival(source, target, len(data)), data)
            if not sender.done():
                await held.put(0.0, b"")
                await sender
        except OSError:
            pass
        finally:
            sender.cancel()

    def _arrival(self, source, target, size):
        rule = self._rule(source, target)
        travel = rule.delay + self._chance.uniform(0.0, rule.jitter) + (size / rule.rate if rule.rate else 0.0)
        return self._loop.time() + travel

    async def _deliver(self, source, target, held, writer):
        rule = self._rule(source, target)
        while True:
            at, data = await held.get()
            if rule.rate:
                at = max(at, self._loop.time() + len(data) / rule.rate)
            if at > self._loop.time():
                await asyncio.sleep(at - self._loop.time())
            if rule.stalled:
                async with self._changed:
                    await self._changed.wait_for(lambda: not rule.stalled)
            if not data:
                return
            writer.write(data)
            await writer.drain()
            self.bytes_carried += len(data)

    async def _close(self):
        for server in self._servers:
            server.close()
        for writers in self._open.values():
            for writer in writers.copy():
                writer.transport.abort()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Held:
    """Bytes on their way in one direction, in order and bounded."""

    def __init__(self):
        self._items = asyncio.Queue()
        self._bytes = 0
        self._room = asyncio.Event()
        self._room.set()

    async def put(self, at, data):
        await self._room.wait()
        self._bytes += len(data)
        if self._bytes >= HELD_BYTES_MAX:
            self._room.clear()
        self._items.put_nowait((at, data))

    async def get(self):
        at, data = await self._items.get()
        self._bytes -= len(data)
        if self._bytes < HELD_BYTES_MAX:
            self._room.set()
        return at, data
