#include "tools/audit/report_business.h"

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

json::array sums_json(const BusinessReport& report) {
    json::array pairs;
    for (const auto& [pair, figures] : report.pairs) {
        json::object one = figures_json(figures);
        one["home"] = to_text(pair.home);
        one["visited"] = to_text(pair.visited);
        one["currency"] = to_text(pair.currency);
        pairs.emplace_back(std::move(one));
    }
    return pairs;
}

json::array days_json(const BusinessReport& report) {
    json::array days;
    for (const auto& [day, figures] : report.days) {
        json::object one = figures_json(figures);
        one["day"] = day_text(day.day);
        one["currency"] = to_text(day.currency);
        days.emplace_back(std::move(one));
    }
    return days;
}

json::array members_json(const BusinessReport& report) {
    json::array members;
    for (const auto& [account, position] : report.positions) {
        json::object one;
        one["member"] = to_text(account.party);
        one["currency"] = to_text(account.currency);
        one["debits"] = wide_money_to_text(position.debits);
        one["credits"] = wide_money_to_text(position.credits);
        one["debits_pending"] = wide_money_to_text(position.debits_pending);
        one["credits_pending"] = wide_money_to_text(position.credits_pending);
        members.emplace_back(std::move(one));
    }
    return members;
}

json::array denials_json(const BusinessReport& report) {
    json::array denials;
    for (const auto& [denial, count] : report.denials) {
        json::object one;
        one["home"] = to_text(denial.home);
        one["visited"] = to_text(denial.visited);
        one["reason"] = to_text(denial.reason);
        one["count"] = count;
        denials.emplace_back(std::move(one));
    }
    return denials;
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
            << figures.energy_wh << " Wh\n";
        for (std::size_t i = 0; i < charge_steps; ++i) {
            const StepFigures& step = figures.steps[i];
            if (step.count > 0) {
                out << "    " << to_text(static_cast<ChargeStep>(i)) << ": " << step.count << ", "
                    << wide_money_to_text(step.amount) << "\n";
            }
        }
    }
}

}  // namespace

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

std::string business_text(const BusinessReport& report) {
    std::ostringstream out;
    out << "rated again   " << report.records_rated << " charges, with " << report.bridge_signatures
        << " signatures of bridges\n"
        << "meters        " << report.meters << "; " << report.meter_gaps << " gaps of "
        << report.meter_gap_wh << " Wh\n";
    if (report.evidence_matched > 0) {
        out << "meter data    " << report.evidence_matched << " charges, of "
            << report.meter_signatures << " the registers signed by the meter\n";
    }
    add_totals(out, report);
    for (const auto& [account, position] : report.positions) {
        out << to_text(account.party) << " in " << to_text(account.currency) << "    owes "
            << wide_money_to_text(position.debits) << ", is owed "
            << wide_money_to_text(position.credits) << "\n";
    }
    for (const auto& [denial, count] : report.denials) {
        out << "denied        " << to_text(denial.home) << " at " << to_text(denial.visited) << ": "
            << to_text(denial.reason) << ", " << count << "\n";
    }
    for (std::size_t i = 0; i < note_kinds; ++i) {
        if (report.notes_count[i] > 0) {
            out << "information   " << to_text(static_cast<NoteKind>(i)) << ": "
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
    object["pairs"] = sums_json(report);
    object["days"] = days_json(report);
    object["members"] = members_json(report);
    object["denials"] = denials_json(report);
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
