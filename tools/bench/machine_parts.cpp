#include "tools/bench/machine_parts.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/base/system_random.h"
#include "ledger/crypto/sha256.h"
#include "ledger/crypto/signer.h"
#include "node/link/link.h"
#include "node/runtime/asio.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>

namespace tally::tools {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t signatures{500};
constexpr std::size_t writes{200};
constexpr std::size_t round_trips{1'000};
constexpr std::size_t record_bytes{400};  ///< near a safety record or a vote on its way
constexpr std::chrono::seconds link_patience{10};

std::chrono::microseconds since(SteadyClock::time_point begin) {
    return std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - begin);
}

void measure_signatures(MachineParts& parts) {
    SystemRandom random;
    KeySigner signer{generate_secret(random)};
    const auto key = VerifyKey::parse(signer.public_key());
    ENSURE(key.has_value());
    Hash digest = sha256(as_bytes("part"));
    for (std::size_t i = 0; i < signatures; ++i) {
        const auto begin = SteadyClock::now();
        const Signature signature = signer.sign(digest);
        parts.sign.add(since(begin));
        const auto signed_at = SteadyClock::now();
        ENSURE(key->verify(digest, signature));
        parts.verify.add(since(signed_at));
        digest = sha256(digest.view());
    }
}

Expected<Done, std::string> measure_writes(const std::string& folder, MachineParts& parts) {
    PosixFileSystem files;
    const std::string log = folder + "/append";
    const std::string slots = folder + "/slots";
    const Bytes record(record_bytes, 0x5A);
    auto file = files.open_append(log);
    if (!file || !files.write_whole(slots, Bytes(8192, 0))) {
        return Unexpected{folder + ": cannot be written"};
    }
    for (std::size_t i = 0; i < writes; ++i) {
        const auto begin = SteadyClock::now();
        if (!(*file)->append(record) || !(*file)->sync()) {
            return Unexpected{log + ": cannot be written"};
        }
        parts.append.add(since(begin));
        const auto appended = SteadyClock::now();
        if (!files.write_at(slots, (i % 2) * 4096, record)) {
            return Unexpected{slots + ": cannot be written"};
        }
        parts.rewrite.add(since(appended));
    }
    return Done{};
}

node::PeerIdentity identity_of(const PublicKey& key) { return {key, PartyId{}, {}}; }

/// One end of the link, on a thread of its own.
class LinkEnd {
public:
    using Received = std::function<void(LinkEnd& self, const PublicKey& from)>;

    LinkEnd(const SecretKey& secret, node::LinkConfig config, Received received)
        : m_key{secret}, m_io{1} {
        node::LinkHandlers handlers;
        handlers.admit = [](const PublicKey& key) { return std::optional{identity_of(key)}; };
        handlers.connected = [this](const node::PeerIdentity& peer) {
            m_connected.set_value(peer.link_key);
        };
        handlers.disconnected = [](const node::PeerIdentity&) {};
        handlers.received = [this, on = std::move(received)](const node::PeerIdentity& peer,
                                                             node::FrameKind, const Bytes&) {
            on(*this, peer.link_key);
        };
        m_hub =
            std::make_unique<node::LinkHub>(m_io, std::move(config), m_key, std::move(handlers));
        m_hub->start();
        m_port = m_hub->port();
        m_thread = std::thread{[this] { m_io.run(); }};
    }
    ~LinkEnd() {
        boost::asio::post(m_io, [this] {
            m_hub->stop();
            m_io.stop();
        });
        m_thread.join();
    }
    LinkEnd(const LinkEnd&) = delete;
    LinkEnd& operator=(const LinkEnd&) = delete;

    [[nodiscard]] std::uint16_t port() const { return m_port; }
    [[nodiscard]] std::future<PublicKey> connected() { return m_connected.get_future(); }
    /// From the end's own thread.
    void send(const PublicKey& to) {
        m_hub->send(to, node::FrameKind::consensus, Bytes(record_bytes, 0x5A));
    }
    void post(std::function<void()> work) { boost::asio::post(m_io, std::move(work)); }

private:
    KeySigner m_key;
    boost::asio::io_context m_io;
    std::unique_ptr<node::LinkHub> m_hub;
    std::uint16_t m_port{0};
    std::promise<PublicKey> m_connected;
    std::thread m_thread;
};

Expected<Done, std::string> measure_hop(MachineParts& parts) {
    SystemRandom random;
    const SecretKey far_secret = generate_secret(random);
    node::LinkConfig listening;
    listening.listen_host = "127.0.0.1";
    LinkEnd far{far_secret, listening,
                [](LinkEnd& self, const PublicKey& from) { self.send(from); }};

    node::LinkConfig dialing;
    dialing.targets.push_back({public_key_of(far_secret), "127.0.0.1", far.port()});
    std::promise<void> all_done;
    std::size_t left{round_trips};
    auto begin = SteadyClock::now();
    LinkEnd near{generate_secret(random), dialing, [&](LinkEnd& self, const PublicKey& from) {
                     parts.hop.add(since(begin) / 2);
                     begin = SteadyClock::now();
                     if (--left > 0) {
                         self.send(from);
                     } else {
                         all_done.set_value();
                     }
                 }};
    std::future<PublicKey> connected = near.connected();
    if (connected.wait_for(link_patience) != std::future_status::ready) {
        return Unexpected{std::string{"no link with ourselves over loopback"}};
    }
    const PublicKey peer = connected.get();
    near.post([&near, &begin, peer] {
        begin = SteadyClock::now();
        near.send(peer);
    });
    if (all_done.get_future().wait_for(link_patience) != std::future_status::ready) {
        return Unexpected{std::string{"a link with ourselves does not answer"}};
    }
    return Done{};
}

}  // namespace

Expected<Done, std::string> measure_parts(const std::string& folder, MachineParts& parts) {
    measure_signatures(parts);
    if (const auto written = measure_writes(folder, parts); !written) {
        return written;
    }
    return measure_hop(parts);
}

}  // namespace tally::tools
