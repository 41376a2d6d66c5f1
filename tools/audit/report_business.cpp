#include "tools/audit/report_business.h"

#include "tools/audit/audit_outcome.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <sstream>

namespace tally::tools {
namespace {

namespace json = boost::json;

constexpr std::size_t text_notes_max{20};

json::object figures_json(const ChargeFigures& figures) {
    json::object object;
    for (std::size_t i = 0; i < charge_steps; ++i) {
        const StepFigures& step = figures.steps[i];
        if (step.count > 0) {
            json::object one;
            one["count"] = step.count;
            one["amount"] = wide_money_to_text(step.amount);
            object[to_text(static_cast<ChargeStep>(i))] = std::move(one);
        }
    }
    object["posted"] = wide_money_to_text(figures.posted);
    object["energy_wh"] = figures.energy_wh;
    object["beyond_approval"] = wide_money_to_text(figures.beyond_approval);
    return object;
}

/// What `make` gives for each entry of a map.
template <typename Map, typename Make>
json::array list_json(const Map& map, const Make& make) {
    json::array list;
    for (const auto& [key, value] : map) {
        list.emplace_back(make(key, value));
    }
    return list;
}

json::object pair_json(const AuditPair& pair, const ChargeFigures& figures) {
    json::object one = figures_json(figures);
    one["home"] = to_text(pair.home);
    one["visited"] = to_text(pair.visited);
    one["currency"] = to_text(pair.currency);
    return one;
}

json::object day_json(const AuditDay& day, const ChargeFigures& figures) {
    json::object one = figures_json(figures);
    one["day"] = day_text(day.day);
    one["currency"] = to_text(day.currency);
    return one;
}

json::object member_json(const AuditAccount& account, const AuditPosition& position) {
    return {{"member", to_text(account.party)},
            {"currency", to_text(account.currency)},
            {"debits", wide_money_to_text(position.debits)},
            {"credits", wide_money_to_text(position.credits)},
            {"debits_pending", wide_money_to_text(position.debits_pending)},
            {"credits_pending", wide_money_to_text(position.credits_pending)}};
}

json::object denial_json(const AuditDenial& denial, std::uint64_t count) {
    return {{"home", to_text(denial.home)},
            {"visited", to_text(denial.visited)},
            {"reason", to_text(denial.reason)},
            {"count", count}};
}

json::array notes_json(const BusinessReport& report) {
    json::array notes;
    for (const Note& note : report.notes) {
        json::object one;
        one["kind"] = to_text(note.kind);
        one["height"] = note.height;
        one["message"] = note.message;
        notes.emplace_back(std::move(one));
    }
    return notes;
}

void add_totals(std::ostringstream& out, const BusinessReport& report) {
    for (const auto& [currency, figures] : totals_of(report)) {
        out << to_text(currency) << " posted     " << wide_money_to_text(figures.posted) << " for "
            << energy_text(figures.energy_wh) << "\n";
        for (std::size_t i = 0; i < charge_steps; ++i) {
            const StepFigures& step = figures.steps[i];
            if (step.count > 0) {
                out << "    " << step_words(static_cast<ChargeStep>(i)) << ": " << step.count
                    << ", " << wide_money_to_text(step.amount) << "\n";
            }
        }
    }
}

}  // namespace

const char* step_words(ChargeStep step) {
    switch (step) {
        case ChargeStep::approved:
            return "approved";
        case ChargeStep::denied:
            return "denied";
        case ChargeStep::released:
            return "released unused";
        case ChargeStep::started:
            return "started";
        case ChargeStep::recorded:
            return "recorded";
        case ChargeStep::settled:
            return "settled by the home operator";
        case ChargeStep::claimed:
            return "claimed by the visited operator";
        case ChargeStep::disputed:
            return "disputed";
        case ChargeStep::dispute_ended:
            return "disputes ended by agreement or arbitration";
        case ChargeStep::expired_unstarted:
            return "expired, never started";
        case ChargeStep::expired_unrecorded:
            return "expired, started and never recorded";
        case ChargeStep::expired_unclaimed:
            return "expired, recorded and never paid";
        case ChargeStep::expired_unarbitrated:
            return "disputes ended by the scheme's default";
        case ChargeStep::late:
            return "charged late";
        case ChargeStep::credited:
            return "credited";
        case ChargeStep::rebilled:
            return "billed anew";
    }
    return "";
}

std::string words_of(std::string_view name) {
    std::string words{name};
    std::replace(words.begin(), words.end(), '_', ' ');
    return words;
}

std::string energy_text(std::uint64_t energy_wh) {
    constexpr std::uint64_t wh_per_kwh{1000};
    char text[48];
    std::snprintf(text, sizeof text, "%llu.%03llu kWh",
                  static_cast<unsigned long long>(energy_wh / wh_per_kwh),
                  static_cast<unsigned long long>(energy_wh % wh_per_kwh));
    return text;
}

std::string sums_end_text(const AuditReport& report) {
    if (report.books_end) {
        return "up to block " + std::to_string(*report.books_end) +
               " only: the one behind it cannot be read, and what came later is not in them";
    }
    return "up to block " + std::to_string(report.last_height) + " of " +
           time_text(report.last_time) +
           (report.interrupted
                ? ", where the audit was ended: what came later is not in them"
                : ", the last one of this copy: what comes after it, if anything, is not in them");
}

std::string day_text(std::int64_t day) {
    const std::chrono::year_month_day date{
        std::chrono::sys_days{std::chrono::days{static_cast<int>(day)}}};
    char text[32];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    return text;
}

std::map<Currency, ChargeFigures> totals_of(const BusinessReport& report) {
    std::map<Currency, ChargeFigures> totals;
    for (const auto& [pair, figures] : report.pairs) {
        totals[pair.currency].add(figures);
    }
    return totals;
}

std::string business_text(const AuditReport& audit) {
    const BusinessReport& report = audit.business;
    std::ostringstream out;
    out << "rated again   " << report.records_rated << " charges, with " << report.bridge_signatures
        << " signatures of bridges\n"
        << "meters        " << report.meters << "; " << report.meter_gaps << " gaps of "
        << energy_text(report.meter_gap_wh) << "\n";
    if (report.evidence_matched > 0) {
        out << "meter data    " << report.evidence_matched << " charges, of "
            << report.meter_signatures << " the registers signed by the meter\n";
    }
    out << "sums          " << sums_end_text(audit) << "\n";
    add_totals(out, report);
    for (const auto& [account, position] : report.positions) {
        out << to_text(account.party) << " in " << to_text(account.currency) << "    owes "
            << wide_money_to_text(position.debits) << ", is owed "
            << wide_money_to_text(position.credits) << "\n";
    }
    for (const auto& [denial, count] : report.denials) {
        out << "denied        " << to_text(denial.home) << " at " << to_text(denial.visited) << ": "
            << words_of(to_text(denial.reason)) << ", " << count << "\n";
    }
    for (std::size_t i = 0; i < note_kinds; ++i) {
        if (report.notes_count[i] > 0) {
            out << "information   " << words_of(to_text(static_cast<NoteKind>(i))) << ": "
                << report.notes_count[i] << "\n";
        }
    }
    const std::size_t shown = std::min(report.notes.size(), text_notes_max);
    for (std::size_t i = 0; i < shown; ++i) {
        out << "    at height " << report.notes[i].height << ": " << report.notes[i].message
            << "\n";
    }
    return out.str();
}

json::object business_json(const BusinessReport& report) {
    json::object object;
    object["records_rated"] = report.records_rated;
    object["bridge_signatures"] = report.bridge_signatures;
    object["evidence_matched"] = report.evidence_matched;
    object["meter_signatures"] = report.meter_signatures;
    object["meters"] = report.meters;
    object["meter_gaps"] = report.meter_gaps;
    object["meter_gap_wh"] = report.meter_gap_wh;
    object["pairs"] = list_json(report.pairs, pair_json);
    object["days"] = list_json(report.days, day_json);
    object["members"] = list_json(report.positions, member_json);
    object["denials"] = list_json(report.denials, denial_json);
    json::object refusals;
    for (const auto& [code, count] : report.refusals) {
        refusals[to_text(code)] = count;
    }
    object["refusals"] = std::move(refusals);
    json::object counts;
    for (std::size_t i = 0; i < note_kinds; ++i) {
        counts[to_text(static_cast<NoteKind>(i))] = report.notes_count[i];
    }
    object["notes_count"] = std::move(counts);
    object["notes"] = notes_json(report);
    json::array governance;
    for (const GovernanceEntry& entry : report.governance) {
        json::object one;
        one["height"] = entry.height;
        one["time_ms"] = entry.time;
        one["what"] = entry.what;
        governance.emplace_back(std::move(one));
    }
    object["governance_count"] = report.governance_count;
    object["governance"] = std::move(governance);
    return object;
}

}  // namespace tally::tools
