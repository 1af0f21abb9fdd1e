// Augmentations as JavaScript describes them.
#pragma once
#include <vector>

#include "addon/arguments.h"
#include "data/augmentation/augment.h"

namespace preresnet {

/// None where `description` has no augmentations. ERR_OPTION for another kind, or other numbers
/// than it has. channels: of the images.
std::vector<Augmentation> read_augmentations(const Arguments& description, int64_t channels);

}  // namespace preresnet
