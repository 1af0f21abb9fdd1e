// Nothing but multiplications and additions, to see how many a thread does.
#pragma once
#include <cstdint>

namespace preresnet::cpu::passes {

struct MultiplyAdds {
  double operations = 0;               // a multiplication and an addition are two
  const char* instructions = nullptr;  // Highway's name of the instruction set that was chosen
};
/// sink: where a result goes, so that the work cannot be left out.
MultiplyAdds multiply_adds(int64_t rounds, float* sink);

}  // namespace preresnet::cpu::passes
