#include "node/api/proof_api.h"

#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "ledger/state/table_names.h"
#include "ledger/store/block_contents.h"
#include "node/api/answers.h"

#include <boost/json/array.hpp>

#include <optional>
#include <utility>

namespace tally::node {

namespace json = boost::json;

namespace {

/// A page of a sub-log ends with the entry whose block brings the envelopes that were read to this
/// size, so that no request costs more than two blocks of the largest size.
constexpr std::size_t page_envelope_bytes{block_bytes_max};

/// The leaves of the blocks that entries are of, one block at a time.
class LeafReader {
public:
    explicit LeafReader(const Ledger& ledger) : m_ledger{ledger} {}

    /// Nothing when the block is not held here.
    [[nodiscard]] const Leaf* find(const SublogEntry& entry) {
        if (m_height != entry.height) {
            read(entry.height);
        }
        const bool known = !m_leaves.empty() && entry.leaf_index >= m_leaves.front().index &&
                           entry.leaf_index <= m_leaves.back().index;
        return known
                   ? &m_leaves[static_cast<std::size_t>(entry.leaf_index - m_leaves.front().index)]
                   : nullptr;
    }
    [[nodiscard]] std::size_t bytes_read() const noexcept { return m_bytes; }

private:
    void read(std::uint64_t height) {
        m_height = height;
        m_leaves.clear();
        const std::optional<FinalizedBlock> block = m_ledger.read_block(height);
        std::optional<BlockContents> contents = block ? contents_of(*block) : std::nullopt;
        if (!contents) {
            return;
        }
        m_leaves = std::move(contents->leaves);
        for (const Bytes& envelope : block->block.envelopes) {
            m_bytes += envelope.size();
        }
    }

    const Ledger& m_ledger;
    std::uint64_t m_height{0};  ///< that was read last; no block has 0
    std::vector<Leaf> m_leaves;
    std::size_t m_bytes{0};
};

json::object entry_json(const SublogEntry& entry, const Leaf* leaf) {
    json::object shown{{"number", entry.number},
                       {"leaf_index", entry.leaf_index},
                       {"height", entry.height},
                       {"leaf_hash", to_hex(entry.leaf_hash)}};
    if (leaf != nullptr) {
        shown["hash"] = to_hex(leaf->hash);
        shown["signer"] = nullptr;  // an event
        if (!leaf->signer.is_zero()) {
            shown["signer"] = to_text(leaf->signer);
        }
        shown["result"] = to_text(leaf->result);
    }
    return shown;
}

HttpResponse answer_with(const std::optional<StateReceipt>& receipt) {
    return receipt ? bytes_response(receipt->encode())
                   : http_error(503, "not_final_yet",
                                "the newest block's certificate is still to come; try again");
}

std::optional<Bytes> query_bytes(const HttpRequest& request, const std::string& name) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? Bytes{} : from_hex(found->second);
}

HttpResponse key_proof(const Ledger& ledger, const HttpRequest& request) {
    const auto name = request.query.find("table");
    const std::optional<Table> table =
        name == request.query.end() ? std::nullopt : table_from_text(name->second);
    if (!table) {
        return bad_parameter("table", "must be one of " + table_names());
    }
    const std::optional<Bytes> fields = query_bytes(request, "key");
    if (!fields || fields->size() + 1 > chunk_key_bytes_max) {
        return bad_parameter("key", "must be the hexadecimal bytes behind the table's, at most " +
                                        std::to_string(chunk_key_bytes_max - 1));
    }
    Bytes key = keys::table(*table);
    key.insert(key.end(), fields->begin(), fields->end());
    return answer_with(ledger.state_receipt(key));
}

HttpResponse range_proof(const Ledger& ledger, const HttpRequest& request) {
    const auto depth = query_number(request, "depth", 0);
    if (!depth || *depth > chunk_depth_max) {
        return bad_parameter("depth", "must be 0 to " + std::to_string(chunk_depth_max));
    }
    std::optional<Bytes> prefix = query_bytes(request, "prefix");
    if (!prefix || prefix->size() > Hash::size) {
        return bad_parameter("prefix", "must be at most 64 hexadecimal digits");
    }
    prefix->resize(Hash::size);  // What is left out is zero.
    const ChunkName name{*Hash::from(*prefix), static_cast<std::uint8_t>(*depth)};
    if (!name.is_valid()) {
        return bad_parameter("prefix", "has bits behind the first " + std::to_string(*depth));
    }
    return answer_with(ledger.state_receipt(name));
}

}  // namespace

HttpResponse sublog_page(const Ledger& ledger, const HttpRequest& request,
                         const std::string& member) {
    const std::optional<PartyId> party = party_from_text(member);
    if (!party || !find_member(ledger.final_state(), *party)) {
        return not_found("no member is called " + member);
    }
    const auto from = query_number(request, "from", 0);
    if (!from) {
        return bad_parameter("from", "must be a number");
    }
    const auto count = query_number(request, "count", http_list_items_max);
    if (!count || *count == 0 || *count > http_list_items_max) {
        return bad_parameter("count", "must be 1 to " + std::to_string(http_list_items_max));
    }
    const SublogPage page = ledger.sublog(*party, *from, static_cast<std::size_t>(*count));
    json::array subtrees;
    for (const Hash& subtree : page.record.log.subtrees()) {
        subtrees.emplace_back(to_hex(subtree));
    }
    json::array items;
    LeafReader leaves{ledger};
    for (const SublogEntry& entry : page.entries) {
        if (leaves.bytes_read() >= page_envelope_bytes) {
            break;
        }
        items.emplace_back(entry_json(entry, leaves.find(entry)));
    }
    return json_response({{"member", to_text(*party)},
                          {"height", ledger.final_header().height},
                          {"count", page.record.log.size()},
                          {"root", to_hex(page.record.log.root())},
                          {"subtrees", std::move(subtrees)},
                          {"available_from", page.available_from},
                          {"items", std::move(items)}});
}

HttpResponse state_proof(const Ledger& ledger, const HttpRequest& request,
                         const std::string& what) {
    if (what == "proof") {
        return key_proof(ledger, request);
    }
    return what == "range" ? range_proof(ledger, request)
                           : not_found("there is nothing at " + request.path);
}

}  // namespace tally::node
