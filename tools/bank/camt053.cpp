#include "tools/bank/bank_statement.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <utility>

namespace tally::tools {
namespace {

struct FreeDocument {
    void operator()(xmlDoc* document) const noexcept { xmlFreeDoc(document); }
};
using Document = std::unique_ptr<xmlDoc, FreeDocument>;

std::string_view text_of(const xmlChar* text) {
    return text == nullptr ? std::string_view{}
                           : std::string_view{reinterpret_cast<const char*>(text)};
}

bool is_element(const xmlNode& node, std::string_view name) {
    return node.type == XML_ELEMENT_NODE && text_of(node.name) == name;
}

/// The first element of this name at or behind `node` among its siblings.
const xmlNode* find(const xmlNode* node, std::string_view name) {
    while (node != nullptr && !is_element(*node, name)) {
        node = node->next;
    }
    return node;
}

/// The element that one leads to from `node` by the first child of each name.
const xmlNode* descend(const xmlNode* node, std::initializer_list<std::string_view> path) {
    for (const std::string_view name : path) {
        node = node == nullptr ? nullptr : find(node->children, name);
    }
    return node;
}

/// The text directly inside an element. Entities are not text.
std::string value_of(const xmlNode* node) {
    std::string value;
    const xmlNode* piece = node == nullptr ? nullptr : node->children;
    for (; piece != nullptr; piece = piece->next) {
        if (piece->type == XML_TEXT_NODE || piece->type == XML_CDATA_SECTION_NODE) {
            value += text_of(piece->content);
        }
    }
    return value;
}

std::optional<std::int64_t> day_of(const xmlNode* node,
                                   std::initializer_list<std::string_view> either) {
    for (const std::string_view name : either) {
        if (const xmlNode* const found = descend(node, {name})) {
            return bank_day_from_text(value_of(found));
        }
    }
    return std::nullopt;
}

/// Amount and currency of an `Amt` element.
bool take_amount(BankLine& line, const xmlNode* node) {
    if (node == nullptr) {
        return false;
    }
    const xmlAttr* attribute = node->properties;
    while (attribute != nullptr && text_of(attribute->name) != "Ccy") {
        attribute = attribute->next;
    }
    const xmlNode* const text = attribute == nullptr ? nullptr : attribute->children;
    const auto currency =
        currency_from_text(text == nullptr ? std::string_view{} : text_of(text->content));
    const auto amount = bank_amount_from_text(value_of(node));
    if (!currency || !amount) {
        return false;
    }
    line.currency = *currency;
    line.amount = *amount;
    return true;
}

bool take_direction(BankLine& line, const xmlNode* node) {
    const std::string text = value_of(node);
    line.received = text == "CRDT";
    return line.received || text == "DBIT";
}

bool take_references(BankLine& line, const xmlNode* from,
                     std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
        for (const xmlNode* node = from == nullptr ? nullptr : find(from->children, name);
             node != nullptr; node = find(node->next, name)) {
            if (!add_reference(line, value_of(node))) {
                return false;
            }
        }
    }
    return true;
}

bool take_transaction_references(BankLine& line, const xmlNode* transaction) {
    const xmlNode* const remittance = descend(transaction, {"RmtInf"});
    bool fits = take_references(line, descend(transaction, {"Refs"}),
                                {"AcctSvcrRef", "InstrId", "EndToEndId", "TxId", "PmtInfId"}) &&
                take_references(line, remittance, {"Ustrd"});
    const xmlNode* strd = remittance == nullptr ? nullptr : find(remittance->children, "Strd");
    for (; fits && strd != nullptr; strd = find(strd->next, "Strd")) {
        fits = take_references(line, descend(strd, {"CdtrRefInf"}), {"Ref"});
    }
    return fits;
}

/// Reads the entries of all statements of a message.
class CamtReader {
public:
    /// The error says at which entry.
    [[nodiscard]] Expected<BankStatement, std::string> read(const xmlNode* message);

private:
    [[nodiscard]] bool take_statement(const xmlNode& statement);
    [[nodiscard]] bool take_entry(const xmlNode& entry);
    [[nodiscard]] bool take_transactions(const BankLine& whole, const xmlNode& entry,
                                         const std::vector<const xmlNode*>& transactions);
    [[nodiscard]] bool add(BankLine line);
    void cover(std::int64_t first, std::int64_t last);

    BankStatement m_statement;
    bool m_covers{false};
    std::size_t m_number{0};
};

void CamtReader::cover(std::int64_t first, std::int64_t last) {
    m_statement.first_day = m_covers ? std::min(m_statement.first_day, first) : first;
    m_statement.last_day = m_covers ? std::max(m_statement.last_day, last) : last;
    m_covers = true;
}

bool CamtReader::add(BankLine line) {
    if (m_statement.lines.size() == bank_lines_max) {
        return false;
    }
    cover(line.day, line.day);
    line.number = m_number;
    m_statement.lines.push_back(std::move(line));
    return true;
}

/// Each transaction of an entry that has several must say its own amount.
bool CamtReader::take_transactions(const BankLine& whole, const xmlNode& entry,
                                   const std::vector<const xmlNode*>& transactions) {
    for (const xmlNode* const transaction : transactions) {
        BankLine line = whole;
        const xmlNode* amount = descend(transaction, {"Amt"});
        if (amount == nullptr) {
            amount = descend(transaction, {"AmtDtls", "TxAmt", "Amt"});
        }
        const xmlNode* const direction = descend(transaction, {"CdtDbtInd"});
        const bool is_single = transactions.size() == 1;
        const bool has_amount = is_single || take_amount(line, amount);
        if (!has_amount || (direction != nullptr && !take_direction(line, direction)) ||
            (is_single && !take_references(line, &entry, {"NtryRef", "AcctSvcrRef"})) ||
            !take_transaction_references(line, transaction) || !add(std::move(line))) {
            return false;
        }
    }
    return true;
}

bool CamtReader::take_entry(const xmlNode& entry) {
    ++m_number;
    const xmlNode* const status = descend(&entry, {"Sts"});
    const xmlNode* const code = descend(status, {"Cd"});
    const bool is_booked = value_of(code == nullptr ? status : code) == "BOOK";
    if (!is_booked || value_of(descend(&entry, {"RvslInd"})) == "true") {
        ++m_statement.left_out;
        return true;
    }
    BankLine whole;
    const auto day = day_of(descend(&entry, {"BookgDt"}), {"Dt", "DtTm"});
    if (!day || !take_amount(whole, descend(&entry, {"Amt"})) ||
        !take_direction(whole, descend(&entry, {"CdtDbtInd"}))) {
        return false;
    }
    whole.day = *day;
    std::vector<const xmlNode*> transactions;
    for (const xmlNode* details = find(entry.children, "NtryDtls"); details != nullptr;
         details = find(details->next, "NtryDtls")) {
        for (const xmlNode* one = find(details->children, "TxDtls"); one != nullptr;
             one = find(one->next, "TxDtls")) {
            transactions.push_back(one);
        }
    }
    if (!transactions.empty()) {
        return take_transactions(whole, entry, transactions);
    }
    return take_references(whole, &entry, {"NtryRef", "AcctSvcrRef"}) && add(std::move(whole));
}

bool CamtReader::take_statement(const xmlNode& statement) {
    if (const xmlNode* const period = descend(&statement, {"FrToDt"})) {
        const auto first = day_of(period, {"FrDtTm", "FrDt"});
        const auto last = day_of(period, {"ToDtTm", "ToDt"});
        if (!first || !last) {
            return false;
        }
        cover(*first, *last);
    }
    for (const xmlNode* entry = find(statement.children, "Ntry"); entry != nullptr;
         entry = find(entry->next, "Ntry")) {
        if (!take_entry(*entry)) {
            return false;
        }
    }
    return true;
}

Expected<BankStatement, std::string> CamtReader::read(const xmlNode* message) {
    const xmlNode* statement = message == nullptr ? nullptr : find(message->children, "Stmt");
    if (statement == nullptr) {
        return Unexpected{std::string{"is not camt.053: there is no Document/BkToCstmrStmt/Stmt"}};
    }
    for (; statement != nullptr; statement = find(statement->next, "Stmt")) {
        if (!take_statement(*statement)) {
            return Unexpected{"entry " + std::to_string(m_number) +
                              " cannot be read (or the period before it, or there are more than " +
                              std::to_string(bank_lines_max) + ")"};
        }
    }
    if (!m_covers) {
        return Unexpected{std::string{"has neither a period nor a payment"}};
    }
    return std::move(m_statement);
}

/// A document type is how entities, files and addresses come in: nothing that has one is parsed.
bool has_document_type(std::string_view text) {
    return text.find("<!DOCTYPE") != std::string_view::npos ||
           text.find("<!ENTITY") != std::string_view::npos;
}

}  // namespace

Expected<BankStatement, std::string> read_camt053(std::string_view text) {
    if (text.size() > bank_file_bytes_max || has_document_type(text)) {
        return Unexpected{std::string{"has a document type, or is too large"}};
    }
    // UTF-8 whatever the file says of itself, so that what was looked for above cannot hide.
    const Document document{
        xmlReadMemory(text.data(), static_cast<int>(text.size()), nullptr, "UTF-8",
                      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)};
    if (document == nullptr || document->intSubset != nullptr || document->extSubset != nullptr) {
        return Unexpected{std::string{"is not well-formed XML in UTF-8"}};
    }
    const xmlNode* const root = xmlDocGetRootElement(document.get());
    if (root == nullptr || !is_element(*root, "Document")) {
        return Unexpected{std::string{"is not camt.053: there is no Document"}};
    }
    return CamtReader{}.read(descend(root, {"BkToCstmrStmt"}));
}

}  // namespace tally::tools
