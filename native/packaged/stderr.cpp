// Debian's static libraries (libjpeg, libpng) are compiled for programs, and a shared object cannot
// be linked with their references to a variable of the C library. In packages they mean this one.
#include <dlfcn.h>

extern "C" {
void* stderr = nullptr;
}

namespace {

__attribute__((constructor(101))) void take_over() {
  if (void* const* const shared = static_cast<void* const*>(dlsym(RTLD_DEFAULT, "stderr"))) {
    stderr = *shared;
  }
}

}  // namespace
