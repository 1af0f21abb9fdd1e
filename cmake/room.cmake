# preresnet_room(NAME [USES ROOM...] [LINK LIBRARY...]): a static library of native/NAME/*.cpp and of
# the folders in it.
#
# Headers are included as "room/file.h". For each room a folder with one link, room -> native/room, goes on the include path of
# whoever uses it; so a header of a room that is not named in USES is not found.
function(preresnet_room name)
  cmake_parse_arguments(room "" "" "USES;LINK" ${ARGN})
  preresnet_link("${CMAKE_CURRENT_SOURCE_DIR}/native/${name}" "${CMAKE_BINARY_DIR}/rooms/${name}/${name}")
  file(GLOB sources CONFIGURE_DEPENDS
    "${CMAKE_CURRENT_SOURCE_DIR}/native/${name}/*.cpp" "${CMAKE_CURRENT_SOURCE_DIR}/native/${name}/*/*.cpp"
    "${CMAKE_CURRENT_SOURCE_DIR}/native/${name}/*.cc")
  preresnet_alone("hwy/foreach_target.h" ${sources}) # includes itself once for each instruction set
  if(sources)
    add_library(${name} STATIC ${sources})
    set(kind PUBLIC)
    target_link_libraries(${name} PRIVATE ${room_LINK})
  else()
    add_library(${name} INTERFACE)
    set(kind INTERFACE)
  endif()
  target_include_directories(${name} ${kind} "${CMAKE_BINARY_DIR}/rooms/${name}")
  target_link_libraries(${name} ${kind} ${room_USES})
endfunction()

function(preresnet_link target link)
  get_filename_component(folder "${link}" DIRECTORY)
  file(MAKE_DIRECTORY "${folder}")
  file(CREATE_LINK "${target}" "${link}" SYMBOLIC)
endfunction()

# preresnet_alone(REGEX SOURCE...): sources that contain it are no part of a unity build.
function(preresnet_alone regex)
  foreach(source IN LISTS ARGN)
    file(STRINGS "${source}" found REGEX "${regex}")
    if(found)
      set_source_files_properties("${source}" PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
endfunction()
