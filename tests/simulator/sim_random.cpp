#include "tests/simulator/sim_random.h"

#include "ledger/base/check.h"

#include <bit>
#include <numeric>

namespace tally::simulator {

namespace {

std::uint64_t splitmix(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
}

}  // namespace

SimRandom::SimRandom(std::uint64_t seed) {
    for (std::uint64_t& word : m_state) {
        word = splitmix(seed);
    }
}

std::uint64_t SimRandom::next() {
    const std::uint64_t result = std::rotl(m_state[1] * 5, 7) * 9;
    const std::uint64_t shifted = m_state[1] << 17U;
    m_state[2] ^= m_state[0];
    m_state[3] ^= m_state[1];
    m_state[1] ^= m_state[2];
    m_state[0] ^= m_state[3];
    m_state[2] ^= shifted;
    m_state[3] = std::rotl(m_state[3], 45);
    return result;
}

void SimRandom::fill(std::span<std::uint8_t> out) {
    std::uint64_t word{0};
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (i % 8 == 0) {
            word = next();
        }
        out[i] = static_cast<std::uint8_t>(word >> (8 * (i % 8)));
    }
}

std::uint64_t SimRandom::between(std::uint64_t low, std::uint64_t high) {
    ENSURE(low <= high);
    const std::uint64_t span = high - low + 1;
    // The bias of a plain remainder is below 2^-40 for the small ranges used here.
    return span == 0 ? next() : low + next() % span;
}

std::chrono::microseconds SimRandom::between(std::chrono::microseconds low,
                                             std::chrono::microseconds high) {
    return std::chrono::microseconds{static_cast<std::int64_t>(between(
        static_cast<std::uint64_t>(low.count()), static_cast<std::uint64_t>(high.count())))};
}

bool SimRandom::chance(std::uint32_t permille) { return between(0, 999) < permille; }

std::vector<std::size_t> SimRandom::sample(std::size_t below, std::size_t count) {
    ENSURE(count <= below);
    std::vector<std::size_t> all(below);
    std::iota(all.begin(), all.end(), std::size_t{0});
    for (std::size_t i = 0; i < count; ++i) {
        std::swap(all[i], all[static_cast<std::size_t>(between(i, below - 1))]);
    }
    all.resize(count);
    return all;
}

}  // namespace tally::simulator
