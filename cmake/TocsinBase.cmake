# What every target is built with, and the libraries the project stands on.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
# ccache keeps what was compiled with a precompiled header only if that says which macros it was made with (./dev tells
# ccache the rest).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fpch-preprocess)
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(date REQUIRED)  # time zones: GCC 12's <chrono> has none
find_package(PkgConfig REQUIRED)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(fmt REQUIRED IMPORTED_TARGET fmt)
pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(rdkafka REQUIRED IMPORTED_TARGET rdkafka)
pkg_check_modules(nghttp2 REQUIRED IMPORTED_TARGET libnghttp2)
pkg_check_modules(ldns REQUIRED IMPORTED_TARGET ldns)
pkg_check_modules(isal REQUIRED IMPORTED_TARGET libisal)
if(NOT TOCSIN_SANITIZE)
  pkg_check_modules(jemalloc REQUIRED IMPORTED_TARGET jemalloc)  # docs/decisions/0018
endif()
pkg_check_modules(brotli REQUIRED IMPORTED_TARGET libbrotlidec)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(crypt REQUIRED IMPORTED_TARGET libcrypt)  # hashes of passwords
# The CMake package of prometheus-cpp would pull in civetweb and curl; the core needs neither.
pkg_check_modules(prometheus REQUIRED IMPORTED_TARGET prometheus-cpp-core)

add_library(tocsin_base INTERFACE)
target_compile_definitions(tocsin_base INTERFACE
  _FILE_OFFSET_BITS=64  # as hiredis wants it; all the same, for precompiled headers
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED BOOST_ALLOW_DEPRECATED_HEADERS
  # Coroutine frames come from plain operator new: malloc's cache by size serves them better than Asio's two slots
  # before aligned_alloc, which knows no cache. (And recycled frames would hide their use after destruction from ASan.)
  BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=0 BOOST_ASIO_DISABLE_STD_ALIGNED_ALLOC BOOST_ASIO_DISABLE_BOOST_ALIGN
  TOCSIN_VERSION="${PROJECT_VERSION}")
target_compile_options(tocsin_base INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -Wextra-semi
  -fstack-protector-strong -pthread)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 takes coroutine frames for mismatched new and delete (a false report), and TSan does not know fences. Of
  # precompiled headers it forgets that they are the system's, and finds fault with the inside of std::string (PR 105329).
  target_compile_options(tocsin_base INTERFACE -Wno-mismatched-new-delete -Wduplicated-cond -Wlogical-op -Wno-tsan
    -Wno-stringop-overread -Wno-array-bounds "$<$<CONFIG:Release>:-Wno-stringop-overflow;-Wno-restrict>")
endif()

# Asio and coroutines are what takes time under a sanitizer (net, and the kinds of probes): -O0 compiles them three times
# faster, and with -O1 GCC 12 takes coroutines' results for uninitialized ones. Fuzzing wants speed of another kind.
set(TOCSIN_IO_ROOMS net)
if(TOCSIN_SANITIZE AND NOT TOCSIN_FUZZ)
  set(TOCSIN_IO_OPTIONS -O0)
endif()
if(TOCSIN_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(TOCSIN_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(TOCSIN_SANITIZE)
  message(FATAL_ERROR "TOCSIN_SANITIZE is '${TOCSIN_SANITIZE}': address, thread or empty")
endif()

# libFuzzer needs to see which way the code went, in every room.
if(TOCSIN_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
