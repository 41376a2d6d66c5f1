// Fetching a snapshot from peers that are slow, forgetful or lie.

#include "consensus/sync/sync_client.h"

#include "ledger/base/codec.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>

using namespace tally;
using namespace tally::consensus;

namespace {

using std::chrono::milliseconds;
using Verdict = SnapshotSink::Verdict;

/// A manifest is its height and a mark; parts are single bytes and right when they name themselves.
Bytes manifest(std::uint8_t height, std::uint8_t mark = 0) { return {height, mark}; }

Hash digest_of(std::uint8_t height) {
    Hash hash;
    hash.data[0] = height;
    return hash;
}

struct FakeSink final : SnapshotSink {
    std::size_t parts{40};
    std::set<std::uint8_t> fetched;
    std::optional<Hash> chosen;
    std::optional<Hash> resumes;
    bool begun_before{false};
    std::uint8_t forged_mark{0};  ///< manifests with this mark are seen to be forged
    int given_up{0};
    Bytes in_use;                           ///< stays while the snapshot is the same
    std::optional<std::uint8_t> base_part;  ///< its answer shows that the manifest is forged

    Bytes offer_query() const override { return {0xff}; }
    std::optional<Offer> read_offer(ByteView answer) const override {
        if (answer.size() != 2) {
            return std::nullopt;
        }
        return Offer{answer[0] * std::uint64_t{1000}, digest_of(answer[0]),
                     Bytes{answer.begin(), answer.end()}};
    }
    std::optional<Hash> begun() const override { return chosen ? chosen : resumes; }
    bool must_finish() const override { return begun_before; }
    Verdict choose(const Offer& offer) override {
        if (forged_mark != 0 && offer.manifest[1] == forged_mark) {
            return Verdict::wrong_offer;
        }
        if (chosen != offer.digest && resumes != offer.digest) {
            fetched.clear();
        }
        if (chosen != offer.digest && (resumes != offer.digest || in_use.empty())) {
            in_use = offer.manifest;
        }
        chosen = offer.digest;
        return Verdict::accepted;
    }
    Bytes manifest_in_use() const override { return in_use; }
    void give_up() override {
        ++given_up;
        drop();
    }
    void drop() {
        chosen.reset();
        resumes.reset();
        in_use.clear();
    }
    std::vector<Bytes> wanted(std::size_t count_max) const override {
        std::vector<Bytes> queries;
        for (std::size_t part = 0; part < parts && queries.size() < count_max; ++part) {
            if (!fetched.contains(static_cast<std::uint8_t>(part))) {
                queries.push_back({static_cast<std::uint8_t>(part)});
            }
        }
        return queries;
    }
    Verdict accept(ByteView query, ByteView answer) override {
        if (answer.empty()) {
            return Verdict::not_held;
        }
        if (answer[0] != query[0]) {
            return Verdict::wrong_answer;
        }
        if (base_part == query[0]) {
            base_part.reset();
            drop();
            return Verdict::wrong_offer;
        }
        fetched.insert(query[0]);
        return Verdict::accepted;
    }
    bool is_complete() const override { return chosen && fetched.size() == parts; }
    std::string problem() const override { return "a lie"; }
};

/// Peers that answer as their `answer` says; what is not answered is lost.
struct Net {
    using Answer = std::function<std::optional<Bytes>(ByteView query)>;
    explicit Net(FakeSink& the_sink, SyncOptions options = {})
        : sink{the_sink}, client{options, the_sink, now} {}

    static Answer honest(Bytes offer) {
        return [offer](ByteView query) -> std::optional<Bytes> {
            return query[0] == 0xff ? offer : Bytes{query.begin(), query.end()};
        };
    }
    void connect(PeerId id, Answer answer) {
        answers[id] = std::move(answer);
        MemberKey member;
        member.data[0] = static_cast<std::uint8_t>(id);
        take(client.on_connected({id, member}, now));
    }
    void disconnect(PeerId id) {
        answers.erase(id);
        take(client.on_disconnected(id, now));
    }
    void take(const SyncEffects& effects) {
        queue.insert(queue.end(), effects.sends.begin(), effects.sends.end());
        for (const auto& [peer, why] : effects.disconnects) {
            cut.push_back(peer);
            answers.erase(peer);
        }
    }
    /// Runs until the step changes from `from`, at most a minute.
    void run_while(SyncStep from) {
        for (int tick = 0; tick < 600 && client.step() == from; ++tick) {
            step();
        }
    }
    void step() {
        auto sends = std::move(queue);
        queue.clear();
        for (const auto& [peer, message] : sends) {
            const auto found = answers.find(peer);
            if (found == answers.end()) {
                continue;
            }
            const auto& request = std::get<SnapshotRequest>(message);
            asked[peer] += 1;
            if (const auto answer = found->second(request.query)) {
                take(client.on_message(peer, SnapshotResponse{request.id, *answer}, now));
            }
        }
        now += milliseconds{100};
        take(client.on_tick(now));
    }

    FakeSink& sink;
    SyncClient::Time now{0};
    SyncClient client;
    std::map<PeerId, Answer> answers;
    std::map<PeerId, std::size_t> asked;
    std::vector<std::pair<PeerId, Message>> queue;
    std::vector<PeerId> cut;
};

}  // namespace

TEST_CASE("a snapshot is fetched from all who have it at once") {
    FakeSink sink;
    Net net{sink};
    for (PeerId id = 1; id <= 3; ++id) {
        net.connect(id, Net::honest(manifest(50)));
    }
    net.run_while(SyncStep::asking);
    net.run_while(SyncStep::fetching);
    CHECK(net.client.step() == SyncStep::complete);
    CHECK(net.cut.empty());
    for (PeerId id = 1; id <= 3; ++id) {
        CHECK(net.asked[id] > 5);
    }
}

TEST_CASE("what most peers have is chosen, and of that the newest") {
    FakeSink sink;
    Net net{sink};
    net.connect(1, Net::honest(manifest(90)));
    net.connect(2, Net::honest(manifest(50)));
    net.connect(3, Net::honest(manifest(50)));
    net.connect(4, Net::honest(manifest(40)));
    net.connect(5, Net::honest(manifest(40)));
    net.run_while(SyncStep::asking);
    CHECK(sink.chosen == digest_of(50));
}

TEST_CASE("a wrong answer names its peer, which is never asked again") {
    FakeSink sink;
    Net net{sink};
    net.connect(1, [](ByteView query) -> std::optional<Bytes> {
        return query[0] == 0xff ? manifest(50) : Bytes{0xee};
    });
    net.connect(2, Net::honest(manifest(50)));
    net.run_while(SyncStep::asking);
    net.run_while(SyncStep::fetching);
    CHECK(net.client.step() == SyncStep::complete);
    CHECK(net.cut == std::vector<PeerId>{1});
    CHECK(net.client.lies_found() == 1);
    const std::size_t before = net.asked[1];
    net.connect(1, Net::honest(manifest(50)));  // the same member comes back
    CHECK(net.cut.size() == 2);
    CHECK(net.asked[1] == before);
}

TEST_CASE("a forged manifest costs only those who sent it") {
    FakeSink sink;
    sink.forged_mark = 7;
    Net net{sink};
    net.connect(1, Net::honest(manifest(50, 7)));
    net.connect(2, Net::honest(manifest(50, 7)));
    net.connect(3, Net::honest(manifest(50, 1)));
    net.run_while(SyncStep::asking);
    net.run_while(SyncStep::fetching);
    CHECK(net.client.step() == SyncStep::complete);
    CHECK(std::find(net.cut.begin(), net.cut.end(), PeerId{3}) == net.cut.end());
}

TEST_CASE("who withholds is left alone, and the others are asked") {
    FakeSink sink;
    Net net{sink};
    net.connect(1, [](ByteView query) -> std::optional<Bytes> {
        return query[0] == 0xff ? std::optional{manifest(50)} : std::nullopt;
    });
    net.connect(2, Net::honest(manifest(50)));
    net.run_while(SyncStep::asking);
    net.run_while(SyncStep::fetching);
    CHECK(net.client.step() == SyncStep::complete);
    CHECK(net.cut.empty());  // silence is no proof
}

TEST_CASE("an offer that nobody can serve is given up for another one") {
    FakeSink sink;
    Net net{sink};
    const auto empty_handed = [](ByteView query) -> std::optional<Bytes> {
        return query[0] == 0xff ? manifest(60) : Bytes{};
    };
    net.connect(1, empty_handed);
    net.connect(2, empty_handed);
    net.connect(3, Net::honest(manifest(50)));
    for (int i = 0; i < 200 && net.client.step() != SyncStep::complete; ++i) {
        net.step();
    }
    CHECK(net.client.step() == SyncStep::complete);
    CHECK(sink.chosen == digest_of(50));
    CHECK(sink.given_up == 1);
}

TEST_CASE("sources that go away are waited for, and what is here is kept") {
    FakeSink sink;
    Net net{sink};
    net.connect(1, Net::honest(manifest(50)));
    net.run_while(SyncStep::asking);
    net.step();
    const std::size_t here = sink.fetched.size();
    REQUIRE(here > 0);
    sink.begun_before = true;
    net.disconnect(1);
    for (int i = 0; i < 300; ++i) {
        net.step();
    }
    CHECK(net.client.step() != SyncStep::nothing);
    CHECK(sink.fetched.size() == here);
    net.connect(2, Net::honest(manifest(50)));
    for (int i = 0; i < 200 && net.client.step() != SyncStep::complete; ++i) {
        net.step();
    }
    CHECK(net.client.step() == SyncStep::complete);
    CHECK(sink.given_up == 0);
}

TEST_CASE("the snapshot that was begun with is gone on with, though others have a newer one") {
    FakeSink sink;
    sink.resumes = digest_of(50);
    sink.begun_before = true;
    Net net{sink};
    net.connect(1, Net::honest(manifest(90)));
    net.connect(2, Net::honest(manifest(90)));
    net.connect(3, Net::honest(manifest(50)));
    net.run_while(SyncStep::asking);
    CHECK(sink.chosen == digest_of(50));
}

TEST_CASE("there is nothing to fetch when enough peers say so, or nobody answers") {
    FakeSink sink;
    SyncOptions options;
    options.min_height = 1000;
    SECTION("young peers") {
        Net net{sink, options};
        net.connect(1, Net::honest(manifest(1)));
        net.connect(2, Net::honest({}));
        net.step();
        CHECK(net.client.step() == SyncStep::nothing);
    }
    SECTION("one liar alone does not decide") {
        Net net{sink, options};
        net.connect(1, Net::honest({}));
        net.step();
        CHECK(net.client.step() == SyncStep::asking);
        net.connect(2, Net::honest(manifest(50)));
        net.run_while(SyncStep::asking);
        CHECK(net.client.step() == SyncStep::fetching);
    }
    SECTION("silence") {
        Net net{sink, options};
        net.run_while(SyncStep::asking);
        CHECK(net.client.step() == SyncStep::nothing);
        CHECK(net.now >= options.give_up_after);
    }
    SECTION("silence, but the genesis state is gone") {
        sink.begun_before = true;
        Net net{sink, options};
        net.run_while(SyncStep::asking);
        CHECK(net.client.step() == SyncStep::asking);
    }
}

TEST_CASE("answers that nobody asked for change nothing") {
    FakeSink sink;
    Net net{sink};
    net.connect(1, Net::honest(manifest(50)));
    net.take(net.client.on_message(1, SnapshotResponse{999, manifest(90)}, net.now));
    net.take(net.client.on_message(9, SnapshotResponse{1, manifest(90)}, net.now));
    net.take(net.client.on_message(1, Status{}, net.now));
    CHECK(net.client.step() == SyncStep::asking);
    net.run_while(SyncStep::asking);
    CHECK(sink.chosen == digest_of(50));
}

TEST_CASE("no peer has more queries than the bound") {
    FakeSink sink;
    sink.parts = 200;
    SyncOptions options;
    options.queries_per_peer = 3;
    Net net{sink, options};
    std::size_t most{0};
    net.connect(1, Net::honest(manifest(50)));
    net.run_while(SyncStep::asking);
    while (net.client.step() == SyncStep::fetching) {
        most = std::max(most, net.queue.size());
        net.step();
    }
    CHECK(most == 3);
    CHECK(net.client.step() == SyncStep::complete);
}

namespace {

/// Offers a new snapshot, higher than anybody's, whenever it is asked, and says nothing else.
Net::Answer inventor(std::optional<Bytes> other_answers) {
    auto next = std::make_shared<std::uint8_t>(std::uint8_t{100});
    return [next, other_answers](ByteView query) -> std::optional<Bytes> {
        return query[0] == 0xff ? manifest((*next)++) : other_answers;
    };
}

}  // namespace

TEST_CASE("a peer that invents snapshots and says nothing more stops nobody for ever") {
    FakeSink sink;
    Net net{sink};
    SECTION("silent") { net.connect(1, inventor(std::nullopt)); }
    SECTION("empty-handed") { net.connect(1, inventor(Bytes{})); }
    net.connect(2, Net::honest(manifest(50)));
    net.run_while(SyncStep::asking);
    REQUIRE(sink.chosen == digest_of(100));
    for (int tick = 0; tick < 600 && net.client.step() != SyncStep::complete; ++tick) {
        net.step();
    }
    CHECK(net.client.step() == SyncStep::complete);
    CHECK(sink.chosen == digest_of(50));
    CHECK(net.cut.empty());  // silence is no proof
}

TEST_CASE("an invented snapshot does not keep a young chain's node from starting") {
    FakeSink sink;
    Net net{sink};
    net.connect(1, inventor(std::nullopt));
    SECTION("the others have none") {
        net.connect(2, Net::honest({}));
        net.connect(3, Net::honest({}));
    }
    SECTION("the others do not answer") {
        net.connect(2, [](ByteView) { return std::nullopt; });
    }
    for (int tick = 0; tick < 2400 && net.client.step() != SyncStep::nothing; ++tick) {
        net.step();
    }
    CHECK(net.client.step() == SyncStep::nothing);
}

TEST_CASE("a snapshot without sources is not waited for because one peer never answers") {
    FakeSink sink;
    sink.begun_before = true;
    Net net{sink};
    net.connect(1, Net::honest(manifest(50)));
    net.run_while(SyncStep::asking);
    net.connect(2, [](ByteView) { return std::nullopt; });
    net.connect(3, Net::honest(manifest(60)));
    net.disconnect(1);
    for (int tick = 0; tick < 600 && net.client.step() != SyncStep::complete; ++tick) {
        net.step();
    }
    CHECK(net.client.step() == SyncStep::complete);
    CHECK(sink.chosen == digest_of(60));
}

TEST_CASE("when all are silent for long, what is here is gone on with afterwards") {
    FakeSink sink;
    sink.begun_before = true;
    Net net{sink};
    bool is_silent{false};
    const auto answer = [&is_silent](ByteView query) -> std::optional<Bytes> {
        return is_silent ? std::nullopt : Net::honest(manifest(50))(query);
    };
    net.connect(1, answer);
    net.connect(2, answer);
    net.run_while(SyncStep::asking);
    net.step();
    const std::set<std::uint8_t> here = sink.fetched;
    REQUIRE_FALSE(here.empty());
    is_silent = true;
    for (int tick = 0; tick < 500; ++tick) {
        net.step();
    }
    is_silent = false;
    net.run_while(SyncStep::asking);
    CHECK(std::includes(sink.fetched.begin(), sink.fetched.end(), here.begin(), here.end()));
    net.run_while(SyncStep::fetching);
    CHECK(net.client.step() == SyncStep::complete);
    CHECK(sink.given_up == 0);
    CHECK(net.cut.empty());
}

TEST_CASE("after a resume nobody is blamed for the manifest that the node began with") {
    FakeSink sink;
    sink.begun_before = true;
    sink.resumes = digest_of(50);
    sink.in_use = manifest(50, 7);  // a liar's, from before the restart
    sink.base_part = std::uint8_t{3};
    Net net{sink};
    net.connect(1, Net::honest(manifest(50, 1)));
    net.connect(2, Net::honest(manifest(50, 2)));
    SECTION("the liar is gone") {}
    SECTION("the liar is here") { net.connect(3, Net::honest(manifest(50, 7))); }
    const bool is_here = net.answers.contains(3);
    for (int tick = 0; tick < 600 && net.client.step() != SyncStep::complete; ++tick) {
        net.step();
    }
    CHECK(net.client.step() == SyncStep::complete);
    CHECK(net.cut == (is_here ? std::vector<PeerId>{3} : std::vector<PeerId>{}));
}

TEST_CASE("of the manifests of one snapshot that which most sent is taken") {
    FakeSink sink;
    Net net{sink};
    net.connect(1, Net::honest(manifest(50, 1)));
    net.connect(2, Net::honest(manifest(50, 1)));
    net.connect(3, Net::honest(manifest(50, 7)));
    net.run_while(SyncStep::asking);
    CHECK(sink.in_use == manifest(50, 1));
}

TEST_CASE("a source that only drips is left for another") {
    FakeSink sink;
    Net net{sink};
    SyncClient::Time last{0};
    net.connect(1, [&net, &last](ByteView query) -> std::optional<Bytes> {
        if (query[0] == 0xff) {
            return manifest(9);
        }
        if (net.now - last < milliseconds{8'000}) {
            return std::nullopt;
        }
        last = net.now;
        return Bytes{query.begin(), query.end()};
    });
    net.connect(2, Net::honest(manifest(5)));
    net.run_while(SyncStep::asking);
    REQUIRE(sink.chosen == digest_of(9));
    while (net.now < milliseconds{40'000} && net.client.step() != SyncStep::complete) {
        net.step();
    }
    CHECK(net.client.step() == SyncStep::complete);
    CHECK(sink.chosen == digest_of(5));
    CHECK(net.cut.empty());
}
