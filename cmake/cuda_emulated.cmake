# preresnet_cuda_emulated.so: the CUDA executor whose three seams (launch, convolution, runtime) are on the CPU. The files of
# native/cuda and its operations and kernels are those of preresnet_cuda.so; nothing of CUDA is needed.
preresnet_link("${CMAKE_CURRENT_SOURCE_DIR}/native/cuda" "${CMAKE_BINARY_DIR}/rooms/cuda/cuda")
file(GLOB cuda_sources CONFIGURE_DEPENDS native/cuda/*.cpp native/cuda/operations/*.cpp native/cuda/emulation/*.cpp)
file(GLOB cuda_kernels CONFIGURE_DEPENDS native/cuda/kernels/*.cu)
set_source_files_properties(${cuda_kernels} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++")

add_library(cuda_emulated MODULE ${cuda_sources} ${cuda_kernels})
target_include_directories(cuda_emulated PRIVATE "${CMAKE_BINARY_DIR}/rooms/cuda")
target_compile_definitions(cuda_emulated PRIVATE PRERESNET_EMULATED)
# Kernels look at memory as vectors of words; nvcc allows that.
target_compile_options(cuda_emulated PRIVATE -fno-strict-aliasing)
target_link_libraries(cuda_emulated PRIVATE program ops core Boost::context nlohmann_json::nlohmann_json)
target_link_options(cuda_emulated PRIVATE -Wl,--gc-sections -Wl,--exclude-libs,ALL -Wl,-z,now)
set_target_properties(cuda_emulated PROPERTIES OUTPUT_NAME preresnet_cuda_emulated PREFIX "" SUFFIX ".so")
if(NOT CMAKE_JS_VERSION)
  set_target_properties(cuda_emulated PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/Release")
endif()

# Kernels that are right and kernels that are wrong, run by test/cuda/emulation.test.ts. Not in the npm package.
set(emulation_test "${CMAKE_CURRENT_SOURCE_DIR}/test/native/emulation.cu")
if(EXISTS "${emulation_test}")
  set_source_files_properties("${emulation_test}" PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++")
  add_executable(emulation_test "${emulation_test}" native/cuda/emulation/blocks.cpp native/cuda/emulation/fiber.cpp)
  target_include_directories(emulation_test PRIVATE "${CMAKE_BINARY_DIR}/rooms/cuda")
  target_compile_definitions(emulation_test PRIVATE PRERESNET_EMULATED)
  target_compile_options(emulation_test PRIVATE -fno-strict-aliasing)
  target_link_libraries(emulation_test PRIVATE core Boost::context)
  set_target_properties(emulation_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/Release")
endif()

# Schedules and the runtime: test/cuda/order.test.ts.
set(order_test "${CMAKE_CURRENT_SOURCE_DIR}/test/native/order.cpp")
if(EXISTS "${order_test}")
  add_executable(order_test "${order_test}" native/cuda/schedule.cpp native/cuda/emulation/runtime.cpp
    native/cuda/emulation/pending.cpp native/cuda/emulation/capture.cpp native/cuda/emulation/blocks.cpp native/cuda/emulation/fiber.cpp)
  target_include_directories(order_test PRIVATE "${CMAKE_BINARY_DIR}/rooms/cuda")
  target_compile_definitions(order_test PRIVATE PRERESNET_EMULATED)
  target_link_libraries(order_test PRIVATE core Boost::context)
  set_target_properties(order_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/Release")
endif()
