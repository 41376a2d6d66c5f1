"""A driver who cannot charge is told why, and no money moves."""

from harness import Devnet, check_equal, main


def refusals_name_their_reason(bin_dir):
    with Devnet(bin_dir) as net:
        cards = [customer["token"] for customer in net.manifest["customers"] if customer["home"] == "BBB"]
        for reason, options in (
                ("charger_faulted", {"fault": True}),
                ("unknown_token", {"token": "BBB-NOBODY"}),
                ("token_blocked", {"token": cards[2]}),
                ("insufficient_balance", {"token": cards[-1], "prepaid": "50.00"}),
                ("minimum_approval", {"token": cards[-1]}),
        ):
            refused = net.charge("AAA", "BBB", codes=(3,), energy_wh=1000, **options)
            check_equal((refused["outcome"], refused["reason"]), ("refused", reason), f"refusal with {options}")
        check_equal(net.check_books(), 0, "posted sum after refusals")


def a_home_operator_that_is_down_is_unreachable(bin_dir):
    with Devnet(bin_dir) as net:
        net.kill("BBB")
        refused = net.charge("AAA", "BBB", codes=(3,), energy_wh=1000)
        check_equal(refused["reason"], "home_unreachable", "refusal")
        net.restart("BBB")
        charge = net.charge("AAA", "BBB", energy_wh=1000, speed=600)
        check_equal(charge["outcome"], "settled", "after the home operator came back")


main([refusals_name_their_reason, a_home_operator_that_is_down_is_unreachable])
