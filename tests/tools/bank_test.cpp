#include "tests/support/ledger_fixture.h"
#include "tools/bank/bank_match.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tally;
using namespace tally::test;
using namespace tally::tools;

namespace {

constexpr UnixMillis day_ms{86'400'000};
const std::int64_t the_20th = *bank_day_from_text("2026-11-20");

std::string entry(const std::string& amount, const std::string& rest,
                  const std::string& direction = "CRDT", const std::string& status = "BOOK") {
    return "<Ntry><Amt Ccy=\"EUR\">" + amount + "</Amt><CdtDbtInd>" + direction +
           "</CdtDbtInd><Sts><Cd>" + status + "</Cd></Sts><BookgDt><Dt>2026-11-20</Dt></BookgDt>" +
           rest + "</Ntry>";
}

std::string reference(const std::string& text) {
    return "<NtryDtls><TxDtls><Refs><EndToEndId>" + text +
           "</EndToEndId></Refs></TxDtls></NtryDtls>";
}

std::string camt(const std::string& entries) {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:"
           "tech:xsd:camt.053.001.08\"><BkToCstmrStmt><Stmt><Acct><Ccy>EUR</Ccy></Acct><FrToDt>"
           "<FrDtTm>2026-11-16T00:00:00+01:00</FrDtTm><ToDtTm>2026-11-22T23:59:59+01:00</ToDtTm>"
           "</FrToDt>" +
           entries + "</Stmt></BkToCstmrStmt></Document>";
}

Expected<BankStatement, std::string> read(const std::string& text) {
    return read_bank_statement(as_bytes(text));
}

BankLine line(Money amount, const char* text, bool received = true) {
    BankLine line;
    line.day = the_20th;
    line.amount = amount;
    line.currency = currency("EUR");
    line.received = received;
    line.references = {text};
    return line;
}

/// Of a week around the 20th.
BankStatement statement(std::vector<BankLine> lines) {
    BankStatement statement;
    statement.lines = std::move(lines);
    statement.first_day = the_20th - 4;
    statement.last_day = the_20th + 2;
    return statement;
}

/// From BBB to AAA, closed two days before the 20th and confirmed the day after.
ConfirmedPayment payment(Money amount, const char* text) {
    ConfirmedPayment payment;
    payment.cycle = 2961;
    payment.currency = currency("EUR");
    payment.debtor = party("BBB");
    payment.creditor = party("AAA");
    payment.amount = amount;
    payment.reference = text;
    payment.height = 9;
    payment.closed_at = (the_20th - 2) * day_ms;
    payment.confirmed_at = (the_20th + 1) * day_ms;
    return payment;
}

}  // namespace

SCENARIO("a camt.053 statement is read with every reference that a payment has") {
    const auto read_entries = read(
        camt(entry("12.34",
                   "<NtryRef>N1</NtryRef><AcctSvcrRef>S1</AcctSvcrRef><NtryDtls><TxDtls><Refs>"
                   "<EndToEndId> E1 </EndToEndId><TxId>T1</TxId></Refs><RmtInf><Ustrd>U1</Ustrd>"
                   "<Strd><CdtrRefInf><Ref>R1</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>"
                   "</NtryDtls>") +
             entry("5", "<NtryRef>only</NtryRef>", "DBIT")));
    REQUIRE(read_entries);
    const std::vector<BankLine>& lines = read_entries->lines;
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].amount == 123'400);
    CHECK(lines[0].received);
    CHECK(lines[0].day == the_20th);
    CHECK(lines[0].references == std::vector<std::string>{"N1", "S1", "E1", "T1", "U1", "R1"});
    CHECK(lines[1].amount == units(5));
    CHECK_FALSE(lines[1].received);
    CHECK(read_entries->first_day == the_20th - 4);
    CHECK(read_entries->last_day == the_20th + 2);
}

SCENARIO("an entry of several transactions gives one payment for each") {
    const auto batch = [](const std::string& amount, const char* name) {
        return "<TxDtls><Refs><EndToEndId>" + std::string{name} + "</EndToEndId></Refs>" + amount +
               "</TxDtls>";
    };
    const std::string first = batch("<Amt Ccy=\"EUR\">1.50</Amt>", "one");
    const std::string second =
        batch("<AmtDtls><TxAmt><Amt Ccy=\"EUR\">2.50</Amt></TxAmt></AmtDtls>", "two");
    const auto both = read(camt(entry("4", "<NtryDtls>" + first + second + "</NtryDtls>")));
    REQUIRE(both);
    REQUIRE(both->lines.size() == 2);
    CHECK(both->lines[0].amount == 15'000);
    CHECK(both->lines[1].references == std::vector<std::string>{"two"});
    CHECK_FALSE(read(camt(entry("4", "<NtryDtls>" + first + batch("", "two") + "</NtryDtls>"))));
}

SCENARIO("what is not booked and what was reversed is left out and counted") {
    const auto read_entries = read(camt(entry("1", reference("a"), "CRDT", "PDNG") +
                                        entry("2", "<RvslInd>true</RvslInd>" + reference("b")) +
                                        entry("3", reference("c"))));
    REQUIRE(read_entries);
    CHECK(read_entries->left_out == 2);
    REQUIRE(read_entries->lines.size() == 1);
    CHECK(read_entries->lines[0].amount == units(3));
    CHECK(read_entries->lines[0].number == 3);
}

SCENARIO("hostile XML is refused and reads nothing else") {
    const std::string good = camt(entry("1", reference("a")));
    REQUIRE(read(good));
    const auto with = [&](const std::string& type, const std::string& body) {
        return "<?xml version=\"1.0\"?>" + type + body.substr(body.find("<Document"));
    };
    SECTION("an external entity") {
        CHECK_FALSE(read(with("<!DOCTYPE Document [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>",
                              camt(entry("1", reference("&e;"))))));
    }
    SECTION("a document type from the network") {
        CHECK_FALSE(read(with("<!DOCTYPE Document SYSTEM \"http://127.0.0.1:9/x.dtd\">", good)));
    }
    SECTION("entities that grow") {
        std::string type{"<!DOCTYPE Document [<!ENTITY a0 \"aaaaaaaaaa\">"};
        for (int i = 1; i < 12; ++i) {
            const std::string before = "&a" + std::to_string(i - 1) + ";";
            type += "<!ENTITY a" + std::to_string(i) + " \"" + before + before + before + "\">";
        }
        CHECK_FALSE(read(with(type + "]>", camt(entry("1", reference("&a11;"))))));
    }
    SECTION("an entity that nothing declares") {
        CHECK_FALSE(read(camt(entry("1", reference("&e;")))));
    }
    SECTION("a document type hidden by another encoding") {
        CHECK_FALSE(read("<?xml version=\"1.0\" encoding=\"UTF-7\"?>+ADwAIQ-DOCTYPE Document+AD4-" +
                         good.substr(good.find("<Document"))));
        std::string wide;
        for (const char character : good) {
            wide += {character, '\0'};
        }
        CHECK_FALSE(read(wide));
    }
    SECTION("very deep") {
        std::string deep;
        for (int i = 0; i < 100'000; ++i) {
            deep += "<a>";
        }
        CHECK_FALSE(read(deep));
    }
    SECTION("cut anywhere") {
        for (std::size_t length = 0; length < good.size(); ++length) {
            if (read(good.substr(0, length))) {
                FAIL("read from " << length << " bytes");
            }
        }
    }
    SECTION("larger than any statement") {
        CHECK_FALSE(read(good + std::string(bank_file_bytes_max, ' ')));
    }
}

SCENARIO("an entry that is not a payment is named") {
    const auto error_of = [](const std::string& bad) {
        const auto statement = read(camt(entry("1", reference("a")) + bad));
        REQUIRE_FALSE(statement);
        return statement.error();
    };
    const auto changed = [](const std::string& what, const std::string& to) {
        std::string text = entry("2", reference("b"));
        return text.replace(text.find(what), what.size(), to);
    };
    CHECK(error_of(changed(">2<", ">-2<")).find("entry 2") == 0);
    for (const char* amount :
         {">0<", "><", ">1e3<", ">1.00001<", ">99999999999999999999<", ">1,5<"}) {
        CHECK_FALSE(error_of(changed(">2<", amount)).empty());
    }
    CHECK_FALSE(error_of(changed("EUR", "EURO")).empty());
    CHECK_FALSE(error_of(changed("Ccy", "Cur")).empty());
    CHECK_FALSE(error_of(changed("CRDT", "crdt")).empty());
    CHECK_FALSE(error_of(changed("2026-11-20", "2026-02-30")).empty());
    CHECK_FALSE(error_of(changed("2026-11-20", "20.11.2026")).empty());
    std::string references;
    for (std::size_t i = 0; i <= bank_references_max; ++i) {
        references += "<RmtInf/><NtryRef>r" + std::to_string(i) + "</NtryRef>";
    }
    CHECK_FALSE(error_of(entry("2", references)).empty());
    CHECK_FALSE(read("<Document/>"));
    CHECK_FALSE(read("<Other/>"));
    CHECK(read(camt(entry("1.00000", reference("five decimals, the last of them 0")))));
}

SCENARIO("a CSV statement is read by the names of its columns") {
    const auto read_rows = read(
        "\xEF\xBB\xBF"
        "reference;currency;note;amount;date\r\n"
        "\"a;\"\"b\"\"\n\";EUR;x;12.34;2026-11-20\r\n"
        "c;USD;;-5;2026-11-22\r\n");
    REQUIRE(read_rows);
    REQUIRE(read_rows->lines.size() == 2);
    CHECK(read_rows->lines[0].references == std::vector<std::string>{"a;\"b\""});
    CHECK(read_rows->lines[0].amount == 123'400);
    CHECK(read_rows->lines[1].currency == currency("USD"));
    CHECK_FALSE(read_rows->lines[1].received);
    CHECK(read_rows->first_day == the_20th);
    CHECK(read_rows->last_day == the_20th + 2);
    const std::string heading{"date,amount,currency,reference\n"};
    REQUIRE(read(heading + "2026-11-20,1,EUR,a"));
    for (const char* row : {"2026-11-20,1,EUR", "2026-11-20,one,EUR,a", "2026-11-20,--1,EUR,a",
                            "2026-11-20,0,EUR,a", "20.11.2026,1,EUR,a", "2026-11-20,1,eur,a",
                            "2026-11-20,1,EUR,\"a", "\"2026-11-20\"x,1,EUR,a", ""}) {
        INFO(row);
        CHECK_FALSE(read(heading + row));
    }
    CHECK_FALSE(read("date,amount,currency\n2026-11-20,1,EUR\n"));
    CHECK_FALSE(read("date,date,amount,currency,reference\n2026-11-20,x,1,EUR,a\n"));
    CHECK_FALSE(read(std::string(1000, ',') + "\n"));
    CHECK_FALSE(read(""));
    CHECK_FALSE(read(std::string(10, '\0')));
    std::string many = heading;
    for (std::size_t i = 0; i <= bank_lines_max; ++i) {
        many += "2026-11-20,1,EUR,a\n";
    }
    CHECK_FALSE(read(many));
}

SCENARIO("payments that were confirmed are found in the bank's statement") {
    const auto one = [](const BankMatch& match, BankFit fit) {
        const std::uint64_t rows = static_cast<std::uint64_t>(
            std::count_if(match.rows.begin(), match.rows.end(),
                          [fit](const BankRow& row) { return row.fit == fit; }));
        return match.count(fit) == 1 && rows == 1;
    };
    const auto finds = [](const BankMatch& match, std::size_t count) {
        return match.findings.size() == count &&
               std::all_of(match.findings.begin(), match.findings.end(),
                           [](const Finding& finding) {
                               return finding.kind == FindingKind::bank && finding.height == 9;
                           });
    };
    SECTION("matched") {
        const BankMatch match =
            match_bank(statement({line(units(7), "r")}), {payment(units(7), "r")}, std::nullopt);
        CHECK(one(match, BankFit::matched));
        CHECK(finds(match, 0));
    }
    SECTION("missing") {
        const BankMatch match = match_bank(statement({}), {payment(units(7), "r")}, std::nullopt);
        CHECK(one(match, BankFit::missing));
        CHECK(finds(match, 1));
    }
    SECTION("of another currency is another payment") {
        BankLine other = line(units(7), "r");
        other.currency = currency("USD");
        const BankMatch match =
            match_bank(statement({other}), {payment(units(7), "r")}, std::nullopt);
        CHECK(one(match, BankFit::missing));
        CHECK(one(match, BankFit::unknown));
    }
    SECTION("wrong amount") {
        const BankMatch match =
            match_bank(statement({line(units(6), "r")}), {payment(units(7), "r")}, std::nullopt);
        CHECK(one(match, BankFit::wrong_amount));
        CHECK(match.count(BankFit::unknown) == 0);
        CHECK(finds(match, 1));
    }
    SECTION("twice") {
        const BankMatch match = match_bank(statement({line(units(7), "r"), line(units(7), "r")}),
                                           {payment(units(7), "r")}, std::nullopt);
        CHECK(one(match, BankFit::matched));
        CHECK(one(match, BankFit::twice));
        CHECK(finds(match, 1));
    }
    SECTION("one line does not pay twice") {
        const BankMatch match =
            match_bank(statement({line(units(7), "r")}),
                       {payment(units(7), "r"), payment(units(7), "r")}, std::nullopt);
        CHECK(one(match, BankFit::matched));
        CHECK(one(match, BankFit::missing));
    }
    SECTION("unknown is information") {
        const BankMatch match = match_bank(statement({line(units(7), "rent")}), {}, std::nullopt);
        CHECK(one(match, BankFit::unknown));
        CHECK(finds(match, 0));
    }
    SECTION("closed before the statement begins, or confirmed after it ends: need not be there") {
        ConfirmedPayment early = payment(units(7), "r");
        early.closed_at = (the_20th - 5) * day_ms;
        CHECK(one(match_bank(statement({}), {early}, std::nullopt), BankFit::outside));
        ConfirmedPayment late = payment(units(7), "r");
        late.confirmed_at = (the_20th + 3) * day_ms;
        CHECK(one(match_bank(statement({}), {late}, std::nullopt), BankFit::outside));
        ConfirmedPayment old = payment(units(7), "r");
        old.closed_at = 0;  // before the checkpoint that the audit goes on from
        CHECK(one(match_bank(statement({}), {old}, std::nullopt), BankFit::outside));
    }
    SECTION("on the account of one member only its own, in the right direction") {
        const std::vector<ConfirmedPayment> payments{payment(units(7), "r")};
        const BankStatement received = statement({line(units(7), "r")});
        CHECK(one(match_bank(received, payments, party("AAA")), BankFit::matched));
        CHECK(one(match_bank(received, payments, party("BBB")), BankFit::missing));
        CHECK(one(match_bank(received, payments, party("CCC")), BankFit::unknown));
        CHECK(match_bank(received, payments, party("CCC")).findings.empty());
        const BankStatement paid = statement({line(units(7), "r", false)});
        CHECK(one(match_bank(paid, payments, party("BBB")), BankFit::matched));
    }
    SECTION("many rows are counted and not listed") {
        const BankMatch match =
            match_bank(statement(std::vector<BankLine>(bank_rows_max + 5, line(units(7), "rent"))),
                       {}, std::nullopt);
        CHECK(match.count(BankFit::unknown) == bank_rows_max + 5);
        CHECK(match.rows.size() == bank_rows_max);
    }
}
