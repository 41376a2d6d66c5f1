# add_planted_program(<name> SOURCES <file>... USES <module>... REPLACES <module>...)
#
# A program in which bugs can be planted (consensus/planted_bug.h): the sources of the modules under
# REPLACES are compiled once more, with TALLYSTICK_PLANTED_BUGS, as part of the program itself. Their
# symbols are then there before any library is looked at, so the linker never takes the product's
# own objects, and everything else is linked as it is. A hook in a file that is not listed here, or
# in a header's inline function, would not be seen.
function(add_planted_program name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES;REPLACES")
    set(replaced)
    foreach(module ${arg_REPLACES})
        get_target_property(sources ${module} SOURCES)
        get_target_property(folder ${module} SOURCE_DIR)
        list(TRANSFORM sources PREPEND ${folder}/)
        list(APPEND replaced ${sources})
    endforeach()
    add_executable(${name} ${arg_SOURCES} ${replaced}
        ${PROJECT_SOURCE_DIR}/consensus/planted_bug.cpp)
    target_compile_definitions(${name} PRIVATE TALLYSTICK_PLANTED_BUGS)
    target_link_libraries(${name} PRIVATE ${arg_USES} project_includes project_options)
endfunction()
