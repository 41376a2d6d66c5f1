// Proofs of equivocation survive what may happen to a node.

#include "consensus/journal/journal.h"
#include "consensus/journal/records.h"
#include "tests/consensus/memory_files.h"
#include "tests/consensus/support.h"

#include <catch2/catch.hpp>

namespace tally::consensus::testing {
namespace {

const std::string folder{"data/consensus"};

Evidence proof(ValidatorIndex signer, View view, std::uint64_t epoch = test_epoch) {
    Evidence made;
    made.first.signer = signer;
    made.first.statement = {epoch, VoteKind::nullify, view, 0, Hash{}};
    made.first.signature.data[0] = 1;
    made.second.signer = signer;
    made.second.statement = {epoch, VoteKind::finalize, view, view - 1, digest_of('f')};
    made.second.signature.data[0] = 2;
    return made;
}

std::unique_ptr<Journal> open(MemoryFiles& files) {
    JournalOptions options;
    options.rotate_bytes = 4'000;
    auto opened = Journal::open(files, folder, options);
    REQUIRE(opened.has_value());
    return std::move(*opened);
}

TEST_CASE("evidence has one encoding, and nothing else decodes as evidence") {
    const Evidence known = proof(3, 9);
    const Bytes encoded = encode_evidence(known);
    CHECK(decode_evidence(encoded) == known);
    for (std::size_t length = 0; length < encoded.size(); ++length) {
        CHECK_FALSE(decode_evidence(ByteView{encoded}.first(length)).has_value());
    }
    Bytes longer = encoded;
    longer.push_back(0);
    CHECK_FALSE(decode_evidence(longer).has_value());
    Evidence stranger = proof(validators_max, 9);
    CHECK_FALSE(decode_evidence(encode_evidence(stranger)).has_value());
    Evidence harmless = known;
    harmless.second = harmless.first;
    CHECK_FALSE(decode_evidence(encode_evidence(harmless)).has_value());
    harmless = known;
    ++harmless.second.statement.view;
    CHECK_FALSE(decode_evidence(encode_evidence(harmless)).has_value());
    harmless = known;
    harmless.second.statement.kind = VoteKind::notarize;
    CHECK_FALSE(decode_evidence(encode_evidence(harmless)).has_value());
}

TEST_CASE("one liar cannot fill the list of evidence, and the list has an end") {
    EvidenceList list;
    CHECK(list.add(proof(1, 5)));
    CHECK_FALSE(list.add(proof(1, 5)));
    for (View view = 6; view < 6 + evidence_per_signer_max - 1; ++view) {
        CHECK(list.add(proof(1, view)));
    }
    CHECK_FALSE(list.add(proof(1, 100)));
    CHECK(list.add(proof(2, 100)));
    CHECK(list.add(proof(1, 100, test_epoch + 1)));
    for (std::uint64_t epoch = 10; list.all().size() < evidence_max; ++epoch) {
        CHECK(list.add(proof(0, 1, epoch)));
    }
    REQUIRE(list.all().front() == proof(1, 5));
    CHECK(list.add(proof(0, 2, 10)));
    CHECK(list.all().size() == evidence_max);
    CHECK(list.all().front() == proof(1, 6));  // the oldest went
}

TEST_CASE("evidence survives a crash once it is synced, compaction and the end of its epoch") {
    MemoryFiles files;
    REQUIRE(Journal::create(files, folder, test_epoch).has_value());
    {
        auto journal = open(files);
        CHECK(journal->append_evidence(proof(1, 5)));
        journal->sync();
        CHECK(journal->append_evidence(proof(2, 6)));
        CHECK_FALSE(journal->append_evidence(proof(2, 6)));
    }
    files.crash();
    auto journal = open(files);
    REQUIRE(journal->evidence().all().size() == 1);
    CHECK(journal->evidence().all().front() == proof(1, 5));
    CHECK(journal->append_evidence(proof(2, 6)));

    journal->compact({});
    files.crash();
    journal = open(files);
    CHECK(journal->evidence().all().size() == 2);

    journal->begin_epoch(test_epoch + 1, true);
    CHECK(journal->append_evidence(proof(1, 5, test_epoch + 1)));
    journal->sync();
    files.crash();
    journal = open(files);
    REQUIRE(journal->evidence().all().size() == 3);
    CHECK(journal->evidence().all().front() == proof(1, 5));
    CHECK_FALSE(journal->append_evidence(proof(1, 5)));
}

TEST_CASE("a journal record has a largest size, which a full block fits into") {
    const Bytes payload(record_bytes_max);
    const Bytes header = encode_journal_header(test_epoch, 1);
    Bytes file = header;
    append(file, encode_record(1, file.size(), RecordType::own_proposal, payload));
    const auto record = decode_record(file, 1, header.size());
    REQUIRE(record.has_value());
    CHECK(record->payload.size() == record_bytes_max);
    // The same with a length that no record has.
    const std::uint32_t longer = record_bytes_max + 1;
    for (std::size_t i = 0; i < 4; ++i) {
        file[header.size() + i] = static_cast<std::uint8_t>(longer >> (8 * (3 - i)));
    }
    file.push_back(0);
    CHECK_FALSE(decode_record(file, 1, header.size()).has_value());

    JournalBlock largest;
    largest.header = Bytes(4096);
    largest.envelopes.assign(8, Bytes(512UL * 1024));
    CHECK(encode_block_payload(largest).size() <= record_bytes_max);
    file = header;
    const auto unknown = static_cast<RecordType>(static_cast<int>(RecordType::evidence) + 1);
    append(file, encode_record(1, file.size(), unknown, Bytes(1)));
    CHECK_FALSE(decode_record(file, 1, header.size()).has_value());
}

}  // namespace
}  // namespace tally::consensus::testing
