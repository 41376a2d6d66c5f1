#include "ledger/model/parameters.h"

#include <array>

namespace tally {
namespace {

/// Every duration of the parameters, in the order of the encoding.
struct Duration {
    const char* name;
    UnixMillis Parameters::*value;
};
constexpr std::array<Duration, 11> durations{{
    {"start_window", &Parameters::start_window},
    {"record_window", &Parameters::record_window},
    {"settle_window", &Parameters::settle_window},
    {"claim_window", &Parameters::claim_window},
    {"countersign_window", &Parameters::countersign_window},
    {"home_release_after", &Parameters::home_release_after},
    {"charger_clock_back", &Parameters::charger_clock_back},
    {"charger_clock_ahead", &Parameters::charger_clock_ahead},
    {"delta", &Parameters::delta},
    {"idle_interval", &Parameters::idle_interval},
    {"skip_timeout", &Parameters::skip_timeout},
}};

/// Those that come behind everything else in the encoding.
constexpr std::array<Duration, 4> clearing_durations{{
    {"arbitrate_window", &Parameters::arbitrate_window},
    {"correction_window", &Parameters::correction_window},
    {"cycle_length", &Parameters::cycle_length},
    {"payment_window", &Parameters::payment_window},
}};

std::optional<std::string> find_duration_problem(const Parameters& parameters,
                                                 const Duration& duration) {
    const UnixMillis value = parameters.*duration.value;
    if (value >= 1 && value <= parameter_duration_max) {
        return std::nullopt;
    }
    return std::string{"parameters."} + duration.name + " must be 1 to " +
           std::to_string(parameter_duration_max) + " ms, not " + std::to_string(value);
}

std::optional<std::string> find_cycle_problem(const Parameters& parameters) {
    if (parameters.cycle_length < cycle_length_min_ms) {
        return "parameters.cycle_length must be at least " + std::to_string(cycle_length_min_ms) +
               " ms, not " + std::to_string(parameters.cycle_length);
    }
    if (parameters.cycle_start < 0 || parameters.cycle_start > cycle_start_max) {
        return "parameters.cycle_start must be 0 to " + std::to_string(cycle_start_max) +
               " ms, not " + std::to_string(parameters.cycle_start);
    }
    if (parameters.default_bearer != DefaultBearer::creditor &&
        parameters.default_bearer != DefaultBearer::shared) {
        return "parameters.default_bearer must be creditor (1) or shared (2), not " +
               std::to_string(static_cast<int>(parameters.default_bearer));
    }
    return std::nullopt;
}

std::optional<std::string> find_clearing_problem(const Parameters& parameters) {
    for (const Duration& duration : clearing_durations) {
        if (std::optional<std::string> problem = find_duration_problem(parameters, duration)) {
            return problem;
        }
    }
    if (parameters.dispute_default != DisputeDefault::post &&
        parameters.dispute_default != DisputeDefault::release) {
        return "parameters.dispute_default must be post (1) or release (2), not " +
               std::to_string(static_cast<int>(parameters.dispute_default));
    }
    return find_cycle_problem(parameters);
}

std::optional<std::string> find_timing_problem(const Parameters& parameters) {
    if (parameters.delta > delta_max_ms) {
        return "parameters.delta must be at most " + std::to_string(delta_max_ms) + " ms, not " +
               std::to_string(parameters.delta);
    }
    if (parameters.skip_timeout < skip_timeout_min_ms ||
        parameters.skip_timeout <= 3 * parameters.delta) {
        return "parameters.skip_timeout must be at least " + std::to_string(skip_timeout_min_ms) +
               " ms and more than three times delta, not " +
               std::to_string(parameters.skip_timeout);
    }
    return std::nullopt;
}

std::optional<std::string> find_epoch_problem(const Parameters& parameters) {
    if (parameters.epoch_blocks_max < epoch_blocks_max_floor ||
        parameters.epoch_blocks_max > epoch_blocks_limit) {
        return "parameters.epoch_blocks_max must be " + std::to_string(epoch_blocks_max_floor) +
               " to " + std::to_string(epoch_blocks_limit) + ", not " +
               std::to_string(parameters.epoch_blocks_max);
    }
    if (parameters.epoch_blocks_min < 1 || parameters.epoch_blocks_min > epoch_blocks_limit) {
        return "parameters.epoch_blocks_min must be 1 to " + std::to_string(epoch_blocks_limit) +
               ", not " + std::to_string(parameters.epoch_blocks_min);
    }
    if (parameters.admissions_per_epoch < 1 ||
        parameters.admissions_per_epoch > admissions_per_epoch_limit) {
        return "parameters.admissions_per_epoch must be 1 to " +
               std::to_string(admissions_per_epoch_limit) + ", not " +
               std::to_string(parameters.admissions_per_epoch);
    }
    return std::nullopt;
}

}  // namespace

const char* to_text(DisputeDefault outcome) {
    switch (outcome) {
        case DisputeDefault::post:
            return "post";
        case DisputeDefault::release:
            return "release";
    }
    return "unknown";
}

const char* to_text(DefaultBearer bearer) {
    switch (bearer) {
        case DefaultBearer::creditor:
            return "creditor";
        case DefaultBearer::shared:
            return "shared";
    }
    return "unknown";
}

std::uint64_t period_of(const Parameters& parameters, UnixMillis time) noexcept {
    if (time < parameters.cycle_start) {
        return 0;
    }
    return static_cast<std::uint64_t>((time - parameters.cycle_start) / parameters.cycle_length);
}

std::optional<std::string> find_problem(const Parameters& parameters) {
    for (const Duration& duration : durations) {
        if (std::optional<std::string> problem = find_duration_problem(parameters, duration)) {
            return problem;
        }
    }
    if (std::optional<std::string> problem = find_timing_problem(parameters)) {
        return problem;
    }
    if (parameters.minimum_approval < 0 || parameters.minimum_approval > amount_max) {
        return "parameters.minimum_approval must be 0 to " + money_to_text(amount_max) + ", not " +
               money_to_text(parameters.minimum_approval);
    }
    if (std::optional<std::string> problem = find_epoch_problem(parameters)) {
        return problem;
    }
    return find_clearing_problem(parameters);
}

void encode(Encoder& encoder, const Parameters& parameters) {
    for (const Duration& duration : durations) {
        encoder.i64(parameters.*duration.value);
    }
    encoder.i64(parameters.minimum_approval)
        .u64(parameters.epoch_blocks_max)
        .u64(parameters.epoch_blocks_min)
        .u32(parameters.admissions_per_epoch)
        .i64(parameters.arbitrate_window)
        .u8(static_cast<std::uint8_t>(parameters.dispute_default))
        .i64(parameters.correction_window)
        .i64(parameters.cycle_start)
        .i64(parameters.cycle_length)
        .i64(parameters.payment_window)
        .u8(static_cast<std::uint8_t>(parameters.default_bearer));
}

Parameters decode_parameters(Decoder& decoder) {
    Parameters parameters;
    for (const Duration& duration : durations) {
        parameters.*duration.value = decoder.i64();
    }
    parameters.minimum_approval = decoder.i64();
    parameters.epoch_blocks_max = decoder.u64();
    parameters.epoch_blocks_min = decoder.u64();
    parameters.admissions_per_epoch = decoder.u32();
    parameters.arbitrate_window = decoder.i64();
    parameters.dispute_default = DisputeDefault{decoder.u8()};
    parameters.correction_window = decoder.i64();
    parameters.cycle_start = decoder.i64();
    parameters.cycle_length = decoder.i64();
    parameters.payment_window = decoder.i64();
    parameters.default_bearer = DefaultBearer{decoder.u8()};
    if (find_problem(parameters)) {
        decoder.fail();
    }
    return parameters;
}

}  // namespace tally
