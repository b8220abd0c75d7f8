# One way to declare each kind of target, so that every folder is built under the same rules.
if(NOT KOMET_LIBRARY_ONLY)
    find_package(PkgConfig REQUIRED)
endif()

add_library(komet_rules INTERFACE)
target_compile_features(komet_rules INTERFACE c_std_17)
target_compile_definitions(komet_rules INTERFACE _GNU_SOURCE)
target_include_directories(komet_rules INTERFACE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
target_compile_options(komet_rules INTERFACE
    -Wall -Wextra -Wconversion -Wshadow -Wswitch-enum -Wundef -Wvla -Wstrict-prototypes
    -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Werror=implicit-function-declaration
    -fno-common -g)
if(KOMET_WERROR)
    target_compile_options(komet_rules INTERFACE -Werror)
endif()
if(KOMET_SANITIZE)
    target_compile_options(komet_rules INTERFACE -fsanitize=${KOMET_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    target_link_options(komet_rules INTERFACE -fsanitize=${KOMET_SANITIZE})
endif()
if(KOMET_FUZZ)
    target_compile_options(komet_rules INTERFACE -fsanitize=fuzzer-no-link)
endif()

# komet_folder(NAME [PURE] SOURCES … [USES …]): a static library komet-NAME of one folder of src/.
# PURE folders are listed for the purity test, which looks at the symbols they leave undefined.
function(komet_folder name)
    cmake_parse_arguments(F "PURE" "" "SOURCES;USES" ${ARGN})
    add_library(komet-${name} STATIC ${F_SOURCES})
    target_link_libraries(komet-${name} PUBLIC komet_rules ${F_USES})
    if(F_PURE)
        set_property(GLOBAL APPEND PROPERTY KOMET_PURE_FOLDERS ${name})
    endif()
endfunction()

# komet_module(NAME PACKAGE): an imported target PkgConfig::NAME for a library of the system.
macro(komet_module name package)
    if(NOT TARGET PkgConfig::${name})
        pkg_check_modules(${name} REQUIRED IMPORTED_TARGET GLOBAL ${package})
    endif()
endmacro()

# komet_test(LEVEL NAME SOURCES … [USES …]): a cmocka program, run by ctest as LEVEL/NAME.
function(komet_test level name)
    cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;USES" ${ARGN})
    if(NOT T_TIMEOUT)
        set(T_TIMEOUT 60)
    endif()
    komet_module(CMOCKA cmocka)
    add_executable(${level}-${name} ${T_SOURCES})
    target_link_libraries(${level}-${name} PRIVATE komet_rules ${T_USES} PkgConfig::CMOCKA)
    target_include_directories(${level}-${name} PRIVATE ${CMAKE_SOURCE_DIR}/test)
    add_test(NAME ${level}/${name} COMMAND ${level}-${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${level}/${name} PROPERTIES LABELS ${level} TIMEOUT ${T_TIMEOUT})
endfunction()

# komet_fuzz(NAME SOURCES … [USES …]): a libFuzzer program fuzz-NAME; corpus in test/fuzz/corpus/NAME.
function(komet_fuzz name)
    cmake_parse_arguments(Z "" "" "SOURCES;USES" ${ARGN})
    if(NOT KOMET_FUZZ)
        return()
    endif()
    add_executable(fuzz-${name} ${Z_SOURCES})
    target_link_libraries(fuzz-${name} PRIVATE komet_rules ${Z_USES})
    target_include_directories(fuzz-${name} PRIVATE ${CMAKE_SOURCE_DIR}/test)
    target_link_options(fuzz-${name} PRIVATE -fsanitize=fuzzer)
endfunction()

# Every library of src/, in the order in which a static linker wants them.
set(KOMET_ALL_FOLDERS komet-shell komet-capture komet-console komet-partner komet-server komet-kom komet-line
    komet-wire komet-role komet-site komet-model komet-iec)
