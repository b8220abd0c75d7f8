# libkomet as a product of its own: libkomet.a and libkomet.so from the sources of src/iec, and what
# `cmake --install` puts beside them. The programs of the tree link komet-iec and not these.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# While the version begins with 0, each second number may change the binary interface: it is in the soname.
set(KOMET_SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

# komet_library(SOURCE…): the targets komet-static and komet-shared, Komet::komet_static and Komet::komet to
# their users, in the tree as when installed.
function(komet_library)
    add_library(komet-objects OBJECT ${ARGN})
    target_link_libraries(komet-objects PRIVATE komet_rules)
    set_target_properties(komet-objects PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
    # Assertions carry file names: those of the project, not of the machine that built it.
    target_compile_options(komet-objects PRIVATE -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
        -ffile-prefix-map=${CMAKE_BINARY_DIR}=.)

    add_library(komet-static STATIC $<TARGET_OBJECTS:komet-objects>)
    add_library(komet-shared SHARED $<TARGET_OBJECTS:komet-objects>)
    add_library(Komet::komet_static ALIAS komet-static)
    add_library(Komet::komet ALIAS komet-shared)
    set_target_properties(komet-static PROPERTIES EXPORT_NAME komet_static)
    set_target_properties(komet-shared PROPERTIES EXPORT_NAME komet
        VERSION ${PROJECT_VERSION} SOVERSION ${KOMET_SOVERSION})
    foreach(library komet-static komet-shared)
        set_target_properties(${library} PROPERTIES OUTPUT_NAME komet LINKER_LANGUAGE C)
        target_include_directories(${library} INTERFACE
            $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
        target_compile_features(${library} INTERFACE c_std_17)
    endforeach()
    if(KOMET_SANITIZE)
        target_link_options(komet-shared PRIVATE -fsanitize=${KOMET_SANITIZE})
        target_link_options(komet-static INTERFACE $<BUILD_INTERFACE:-fsanitize=${KOMET_SANITIZE}>)
    else()
        target_link_options(komet-shared PRIVATE -Wl,-z,defs)
    endif()
    komet_library_install()
endfunction()

function(komet_library_install)
    install(TARGETS komet-static komet-shared EXPORT KometTargets COMPONENT libkomet
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/komet DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT libkomet FILES_MATCHING PATTERN "*.h")
    install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/doc/libkomet.md
        ${CMAKE_SOURCE_DIR}/doc/from-lib60870.md
        DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/libkomet COMPONENT libkomet)
    install(DIRECTORY ${CMAKE_SOURCE_DIR}/examples
        DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/libkomet COMPONENT libkomet)

    # Both find their files from where they stand, so that the folder may be moved or staged.
    set(package ${CMAKE_INSTALL_LIBDIR}/cmake/Komet)
    install(EXPORT KometTargets NAMESPACE Komet:: DESTINATION ${package} COMPONENT libkomet)
    configure_file(${CMAKE_SOURCE_DIR}/cmake/KometConfig.cmake.in KometConfig.cmake COPYONLY)
    write_basic_package_version_file(KometConfigVersion.cmake COMPATIBILITY SameMinorVersion)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/KometConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/KometConfigVersion.cmake
        DESTINATION ${package} COMPONENT libkomet)
    file(RELATIVE_PATH KOMET_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
    string(REGEX REPLACE "/$" "" KOMET_PC_TO_PREFIX ${KOMET_PC_TO_PREFIX})
    configure_file(${CMAKE_SOURCE_DIR}/cmake/komet.pc.in komet.pc @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/komet.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT libkomet)
endfunction()
