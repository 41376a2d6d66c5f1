// Executes blocks that somebody else made up, for the oracle in Python: the ledger's own executor
// behind a pipe. It decides nothing and knows no clearing.
//
// Reads lines, answers each with one line:
//   genesis FILE            a new chain                       -> its chain id
//   block TIME ENVELOPE...  the next block, envelopes in hex  -> "ok", the results, "|", the events
//                           in hex; or "invalid"
//   legs DEBTOR CREDITOR AMOUNT...  what was posted in a cycle, by pair
//                           -> DEBTOR CREDITOR AMOUNT of each payment that it comes to
//   state                   -> KEY=VALUE of the whole state in hex, index tables included

#include "ledger/base/bytes.h"
#include "ledger/state/netting.h"
#include "node/config/genesis_json.h"
#include "tests/support/ledger_fixture.h"

#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace tally::test {
namespace {

/// The chain that lines are about. What does not fit its protocol ends the program.
class Player {
public:
    void take(const std::string& line) {
        std::istringstream words{line};
        std::string command;
        words >> command;
        if (command == "genesis") {
            begin(words);
        } else if (command == "block") {
            add_block(words);
        } else if (command == "legs") {
            show_legs(words);
        } else {
            ENSURE(command == "state");
            show_state();
        }
        std::cout << std::endl;
    }

private:
    void begin(std::istringstream& words) {
        std::string file;
        words >> file;
        Expected<Genesis, std::string> genesis = tally::node::load_genesis(file);
        ENSURE(genesis.has_value());
        m_chain = std::make_unique<TestChain>(std::move(genesis).value());
        std::cout << to_hex(m_chain->chain_id());
    }

    void add_block(std::istringstream& words) {
        UnixMillis time{0};
        words >> time;
        std::vector<Bytes> envelopes;
        std::string word;
        while (words >> word) {
            envelopes.push_back(from_hex(word).value());
        }
        std::vector<Hash> left_out;
        const auto built =
            m_chain->executor().build(m_chain->tip_pointer(), m_chain->window(),
                                      m_chain->next_context(time), envelopes, left_out);
        if (!built.has_value() || !left_out.empty()) {
            std::cout << "invalid";
            return;
        }
        const ExecutedBlock& block = m_chain->add_block(time, envelopes);
        std::cout << "ok";
        for (const ResultCode result : block.results) {
            std::cout << ' ' << static_cast<unsigned>(result);
        }
        std::cout << " |";
        for (const Event& event : block.events) {
            std::cout << ' ' << to_hex(event.encode());
        }
    }

    static void show_legs(std::istringstream& words) {
        std::vector<Debt> matrix;
        std::map<PartyId, Money> sums;
        std::string debtor;
        std::string creditor;
        Money amount{0};
        while (words >> debtor >> creditor >> amount) {
            matrix.push_back({party(debtor), party(creditor), amount});
            sums[party(debtor)] -= amount;
            sums[party(creditor)] += amount;
        }
        std::vector<NetPosition> net;
        for (const auto& [member, figure] : sums) {
            net.push_back({member, figure});
        }
        for (const Debt& leg : match_legs(net, matrix)) {
            std::cout << to_text(leg.debtor) << ' ' << to_text(leg.creditor) << ' ' << leg.amount
                      << ' ';
        }
    }

    void show_state() {
        for (const auto& [key, value] : m_chain->base().entries()) {
            std::cout << to_hex(key) << '=' << to_hex(value) << ' ';
        }
    }

    std::unique_ptr<TestChain> m_chain;
};

}  // namespace
}  // namespace tally::test

int main() {
    tally::test::Player player;
    std::string line;
    while (std::getline(std::cin, line)) {
        player.take(line);
    }
    return 0;
}
