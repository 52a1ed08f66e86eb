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

# The executable: a thin main over the daemon library.
function(tocsin_program name)
  add_executable(${name} ${PROJECT_SOURCE_DIR}/daemon/src/main.cpp)
  target_link_libraries(${name} PRIVATE tocsin_daemon)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/daemon)
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
