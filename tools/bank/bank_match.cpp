#include "tools/bank/bank_match.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace tally::tools {
namespace {

constexpr UnixMillis day_ms{86'400'000};
constexpr std::array<const char*, bank_fits> names{"matched", "missing", "wrong_amount",
                                                   "twice",   "unknown", "outside"};

std::string describe(const ConfirmedPayment& payment) {
    return to_text(payment.debtor) + " to " + to_text(payment.creditor) + ", " +
           money_to_text(payment.amount) + " " + to_text(payment.currency) + " of cycle " +
           std::to_string(payment.cycle) + ", reference \"" + payment.reference + "\"";
}

std::string describe(const BankLine& line) {
    return "entry " + std::to_string(line.number) +
           " of the bank: " + (line.received ? "received " : "paid ") + money_to_text(line.amount) +
           " " + to_text(line.currency) +
           (line.references.empty() ? "" : ", \"" + line.references.front() + "\"");
}

class Matcher {
public:
    Matcher(BankStatement statement, const std::optional<PartyId>& owner) : m_owner{owner} {
        m_match.statement = std::move(statement);
        for (std::size_t i = 0; i < lines().size(); ++i) {
            for (const std::string& reference : lines()[i].references) {
                m_by_reference[{lines()[i].currency, reference}].push_back(i);
            }
        }
        m_used.resize(lines().size(), false);
    }

    [[nodiscard]] BankMatch match(const std::vector<ConfirmedPayment>& payments);

private:
    using Reference = std::pair<Currency, std::string>;

    [[nodiscard]] const std::vector<BankLine>& lines() const { return m_match.statement.lines; }
    [[nodiscard]] bool is_for(const BankLine& line, const ConfirmedPayment& payment) const {
        return !m_owner || *m_owner == (line.received ? payment.creditor : payment.debtor);
    }
    /// A line that is not used yet and names the payment; with the same amount or any other.
    [[nodiscard]] std::optional<std::size_t> find(const ConfirmedPayment& payment,
                                                  bool same_amount) const;
    [[nodiscard]] bool must_be_there(const ConfirmedPayment& payment) const;
    void take_rest(const std::vector<const ConfirmedPayment*>& rest);
    void take_lines();
    void add(BankFit fit, std::string text);
    void report(BankFit fit, std::uint64_t height, std::string text);

    std::optional<PartyId> m_owner;
    BankMatch m_match;
    std::map<Reference, std::vector<std::size_t>> m_by_reference;
    std::map<Reference, std::uint64_t> m_confirmed_at;  ///< height, of what was matched
    std::vector<bool> m_used;
};

std::optional<std::size_t> Matcher::find(const ConfirmedPayment& payment, bool same_amount) const {
    const auto candidates = m_by_reference.find({payment.currency, payment.reference});
    if (candidates == m_by_reference.end()) {
        return std::nullopt;
    }
    for (const std::size_t at : candidates->second) {
        const BankLine& line = lines()[at];
        if (!m_used[at] && is_for(line, payment) &&
            (!same_amount || line.amount == payment.amount)) {
            return at;
        }
    }
    return std::nullopt;
}

bool Matcher::must_be_there(const ConfirmedPayment& payment) const {
    // The money moves after the cycle was closed and before its receiver confirms it.
    return payment.closed_at >= m_match.statement.first_day * day_ms &&
           payment.confirmed_at < (m_match.statement.last_day + 1) * day_ms;
}

void Matcher::add(BankFit fit, std::string text) {
    if (++m_match.counts[static_cast<std::size_t>(fit)] <= bank_rows_max) {
        m_match.rows.push_back({fit, std::move(text)});
    }
}

void Matcher::report(BankFit fit, std::uint64_t height, std::string text) {
    m_match.findings.push_back({FindingKind::bank, height, std::nullopt, {}, 0, text});
    add(fit, std::move(text));
}

void Matcher::take_rest(const std::vector<const ConfirmedPayment*>& rest) {
    for (const ConfirmedPayment* const payment : rest) {
        if (const auto line = find(*payment, false)) {
            m_used[*line] = true;
            report(BankFit::wrong_amount, payment->height,
                   describe(*payment) + ": " + describe(lines()[*line]));
        } else if (must_be_there(*payment)) {
            report(BankFit::missing, payment->height,
                   describe(*payment) + " was confirmed and is not in the bank's statement");
        } else {
            add(BankFit::outside, describe(*payment));
        }
    }
}

/// Lines that are left: what was matched already was booked again, the others are unknown.
void Matcher::take_lines() {
    for (std::size_t i = 0; i < lines().size(); ++i) {
        if (m_used[i]) {
            continue;
        }
        const BankLine& line = lines()[i];
        std::optional<std::uint64_t> height;
        for (const std::string& reference : line.references) {
            const auto confirmed = m_confirmed_at.find({line.currency, reference});
            if (confirmed != m_confirmed_at.end()) {
                height = confirmed->second;
            }
        }
        if (height) {
            report(BankFit::twice, *height,
                   describe(line) + " is there again: one payment was confirmed");
        } else {
            add(BankFit::unknown, describe(line));
        }
    }
}

BankMatch Matcher::match(const std::vector<ConfirmedPayment>& payments) {
    std::vector<const ConfirmedPayment*> rest;
    for (const ConfirmedPayment& payment : payments) {
        if (m_owner && payment.creditor != *m_owner && payment.debtor != *m_owner) {
            continue;
        }
        if (const auto line = find(payment, true)) {
            m_used[*line] = true;
            m_confirmed_at[{payment.currency, payment.reference}] = payment.height;
            add(BankFit::matched, describe(payment));
        } else {
            rest.push_back(&payment);
        }
    }
    take_rest(rest);
    take_lines();
    return std::move(m_match);
}

}  // namespace

const char* to_text(BankFit fit) { return names[static_cast<std::size_t>(fit)]; }

BankMatch match_bank(BankStatement statement, const std::vector<ConfirmedPayment>& payments,
                     const std::optional<PartyId>& owner) {
    return Matcher{std::move(statement), owner}.match(payments);
}

}  // namespace tally::tools
