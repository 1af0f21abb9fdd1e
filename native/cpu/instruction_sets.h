// Which instruction sets this process may use: all that the processor has, unless
// PRERESNET_INSTRUCTIONS says less. For tests of what older processors run.
#pragma once

namespace preresnet::cpu {

/// Before the first vector code and the first primitive of this process; later calls do nothing.
/// Throws ERR_OPTION for a value that is not known.
void limit_instruction_sets();

/// Whether the convolutions of this folder multiply bf16: the processor has the passes'
/// instructions for it, and not AMX, by which oneDNN is many times faster.
bool multiplies_bf16();

}  // namespace preresnet::cpu
