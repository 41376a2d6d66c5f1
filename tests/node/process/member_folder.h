#pragma once

// The files of one member of `make_genesis()`, as an operator would lay them out.

#include "node/config/genesis_json.h"
#include "node/process/node_files.h"
#include "node/runtime/key_file.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tests/support/ledger_fixture.h"

#include <fstream>
#include <string>

namespace tally::node::test {

class MemberFolder {
public:
    explicit MemberFolder(std::string member = "AAA", const Genesis& genesis = default_genesis())
        : m_member{std::move(member)} {
        write("genesis.json", genesis_to_json(genesis));
        for (const char* name : {"member", "consensus", "link"}) {
            ENSURE(write_new_secret_key(file(std::string{name} + ".key"), secret(name)));
        }
        ENSURE(write_new_secret_text(file("api.token"), "api-token"));
        write("node.toml", config());
    }
    [[nodiscard]] static Genesis default_genesis() { return tally::test::make_genesis(); }
    [[nodiscard]] SecretKey secret(const std::string& name) const {
        return tally::test::secret_of(m_member + "/" + name);
    }
    [[nodiscard]] std::string file(const std::string& name) const { return m_folder.file(name); }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream{file(name)} << text;
    }
    /// Ports 0 are for tests that do not listen.
    [[nodiscard]] std::string config(std::uint16_t link_port = 0,
                                     std::uint16_t api_port = 0) const {
        return "member = \"" + m_member +
               "\"\n"
               "data_dir = \"data\"\n"
               "genesis = \"genesis.json\"\n"
               "[keys]\n"
               "member = \"member.key\"\n"
               "consensus = \"consensus.key\"\n"
               "link = \"link.key\"\n"
               "[link]\n"
               "listen = \"127.0.0.1:" +
               std::to_string(link_port) +
               "\"\n"
               "[api]\n"
               "listen = \"127.0.0.1:" +
               std::to_string(api_port) +
               "\"\n"
               "token_file = \"api.token\"\n";
    }
    [[nodiscard]] Expected<NodeInputs, StartError> load() const {
        return load_inputs(file("node.toml"));
    }

private:
    tally::test::TemporaryFolder m_folder;
    std::string m_member;
};

}  // namespace tally::node::test
