// Any list of messages, line cuts and restarts at a site: never a trap, every transaction message
// is answered, the store can always be read again, and no charge is recorded twice.

#include "ledger/base/codec.h"
#include "ledger/model/rating.h"
#include "tests/charger_bridge/site.h"

namespace {

using namespace tally::bridge;
using tally::bridge::test::Site;

constexpr std::size_t operations_max{200};

void transact(Site& site, tally::Decoder& input, std::uint8_t operation) {
    const std::uint16_t connector = static_cast<std::uint16_t>(input.u8() % 4);
    const std::int64_t meter = static_cast<std::int32_t>(input.u32());
    const std::string tag = "BBB-" + std::to_string(input.u8() % 3);
    const std::chrono::milliseconds shift{static_cast<std::int32_t>(input.u32())};
    const std::int64_t transaction = static_cast<std::int8_t>(input.u8());
    switch (operation) {
        case 0:
            static_cast<void>(site.swipe(tag));
            return;
        case 1: {
            const auto started = site.start(connector, tag, meter, site.text_now(shift));
            ENSURE(!started || started->transaction > 0);
            return;
        }
        case 2:
            ENSURE(site.values(connector, transaction, meter, site.now.wall + shift.count()));
            return;
        case 3:
            ENSURE(site.stop(transaction, meter, site.text_now(shift)));
            return;
        default:
            site.feed(PrepaidStated{"CP1", connector, (meter & 0xffff) + 1});
            return;
    }
}

void report(Site& site, tally::Decoder& input) {
    const auto kind = static_cast<ReportKind>(input.u8() % 3 + 1);
    Site::Report said;
    said.transaction = "T" + std::to_string(input.u8() % 3);
    said.sequence = input.u8() % 8;
    said.connector = static_cast<std::uint16_t>(input.u8() % 4);
    const std::uint8_t tag = input.u8();
    if (tag < 128) {
        said.token = "BBB-" + std::to_string(tag % 3);
    }
    if (const std::uint8_t meter = input.u8(); meter < 200) {
        said.meter = 1'000 + meter;
    }
    said.time = site.now.wall - input.u8() * 1'000;
    // What is about a token may wait for the home operator or for a report before it.
    const auto answer = site.report(kind, said);
    ENSURE(answer || said.token);
    ENSURE(!answer || said.token || !answer->status);
}

void disturb(Site& site, tally::Decoder& input, std::uint8_t operation) {
    const std::uint8_t argument = input.u8();
    switch (operation) {
        case 5:
            site.pass(std::chrono::seconds{argument});
            return;
        case 6:
            site.restart();
            return;
        case 7:
            site.link_down();
            return;
        case 8:
            site.link_up();
            return;
        case 9:
            site.disconnect();
            return;
        case 10:
            site.connect();
            return;
        case 11:
            site.policy.accepts = (argument & 1U) != 0;
            return;
        case 12:
            site.node_acknowledges = (argument & 1U) != 0;
            return;
        case 13:
            site.node_answers = (argument & 1U) != 0;
            return;
        default:
            site.status(argument % 4, static_cast<ConnectorStatus>(argument % 9 + 1));
            return;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tally::Decoder input{{data, size}};
    Site site;
    for (std::size_t i = 0; i < operations_max && input.remaining() > 0; ++i) {
        const std::uint8_t operation = input.u8() % 16;
        if (operation == 15) {
            report(site, input);
        } else if (operation < 5) {
            transact(site, input, operation);
        } else {
            disturb(site, input, operation);
        }
    }
    site.node_acknowledges = true;
    site.restart();
    site.link_down();
    site.link_up();
    ENSURE(site.core().outbox().size() == 0);
    std::set<tally::node::SessionId> started;
    for (const auto& message : site.durable_of<tally::node::ChargeStarted>()) {
        ENSURE(started.insert(message.session).second);
    }
    std::set<tally::node::SessionId> ended;
    for (const auto& message : site.durable_of<tally::node::ChargeEnded>()) {
        ENSURE(started.contains(message.session) && ended.insert(message.session).second);
        ENSURE(
            tally::rate(tally::bridge::test::flat_tariff(), message.metered.readings).has_value());
    }
    return 0;
}
