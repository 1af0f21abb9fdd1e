/** Where the CIFAR archives are had, and what they must be: SHA-256 of each, and the MD5 that its authors publish. */
export const archives = {
  cifar10: {
    binary: {
      file: 'cifar-10-binary.tar.gz',
      sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
      md5: 'c32a1d4ab5d03f1284b67883e8d87530',
    },
    python: {
      file: 'cifar-10-python.tar.gz',
      sha256: '6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce',
      md5: 'c58f30108f718f92721af3b95e74349a',
    },
  },
  cifar100: {
    binary: {
      file: 'cifar-100-binary.tar.gz',
      sha256: '58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
      md5: '03b5dce01913d631647c71ecec9e9cb8',
    },
    python: {
      file: 'cifar-100-python.tar.gz',
      sha256: '85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7',
      md5: 'eb9058c3a382ffc7106e4002c42a8d85',
    },
  },
} as const

export const archiveHost = 'https://www.cs.toronto.edu/~kriz/'
