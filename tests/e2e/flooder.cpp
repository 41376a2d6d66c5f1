// A member that floods the nodes of the others over its own authenticated links.
//
//   flooder GENESIS MEMBER LINK_KEY MEMBER_KEY SECONDS valid|invalid [PORT:PARTY ...]
//
// valid: envelopes that nobody can refuse, requests and repeated certificates, as fast as the links
// take them. invalid: the same with wrong signatures and frames of garbage. All of them are made
// and signed beforehand, so that the flood does not wait for its own signatures; then it prints
// "ready" and waits for a line. In the end it prints how many frames the links took.

#include "consensus/wire/wire.h"
#include "ledger/base/system_random.h"
#include "ledger/model/envelope.h"
#include "ledger/model/transaction.h"
#include "node/config/genesis_json.h"
#include "node/link/link.h"
#include "node/runtime/key_file.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace tally::node {
namespace {

using namespace std::chrono_literals;

constexpr int arguments_min{7};
constexpr std::size_t frames_per_turn{64};
constexpr auto turn{5ms};
/// Sent in turn; when all are sent, again from the first one. Half of them are envelopes: more than
/// a node has room for and puts into blocks in a phase of the test.
constexpr std::size_t frames_made{40'000};
constexpr UnixMillis valid_for{110'000};
constexpr auto connect_within{2s};

class Flooder {
public:
    Flooder(Genesis genesis, PartyId member, const SecretKey& link, const SecretKey& key)
        : m_genesis{std::move(genesis)}, m_member{member}, m_link{link}, m_key{key} {}

    bool add_target(const std::string& text) {
        const std::size_t colon = text.find(':');
        const auto party = party_from_text(text.substr(colon + 1));
        for (const Member& other : m_genesis.members) {
            if (colon != std::string::npos && party && other.party == *party) {
                m_targets.push_back(
                    {other.link_key, "127.0.0.1",
                     static_cast<std::uint16_t>(std::strtoul(text.c_str(), nullptr, 10))});
                return true;
            }
        }
        return false;
    }

    void run(std::chrono::seconds duration, bool is_valid) {
        LinkConfig config;
        config.chain_id = m_genesis.chain_id();
        config.targets = m_targets;
        LinkHandlers handlers;
        handlers.admit = [this](const PublicKey& key) -> std::optional<PeerIdentity> {
            for (const Member& other : m_genesis.members) {
                if (other.link_key == key) {
                    return PeerIdentity{key, other.party, ""};
                }
            }
            return std::nullopt;
        };
        handlers.connected = [](const PeerIdentity&) {};
        handlers.disconnected = [](const PeerIdentity&) {};
        handlers.received = [](const PeerIdentity&, FrameKind, Bytes) {};
        m_hub = std::make_unique<LinkHub>(m_io, std::move(config), m_link, std::move(handlers));
        for (std::size_t i = 0; i < frames_made; ++i) {
            m_frames.push_back(make_frame(is_valid));
        }
        m_hub->start();
        m_io.run_for(connect_within);
        static_cast<void>(std::puts("ready"));
        static_cast<void>(std::fflush(stdout));
        static_cast<void>(std::getchar());
        const auto end = std::chrono::steady_clock::now() + duration;
        while (std::chrono::steady_clock::now() < end) {
            for (std::size_t i = 0; i < frames_per_turn; ++i) {
                const Bytes& frame = m_frames[m_sent++ % m_frames.size()];
                for (const DialTarget& target : m_targets) {
                    m_taken += m_hub->send(target.link_key, FrameKind::consensus, frame) ? 1U : 0U;
                }
            }
            m_io.run_for(turn);
        }
        m_hub->stop();
        m_io.run_for(1s);
        static_cast<void>(std::printf("%llu\n", static_cast<unsigned long long>(m_taken)));
    }

private:
    Bytes make_frame(bool is_valid) {
        const std::uint64_t number = m_count++;
        if (!is_valid && number % 8 == 7) {
            return Bytes(100, static_cast<std::uint8_t>(number));
        }
        switch (number % 4) {
            case 0:
                return consensus::encode_message(consensus::RangeRequest{number + 1, 1, 32});
            case 1: {
                QuorumCertificate certificate;
                certificate.statement.kind = VoteKind::nullify;
                certificate.statement.view = is_valid ? 1 : number + 1'000'000;
                certificate.bitmap = 7;
                certificate.signatures.resize(3);
                return consensus::encode_message(certificate);
            }
            default:
                break;
        }
        Transaction transaction;
        const auto now =
            static_cast<UnixMillis>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
        transaction.id = make_transaction_id(now, m_random);
        transaction.not_after = now + valid_for;
        SetAgreement action;
        action.partner = m_genesis.members.front().party;
        action.currency = *currency_from_text("CNY");
        transaction.action = action;
        Bytes envelope =
            sign_envelope(m_genesis.chain_id(), m_member, {encode_transaction(transaction)}, m_key);
        if (!is_valid) {
            envelope.back() ^= 1U;
        }
        return consensus::encode_message(consensus::EnvelopeGossip{std::move(envelope)});
    }

    Genesis m_genesis;
    PartyId m_member;
    KeySigner m_link;
    KeySigner m_key;
    SystemRandom m_random;
    boost::asio::io_context m_io;
    std::vector<DialTarget> m_targets;
    std::unique_ptr<LinkHub> m_hub;
    std::uint64_t m_count{0};
    std::uint64_t m_sent{0};
    std::uint64_t m_taken{0};
    std::vector<Bytes> m_frames;
};

int flood(const std::vector<std::string>& arguments) {
    const auto genesis = load_genesis(arguments[1]);
    const auto member = party_from_text(arguments[2]);
    const auto link = read_secret_key(arguments[3]);
    const auto key = read_secret_key(arguments[4]);
    if (!genesis || !member || !link || !key) {
        static_cast<void>(std::fputs("flooder: genesis, member or keys are wrong\n", stderr));
        return 2;
    }
    Flooder flooder{*genesis, *member, *link, *key};
    for (std::size_t i = arguments_min; i < arguments.size(); ++i) {
        if (!flooder.add_target(arguments[i])) {
            static_cast<void>(std::fputs("flooder: a target is not PORT:PARTY\n", stderr));
            return 2;
        }
    }
    flooder.run(std::chrono::seconds{std::strtol(arguments[5].c_str(), nullptr, 10)},
                arguments[6] == "valid");
    return 0;
}

}  // namespace
}  // namespace tally::node

int main(int argc, char** argv) {
    const std::vector<std::string> arguments{argv, argv + argc};
    if (arguments.size() < tally::node::arguments_min) {
        static_cast<void>(std::fputs("flooder: too few arguments\n", stderr));
        return 2;
    }
    return tally::node::flood(arguments);
}
