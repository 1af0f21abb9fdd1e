#include "cuda/kernels/gather_images.h"
#include "cuda/kernels/launch.h"
#include "cuda/kernels/vocabulary.h"

namespace preresnet::cuda {

namespace {

constexpr unsigned kGatherThreads = 128;

struct alignas(16) Sixteen {
  uint8_t bytes[16];
};

/// One block an image.
template <class Word>
__global__ void gather_images_kernel(GatherImagesParameters p) {
  const int words = p.image_bytes / static_cast<int>(sizeof(Word));
  const int64_t image = blockIdx.x;
  const int64_t index = p.indices[image];
  const Word* from = reinterpret_cast<const Word*>(p.set) + index * words;
  Word* to = reinterpret_cast<Word*>(p.images) + image * words;
  for (int i = static_cast<int>(threadIdx.x); i < words; i += static_cast<int>(blockDim.x)) {
    to[i] = index < 0 ? Word{} : from[i];
  }
}

template <class Word>
void gather(Runtime& runtime, Stream stream, const GatherImagesParameters& parameters) {
  launch(runtime, stream, "gather_images", {static_cast<unsigned>(parameters.count)},
         {kGatherThreads}, gather_images_kernel<Word>, parameters);
}

}  // namespace

void gather_images(Runtime& runtime, Stream stream, const GatherImagesParameters& parameters) {
  const bool aligned = parameters.image_bytes % sizeof(Sixteen) == 0 &&
                       reinterpret_cast<uintptr_t>(parameters.set) % sizeof(Sixteen) == 0 &&
                       reinterpret_cast<uintptr_t>(parameters.images) % sizeof(Sixteen) == 0;
  aligned ? gather<Sixteen>(runtime, stream, parameters)
          : gather<uint8_t>(runtime, stream, parameters);
}

}  // namespace preresnet::cuda
