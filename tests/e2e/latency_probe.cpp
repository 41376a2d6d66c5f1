// How long transactions of some members take until they are final, as their clients see it.
//
//   latency_probe GENESIS SECONDS MEMBER:KEY_FILE:API ...
//
// Each member has one client, which submits the next agreement a pause after the last one is final.
// Prints one latency a line, in microseconds. API: 127.0.0.1:PORT

#include "node/config/genesis_json.h"
#include "node/runtime/http_client.h"
#include "node/runtime/key_file.h"
#include "tools/submit/submitter.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tally::tools {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr auto poll_pause = 500us;
constexpr auto think_time = 10ms;
constexpr auto patience = 30s;

/// Clients have their pace; what they wait for has its deadline.
void pause(std::chrono::microseconds duration) {
    boost::asio::io_context io;
    boost::asio::steady_timer timer{io, duration};
    timer.wait();
}

struct Client {
    SubmitAs as;
    PartyId partner;
    std::vector<std::chrono::microseconds> taken{};
    bool failed{false};

    void run(SteadyClock::time_point end) {
        while (SteadyClock::now() < end && !failed) {
            failed = !submit_one();
            pause(think_time);
        }
    }

private:
    bool submit_one() {
        SetAgreement action;
        action.partner = partner;
        action.currency = currency_from_text("CNY").value_or(Currency{});
        const auto begin = SteadyClock::now();
        const auto submission = submit_actions(as, {action});
        if (!submission) {
            static_cast<void>(std::fprintf(stderr, "probe: %s\n", submission.error().c_str()));
            return false;
        }
        node::HttpClientRequest look;
        look.url = as.api + "/api/v1/transactions/" + to_text(submission->refs.front());
        for (;;) {
            const auto answer = m_http->request(look);
            const auto passed = SteadyClock::now() - begin;
            if (answer && answer->status == 200) {
                taken.push_back(std::chrono::duration_cast<std::chrono::microseconds>(passed));
                return true;
            }
            if (passed > patience) {
                static_cast<void>(std::fputs("probe: not final in time\n", stderr));
                return false;
            }
            pause(poll_pause);
        }
    }

    std::unique_ptr<node::HttpClient> m_http{std::make_unique<node::HttpClient>()};
};

std::optional<Client> client_from(const std::string& text, const Genesis& genesis) {
    const std::size_t first = text.find(':');
    const std::size_t second = text.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) {
        return std::nullopt;
    }
    const auto member = party_from_text(text.substr(0, first));
    const auto key = node::read_secret_key(text.substr(first + 1, second - first - 1));
    if (!member || !key) {
        return std::nullopt;
    }
    Client client;
    client.as = {*member, *key, genesis.chain_id(), "http://" + text.substr(second + 1)};
    for (const Member& other : genesis.members) {
        if (other.party != *member && other.party != genesis.members.front().party) {
            client.partner = other.party;
        }
    }
    return client;
}

int probe(const std::vector<std::string>& arguments) {
    const auto genesis = node::load_genesis(arguments[1]);
    std::vector<Client> clients;
    for (std::size_t i = 3; i < arguments.size(); ++i) {
        auto client = genesis ? client_from(arguments[i], *genesis) : std::nullopt;
        if (!client) {
            static_cast<void>(std::fputs("probe: genesis, member or key is wrong\n", stderr));
            return 2;
        }
        clients.push_back(std::move(*client));
    }
    const std::chrono::seconds duration{std::strtol(arguments[2].c_str(), nullptr, 10)};
    std::vector<std::thread> threads;
    threads.reserve(clients.size());
    for (Client& client : clients) {
        threads.emplace_back([&client, end = SteadyClock::now() + duration] { client.run(end); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    bool failed{false};
    for (const Client& client : clients) {
        failed = failed || client.failed;
        for (const std::chrono::microseconds taken : client.taken) {
            static_cast<void>(std::printf("%lld\n", static_cast<long long>(taken.count())));
        }
    }
    return failed ? 1 : 0;
}

}  // namespace
}  // namespace tally::tools

int main(int argc, char** argv) {
    const std::vector<std::string> arguments{argv, argv + argc};
    if (arguments.size() < 4) {
        static_cast<void>(std::fputs("probe: too few arguments\n", stderr));
        return 2;
    }
    return tally::tools::probe(arguments);
}
