// Which sample stands where: a function of (seed, epoch) and of nothing else.
#pragma once
#include <cstdint>
#include <vector>

namespace preresnet {

/// Fills `order` (its size says how many samples there are) with the shuffled sample indices of an
/// epoch.
void shuffle_epoch(uint64_t seed, uint64_t epoch, std::vector<uint32_t>& order);

}  // namespace preresnet
