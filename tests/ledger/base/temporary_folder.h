#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace tally::test {

/// A fresh folder that goes away with its contents.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "tallystick-test-XXXXXX").string();
        m_path = ::mkdtemp(name.data()) == nullptr ? std::string{} : name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return m_path; }
    [[nodiscard]] std::string file(const std::string& name) const { return m_path + "/" + name; }

private:
    std::string m_path;
};

}  // namespace tally::test
