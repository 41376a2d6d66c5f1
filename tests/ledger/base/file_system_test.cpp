#include "ledger/base/lock_file.h"
#include "ledger/base/posix_file_system.h"
#include "tests/ledger/base/temporary_folder.h"

#include <catch2/catch.hpp>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

namespace tally {

namespace {

Bytes bytes_of(std::string_view text) {
    const ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}

std::string text_of(const PosixFileSystem& files, const std::string& path) {
    const auto bytes = files.read(path, 0, 1'000'000);
    return bytes ? std::string{as_text(*bytes)} : "no file";
}

/// Lets no file of this process grow beyond `bytes`, until it goes out of scope.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes) {
        m_handler = std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &m_before);
        rlimit limit = m_before;
        limit.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &m_before);
        std::signal(SIGXFSZ, m_handler);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

private:
    rlimit m_before{};
    void (*m_handler)(int){nullptr};
};

}  // namespace

TEST_CASE("a file grows by appending and is found again with its size", "[files]") {
    const test::TemporaryFolder folder;
    PosixFileSystem files;
    const std::string path = folder.file("journal");
    {
        auto file = files.open_append(path);
        REQUIRE(file);
        CHECK((*file)->size() == 0);
        CHECK((*file)->append(bytes_of("one")));
        CHECK((*file)->append(bytes_of("")));
        CHECK((*file)->size() == 3);
        CHECK((*file)->sync());
    }
    auto again = files.open_append(path);
    REQUIRE(again);
    CHECK((*again)->size() == 3);
    CHECK((*again)->append(bytes_of("two")));
    CHECK((*again)->size() == 6);
    CHECK(text_of(files, path) == "onetwo");
    CHECK(*files.size(path) == 6);
}

TEST_CASE("files are for their owner only", "[files]") {
    const test::TemporaryFolder folder;
    PosixFileSystem files;
    REQUIRE(files.write_whole(folder.file("key"), bytes_of("secret")));
    REQUIRE(files.create_directories(folder.file("a")));
    struct stat status {};
    REQUIRE(::stat(folder.file("key").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600U);
    REQUIRE(::stat(folder.file("a").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0700U);
}

TEST_CASE("reading gives what lies in the range, and less at the end", "[files]") {
    const test::TemporaryFolder folder;
    PosixFileSystem files;
    const std::string path = folder.file("segment");
    REQUIRE(files.write_whole(path, bytes_of("0123456789")));
    CHECK(*files.read(path, 2, 3) == bytes_of("234"));
    CHECK(*files.read(path, 8, 100) == bytes_of("89"));
    CHECK(files.read(path, 10, 1)->empty());
    CHECK(files.read(path, ~std::uint64_t{0}, ~std::uint64_t{0})->empty());
    CHECK(files.read(folder.file("none"), 0, 1).error() == FileError::not_found);
}

TEST_CASE("replacing a file leaves the old or the new one and no other name", "[files]") {
    const test::TemporaryFolder folder;
    PosixFileSystem files;
    const std::string path = folder.file("state");
    // What a crash in the middle of an earlier replacement leaves behind.
    REQUIRE(files.write_whole(path + ".tmp", bytes_of("a longer torn leftover")));
    REQUIRE(files.write_whole(path, bytes_of("first")));
    REQUIRE(files.write_whole(path, bytes_of("second")));
    CHECK(text_of(files, path) == "second");
    CHECK(*files.list(folder.path()) == std::vector<std::string>{"state"});
    CHECK(files.write_whole(folder.file("none/state"), bytes_of("x")).error() ==
          FileError::not_found);
}

TEST_CASE("writing in place changes those bytes of an existing file only", "[files]") {
    const test::TemporaryFolder folder;
    PosixFileSystem files;
    const std::string path = folder.file("slots");
    REQUIRE(files.write_whole(path, bytes_of("aaaabbbb")));
    CHECK(files.write_at(path, 4, bytes_of("CC")));
    CHECK(text_of(files, path) == "aaaaCCbb");
    CHECK(files.write_at(folder.file("none"), 0, bytes_of("x")).error() == FileError::not_found);
    CHECK(files.write_at(path, ~std::uint64_t{0}, bytes_of("x")).error() == FileError::io_error);
}

TEST_CASE("a file is cut, never lengthened", "[files]") {
    const test::TemporaryFolder folder;
    PosixFileSystem files;
    const std::string path = folder.file("segment");
    REQUIRE(files.write_whole(path, bytes_of("good torn")));
    CHECK(files.truncate(path, 4));
    CHECK(text_of(files, path) == "good");
    CHECK(files.truncate(path, 5).error() == FileError::io_error);
    CHECK(text_of(files, path) == "good");
    CHECK(files.truncate(folder.file("none"), 0).error() == FileError::not_found);
}

TEST_CASE("folders are made with their parents and list plain files in order", "[files]") {
    const test::TemporaryFolder folder;
    PosixFileSystem files;
    REQUIRE(files.create_directories(folder.file("a/b//c/")));
    CHECK(files.create_directories(folder.file("a/b/c")));
    for (const char* name : {"2", "10", "1"}) {
        REQUIRE(files.write_whole(folder.file("a/b/") + name, {}));
    }
    std::filesystem::create_symlink("1", folder.file("a/b/link"));
    CHECK(*files.list(folder.file("a/b")) == std::vector<std::string>{"1", "10", "2"});
    CHECK(files.sync_folder(folder.file("a/b")));
    CHECK(files.list(folder.file("none")).error() == FileError::not_found);
    CHECK(files.sync_folder(folder.file("none")).error() == FileError::not_found);
    CHECK(files.create_directories(folder.file("a/b/1")).error() == FileError::already_exists);
    CHECK(files.create_directories(folder.file("a/b/1/d")).error() == FileError::already_exists);
}

TEST_CASE("a removed file is gone", "[files]") {
    const test::TemporaryFolder folder;
    PosixFileSystem files;
    REQUIRE(files.write_whole(folder.file("x"), bytes_of("x")));
    CHECK(files.remove(folder.file("x")));
    CHECK(files.remove(folder.file("x")).error() == FileError::not_found);
    CHECK(files.size(folder.file("x")).error() == FileError::not_found);
}

TEST_CASE("a full disk is told from other errors", "[files]") {
    PosixFileSystem files;
    SECTION("nothing fits") {
        auto file = files.open_append("/dev/full");
        REQUIRE(file);
        CHECK((*file)->append(bytes_of("x")).error() == FileError::no_space);
    }
    SECTION("a part fits: the short write is continued until the error shows") {
        const test::TemporaryFolder folder;
        const std::string path = folder.file("segment");
        auto file = files.open_append(path);
        REQUIRE(file);
        const FileSizeLimit limit{10};
        CHECK((*file)->append(bytes_of("12345678")));
        CHECK((*file)->append(bytes_of("abcdefgh")).error() == FileError::no_space);
        CHECK((*file)->size() == 8);
        CHECK(text_of(files, path) == "12345678ab");
    }
}

TEST_CASE("a data directory belongs to one process at a time", "[files]") {
    const test::TemporaryFolder folder;
    const std::string path = folder.file("lock");
    {
        auto held = LockFile::acquire(path);
        REQUIRE(held);
        CHECK(LockFile::acquire(path).error() == FileError::already_exists);
        const LockFile moved = std::move(*held);
        CHECK(LockFile::acquire(path).error() == FileError::already_exists);
    }
    CHECK(LockFile::acquire(path));
    CHECK(LockFile::acquire(folder.file("none/lock")).error() == FileError::not_found);
}

}  // namespace tally
