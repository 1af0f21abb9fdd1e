// Seam 1 of 3: every kernel is launched here.
#pragma once
#include <type_traits>
#include <utility>

#include "cuda/runtime.h"
#ifdef PRERESNET_EMULATED
#include "cuda/emulation/blocks.h"
#endif

namespace preresnet::cuda {

template <class... Parameters>
void launch(Runtime& runtime, Stream stream, const char* name, Dim3 grid, Dim3 block,
            void (*kernel)(Parameters...), std::type_identity_t<Parameters>... arguments) {
  Launch work;
  work.name = name;
  work.grid = grid;
  work.block = block;
#ifdef PRERESNET_EMULATED
  work.emulated = [=] { emulation::run_blocks(grid, block, [=] { kernel(arguments...); }); };
#else
  void* addresses[] = {static_cast<void*>(&arguments)...};
  work.kernel = reinterpret_cast<const void*>(kernel);
  work.arguments = addresses;
#endif
  runtime.launch(stream, work);
}

}  // namespace preresnet::cuda
