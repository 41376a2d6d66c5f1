#include "tools/bench/verify_bench.h"

#include "ledger/base/check.h"
#include "ledger/base/system_random.h"
#include "ledger/crypto/secp256k1.h"
#include "ledger/crypto/sha256.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

namespace tally::tools {

namespace {

constexpr std::size_t samples{256};

struct Sample {
    VerifyKey key;
    Hash digest;
    Signature signature;
};

std::vector<Sample> make_samples() {
    SystemRandom random;
    std::vector<Sample> made;
    for (std::size_t index = 0; index < samples; ++index) {
        const SecretKey secret = generate_secret(random);
        const auto key = VerifyKey::parse(public_key_of(secret));
        ENSURE(key.has_value());
        const Hash digest = sha256(as_bytes(std::to_string(index)));
        made.push_back({*key, digest, sign_digest(secret, digest)});
    }
    return made;
}

/// Verifications a second of one thread.
double run(const std::vector<Sample>& all, std::chrono::milliseconds duration) {
    const auto begin = std::chrono::steady_clock::now();
    std::uint64_t count{0};
    std::chrono::duration<double> elapsed{0};
    while (elapsed < duration) {
        for (const Sample& sample : all) {
            ENSURE(sample.key.verify(sample.digest, sample.signature));
        }
        count += all.size();
        elapsed = std::chrono::steady_clock::now() - begin;
    }
    return static_cast<double>(count) / elapsed.count();
}

}  // namespace

VerifyRate measure_verify_rate(std::chrono::milliseconds duration) {
    const std::vector<Sample> all = make_samples();
    VerifyRate rate;
    rate.per_second_one_core = run(all, duration);
    rate.cores = std::max(1U, std::thread::hardware_concurrency());
    std::vector<double> rates(rate.cores, 0);
    std::vector<std::thread> threads;
    for (double& slot : rates) {
        threads.emplace_back([&all, &slot, duration] { slot = run(all, duration); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    rate.per_second_all_cores = std::accumulate(rates.begin(), rates.end(), 0.0);
    return rate;
}

}  // namespace tally::tools
