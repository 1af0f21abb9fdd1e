// Faults of augmentations and of balanced sampling.

export const augmentationFaults = [
  {
    name: 'balanced sampling draws samples of the first class',
    file: 'native/data/order.cpp',
    search: 'classes[bounded(words[0], words[1], classes.size())]',
    replace: 'classes[0 * bounded(words[0], words[1], classes.size())]',
    tests: ['data/balanced'],
  },
  {
    name: 'every augmentation of an image takes the same words',
    file: 'native/data/augmentation/augment.cpp',
    search: 'stream_(kAugmentStream + static_cast<uint32_t>(step << 8))',
    replace: 'stream_(kAugmentStream + static_cast<uint32_t>(step << 40))',
    tests: ['data/augmentation'],
  },
  {
    name: 'augmented images are not fetched before they are read',
    file: 'native/data/augmentation/augment.cpp',
    search: 'bool fetches() const override { return source_->fetches(); }',
    replace: 'bool fetches() const override { return false; }',
    tests: ['data/fetched'],
  },
  {
    name: 'equalize without rounding',
    file: 'native/data/augmentation/colors.cpp',
    search: '(below + step / 2) / step',
    replace: 'below / step',
    tests: ['data/augmentation'],
  },
]
