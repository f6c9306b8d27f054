# Compiler settings, and the two functions by which every folder declares itself.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)

set(DSKE_SANITIZE "" CACHE STRING "sanitizers to build with, for example address,undefined or thread")
option(DSKE_COVERAGE "instrument for coverage" OFF)
option(DSKE_FUZZERS "build the libFuzzer targets (needs clang)" OFF)

add_library(dske_build_options INTERFACE)
target_compile_options(dske_build_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
  # GCC 12 warns wrongly of "text" + std::string (its bug 105651) and of comparing byte vectors.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overread>
  -fstack-protector-strong $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
target_link_options(dske_build_options INTERFACE -Wl,-z,relro,-z,now -pie)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # The lock annotations of base/mutex.h are checked by clang alone.
  target_compile_options(dske_build_options INTERFACE -Wthread-safety)
endif()
if(DSKE_SANITIZE)
  target_compile_options(dske_build_options INTERFACE
    -fsanitize=${DSKE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)  # GCC warns wrongly in instrumented code
  target_link_options(dske_build_options INTERFACE -fsanitize=${DSKE_SANITIZE})
endif()
if(DSKE_FUZZERS)
  target_compile_options(dske_build_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(DSKE_COVERAGE)
  target_compile_options(dske_build_options INTERFACE --coverage)
  target_link_options(dske_build_options INTERFACE --coverage)
endif()

# A sanitizer build compiles everything again: with the headers that most files share compiled once, it takes
# less of a machine without a compiler cache. The release build goes without and so shows a missing include.
option(DSKE_PRECOMPILED "precompile the headers that most files share" OFF)
set(dske_precompiled_headers <algorithm> <array> <atomic> <charconv> <chrono> <condition_variable> <cstdint> <cstring> <deque>
  <filesystem> <fstream> <functional> <future> <iostream> <list> <map> <memory> <mutex> <optional> <random> <set> <span>
  <sstream> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector> <fmt/format.h> <tl/expected.hpp>)
if(DSKE_PRECOMPILED)
  set(nothing ${CMAKE_BINARY_DIR}/precompiled.cpp)
  file(CONFIGURE OUTPUT ${nothing} CONTENT "// Carries the precompiled headers.\n")
  add_library(dske_precompiled STATIC ${nothing})
  find_package(fmt REQUIRED)
  target_link_libraries(dske_precompiled PRIVATE dske_build_options fmt::fmt)
  target_precompile_headers(dske_precompiled PRIVATE ${dske_precompiled_headers})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # So that a compiler cache knows the same headers again.
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()

# dske_folder(NAME SOURCES file... [USES folder...] [LIBRARIES library...])
#
# The library target dske_NAME of the folder NAME. Its headers are included as "NAME/header.h", and they
# are found only by targets that list NAME under USES: every folder is reached through a directory of its
# own that holds one link, so an include that breaks the layering does not compile.
function(dske_folder name)
  cmake_parse_arguments(FOLDER "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  set(root ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${name} ${root}/${name} SYMBOLIC)
  add_library(dske_${name} STATIC ${FOLDER_SOURCES})
  target_include_directories(dske_${name} PUBLIC ${root})
  list(TRANSFORM FOLDER_USES PREPEND dske_)
  target_link_libraries(dske_${name} PUBLIC ${FOLDER_USES} PRIVATE dske_build_options ${FOLDER_LIBRARIES})
  if(DSKE_PRECOMPILED)
    target_precompile_headers(dske_${name} REUSE_FROM dske_precompiled)
  endif()
endfunction()

# dske_program(NAME SOURCES file... USES folder... [LIBRARIES library...]): an executable in build/bin.
add_custom_target(programs)  # all of them
function(dske_program name)
  cmake_parse_arguments(PROGRAM "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  add_executable(${name} ${PROGRAM_SOURCES})
  add_dependencies(programs ${name})
  list(TRANSFORM PROGRAM_USES PREPEND dske_)
  target_link_libraries(${name} PRIVATE dske_build_options ${PROGRAM_USES} ${PROGRAM_LIBRARIES})
endfunction()
