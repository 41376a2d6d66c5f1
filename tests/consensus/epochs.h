#pragma once

// A cluster whose validator set changes, and what its nodes say to each other.

#include "tests/consensus/cluster.h"

#include <catch2/catch.hpp>

namespace tally::consensus::testing {

/// A cluster that changes its validator set.
struct Epochs {
    explicit Epochs(std::size_t validators, std::size_t followers = 0)
        : cluster{validators, followers} {}

    [[nodiscard]] Node& node(std::size_t number) { return *cluster.nodes[number]; }
    [[nodiscard]] DriverStatus status(std::size_t number) { return node(number).driver->status(); }
    void start() {
        cluster.start_all();
        REQUIRE(cluster.run_until([&] { return cluster.everyone_final(1); }, Time{10'000'000}));
    }
    /// Every node that is up is in the epoch.
    [[nodiscard]] bool all_in(std::uint64_t epoch) const {
        for (const auto& each : cluster.nodes) {
            if (each->is_up() && each->application.epoch().epoch != epoch) {
                return false;
            }
        }
        return true;
    }
    bool reach(std::uint64_t epoch, Time limit = Time{20'000'000}) {
        return cluster.run_until([&] { return all_in(epoch); }, limit);
    }
    void change(std::size_t submitter, std::string_view set) {
        const std::uint64_t next = node(submitter).application.epoch().epoch + 1;
        // The same set asked for again is another envelope.
        node(submitter).submit("set:" + std::string{set} + std::string(next, 'x'));
        REQUIRE(reach(next));
    }
    /// The nodes that are up make this many more blocks final, and agree.
    bool go_on(Height blocks = 3, Time limit = Time{30'000'000}) {
        Height height{0};
        for (const auto& each : cluster.nodes) {
            height = std::max<Height>(height, each->application.chain.size());
        }
        for (Height i = 1; i <= blocks; ++i) {
            if (!cluster.run_until([&] { return cluster.everyone_final(height + i); }, limit)) {
                return false;
            }
        }
        return cluster.agrees();
    }
    void check_nothing_went_wrong() {
        for (const auto& each : cluster.nodes) {
            CHECK(each->fatals.empty());
            CHECK(each->disconnects.empty());
            if (each->is_up()) {
                CHECK(each->driver->status().evidence == 0);
            }
        }
    }

    Cluster cluster;
};

template <typename T>
std::optional<T> read_as(const Bytes& frame) {
    const auto message = decode_message(frame);
    const T* found = message ? std::get_if<T>(&*message) : nullptr;
    return found != nullptr ? std::optional{*found} : std::nullopt;
}

/// Loses all votes of this kind.
inline std::function<bool(PeerId, PeerId, const Bytes&)> without(VoteKind kind) {
    return [kind](PeerId, PeerId, const Bytes& frame) {
        const auto vote = read_as<Vote>(frame);
        const auto certificate = read_as<QuorumCertificate>(frame);
        return (!vote || vote->statement.kind != kind) &&
               (!certificate || certificate->statement.kind != kind);
    };
}

}  // namespace tally::consensus::testing
