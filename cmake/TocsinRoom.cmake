# Several sources of a room are compiled as one, where a whole build matters more than a change of one file: what they
# include and instantiate takes longer than they do (docs/decisions/0016). The builds without this find out whether each
# source stands by itself.
function(tocsin_in_batches target)
  # What another source calls a thing is shadowed, and what is anonymous is taken for a header's.
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${TOCSIN_BATCHES} UNITY_BUILD_BATCH_SIZE 6
    UNITY_BUILD_CODE_BEFORE_INCLUDE
    "#pragma GCC diagnostic ignored \"-Wshadow\"\n#pragma GCC diagnostic ignored \"-Wsubobject-linkage\"")
endfunction()

# One room of the house: a static library with one include root and a namespace of its own.
#   tocsin_room(NAME [NEEDS room...] [LIBS library...])
function(tocsin_room name)
  cmake_parse_arguments(ROOM "" "" "NEEDS;LIBS" ${ARGN})
  set(dir ${PROJECT_SOURCE_DIR}/${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${dir}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/daemon/(src/main\\.cpp$|config/)")
  add_library(tocsin_${name} STATIC ${sources})
  target_include_directories(tocsin_${name} PUBLIC ${dir}/include PRIVATE ${dir})
  target_link_libraries(tocsin_${name} PUBLIC tocsin_base ${ROOM_LIBS})
  foreach(need IN LISTS ROOM_NEEDS)
    target_link_libraries(tocsin_${name} PUBLIC tocsin_${need})
  endforeach()
  tocsin_in_batches(tocsin_${name})
  if(name IN_LIST TOCSIN_IO_ROOMS)
    tocsin_io(tocsin_${name})
  else()
    tocsin_reads(tocsin_${name} tocsin_standard)
  endif()
endfunction()

# What does I/O has options of its own under a sanitizer, and then no precompiled header fits it.
function(tocsin_io target)
  target_compile_options(${target} PRIVATE ${TOCSIN_IO_OPTIONS})
  if(NOT TOCSIN_IO_OPTIONS)
    tocsin_reads(${target} tocsin_standard)
  endif()
endfunction()

# The room of probes: probes/src is common to all kinds, and every other folder is one kind.
#   tocsin_probes(kind library... kind library...)
function(tocsin_probes)
  set(dir ${PROJECT_SOURCE_DIR}/probes)
  file(GLOB common CONFIGURE_DEPENDS ${dir}/src/*.cpp)
  add_library(tocsin_probes_common STATIC ${common})
  tocsin_reads(tocsin_probes_common tocsin_standard)
  tocsin_in_batches(tocsin_probes_common)
  target_include_directories(tocsin_probes_common PUBLIC ${dir}/include PRIVATE ${dir})
  target_link_libraries(tocsin_probes_common PUBLIC tocsin_base tocsin_core tocsin_net)
  add_library(tocsin_probes INTERFACE)
  file(GLOB folders CONFIGURE_DEPENDS LIST_DIRECTORIES true ${dir}/*)
  foreach(folder IN LISTS folders)
    get_filename_component(kind ${folder} NAME)
    file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
    if(kind MATCHES "^(src|include)$" OR NOT sources)
      continue()
    endif()
    add_library(tocsin_probes_${kind} STATIC ${sources})
    target_include_directories(tocsin_probes_${kind} PRIVATE ${dir})
    tocsin_io(tocsin_probes_${kind})
    tocsin_in_batches(tocsin_probes_${kind})
    target_link_libraries(tocsin_probes_${kind} PUBLIC tocsin_probes_common)
    target_link_libraries(tocsin_probes INTERFACE tocsin_probes_${kind})
  endforeach()
  set(kind "")
  foreach(word IN LISTS ARGN)
    if(word MATCHES "::|^tocsin_")
      if(TARGET tocsin_probes_${kind})
        target_link_libraries(tocsin_probes_${kind} PUBLIC ${word})
      endif()
    else()
      set(kind ${word})
    endif()
  endforeach()
endfunction()

# Puts the text of files into a room's library.
#   tocsin_embed(TARGET NAMESPACE HEADER TYPE FUNCTION file...)
function(tocsin_embed target namespace header type function)
  set(out ${PROJECT_BINARY_DIR}/generated/${function}.cpp)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DNAMESPACE=${namespace} -DHEADER=${header} -DTYPE=${type} -DFUNCTION=${function}
            "-DFILES=${ARGN}" -P ${PROJECT_SOURCE_DIR}/cmake/EmbedFiles.cmake
    DEPENDS ${ARGN} ${PROJECT_SOURCE_DIR}/cmake/EmbedFiles.cmake VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()

# What starts, stops, reads files and answers people: -O2 only makes its compiling take longer. What probes, judges and
# answers Prometheus is named.
#   tocsin_seldom_runs(tocsin_ROOM EXCEPT source...)
function(tocsin_seldom_runs target)
  cmake_parse_arguments(SELDOM "" "" "EXCEPT" ${ARGN})
  string(REPLACE tocsin_ "" room ${target})
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  foreach(source IN LISTS SELDOM_EXCEPT)
    set_source_files_properties(${PROJECT_SOURCE_DIR}/${room}/src/${source}.cpp PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Release>:-O2>)
  endforeach()
endfunction()

# The executable: a thin main over the daemon library.
function(tocsin_program name)
  add_executable(${name} ${PROJECT_SOURCE_DIR}/daemon/src/main.cpp)
  target_link_libraries(${name} PRIVATE tocsin_daemon)
  # A sanitizer brings an allocator of its own.
  if(NOT TOCSIN_SANITIZE)
    target_link_libraries(${name} PRIVATE PkgConfig::jemalloc)
  endif()
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/daemon)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
endfunction()

# daemon/config: built by itself, because tests of the configuration need nothing of the rooms that it configures.
function(tocsin_config)
  set(root ${PROJECT_SOURCE_DIR})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${root}/daemon/config/*.cpp)
  add_library(tocsin_config STATIC ${sources})
  target_include_directories(tocsin_config PUBLIC ${root}/daemon/include ${root}/probes/include ${root}/state/include
    ${root}/alerts/include ${root}/actions/include PRIVATE ${root}/daemon)
  target_link_libraries(tocsin_config PUBLIC tocsin_net Boost::json PRIVATE date::date-tz)
  tocsin_in_batches(tocsin_config)
  # Every source needs the options of every kind of probe: they are read once.
  target_precompile_headers(tocsin_config PRIVATE ${root}/daemon/config/kinds/kind.hpp)
  # Tables of templates, read at a start: optimising only makes their compiling take longer.
  target_compile_options(tocsin_config PRIVATE $<$<CONFIG:Release>:-O1> $<$<BOOL:${TOCSIN_SANITIZE}>:-O0>)
endfunction()
