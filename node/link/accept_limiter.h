#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

namespace tally::node {

/// Most addresses remembered at once; strangers beyond share one bucket.
inline constexpr std::size_t limited_addresses_max{4096};

/// How many connections one address may open: a token bucket each, `rate` a second up to `burst`.
/// Not thread safe; time is handed in.
class AcceptLimiter {
public:
    AcceptLimiter(double rate, double burst) : m_rate{rate}, m_burst{burst} {}

    /// Takes one token of that address; false when it has none.
    [[nodiscard]] bool admit(const std::string& address, std::chrono::steady_clock::time_point now);
    [[nodiscard]] std::size_t remembered() const noexcept { return m_buckets.size(); }

private:
    struct Bucket {
        double tokens{0.0};
        std::chrono::steady_clock::time_point filled;
    };
    void forget_full(std::chrono::steady_clock::time_point now);
    [[nodiscard]] double tokens_at(const Bucket& bucket,
                                   std::chrono::steady_clock::time_point now) const;

    double m_rate;
    double m_burst;
    std::map<std::string, Bucket> m_buckets;
};

}  // namespace tally::node
