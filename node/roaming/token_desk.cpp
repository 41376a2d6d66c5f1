#include "node/roaming/token_desk.h"

#include "ledger/base/overloaded.h"

namespace tally::node {

TokenDesk::TokenDesk(RoamingContext& context, MemberPort& members, const TokenParts& parts,
                     bool is_hub)
    : m_context{context}, m_directory{context, members, parts.keys} {
    if (parts.store == nullptr) {
        return;
    }
    if (is_hub) {
        ENSURE(parts.keys.empty());  // it must not be able to read what it keeps
        m_office.emplace(context, parts);
    } else if (!parts.keys.empty()) {
        m_registrar.emplace(context, members, parts);
    }
}

void TokenDesk::on_message(const PartyId& from, const TokenMessage& message) {
    if (m_office) {
        m_office->on_message(from, message);
        return;
    }
    const auto misuse = [this] { m_context.count("tokens_message_refused"); };
    if (from != m_context.hub) {
        misuse();
        return;
    }
    std::visit(Overloaded{
                   [&](const TokenAnswer& answer) { m_directory.on_answer(answer); },
                   [&](const TokenStatus& status) {
                       if (m_registrar) {
                           m_registrar->on_status(status);
                       }
                   },
                   [&](const TokenReceipt& receipt) {
                       if (m_registrar) {
                           m_registrar->on_receipt(receipt);
                       }
                   },
                   [&](const TokenStatusRequest&) { misuse(); },
                   [&](const TokenChunk&) { misuse(); },
                   [&](const TokenChange&) { misuse(); },
                   [&](const TokenLookup&) { misuse(); },
               },
               message);
}

void TokenDesk::on_connected(const PartyId& member) {
    if (m_registrar && member == m_context.hub) {
        m_registrar->on_connected();
    }
}

void TokenDesk::on_new_customer(const std::string& token) {
    if (m_registrar) {
        m_registrar->on_new_customer(token);
    }
}

void TokenDesk::tick() {
    m_directory.tick();
    if (m_registrar) {
        m_registrar->advance();
    }
    if (m_office) {
        m_office->tick();
    }
}

TokenView TokenDesk::view() const {
    TokenView view;
    if (m_registrar) {
        view = m_registrar->view();
    }
    if (m_office) {
        view.registered = m_office->rows();
    }
    return view;
}

}  // namespace tally::node
