// Stands in for CUDA's driver (libcuda.so.1) where there is none, so that cuDNN's runtime-compiled
// engines, which open it, can be asked for plans. It has no device and runs nothing.
// scripts/cuda-plans.mjs alone puts it on a library path.
#define PRERESNET_STAND_IN(name) extern "C" __attribute__((visibility("default"))) int name

namespace {
constexpr int kSuccess = 0;
constexpr int kNoDevice = 100;
}  // namespace

PRERESNET_STAND_IN(cuInit)(unsigned) { return kSuccess; }
PRERESNET_STAND_IN(cuDriverGetVersion)(int* version) {
  *version = 13000;
  return kSuccess;
}
PRERESNET_STAND_IN(cuDeviceGetCount)(int* count) {
  *count = 0;
  return kSuccess;
}
PRERESNET_STAND_IN(cuGetErrorName)(int, const char** text) {
  *text = "CUDA_ERROR_NO_DEVICE";
  return kSuccess;
}
PRERESNET_STAND_IN(cuGetErrorString)(int, const char** text) {
  *text = "no device: this is not a driver";
  return kSuccess;
}

// Compiled code is loaded, and its attributes are set, before a plan is complete. The handles are
// never looked at.
PRERESNET_STAND_IN(cuLibraryLoadData)(void** library) {
  *library = reinterpret_cast<void*>(0x1000);
  return kSuccess;
}
PRERESNET_STAND_IN(cuLibraryUnload)() { return kSuccess; }
PRERESNET_STAND_IN(cuLibraryGetKernel)(void** kernel) {
  *kernel = reinterpret_cast<void*>(0x2000);
  return kSuccess;
}
PRERESNET_STAND_IN(cuKernelSetAttribute)() { return kSuccess; }

// All that cuDNN and NVRTC look up; NVRTC crashes where one is missing.
#define PRERESNET_NO_DEVICE(name) \
  PRERESNET_STAND_IN(name)() { return kNoDevice; }
PRERESNET_NO_DEVICE(cuCtxGetCurrent)
PRERESNET_NO_DEVICE(cuCtxGetDevice)
PRERESNET_NO_DEVICE(cuCtxGetLimit)
PRERESNET_NO_DEVICE(cuCtxPopCurrent)
PRERESNET_NO_DEVICE(cuCtxPushCurrent)
PRERESNET_NO_DEVICE(cuDeviceGet)
PRERESNET_NO_DEVICE(cuDeviceGetAttribute)
PRERESNET_NO_DEVICE(cuDevicePrimaryCtxRelease)
PRERESNET_NO_DEVICE(cuDevicePrimaryCtxReset)
PRERESNET_NO_DEVICE(cuDevicePrimaryCtxRetain)
PRERESNET_NO_DEVICE(cuFuncGetAttribute)
PRERESNET_NO_DEVICE(cuFuncSetAttribute)
PRERESNET_NO_DEVICE(cuGetExportTable)
PRERESNET_NO_DEVICE(cuKernelGetAttribute)
PRERESNET_NO_DEVICE(cuLaunchCooperativeKernel)
PRERESNET_NO_DEVICE(cuLaunchKernel)
PRERESNET_NO_DEVICE(cuLaunchKernelEx)
PRERESNET_NO_DEVICE(cuLibraryLoadFromFile)
PRERESNET_NO_DEVICE(cuLinkAddData)
PRERESNET_NO_DEVICE(cuLinkAddData_v2)
PRERESNET_NO_DEVICE(cuLinkAddFile_v2)
PRERESNET_NO_DEVICE(cuLinkComplete)
PRERESNET_NO_DEVICE(cuLinkCreate)
PRERESNET_NO_DEVICE(cuLinkCreate_v2)
PRERESNET_NO_DEVICE(cuLinkDestroy)
PRERESNET_NO_DEVICE(cuMemcpyDtoH_v2)
PRERESNET_NO_DEVICE(cuModuleGetFunction)
PRERESNET_NO_DEVICE(cuModuleGetGlobal_v2)
PRERESNET_NO_DEVICE(cuModuleLoadData)
PRERESNET_NO_DEVICE(cuModuleLoadDataEx)
PRERESNET_NO_DEVICE(cuModuleLoadFatBinary)
PRERESNET_NO_DEVICE(cuModuleUnload)
PRERESNET_NO_DEVICE(cuOccupancyMaxActiveBlocksPerMultiprocessor)
PRERESNET_NO_DEVICE(cuOccupancyMaxPotentialClusterSize)
PRERESNET_NO_DEVICE(cuStreamGetCtx)
PRERESNET_NO_DEVICE(cuStreamSynchronize)
PRERESNET_NO_DEVICE(cuTensorMapEncodeTiled)
