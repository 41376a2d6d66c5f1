# add_module(<name> SOURCES <file>... [USES <module>...])
#
# One static library per folder, named after it (ledger_base, node_link, ...). USES is the whole
# list of modules it may see; the `tidy` test checks #include lines against the same direction.
# A module of headers only has no SOURCES.
function(add_module name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES")
    if(arg_SOURCES)
        add_library(${name} STATIC ${arg_SOURCES})
        target_link_libraries(${name} PUBLIC ${arg_USES} project_includes PRIVATE project_options)
    else()
        add_library(${name} INTERFACE)
        target_link_libraries(${name} INTERFACE ${arg_USES} project_includes)
    endif()
endfunction()

# add_proto_module(<name> <file.proto>)
#
# Generated code is a library of its own, built without our warnings. It is reached through
# `#include "<folder>/<file>.pb.h"`, and only edge files (see tests/tidy) may do so.
function(add_proto_module name proto)
    get_filename_component(stem ${proto} NAME_WE)
    file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    set(out ${PROJECT_BINARY_DIR}/generated)
    set(generated ${out}/${folder}/${stem}.pb.cc ${out}/${folder}/${stem}.pb.h)
    file(MAKE_DIRECTORY ${out})
    add_custom_command(
        OUTPUT ${generated}
        COMMAND protobuf::protoc --proto_path=${PROJECT_SOURCE_DIR} --cpp_out=${out}
            ${CMAKE_CURRENT_SOURCE_DIR}/${proto}
        DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${proto}
        VERBATIM)
    add_library(${name} STATIC ${generated})
    target_compile_features(${name} PUBLIC cxx_std_20)
    target_include_directories(${name} SYSTEM PUBLIC ${out})
    target_link_libraries(${name} PUBLIC protobuf::libprotobuf)
endfunction()

# add_program(<name> SOURCES <file>... USES <module>...) puts an executable into bin/.
function(add_program name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES")
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ${arg_USES} project_includes project_options)
endfunction()

# add_unit_test(<name> SOURCES <file>... USES <module>... [LABELS <label>...] [TIMEOUT <seconds>])
#
# One Catch2 executable and one ctest of the same name. Labels: unit (default), property, sim, e2e.
function(add_unit_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;USES;LABELS")
    if(NOT arg_LABELS)
        set(arg_LABELS unit)
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ${arg_USES} catch_main project_includes project_options)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()

# add_fuzzer(<name> SOURCES <file>... USES <module>...): a libFuzzer target with its seed corpus in
# tests/fuzz/corpus/<name>, built only by the `fuzz` preset: all of them by the target `fuzzers`,
# which `tools/fuzz` builds and runs. It finds them by these lines in tests/fuzz/CMakeLists.txt.
function(add_fuzzer name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES")
    if(NOT BUILD_FUZZERS)
        return()
    endif()
    add_executable(fuzz_${name} ${arg_SOURCES})
    target_link_libraries(fuzz_${name} PRIVATE ${arg_USES} project_includes project_options)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(fuzz_${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
    if(NOT TARGET fuzzers)
        add_custom_target(fuzzers)
    endif()
    add_dependencies(fuzzers fuzz_${name})
endfunction()
