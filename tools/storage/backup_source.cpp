#include "tools/storage/backup_source.h"

#include "ledger/base/lock_file.h"
#include "ledger/base/posix_file_system.h"
#include "ledger/base/system_clock.h"
#include "ledger/store/ledger.h"
#include "ledger/store/leveldb_store.h"
#include "ledger/store/snapshot.h"
#include "node/runtime/http_client.h"
#include "tools/audit/http_segment_source.h"
#include "tools/support/wait.h"

#include <filesystem>
#include <utility>

namespace tally::tools {
namespace {

constexpr std::chrono::seconds finalization_deadline{30};

class UrlSource final : public BackupSource {
public:
    explicit UrlSource(const std::string& url) : m_url{url}, m_segments{url} {}

    Expected<Bytes, SourceError> lease() override {
        std::string problem;
        Bytes manifest;
        const auto asked = [&] {
            const auto answer = get("manifest");
            problem = answer ? "" : answer.error().message;
            manifest = answer ? *answer : Bytes{};
            return !answer || !manifest.empty();
        };
        if (!wait_until(Deadline{finalization_deadline}, asked)) {
            problem = m_url + ": has no block with a finalization yet";
        }
        return problem.empty() ? Expected<Bytes, SourceError>{std::move(manifest)}
                               : Unexpected{SourceError{problem}};
    }
    Expected<Bytes, SourceError> answer(ByteView query) override { return get(to_hex(query)); }
    Expected<std::vector<SegmentInfo>, SourceError> list() override { return m_segments.list(); }
    Expected<Bytes, SourceError> read(const std::string& name, std::uint64_t offset,
                                      std::uint64_t length) override {
        return m_segments.read(name, offset, length);
    }

private:
    /// Empty: not now, or not any more.
    Expected<Bytes, SourceError> get(const std::string& part) {
        node::HttpClientRequest request;
        request.url = join_url(m_url, "/api/v1/backup/" + part);
        request.body_bytes_max = snapshot_answer_bytes_max;
        const auto response = m_client.request(request);
        if (!response) {
            return Unexpected{SourceError{response.error().text}};
        }
        if (response->status == 404 || response->status == 503) {
            return Bytes{};
        }
        if (response->status != 200) {
            return Unexpected{SourceError{request.url + " answers " +
                                          std::to_string(response->status) +
                                          "; is it a node of a release that can be backed up?"}};
        }
        const ByteView body = as_bytes(response->body);
        return Bytes{body.begin(), body.end()};
    }

    std::string m_url;
    node::HttpClient m_client;
    HttpSegmentSource m_segments;
};

class FolderSource final : public BackupSource {
public:
    FolderSource(LockFile lock, std::unique_ptr<LevelDbStore> store, const std::string& segments)
        : m_lock{std::move(lock)}, m_store{std::move(store)}, m_folders{m_files, segments} {}

    /// Nothing when it opened.
    std::optional<SourceError> open(const Genesis& genesis) {
        auto ledger =
            Ledger::open(m_files, *m_store, m_folders.folder(), genesis, m_signatures, m_clock);
        if (!ledger) {
            return SourceError{ledger.error().message};
        }
        m_ledger = std::move(ledger).value();
        return std::nullopt;
    }
    Expected<Bytes, SourceError> lease() override {
        Bytes manifest = m_ledger->lease_backup_snapshot();
        if (manifest.empty()) {
            return Unexpected{SourceError{
                "the newest block has no finalization of its own, or there is none: run the node "
                "for a moment, or back it up while it runs (--from)"}};
        }
        return manifest;
    }
    Expected<Bytes, SourceError> answer(ByteView query) override {
        return m_ledger->answer_snapshot_query(query).value_or(Bytes{});
    }
    Expected<std::vector<SegmentInfo>, SourceError> list() override { return m_folders.list(); }
    Expected<Bytes, SourceError> read(const std::string& name, std::uint64_t offset,
                                      std::uint64_t length) override {
        return m_folders.read(name, offset, length);
    }

private:
    LockFile m_lock;
    std::unique_ptr<LevelDbStore> m_store;
    PosixFileSystem m_files;
    SegmentFolders m_folders;
    DirectSignatureChecker m_signatures;
    SystemClock m_clock;
    std::unique_ptr<Ledger> m_ledger;
};

}  // namespace

std::unique_ptr<BackupSource> backup_source_of_url(const std::string& url) {
    return std::make_unique<UrlSource>(url);
}

Expected<std::unique_ptr<BackupSource>, SourceError> backup_source_of_folder(
    const std::string& data_dir, const Genesis& genesis) {
    const std::string ledger = data_dir + "/ledger";
    std::error_code error;
    if (!std::filesystem::exists(ledger + "/state/CURRENT", error)) {
        return Unexpected{SourceError{"there is no ledger with a state in " + data_dir}};
    }
    auto lock = LockFile::acquire(data_dir + "/lock");
    if (!lock) {
        return Unexpected{SourceError{lock.error() == FileError::already_exists
                                          ? "a node uses " + data_dir +
                                                "; back it up while it runs with --from URL"
                                          : data_dir + "/lock: " + to_text(lock.error())}};
    }
    auto store = LevelDbStore::open(ledger + "/state");
    if (!store) {
        return Unexpected{SourceError{store.error()}};
    }
    auto source = std::make_unique<FolderSource>(std::move(lock).value(), std::move(store).value(),
                                                 ledger + "/segments");
    if (std::optional<SourceError> problem = source->open(genesis)) {
        return Unexpected{*problem};
    }
    return std::unique_ptr<BackupSource>{std::move(source)};
}

}  // namespace tally::tools
