// cuDNN, opened when it is first asked for: the CUDA library loads on machines without it and says
// so. library.cpp also holds the functions of cuDNN that cudnn-frontend calls.
#pragma once
#include <cstddef>
#include <string>

namespace preresnet::cuda::cudnn {

/// cudnnGetVersion(), for example 91900; 0 where cuDNN cannot be opened.
size_t version();

/// What the build wants at least, as version().
size_t built_for();

/// cudnn-frontend's, for example 13200.
int frontend_version();

/// Why cuDNN cannot be used, empty where it can.
std::string problem();

/// ERR_DEVICE with problem().
void require();

}  // namespace preresnet::cuda::cudnn
