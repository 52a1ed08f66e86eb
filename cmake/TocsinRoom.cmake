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
  if(TOCSIN_SANITIZE AND name IN_LIST TOCSIN_IO_ROOMS)
    target_compile_options(tocsin_${name} PRIVATE -O0)
  endif()
endfunction()

# The YAML rules that are shipped, built into the binary as text.
#   tocsin_packs(FOLDER)
function(tocsin_packs folder)
  file(GLOB packs CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.yml)
  set(out ${PROJECT_BINARY_DIR}/generated/packs.cpp)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} "-DPACKS=${packs}" -P ${PROJECT_SOURCE_DIR}/cmake/EmbedPacks.cmake
    DEPENDS ${packs} ${PROJECT_SOURCE_DIR}/cmake/EmbedPacks.cmake VERBATIM)
  target_sources(tocsin_rules PRIVATE ${out})
endfunction()

# The executable: a thin main over the daemon library.
function(tocsin_program name)
  add_executable(${name} ${PROJECT_SOURCE_DIR}/daemon/src/main.cpp)
  target_link_libraries(${name} PRIVATE tocsin_daemon)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
endfunction()

# daemon/config: built by itself, because tests of the configuration need nothing of the rooms that it configures.
function(tocsin_config)
  set(root ${PROJECT_SOURCE_DIR})
  file(GLOB sources CONFIGURE_DEPENDS ${root}/daemon/config/*.cpp)
  add_library(tocsin_config STATIC ${sources})
  target_include_directories(tocsin_config PUBLIC ${root}/daemon/include ${root}/probes/include ${root}/state/include
    ${root}/alerts/include ${root}/actions/include PRIVATE ${root}/daemon)
  target_link_libraries(tocsin_config PUBLIC tocsin_net Boost::json)
endfunction()
