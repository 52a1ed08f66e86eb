# Headers that are read once for all: to read the standard library took up to two fifths of a source's time
# (docs/decisions/0016).
# A precompiled header serves those who compile with the same options, so there is one for the rooms and one for the tests.
#   tocsin_precompiled(NAME HEADER LIBRARY...)    makes one
#   tocsin_reads(TARGET NAME)                      and lets a target use it
function(tocsin_precompiled name header)
  if(CMAKE_DISABLE_PRECOMPILE_HEADERS)
    return()
  endif()
  add_library(${name} STATIC ${PROJECT_SOURCE_DIR}/cmake/precompiled/nothing.cpp)
  target_link_libraries(${name} PRIVATE tocsin_base PkgConfig::fmt ${ARGN})
  target_precompile_headers(${name} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/precompiled/${header})
endfunction()

function(tocsin_reads target name)
  if(TARGET ${name})
    target_precompile_headers(${target} REUSE_FROM ${name})
  endif()
endfunction()
