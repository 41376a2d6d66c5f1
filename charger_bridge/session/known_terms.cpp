#include "charger_bridge/session/known_terms.h"

#include <utility>

namespace tally::bridge {

namespace {

Bytes terms_key(const std::string& station, std::uint16_t connector) {
    return std::move(Encoder{}.u8(KnownTerms::key_prefix).u16(connector).raw(as_bytes(station)))
        .take();
}

}  // namespace

bool KnownTerms::load(ByteView key, ByteView value) {
    Decoder name{key};
    static_cast<void>(name.u8());
    const std::uint16_t connector = name.u16();
    if (!name.ok() || !decode_terms(value)) {
        return false;
    }
    m_terms[{std::string{as_text(key.subspan(3))}, connector}] = Bytes{value.begin(), value.end()};
    return true;
}

void KnownTerms::set(const std::string& station, const node::AuthorizeResult::Evse& evse,
                     WriteBatch& batch) {
    Bytes& known = m_terms[{station, evse.connector}];
    Bytes bytes = encode_terms(evse);
    if (known != bytes) {
        known = bytes;
        batch.put(terms_key(station, evse.connector), std::move(bytes));
    }
}

std::vector<node::AuthorizeResult::Evse> KnownTerms::of(const std::string& station,
                                                        std::uint16_t connector,
                                                        const Currency& currency) const {
    std::vector<node::AuthorizeResult::Evse> found;
    for (auto entry = m_terms.lower_bound({station, 0});
         entry != m_terms.end() && entry->first.first == station; ++entry) {
        const auto terms = decode_terms(entry->second);
        const bool fits = connector == 0 || entry->first.second == connector;
        if (fits && terms && terms->tariff.currency == currency) {
            found.push_back(*terms);
        }
    }
    return found;
}

}  // namespace tally::bridge
