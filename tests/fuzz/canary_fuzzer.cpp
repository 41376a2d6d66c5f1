// Proves that the fuzzing itself works: four letters that only coverage can lead to, and behind
// them a read past the end that only the address sanitizer sees. `tools/fuzz` demands that this
// target fails; one that passes means a build without instrumentation, or a runner that looks away.

#include <cstddef>
#include <cstdint>
#include <memory>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 4 || data[0] != 'b' || data[1] != 'i' || data[2] != 'r' || data[3] != 'd') {
        return 0;
    }
    const auto cage = std::make_unique<std::uint8_t[]>(size);
    const volatile std::uint8_t* const bird = cage.get() + size;
    [[maybe_unused]] const std::uint8_t seen = *bird;
    return 0;
}
