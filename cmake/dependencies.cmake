# Third parties. Everything that is missing is told at once, with the Debian package that has it.
set(missing "")
set(packages "")
macro(preresnet_missing what package)
  string(APPEND missing "\n  * ${what} (Debian package ${package})")
  string(APPEND packages " ${package}")
endmacro()

# An imported library from a header and a library name, for projects whose own CMake files are not everywhere.
function(preresnet_find target header library)
  find_path(${target}_INCLUDE ${header})
  find_library(${target}_LIBRARY ${library})
  mark_as_advanced(${target}_INCLUDE ${target}_LIBRARY)
  if(${target}_INCLUDE AND ${target}_LIBRARY)
    add_library(${target} INTERFACE)
    target_include_directories(${target} SYSTEM INTERFACE "${${target}_INCLUDE}")
    target_link_libraries(${target} INTERFACE "${${target}_LIBRARY}")
  endif()
endfunction()

find_package(Threads REQUIRED)

# Not by its own CMake file: Debian's wants the development files of OpenCL too, which nothing here uses.
preresnet_find(preresnet_dnnl oneapi/dnnl/dnnl.hpp dnnl)
if(NOT TARGET preresnet_dnnl)
  preresnet_missing("oneDNN 2.6 or later" libdnnl-dev)
endif()
find_package(OpenMP QUIET COMPONENTS CXX)  # Debian's oneDNN runs on it; only its number of threads is set
if(NOT TARGET OpenMP::OpenMP_CXX)
  preresnet_missing("OpenMP's run-time library" libgomp1)
endif()
find_package(hwy 1.0 CONFIG QUIET)
if(NOT TARGET hwy::hwy)
  preresnet_missing("Highway 1.0 or later" libhwy-dev)
endif()
find_package(nlohmann_json 3.10 CONFIG QUIET)
if(NOT TARGET nlohmann_json::nlohmann_json)
  preresnet_missing("nlohmann/json 3.10 or later" nlohmann-json3-dev)
endif()
preresnet_find(preresnet_jpeg jpeglib.h jpeg)
if(NOT TARGET preresnet_jpeg)
  preresnet_missing("libjpeg-turbo" libjpeg62-turbo-dev)
endif()
preresnet_find(preresnet_spng spng.h spng)
if(NOT TARGET preresnet_spng)
  preresnet_missing("libspng" libspng-dev)
endif()

if(missing)
  message(FATAL_ERROR "preresnet needs libraries that are not installed:${missing}\nOn Debian and Ubuntu:\n  apt-get install --yes${packages}\n")
endif()

# Node: it runs the generator, and its packages hold the headers of Node-API. Nothing is downloaded.
find_program(NODE_EXECUTABLE NAMES node nodejs REQUIRED)
function(preresnet_node_path result expression)
  execute_process(
    COMMAND "${NODE_EXECUTABLE}" -p "${expression}"
    WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
    OUTPUT_VARIABLE output OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE status ERROR_QUIET)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "preresnet needs its npm packages before it can be built: run `npm ci` first (while evaluating ${expression})")
  endif()
  set(${result} "${output}" PARENT_SCOPE)
endfunction()
preresnet_node_path(node_addon_api "require('node-addon-api').include_dir")
preresnet_node_path(node_api_headers "require('node-api-headers').include_dir")
add_library(preresnet_node_api INTERFACE)
target_include_directories(preresnet_node_api SYSTEM INTERFACE "${node_addon_api}" "${node_api_headers}")
target_compile_definitions(preresnet_node_api INTERFACE NAPI_VERSION=8)
