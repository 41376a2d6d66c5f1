#pragma once

// What the conversions between actions and protobuf messages share.

#include "ledger/base/bytes.h"
#include "ledger/model/transaction.h"

#include <limits>
#include <optional>
#include <string>

namespace tally::wire_form {

template <std::size_t N, typename Tag>
[[nodiscard]] std::string octets(const FixedBytes<N, Tag>& bytes) {
    return std::string{as_text(bytes.view())};
}

/// Reads fields and remembers the first error; after one, what it gives has no meaning. An absent
/// message reads as one of empty fields, so a missing reference fails by the length of its id.
class Reader {
public:
    [[nodiscard]] std::optional<TransactionError> error() const noexcept { return m_error; }

    template <typename Fixed>
    Fixed fixed(const std::string& bytes) {
        const std::optional<Fixed> result = Fixed::from(as_bytes(bytes));
        if (!result) {
            fail(TransactionError::malformed);
        }
        return result.value_or(Fixed{});
    }

    /// A number into a narrower type.
    template <typename Narrow, typename Wide>
    Narrow narrow(Wide value) {
        if (value < Wide{std::numeric_limits<Narrow>::min()} ||
            value > Wide{std::numeric_limits<Narrow>::max()}) {
            fail(TransactionError::out_of_range);
        }
        return static_cast<Narrow>(value);
    }

    void fail(TransactionError error) {
        if (!m_error) {
            m_error = error;
        }
    }

private:
    std::optional<TransactionError> m_error;
};

}  // namespace tally::wire_form
