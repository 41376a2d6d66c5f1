#include "ledger/base/expected.h"

#include "ledger/base/overloaded.h"
#include "ledger/base/strong_type.h"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <variant>

namespace tally {

namespace {

enum class Reason { first, second };

Expected<std::string, Reason> find(bool found) {
    if (!found) {
        return Unexpected{Reason::second};
    }
    return std::string{"value"};
}

using Height = Strong<int, struct HeightTag>;

}  // namespace

TEST_CASE("an expected value is one or the other", "[expected]") {
    CHECK(find(true).has_value());
    CHECK(*find(true) == "value");
    CHECK_FALSE(find(false));
    CHECK(find(false).error() == Reason::second);
}

TEST_CASE("a value that only moves can be taken out", "[expected]") {
    Expected<std::unique_ptr<int>, Reason> result{std::make_unique<int>(7)};
    const std::unique_ptr<int> taken = std::move(result).value();
    CHECK(*taken == 7);
}

TEST_CASE("strong types compare with their own kind", "[strong]") {
    CHECK(Height{1} < Height{2});
    CHECK(Height{3}.get() == 3);
    CHECK_FALSE(std::is_convertible_v<int, Height>);
}

TEST_CASE("lambdas together visit a variant", "[overloaded]") {
    const std::variant<int, std::string> value{std::string{"x"}};
    const bool is_text = std::visit(
        Overloaded{[](int) { return false; }, [](const std::string&) { return true; }}, value);
    CHECK(is_text);
}

}  // namespace tally
