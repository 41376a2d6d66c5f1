#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

namespace tally::bridge {

/// Slows down who guesses. Pure.
///
/// After `guesses_free` failures of one station from one address further tries wait, from one
/// second doubling to `lockout_max`, the right password included. The real charger, coming from
/// another address, is not locked out by somebody who guesses at its id. An address that fails at
/// many ids has `address_failures` and gets one back every `address_refill`; without any left, only
/// stations that have come in from there before are still listened to. Ids need not exist.
class Lockout {
public:
    static constexpr unsigned guesses_free{5};
    static constexpr std::chrono::seconds lockout_max{300};
    static constexpr std::size_t lockouts_max{4096};  ///< remembered at once; the oldest makes room
    static constexpr std::size_t addresses_max{4096};
    static constexpr std::size_t stations_max{4096};  ///< whose address is remembered
    static constexpr unsigned address_failures{64};
    static constexpr std::chrono::milliseconds address_refill{2'000};

    [[nodiscard]] bool is_locked(const std::string& station, const std::string& address,
                                 std::chrono::milliseconds now) const;
    void failed(const std::string& station, const std::string& address,
                std::chrono::milliseconds now);
    void succeeded(const std::string& station, const std::string& address);
    /// Entries of guessers and of addresses.
    [[nodiscard]] std::size_t size() const { return m_guesses.size() + m_addresses.size(); }

private:
    struct Guesses {
        unsigned failures{0};
        std::chrono::milliseconds locked_until{0};
        std::chrono::milliseconds last{0};
    };
    struct Address {
        /// When all failures will be forgiven: `address_refill` for each.
        std::chrono::milliseconds clean_at{0};
        std::chrono::milliseconds last{0};
    };
    std::map<std::string, Guesses> m_guesses;  ///< by station and address
    std::map<std::string, Address> m_addresses;
    std::map<std::string, std::string> m_home;  ///< the address a station came in from last
};

}  // namespace tally::bridge
