// Which sample stands where: a function of (seed, epoch) and of nothing else.
#pragma once
#include <cstdint>
#include <vector>

namespace preresnet {

/// Fills `order` (its size says how many samples there are) with the shuffled sample indices of an
/// epoch.
void shuffle_epoch(uint64_t seed, uint64_t epoch, std::vector<uint32_t>& order);

/// The samples of each class that has some, in their order. Labels below 0 are of no class.
std::vector<std::vector<uint32_t>> samples_by_class(const std::vector<int32_t>& labels);

/// Fills `order`: for each place a class is drawn, all alike, and one of its samples, all alike.
void balance_epoch(uint64_t seed, uint64_t epoch, const std::vector<std::vector<uint32_t>>& classes,
                   std::vector<uint32_t>& order);

}  // namespace preresnet
