// Which instruction sets this process may use: all that the processor has, unless
// PRERESNET_INSTRUCTIONS says less. For tests of what older processors run.
#pragma once

namespace preresnet::cpu {

/// Before the first vector code and the first primitive of this process; later calls do nothing.
/// Throws ERR_OPTION for a value that is not known.
void limit_instruction_sets();

/// Whether oneDNN multiplies matrices by AMX, which is many times faster than the instructions that
/// are used here.
bool has_amx();

}  // namespace preresnet::cpu
