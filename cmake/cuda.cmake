# The CUDA library, loaded at run time where a CUDA device is asked for, and the tool that asks cuDNN for plans. It links the
# CUDA runtime, and opens the driver, cuDNN and NVRTC itself: it loads on machines that have none of them.
# CMAKE_CUDA_COMPILER, PRERESNET_CUDNN and PRERESNET_CUDNN_FRONTEND come from scripts/build-cuda.mjs.
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
enable_language(CUDA)
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")  # CMake 3.25 does not know of it
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_EXTENSIONS OFF)
# By hand: the FindCUDAToolkit of CMake 3.25 fails on CUDA 13, which has no nvToolsExt.
get_filename_component(cuda_toolkit "${CMAKE_CUDA_COMPILER}" DIRECTORY)
get_filename_component(cuda_toolkit "${cuda_toolkit}" DIRECTORY)
find_library(PRERESNET_CUDART cudart_static PATHS "${cuda_toolkit}" PATH_SUFFIXES lib lib64 targets/x86_64-linux/lib targets/sbsa-linux/lib
  NO_DEFAULT_PATH REQUIRED)
add_library(preresnet_cudart INTERFACE)
target_include_directories(preresnet_cudart SYSTEM INTERFACE ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})
target_link_libraries(preresnet_cudart INTERFACE "${PRERESNET_CUDART}" Threads::Threads ${CMAKE_DL_LIBS} rt)

add_library(preresnet_cudnn INTERFACE)
target_include_directories(preresnet_cudnn SYSTEM INTERFACE
  "${PRERESNET_CUDNN_FRONTEND}" "${PRERESNET_CUDNN}/include")
target_link_libraries(preresnet_cudnn INTERFACE preresnet_cudart)

preresnet_link("${CMAKE_CURRENT_SOURCE_DIR}/native/cuda" "${CMAKE_BINARY_DIR}/rooms/cuda/cuda")
function(preresnet_cuda_sources result)
  list(TRANSFORM ARGN PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/native/cuda/" OUTPUT_VARIABLE patterns)
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  set(${result} ${sources} PARENT_SCOPE)
endfunction()

# cudnn-frontend takes half a minute to compile: once, for the library and the tool, and not longer than need be.
set_source_files_properties(native/cuda/cudnn/graph.cpp PROPERTIES COMPILE_OPTIONS -O1)
preresnet_cuda_sources(convolution_sources cudnn/*.cpp)
add_library(cuda_convolutions STATIC ${convolution_sources})
target_include_directories(cuda_convolutions PUBLIC "${CMAKE_BINARY_DIR}/rooms/cuda")
target_link_libraries(cuda_convolutions PUBLIC core PRIVATE preresnet_cudnn ${CMAKE_DL_LIBS})

preresnet_cuda_sources(cuda_sources *.cpp operations/*.cpp cudart/*.cpp kernels/*.cu)
# Philox is one source for both sides: constexpr, so that this switch makes it callable in kernels.
set_source_files_properties("${CMAKE_CURRENT_SOURCE_DIR}/native/cuda/kernels/pointwise.cu" PROPERTIES COMPILE_OPTIONS --expt-relaxed-constexpr)
add_library(preresnet_cuda MODULE ${cuda_sources})
target_link_libraries(preresnet_cuda PRIVATE cuda_convolutions program ops core preresnet_cudart nlohmann_json::nlohmann_json)
target_compile_options(preresnet_cuda PRIVATE
  "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra;-Xptxas=-v;-Werror=all-warnings>")
string(REGEX REPLACE "-(real|virtual)" "" architectures "${CMAKE_CUDA_ARCHITECTURES}")
string(REPLACE ";" " " architectures "${architectures}")
target_compile_definitions(preresnet_cuda PRIVATE
  "PRERESNET_CUDA_ARCHITECTURES=\"${architectures}\"")
target_link_options(preresnet_cuda PRIVATE -Wl,--gc-sections -Wl,--exclude-libs,ALL -Wl,-z,nodelete -Wl,--no-undefined)
set_target_properties(preresnet_cuda PROPERTIES
  PREFIX ""
  # What every kernel takes (registers, spills), for scripts/cuda/kernels.mjs.
  CUDA_COMPILER_LAUNCHER "${NODE_EXECUTABLE};${CMAKE_CURRENT_SOURCE_DIR}/scripts/cuda/compile.mjs")
if(PRERESNET_CUDA_PACKAGE) # for npm: the C++ library inside, and no path of this machine
  # CUDNN_PATH names the folder of cuDNN, or it is in the system's.
  target_link_options(preresnet_cuda PRIVATE -static-libstdc++ -Wl,-s)
  set_target_properties(preresnet_cuda PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/Release" SKIP_BUILD_RPATH ON)
else()
  set_target_properties(preresnet_cuda PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/build/Release"
    # Where cuDNN and NVRTC are looked for before the system's folders.
    BUILD_RPATH "$ORIGIN/../../.cuda/nvidia/cudnn/lib;$ORIGIN/../../.cuda/nvidia/cu13/lib;${PRERESNET_CUDNN}/lib;${PRERESNET_CUDNN}/lib64")
endif()

add_executable(cuda_plans native/cuda/tools/plans.cpp)
target_link_libraries(cuda_plans PRIVATE cuda_convolutions nlohmann_json::nlohmann_json)
set_target_properties(cuda_plans PROPERTIES
  BUILD_RPATH "${PRERESNET_CUDNN}/lib;${PRERESNET_CUDNN}/lib64;${cuda_toolkit}/lib;${cuda_toolkit}/lib64")
# Stands in for the driver, only for that tool, in a folder where nothing else finds it.
add_library(cuda_driver_stand_in SHARED native/cuda/tools/driver.cpp)
set_target_properties(cuda_driver_stand_in PROPERTIES
  PREFIX "" OUTPUT_NAME libcuda SUFFIX ".so.1" LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/stand-in")

add_executable(cuda_load native/cuda/tools/load.cpp)
target_link_libraries(cuda_load PRIVATE interfaces ${CMAKE_DL_LIBS})
