# Flags every target of this project is built with. Third-party headers come in as SYSTEM and are
# not held to them; generated protobuf code is built without them (see add_module.cmake).
add_library(project_includes INTERFACE)
target_include_directories(project_includes INTERFACE ${PROJECT_SOURCE_DIR})

add_library(project_options INTERFACE)
target_compile_features(project_options INTERFACE cxx_std_20)
target_compile_options(project_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
    -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wcast-qual -Wformat=2 -Wundef
    -Wdouble-promotion -Wimplicit-fallthrough -Wswitch-enum -Wmissing-declarations
    -Wextra-semi -Wvla -Wdate-time
    $<$<CXX_COMPILER_ID:GNU>:-Wlogical-op -Wduplicated-cond -Wduplicated-branches
        -Wsuggest-override -Wredundant-decls -Wctor-dtor-privacy>
    $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety -Wshadow-all -Wno-shadow-field-in-constructor
        -Wunreachable-code -Wconditional-uninitialized -Wdocumentation -Wloop-analysis>
    $<$<BOOL:${WARNINGS_AS_ERRORS}>:-Werror>)
