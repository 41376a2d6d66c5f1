#pragma once

// AAA's keys of the test genesis in memory, and a folder for the files beside them.

#include "node/process/key_ring.h"
#include "node/runtime/key_file.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

#include <string>

namespace tally::node {

[[nodiscard]] inline PublicKey key(const char* name) {
    return public_key_of(test::secret_of(name));
}

struct KeyFiles {
    test::TemporaryFolder folder;
    KeyRing ring{{{{KeyRole::member, test::secret_of("AAA/member"), next("member")},
                   {KeyRole::consensus, test::secret_of("AAA/consensus"), next("consensus")},
                   {KeyRole::link, test::secret_of("AAA/link"), next("link")}}}};

    [[nodiscard]] std::string next(const char* role) const {
        return folder.file(std::string{role} + ".key.next");
    }
    void write(const char* role, const char* name) const {
        REQUIRE(write_new_secret_key(next(role), test::secret_of(name)));
    }
};

}  // namespace tally::node
