// The charges that a node could not take up, as the operator sees and puts them away.

#include "ledger/base/memory_store.h"
#include "tests/node/api/api_fixture.h"

namespace tally::node::test {
namespace {

constexpr const char* list_path{"/api/v1/unmatched"};
constexpr const char* forget_path{"/api/v1/unmatched/forget"};

struct UnmatchedApi : Api {
    UnmatchedApi() { backend.unmatched_charges = &charges; }
    void keep(std::uint64_t number) {
        UnmatchedCharges::Charge charge;
        charge.bridge_id = "bridge-1";
        charge.heard = fixture::genesis_time;
        charge.ended.sequence = number;
        charge.ended.metered.evse_id = "AAA*1";
        charge.ended.metered.meter_serial = "M" + std::to_string(number);
        charge.ended.metered.readings = {{.time = 1, .register_wh = 2},
                                         {.time = 3, .register_wh = 4}};
        REQUIRE(charges.keep(charge));
    }
    HttpResponse forget(const std::string& name, const std::string& bearer = token) {
        HttpRequest request;
        request.method = "POST";
        request.path = forget_path;
        request.query["name"] = name;
        request.bearer_token = bearer;
        return call(std::move(request));
    }

    MemoryStore disk;
    StagedStore store{disk};
    UnmatchedCharges charges{store};
};

}  // namespace

SCENARIO("unmatched charges are shown with all that the bridge said, and put away by a person") {
    UnmatchedApi api;
    api.keep(1);
    CHECK(is_error(api.get(list_path), 401, "unauthorized"));
    const json::array items = items_of(api.read(list_path, {}, token));
    REQUIRE(items.size() == 1);
    const json::object& item = items.front().as_object();
    CHECK(text(item, "reason") == "unknown_charge");
    CHECK(text(item, "bridge") == "bridge-1");
    CHECK(text(item, "evse_id") == "AAA*1");
    CHECK(item.at("end").at("register_wh").as_int64() == 4);
    CHECK(text(item, "record") ==
          to_hex(encode_bridge_message(api.charges.all().begin()->second.ended)));

    const std::string name = text(item, "name");
    CHECK(is_error(api.forget(name, "wrong"), 401, "unauthorized"));
    CHECK(is_error(api.forget("12"), 400, "bad_parameter"));
    REQUIRE(api.charges.all().size() == 1);
    CHECK(api.forget(name).status == 200);
    CHECK(is_error(api.forget(name), 404, "not_found"));
    CHECK(items_of(api.read(list_path, {}, token)).empty());
    CHECK(api.store.scan({}, {}, 1).empty());
}

SCENARIO("unmatched charges come a bounded number at a time") {
    UnmatchedApi api;
    for (std::uint64_t number = 0; number <= http_list_items_max; ++number) {
        api.keep(number);
    }
    const json::object first = api.read(list_path, {}, token);
    REQUIRE(items_of(first).size() == http_list_items_max);
    const json::object second = api.read(list_path, {{"after", text(first, "next")}}, token);
    REQUIRE(items_of(second).size() == 1);
    CHECK_FALSE(second.contains("next"));
    CHECK(text(items_of(second)[0].as_object(), "name") > text(first, "next"));
    CHECK(is_error(api.get(list_path, {{"after", "1"}}, token), 400, "bad_parameter"));
}

SCENARIO("a node without roaming has no unmatched charges") {
    Api api;
    CHECK(api.get(list_path, {}, token).status == 404);
}

}  // namespace tally::node::test
