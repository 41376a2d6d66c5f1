// One validator sends certificates, requests and answers as fast as it can; the others' commits
// must not take twice as long, or not longer than a stated bound.
//
// Time is counted, not measured: each node is one processor that handles one thing after the
// other, and what it does costs what it was measured to cost on the machine that this was written
// on. So the test gives the same figures everywhere and every time.

#include "consensus/driver/peer_table.h"
#include "ledger/base/codec.h"
#include "tests/consensus/cluster.h"
#include "tests/consensus/hand_driven.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <queue>

namespace tally::consensus::testing {
namespace {

using namespace std::chrono_literals;

constexpr Time hop{200};
constexpr Time frame_cost{10};         ///< TLS, decoding and a turn of the driver
constexpr Time dropped_frame_cost{2};  ///< TLS only
constexpr Time signature_cost{52};     ///< one check
constexpr Time envelope_cost{100};     ///< check, execute and store a small envelope of a block
constexpr Time kilobyte_cost{150};     ///< likewise, for what is in a large one
constexpr Time sync_cost{300};         ///< of the journal, and of a final block
constexpr std::size_t flooder{3};
constexpr std::size_t clients{3};

struct Arrival {
    Time at{0};
    std::uint64_t order{0};
    std::size_t to{0};
    PeerId from{0};
    Bytes frame;
    friend bool operator>(const Arrival& a, const Arrival& b) {
        return std::pair{a.at, a.order} > std::pair{b.at, b.order};
    }
};

/// What the flooder sends to every other node, `per_second` frames to each.
struct Flood {
    std::uint64_t per_second{0};
    std::function<Bytes(std::uint64_t number)> frame;
};

class BusyCluster {
public:
    BusyCluster() : cluster{4, 0}, m_busy_until(4, Time{0}), m_heights(4, 0) {
        for (const auto& node : cluster.nodes) {
            node->check_signature = [this](const VerifyKey& key, const Hash& digest,
                                           const Signature& signature) {
                m_cost += signature_cost;
                return key.verify(digest, signature);
            };
        }
        cluster.filter = [this](PeerId from, PeerId to, const Bytes& frame) {
            m_sent.push_back({Time{0}, m_order++, to - 100, from, frame});
            return false;  // delivered here instead
        };
        cluster.start_all();
        release(cluster.now);
    }

    /// Gives how long each envelope of the clients took from submission to being final there.
    std::vector<Time> run(Time duration, const Flood& flood) {
        const Time end = cluster.now + duration;
        m_now = cluster.now;
        Time next_flood = m_now;
        Time next_client = m_now;
        std::uint64_t floods{0};
        while (m_now < end) {
            Time next = std::min(next_client, next_timer());
            if (!m_arrivals.empty()) {
                next = std::min(next, m_arrivals.top().at);
            }
            if (flood.per_second != 0) {
                next = std::min(next, next_flood);
            }
            m_now = std::max(m_now, next);
            if (flood.per_second != 0 && next == next_flood) {
                send_flood(flood, floods++);
                next_flood += Time{1'000'000 / flood.per_second};
            } else if (next == next_client) {
                submit();
                next_client += Time{10'000};
            } else if (!m_arrivals.empty() && next == m_arrivals.top().at) {
                deliver();
            } else {
                fire_timer();
            }
        }
        cluster.now = m_now;
        return m_latencies;
    }

    Cluster cluster;

private:
    [[nodiscard]] Time next_timer() const {
        Time next{Time::max()};
        for (std::size_t i = 0; i < 4; ++i) {
            const auto& wake = cluster.nodes[i]->wake_at;
            next = wake ? std::min(next, std::max(*wake, m_busy_until[i])) : next;
        }
        return next;
    }
    void send_flood(const Flood& flood, std::uint64_t number) {
        const Bytes frame = flood.frame(number);
        for (std::size_t to = 0; to < clients; ++to) {
            m_arrivals.push({m_now + hop, m_order++, to, 100 + flooder, frame});
        }
    }
    void submit() {
        for (std::size_t i = 0; i < clients; ++i) {
            const std::string text =
                "client " + std::to_string(i) + " " + std::to_string(m_count++);
            Node& node = *cluster.nodes[i];
            m_open[i].emplace(node.application.hash_of_envelope(as_bytes(text)), m_now);
            work(i, [&node, &text] { node.submit(text); });
        }
    }
    void deliver() {
        Arrival arrival = m_arrivals.top();
        m_arrivals.pop();
        if (m_busy_until[arrival.to] > m_now) {
            arrival.at = m_busy_until[arrival.to];
            m_arrivals.push(std::move(arrival));
            return;
        }
        Node& node = *cluster.nodes[arrival.to];
        const std::uint64_t dropped = node.driver->figures().messages_dropped;
        work(arrival.to, [&] {
            node.driver->on_message(arrival.from, arrival.frame);
            const bool was_dropped = node.driver->figures().messages_dropped != dropped;
            m_cost += was_dropped ? dropped_frame_cost : frame_cost;
            if (!was_dropped && node.mempool->size() != 0) {
                node.driver->on_envelope_available();
            }
        });
    }
    void fire_timer() {
        for (std::size_t i = 0; i < 4; ++i) {
            auto& wake = cluster.nodes[i]->wake_at;
            if (wake && std::max(*wake, m_busy_until[i]) <= m_now) {
                wake.reset();
                work(i, [this, i] { cluster.nodes[i]->driver->on_timer(); });
                return;
            }
        }
    }
    /// Does something on a node's processor; what it sends leaves when it is done.
    template <typename Work>
    void work(std::size_t index, const Work& do_it) {
        const Time begin = std::max(m_now, m_busy_until[index]);
        cluster.now = begin;
        m_cost = Time{0};
        const std::uint64_t syncs = cluster.nodes[index]->driver->figures().journal_syncs;
        do_it();
        m_cost += sync_cost * static_cast<std::int64_t>(
                                  cluster.nodes[index]->driver->figures().journal_syncs - syncs);
        const auto& chain = cluster.nodes[index]->application.chain;
        for (; m_heights[index] < chain.size(); ++m_heights[index]) {
            m_cost += sync_cost;
            for (const Bytes& envelope : chain[m_heights[index]].block.envelopes) {
                m_cost += envelope_cost +
                          kilobyte_cost * static_cast<std::int64_t>(envelope.size() / 1024);
            }
        }
        const Time done = begin + m_cost;
        m_busy_until[index] = done;
        note_final(index, done);
        release(done);
    }
    void note_final(std::size_t index, Time done) {
        const auto& chain = cluster.nodes[index]->application.chain;
        for (; m_noted[index] < chain.size(); ++m_noted[index]) {
            for (const Hash& hash : chain[m_noted[index]].block.hashes) {
                if (const auto found = m_open[index].find(hash); found != m_open[index].end()) {
                    m_latencies.push_back(done - found->second);
                    m_open[index].erase(found);
                }
            }
        }
    }
    void release(Time at) {
        for (Arrival& sent : m_sent) {
            sent.at = at + hop;
            m_arrivals.push(std::move(sent));
        }
        m_sent.clear();
    }

    Time m_now{0};
    Time m_cost{0};
    std::uint64_t m_order{0};
    std::uint64_t m_count{0};
    std::vector<Time> m_busy_until;
    std::vector<std::size_t> m_heights;
    std::array<std::size_t, 4> m_noted{};
    std::array<std::map<Hash, Time>, 4> m_open;
    std::vector<Arrival> m_sent;
    std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> m_arrivals;
    std::vector<Time> m_latencies;
};

Time percentile(std::vector<Time> values, std::size_t percent) {
    REQUIRE(values.size() > 100);
    std::sort(values.begin(), values.end());
    return values[(values.size() - 1) * percent / 100];
}

constexpr Time duration{2'000'000};
constexpr Time settling{200'000};
/// When it is noticed that a validator takes no part any more, whatever it still says: the Status
/// of the others that makes it stop, and the time for which it may be silent.
constexpr Time notice{DriverOptions{}.status_interval + DriverOptions{}.skip_timeout};

struct Latencies {
    std::vector<Time> noticing;  ///< of what was submitted while the flood was new
    std::vector<Time> later;
};

Latencies latencies_with(const Flood& flood, Time noticing) {
    BusyCluster busy;
    const auto before = static_cast<std::ptrdiff_t>(busy.run(settling, {}).size());
    const auto noticed = static_cast<std::ptrdiff_t>(busy.run(noticing, flood).size());
    const std::vector<Time> all = busy.run(duration, flood);
    return {{all.begin() + before, all.begin() + noticed}, {all.begin() + noticed, all.end()}};
}

const std::vector<Time>& calm_latencies() {
    static const std::vector<Time> calm = latencies_with({}, settling).later;
    return calm;
}

TEST_CASE("a validator that floods leaves the others' commits within twice their time", "[flood]") {
    const std::vector<Time>& calm = calm_latencies();
    const Time p50 = percentile(calm, 50);
    const Time p99 = percentile(calm, 99);
    Flood flood;
    flood.per_second = 10'000;
    std::string what;
    Time bound = 2 * p99;
    Time noticing_bound = bound;
    Time noticing{4 * settling};
    SECTION("with old certificates") {
        what = "certificates";
        const Bytes frame = encode_message(certificate(nullify(1), {0, 1, 2}));
        flood.frame = [frame](std::uint64_t) { return frame; };
    }
    SECTION("with requests") {
        what = "requests";
        flood.frame = [](std::uint64_t number) {
            return number % 2 == 0 ? encode_message(BlockRequest{number + 1, digest_of('q')})
                                   : encode_message(RangeRequest{number + 1, 1, 32});
        };
    }
    SECTION("with answers that nobody asked for") {
        what = "answers";
        flood.frame = [](std::uint64_t number) {
            return encode_message(BlockResponse{number + 1, Bytes(200), {Bytes(100)}});
        };
    }
    SECTION("with one old vote again and again") {
        what = "votes";
        const Bytes frame = encode_message(vote(flooder, notarize(1, 0, digest_of('v'))));
        flood.frame = [frame](std::uint64_t) { return frame; };
    }
    // Told in Status of a vote that its own record does not know, its own node stops voting. Until
    // that is noticed each of its views is waited for as long as any leader may take, as with one
    // that has crashed.
    SECTION("with an old vote that makes it give up its own views") {
        what = "nullify votes";
        noticing = notice + settling;
        noticing_bound += Time{2 * 50'000};
        const Bytes frame = encode_message(vote(flooder, nullify(1)));
        flood.frame = [frame](std::uint64_t) { return frame; };
    }
    SECTION("with small valid envelopes") {
        what = "envelopes";
        // What it may save up is executed with the others' envelopes once: in the block under way,
        // in their own and in the one that is committed meanwhile.
        noticing_bound += 3 * envelope_cost * allowance_max / envelope_overhead;
        flood.frame = [](std::uint64_t number) {
            const std::string text = "flood " + std::to_string(number);
            return encode_message(EnvelopeGossip{Bytes{text.begin(), text.end()}});
        };
    }
    SECTION("with large valid envelopes") {
        what = "large envelopes";
        // The first one is executed whole: that is what it costs the others once.
        flood.per_second = 400;
        noticing_bound += 3 * kilobyte_cost * 256;
        flood.frame = [](std::uint64_t number) {
            Bytes envelope(256UL * 1024);
            Encoder encoder;
            encoder.u64(number);
            std::copy(encoder.bytes().begin(), encoder.bytes().end(), envelope.begin());
            return encode_message(EnvelopeGossip{std::move(envelope)});
        };
    }
    const Latencies flooded = latencies_with(flood, noticing);
    WARN(what << ": calm p50 " << p50.count() << " us, p99 " << p99.count() << " us; flooded p50 "
              << percentile(flooded.later, 50).count() << " us, p99 "
              << percentile(flooded.later, 99).count() << " us, p99 before it is noticed "
              << percentile(flooded.noticing, 99).count() << " us");
    CHECK(percentile(flooded.later, 50) <= 2 * p50);
    CHECK(percentile(flooded.later, 99) <= bound);
    CHECK(percentile(flooded.noticing, 99) <= noticing_bound);
    CHECK(flooded.later.size() * 10 >= calm.size() * 9);
}

}  // namespace
}  // namespace tally::consensus::testing
