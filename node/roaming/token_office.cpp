#include "node/roaming/token_office.h"

#include "ledger/base/overloaded.h"

namespace tally::node {

TokenOffice::TokenOffice(RoamingContext& context, const TokenParts& parts)
    : m_context{context},
      m_work{parts.work},
      m_registry{std::make_shared<TokenRegistry>(*parts.store)},
      m_rows{std::make_shared<std::vector<TokenRegistry::Row>>(m_registry->rows())} {}

void TokenOffice::reply(const PartyId& to, TokenMessage message) {
    m_context.courier.send(to, std::move(message), Delivery::once, 0);
}

void TokenOffice::on_message(const PartyId& from, const TokenMessage& message) {
    const auto misuse = [this] { m_context.count("tokens_message_refused"); };
    std::visit(Overloaded{
                   [&](const TokenStatusRequest&) { tell_status(from); },
                   [&](const TokenChunk& chunk) { take(from, chunk); },
                   [&](const TokenChange& change) { take(from, change); },
                   [&](const TokenLookup& lookup) { look_up(from, lookup); },
                   [&](const TokenStatus&) { misuse(); },
                   [&](const TokenReceipt&) { misuse(); },
                   [&](const TokenAnswer&) { misuse(); },
               },
               message);
}

template <typename Write>
void TokenOffice::take(const PartyId& from, const Write& write) {
    const auto refuse = [&] {
        m_context.count("tokens_write_busy");
        TokenReceipt receipt;
        receipt.result = TokenResult::busy;
        receipt.state.key = write.key;
        reply(from, receipt);
    };
    if (!m_allowances[from].writes.take(now_us())) {
        refuse();
        return;
    }
    const auto receipt = std::make_shared<TokenReceipt>();
    const auto rows = std::make_shared<std::vector<TokenRegistry::Row>>();
    const bool accepted = m_work(
        [registry = m_registry, receipt, rows, from, write] {
            *receipt = registry->take(from, write);
            *rows = registry->rows();
        },
        [this, receipt, rows, from] {
            m_rows = rows;
            m_remains = true;
            m_context.count(std::string{"tokens_write_"} + to_text(receipt->result));
            reply(from, *receipt);
        });
    if (!accepted) {
        refuse();
    }
}

void TokenOffice::look_up(const PartyId& from, const TokenLookup& lookup) {
    const auto refuse = [&] {
        m_context.count("tokens_lookup_busy");
        reply(from, TokenAnswer{.id = lookup.id, .finding = TokenFinding::busy, .party = {}});
    };
    if (!m_allowances[from].lookups.take(now_us())) {
        refuse();
        return;
    }
    const auto answer = std::make_shared<TokenAnswer>();
    const bool accepted =
        m_work([registry = m_registry, answer, lookup] { *answer = registry->find(lookup); },
               [this, answer, from] {
                   m_context.count(std::string{"tokens_lookup_"} + to_text(answer->finding));
                   reply(from, *answer);
               });
    if (!accepted) {
        refuse();
    }
}

void TokenOffice::tell_status(const PartyId& from) {
    if (!m_allowances[from].statuses.take(now_us())) {
        m_context.count("tokens_status_dropped");
        return;
    }
    const auto status = std::make_shared<TokenStatus>();
    const bool accepted =
        m_work([registry = m_registry, status, from] { *status = registry->status(from); },
               [this, status, from] { reply(from, *status); });
    if (!accepted) {
        m_context.count("tokens_status_dropped");
    }
}

void TokenOffice::drop(const TokenKeyId& key, const std::optional<PartyId>& member,
                       std::function<void(std::optional<std::size_t>)> done) {
    const auto count = std::make_shared<std::size_t>(0);
    const auto rows = std::make_shared<std::vector<TokenRegistry::Row>>();
    const bool accepted = m_work(
        [registry = m_registry, key, member, count, rows] {
            *count = registry->drop(key, member);
            *rows = registry->rows();
        },
        [this, count, rows, done] {
            m_rows = rows;
            m_remains = true;
            done(*count);
        });
    if (!accepted) {
        done(std::nullopt);
    }
}

void TokenOffice::tick() {
    if (m_sweeping || !m_remains) {
        return;
    }
    const auto remains = std::make_shared<bool>(false);
    m_sweeping =
        m_work([registry = m_registry, remains] { *remains = registry->sweep(token_sweep_step); },
               [this, remains] {
                   m_sweeping = false;
                   m_remains = *remains;
               });
}

}  // namespace tally::node
