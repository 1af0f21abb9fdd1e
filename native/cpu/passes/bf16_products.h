// Whether the passes can multiply bf16.
#pragma once

namespace preresnet::cpu::passes {

/// Whether this processor has the instructions of bf16_products-inl.h.
bool has_bf16_products();

}  // namespace preresnet::cpu::passes
