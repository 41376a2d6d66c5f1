"""Cards without a prefix, over real processes: registered by their operators, found at the hub, refused when two have them."""

import json
import os
import pathlib
import shutil

from harness import Devnet, check, check_equal, main, wait_until

CARD = "04A1B2C3D4E5F6"
SHARED = "04FFEEDDCCBBAA"
OPERATORS = ("AAA", "BBB", "CCC")


def folder_of(net, member):
    return pathlib.Path(net.node(member)["config"]).parent


def restart(net, *members):
    for member in members:
        net.kill(member)
        net.restart(member)


def add_customer(net, member, card):
    path = folder_of(net, member) / "customers.json"
    content = json.loads(path.read_text())
    content["customers"].append({**content["customers"][0], "token": f"{member}-{card}"})
    path.write_text(json.dumps(content))


def give_keys(net, member, keys):
    config = folder_of(net, member) / "node.toml"
    text = config.read_text().split("\n[tokens]")[0]
    names = []
    for key in keys:
        target = folder_of(net, member) / os.path.basename(key)
        shutil.copy2(key, target)
        os.chmod(target, 0o600)
        names.append(f'"{target.name}"')
    config.write_text(text + f"\n[tokens]\nkeys = [{', '.join(names)}]\n")


def new_key(net, name):
    path = os.path.join(net.folder, name)
    net.run("tokens", "new-key", "--out", path)
    return path


def status(net, member):
    return json.loads(net.run("tokens", "status", "--config", net.node(member)["config"], "--json").stdout)


def wait_registered(net, member, cards):
    def done():
        seen = status(net, member)
        return seen["phase"] == "registered" and seen["gathered"] and seen["cards"] >= cards
    wait_until(done, 90, f"{member} has registered {cards} cards")


def wait_up(net, *members):
    for member in members:
        wait_until(lambda member=member: net.get(member, "/readyz"), 90, f"{member} is ready")


def refusal(net, card):
    return net.charge("AAA", "BBB", codes=(3,), energy_wh=1000, token=card)["reason"]


def prepare(net, keys):
    add_customer(net, "BBB", CARD)
    add_customer(net, "BBB", SHARED)
    add_customer(net, "CCC", SHARED)
    for member in OPERATORS:
        give_keys(net, member, keys)
    restart(net, *OPERATORS)
    wait_up(net, "HUB", *OPERATORS)
    wait_registered(net, "BBB", 2)
    wait_registered(net, "CCC", 1)
    wait_registered(net, "AAA", 1)


def cards_without_a_prefix(bin_dir):
    with Devnet(bin_dir) as net:
        check_equal(refusal(net, CARD), "unknown_token", "before there is a shared key")
        prepare(net, [new_key(net, "first.key")])
        charge = net.charge("AAA", "BBB", token=CARD.lower(), energy_wh=2000, speed=600)
        check_equal((charge["outcome"], charge["home"]), ("settled", "BBB"), "charge of a card without a prefix")
        check_equal(refusal(net, SHARED), "ambiguous_token", "a card of two operators")
        check_equal(refusal(net, "04NOBODY"), "unknown_token", "a card of nobody")

        # The hub is killed and comes back: the register is there. While it is away, other cards are unknown.
        net.kill("HUB")
        check_equal(refusal(net, "04NOBODY2"), "unknown_token", "with the hub away")
        check_equal(net.charge("AAA", "BBB", energy_wh=1000, speed=600)["outcome"], "settled", "a prefix needs no hub")
        net.restart("HUB")
        wait_up(net, "HUB")
        restart(net, "AAA")  # and with it what it remembered
        wait_up(net, "AAA")
        wait_registered(net, "AAA", 1)
        charge = net.charge("AAA", "BBB", token=CARD, energy_wh=2000, speed=600)
        check_equal(charge["outcome"], "settled", "after the hub's restart")
        check_equal(refusal(net, SHARED), "ambiguous_token", "after the hub's restart")

        # No card, and no hash's card, in any log.
        for log in pathlib.Path(net.net).glob("*/*.log"):
            check(CARD not in log.read_text(errors="replace"), f"{log} names a card")
        net.check_books()


def keys_are_rotated_and_the_hub_refuses_one(bin_dir):
    with Devnet(bin_dir) as net:
        first, second = new_key(net, "first.key"), new_key(net, "second.key")
        prepare(net, [first])
        old = status(net, "BBB")["keys"][0]
        cards = os.path.join(net.folder, "cards.txt")
        pathlib.Path(cards).write_text("ELSEWHERE1\r\n\nelsewhere2\n")
        before = status(net, "BBB")["cards"]
        net.run("tokens", "register", "--config", net.node("BBB")["config"], "--file", cards)
        wait_registered(net, "BBB", before + 2)
        check_equal(refusal(net, "ELSEWHERE2"), "unknown_token", "found at the hub, unknown to the operator's books")

        for member in OPERATORS:
            check(any(row["key"] == old for row in status(net, "HUB")["registered"]), f"before {member} moved")
            give_keys(net, member, [second, first])
            restart(net, member)
            wait_up(net, member)
            wait_registered(net, member, 1)
        new = status(net, "BBB")["keys"][0]
        check(new != old, "the newest key is first")
        wait_until(lambda: {row["key"] for row in status(net, "HUB")["registered"]} == {new}, 90,
                   "old hashes are dropped when all have moved")
        charge = net.charge("AAA", "BBB", token=CARD, energy_wh=2000, speed=600)
        check_equal(charge["outcome"], "settled", "after the rotation")
        wait_registered(net, "BBB", before + 2)

        # By command: the register forgets an operator's set, which registers again by itself.
        net.run("tokens", "drop", "--config", net.node("HUB")["config"], "--key", new, "--member", "CCC")
        wait_until(lambda: any(row["member"] == "CCC" and row["version"] > 0
                               for row in status(net, "HUB")["registered"]), 150, "CCC registers again")

        # A hub with a key would know the cards: it does not start.
        give_keys(net, "HUB", [second])
        net.kill("HUB")
        refused = net.run("devnet", "start", "HUB", "--dir", net.net, may_fail=True)
        check(refused.returncode != 0, "a hub started with a token key")
        log = "".join(path.read_text(errors="replace") for path in pathlib.Path(net.net).glob("HUB/*.log"))
        check("a hub must not have" in log + refused.stderr + refused.stdout, "the hub does not say why")


main([cards_without_a_prefix, keys_are_rotated_and_the_hub_refuses_one])
