# preresnet_cuda_emulated.so: the CUDA executor whose three seams (launch, convolution, runtime) are on the CPU. The files of
# native/cuda and its operations and kernels are those of preresnet_cuda.so; nothing of CUDA is needed.
preresnet_link("${CMAKE_CURRENT_SOURCE_DIR}/native/cuda" "${CMAKE_BINARY_DIR}/rooms/cuda/cuda")
file(GLOB cuda_sources CONFIGURE_DEPENDS native/cuda/*.cpp native/cuda/operations/*.cpp native/cuda/emulation/*.cpp)
file(GLOB cuda_kernels CONFIGURE_DEPENDS native/cuda/kernels/*.cu)
set(emulated_device native/cuda/schedule.cpp native/cuda/emulation/runtime.cpp native/cuda/emulation/pending.cpp
  native/cuda/emulation/capture.cpp native/cuda/emulation/blocks.cpp native/cuda/emulation/fiber.cpp)
foreach(source IN LISTS emulated_device)
  list(REMOVE_ITEM cuda_sources "${CMAKE_CURRENT_SOURCE_DIR}/${source}")
endforeach()
set(test_kernels "${CMAKE_CURRENT_SOURCE_DIR}/test/native/emulation.cu")
set_source_files_properties(${cuda_kernels} "${test_kernels}" PROPERTIES LANGUAGE CXX)
if(NOT CMAKE_UNITY_BUILD) # the parts of a unity build are named as C++
  set_source_files_properties(${cuda_kernels} PROPERTIES COMPILE_OPTIONS "-x;c++")
endif()
set_source_files_properties("${test_kernels}" PROPERTIES COMPILE_OPTIONS "-x;c++")

# Kernels look at memory as vectors of words; nvcc allows that.
function(preresnet_emulated target)
  target_include_directories(${target} PRIVATE "${CMAKE_BINARY_DIR}/rooms/cuda")
  target_compile_definitions(${target} PRIVATE PRERESNET_EMULATED)
  target_compile_options(${target} PRIVATE -fno-strict-aliasing $<$<CONFIG:Release>:-O2>)
endfunction()

# Compiled once for the library and for the tests of it.
add_library(cuda_emulated_device OBJECT ${emulated_device})
preresnet_emulated(cuda_emulated_device)
target_link_libraries(cuda_emulated_device PUBLIC core Boost::context)
add_library(cuda_emulated_kernels OBJECT ${cuda_kernels})
preresnet_emulated(cuda_emulated_kernels)
target_link_libraries(cuda_emulated_kernels PRIVATE program ops core)

add_library(cuda_emulated MODULE ${cuda_sources})
preresnet_emulated(cuda_emulated)
target_link_libraries(cuda_emulated PRIVATE
  cuda_emulated_device cuda_emulated_kernels program ops core nlohmann_json::nlohmann_json)
target_link_options(cuda_emulated PRIVATE -Wl,--gc-sections -Wl,--exclude-libs,ALL -Wl,-z,now)
set_target_properties(cuda_emulated PROPERTIES OUTPUT_NAME preresnet_cuda_emulated PREFIX "" SUFFIX ".so")
if(NOT CMAKE_JS_VERSION)
  set_target_properties(cuda_emulated PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/Release")
endif()

# Kernels that are right and kernels that are wrong, run by test/cuda/emulation.test.ts; schedules and the runtime, by
# test/cuda/order.test.ts. Not in the npm package.
foreach(source emulation.cu order.cpp)
  if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/test/native/${source}")
    get_filename_component(name "${source}" NAME_WE)
    add_executable(${name}_test "${CMAKE_CURRENT_SOURCE_DIR}/test/native/${source}")
    preresnet_emulated(${name}_test)
    target_link_libraries(${name}_test PRIVATE cuda_emulated_device)
    set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/Release")
  endif()
endforeach()
