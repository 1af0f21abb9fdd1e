/** What lies where in the CIFAR archives, as their authors describe it. */

export interface CifarLayout {
  readonly name: 'cifar10' | 'cifar100'
  readonly classes: readonly string[]
  readonly binary: CifarVariant
  readonly python: CifarVariant
  /** Of the pickled dictionary. */
  readonly labelKey: string
  /** Bytes before the pixels of a record of the binary archive; the last of them is the label. */
  readonly labelBytes: number
}

export interface CifarVariant {
  readonly archive: string
  /** In the archive. */
  readonly folder: string
  readonly train: readonly CifarFile[]
  readonly test: readonly CifarFile[]
}

export interface CifarFile {
  readonly name: string
  readonly images: number
}

const files = (images: number, ...names: readonly string[]): readonly CifarFile[] => names.map((name) => ({ name, images }))
const numbered = (suffix: string): readonly string[] => [1, 2, 3, 4, 5].map((number) => `data_batch_${number}${suffix}`)

export const cifar10Layout: CifarLayout = {
  name: 'cifar10',
  classes: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
  binary: {
    archive: 'cifar-10-binary.tar.gz',
    folder: 'cifar-10-batches-bin',
    train: files(10_000, ...numbered('.bin')),
    test: files(10_000, 'test_batch.bin'),
  },
  python: { archive: 'cifar-10-python.tar.gz', folder: 'cifar-10-batches-py', train: files(10_000, ...numbered('')), test: files(10_000, 'test_batch') },
  labelKey: 'labels',
  labelBytes: 1,
}

export const cifar100Layout: CifarLayout = {
  name: 'cifar100',
  classes: (
    'apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle caterpillar cattle chair chimpanzee ' +
    'clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard ' +
    'lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy ' +
    'porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper ' +
    'table tank telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm'
  ).split(' '),
  binary: { archive: 'cifar-100-binary.tar.gz', folder: 'cifar-100-binary', train: files(50_000, 'train.bin'), test: files(10_000, 'test.bin') },
  python: { archive: 'cifar-100-python.tar.gz', folder: 'cifar-100-python', train: files(50_000, 'train'), test: files(10_000, 'test') },
  labelKey: 'fine_labels',
  labelBytes: 2,
}
