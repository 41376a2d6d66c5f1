#include "tools/rate/command.h"

#include "ledger/base/posix_file_system.h"
#include "node/config/json_text.h"
#include "node/config/tariff_json.h"
#include "node/runtime/exit_codes.h"
#include "tools/rate/cdr.h"
#include "tools/rate/report.h"
#include "tools/rate/time_zone.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

namespace tally::tools {

namespace {

constexpr std::size_t tariff_json_bytes_max{1024UL * 1024};
constexpr std::size_t notes_shown_max{20};

struct Options {
    std::string tariff;
    std::string cdr;
    std::string time_zone{"UTC"};
    bool json{false};
};

/// Why it ends, and with which exit code.
struct Failure {
    int exit_code{0};
    std::string text;
};

void say(const std::string& text) {
    static_cast<void>(std::fprintf(stderr, "tally rate: %s\n", text.c_str()));
}

Expected<std::string, Failure> read_text(const std::string& path, std::size_t bytes_max) {
    const PosixFileSystem files;
    const auto content = files.read(path, 0, bytes_max + 1);
    if (!content) {
        return Unexpected{Failure{node::exit_io, path + ": cannot be read"}};
    }
    if (content->size() > bytes_max) {
        return Unexpected{Failure{node::exit_config,
                                  path + ": larger than " + std::to_string(bytes_max) + " bytes"}};
    }
    return std::string{as_text(*content)};
}

Expected<Tariff, Failure> read_tariff(const std::string& path) {
    const auto text = read_text(path, tariff_json_bytes_max);
    if (!text) {
        return Unexpected{text.error()};
    }
    const auto document = node::parse_json(*text);
    if (!document) {
        return Unexpected{Failure{node::exit_config, path + ": " + document.error()}};
    }
    node::JsonProblems problems;
    Tariff tariff = node::tariff_from_ocpi(*document, "", problems);
    if (problems.any()) {
        return Unexpected{Failure{node::exit_config, path + ": " + problems.first()}};
    }
    return tariff;
}

Expected<Cdr, Failure> read_cdr(const std::string& path) {
    const auto text = read_text(path, cdr_json_bytes_max);
    if (!text) {
        return Unexpected{text.error()};
    }
    auto cdr = cdr_from_json(*text);
    if (!cdr) {
        return Unexpected{Failure{node::exit_config, path + ": " + cdr.error()}};
    }
    return std::move(cdr).value();
}

/// What the reader should know before trusting the figures.
void add_notes(Cdr& cdr, const Tariff& tariff, const std::vector<RatingPeriod>& periods) {
    if ((tariff.valid_from && cdr.begin < *tariff.valid_from) ||
        (tariff.valid_until && cdr.begin >= *tariff.valid_until)) {
        cdr.notes.emplace_back("the charge began when the tariff was not valid");
    }
    const auto any_element = [&tariff](auto&& has_restriction) {
        return std::any_of(tariff.elements.begin(), tariff.elements.end(),
                           [&has_restriction](const TariffElement& element) {
                               return has_restriction(element.restrictions);
                           });
    };
    const auto any_period = [&periods](auto&& lacks) {
        return std::any_of(periods.begin(), periods.end(), lacks);
    };
    if (any_element([](const TariffRestrictions& limits) {
            return limits.min_power_mw || limits.max_power_mw;
        }) &&
        any_period([](const RatingPeriod& period) { return !period.min_power_mw; })) {
        cdr.notes.emplace_back(
            "the tariff is by power, and of some periods none is known: min_power does not hold "
            "there, max_power does");
    }
    if (any_element([](const TariffRestrictions& limits) {
            return limits.min_current_ua || limits.max_current_ua;
        }) &&
        any_period([](const RatingPeriod& period) { return !period.min_current_ua; })) {
        cdr.notes.emplace_back(
            "the tariff is by current, and of some periods none is known: min_current does not "
            "hold there, max_current does");
    }
}

void print_notes(const std::vector<std::string>& notes) {
    for (std::size_t i = 0; i < std::min(notes.size(), notes_shown_max); ++i) {
        say("note: " + notes[i]);
    }
    if (notes.size() > notes_shown_max) {
        say("note: and " + std::to_string(notes.size() - notes_shown_max) + " more");
    }
}

const char* explain(RatingError error) {
    switch (error) {
        case RatingError::too_few_readings:
            return "there is nothing to rate";
        case RatingError::not_in_order:
            return "its periods are not in order";
        case RatingError::spans_price_change:
            return "a price changes inside a period";
        case RatingError::out_of_range:
            return "more than 400 days, 20000 price changes or 2^52 Wh";
        case RatingError::overflow:
            return "it costs more than 1000000000";
    }
    return "";
}

Expected<Done, Failure> rate_files(const Options& options) {
    const auto zone = TimeZone::named(options.time_zone);
    if (!zone) {
        return Unexpected{Failure{node::exit_usage, "--time-zone: " + zone.error()}};
    }
    const auto tariff = read_tariff(options.tariff);
    if (!tariff) {
        return Unexpected{tariff.error()};
    }
    auto cdr = read_cdr(options.cdr);
    if (!cdr) {
        return Unexpected{cdr.error()};
    }
    Cdr record = std::move(cdr).value();
    if (record.currency != tariff->currency) {
        return Unexpected{
            Failure{node::exit_config, options.cdr + ": /currency: is " + to_text(record.currency) +
                                           ", but the tariff is in " + to_text(tariff->currency)}};
    }
    const auto periods = rating_periods(record, *zone);
    if (!periods) {
        return Unexpected{Failure{node::exit_config, options.cdr + ": " + periods.error()}};
    }
    const auto rating = rate_periods(*tariff, *periods);
    if (!rating) {
        return Unexpected{Failure{node::exit_config,
                                  options.cdr + ": cannot be rated: " + explain(rating.error())}};
    }
    add_notes(record, *tariff, *periods);
    print_notes(record.notes);
    std::cout << (options.json ? rating_json(record.currency, *rating)
                               : rating_text(record.currency, *rating));
    return Done{};
}

int run(const Options& options) {
    const auto done = rate_files(options);
    if (!done) {
        say(done.error().text);
        return done.error().exit_code;
    }
    return 0;
}

}  // namespace

void add_rate_command(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "rate", "Price a charge detail record of OCPI 2.2.1 under any tariff of OCPI 2.2.1");
    command->add_option("--tariff", options->tariff, "JSON file with a Tariff object")->required();
    command->add_option("--cdr", options->cdr, "JSON file with a CDR object")->required();
    command->add_option("--time-zone", options->time_zone,
                        "Where the charger stands, as in the time-zone database; UTC unless told");
    command->add_flag("--json", options->json, "Answer as JSON, money with four decimals");
    command->footer(
        "Of the CDR only start_date_time, end_date_time, currency and charging_periods are read;\n"
        "its own totals and tariffs are not. The same rating as on the ledger: each line is\n"
        "rounded once, half up, to four decimals; totals are sums of lines; without a \"vat\"\n"
        "no tax applies.\n"
        "  volumes price, clock times only place them: TIME 0.5 in a period of 20 minutes is half\n"
        "    an hour. But a TIME that is the clock's, rounded to its digits, is the clock's time.\n"
        "  ENERGY, TIME, PARKING_TIME and RESERVATION_TIME are billed; MIN_, MAX_ and mean POWER\n"
        "    and CURRENT choose the element; other dimensions are ignored with a note.\n"
        "  a price change inside a period divides it evenly in time, energy floored to Wh, and\n"
        "    marks the lines as estimated.\n"
        "  step_size rounds up once for all energy and once for charging and parking together, by\n"
        "    the last price used.\n"
        "  a CDR with reservation time only is of a reservation that expired.\n"
        "Exit codes: 0 rated, 64 wrong command line, 74 a file cannot be read, 78 a file is wrong\n"
        "(what and where is on standard error).\n"
        "Examples:\n"
        "  tally rate --tariff tariff.json --cdr cdr.json --time-zone Europe/Berlin\n"
        "  tally rate --tariff tariff.json --cdr cdr.json --json");
    command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace tally::tools
