// The faults. `search` stands exactly once in `file`; `tests` names the files or folders of test/ that ought to catch it, the rest
// of the suite runs if they do not.

const reference = (name) => `native/reference/${name}`
const cpu = (name) => `native/cpu/${name}`

export const MUTANTS = [
  // Norms
  {
    name: 'running variance biased',
    file: reference('bn_finalize.cpp'),
    search: 'op.momentum * var * n / (n - 1)',
    replace: 'op.momentum * var',
    tests: ['ops/bn_finalize'],
  },
  {
    name: 'running variance biased on the CPU',
    file: cpu('bn_finalize.cpp'),
    search: 'var * n / (n - 1)',
    replace: 'var',
    tests: ['ops/bn_finalize'],
  },
  {
    name: 'momentum of running statistics swapped',
    file: reference('bn_finalize.cpp'),
    search: '(1 - op.momentum) * running_mean[c] + op.momentum * mean',
    replace: 'op.momentum * running_mean[c] + (1 - op.momentum) * mean',
    tests: ['ops/bn_finalize'],
  },
  {
    name: 'running statistics of the last group',
    file: cpu('bn_finalize.cpp'),
    search: 'if (group == 0)',
    replace: 'if (group == op_.mean->dim(0) - 1)',
    tests: ['ops/bn_finalize'],
  },
  {
    name: 'epsilon outside the root',
    file: reference('bn_finalize.cpp'),
    search: '1 / std::sqrt(var + op.epsilon)',
    replace: '1 / (std::sqrt(var) + op.epsilon)',
    tests: ['ops/bn_finalize'],
  },
  {
    name: 'wrong sign in C',
    file: cpu('bn_backward.cpp'),
    search: '(-a * s / n - b * mean)',
    replace: '(a * s / n - b * mean)',
    tests: ['ops/bn_backward'],
  },
  {
    name: 'frozen statistics differentiated',
    file: reference('bn_backward.cpp'),
    search: 'op.frozen ? 0 : -a * inverse * dweight_g / n',
    replace: '-a * inverse * dweight_g / n',
    tests: ['ops/bn_backward'],
  },

  // Convolutions, shortcuts, pooling
  {
    name: 'option A padded in front',
    file: reference('conv.cpp'),
    search: 'residual.at(n, k, p, q)',
    replace: '(op.residual == nullptr || k < conv.K - op.residual->dim(1) ? 0 : residual.at(n, k - conv.K + op.residual->dim(1), p, q))',
    tests: ['ops/conv'],
  },
  {
    name: 'ReLU before the residual',
    file: reference('conv.cpp'),
    search: 'out += (bias == nullptr ? 0 : bias[k]) + residual.at(n, k, p, q);',
    replace: 'out = relu(out + (bias == nullptr ? 0 : bias[k])) + residual.at(n, k, p, q);',
    tests: ['ops/conv'],
  },
  {
    name: 'mask on dx missing',
    file: reference('conv_backward.cpp'),
    search: 'if (op.mask && ',
    replace: 'if (false && ',
    tests: ['ops/conv_backward'],
  },
  {
    name: 'gradient of the skip connection dropped in the operation',
    file: cpu('passes/gradient.cpp'),
    search: 'if constexpr (has_skip) value = add(value, read<kind>(skip, i));',
    replace: '',
    tests: ['ops/conv_backward'],
  },
  {
    name: 'sums of values that are not yet rounded',
    file: cpu('passes/output.cpp'),
    search: 'return {stored, stored};',
    replace: 'return {value, value};',
    tests: ['ops/conv'],
  },
  {
    name: 'the last maximum of a window takes the gradient',
    file: reference('pooling.h'),
    search: 'value > best.value',
    replace: 'value >= best.value',
    tests: ['ops/pool_backward'],
  },
  {
    name: 'stride on the first convolution by default',
    file: 'lib/models/options.ts',
    search: "strideOn = 'conv2'",
    replace: "strideOn = 'conv1'",
    tests: ['models'],
  },

  // Input, loss, update
  {
    name: 'padding with a value that is not zero',
    file: reference('input.cpp'),
    search: 'inside ? (pixel - op.mean[c]) / op.deviation[c] : 0',
    replace: '(pixel - op.mean[c]) / op.deviation[c]',
    tests: ['ops/input'],
  },
  {
    name: 'label smoothing over the other classes only',
    file: reference('softmax_cross_entropy.cpp'),
    search: 'op.smoothing / static_cast<double>(K)',
    replace: 'op.smoothing / static_cast<double>(K - 1)',
    tests: ['ops/softmax_cross_entropy'],
  },
  {
    name: 'top-5 counts six',
    file: reference('softmax_cross_entropy.cpp'),
    search: 'rank(logits, K, labels[n]) < 5',
    replace: 'rank(logits, K, labels[n]) < 6',
    tests: ['ops/softmax_cross_entropy'],
  },
  {
    name: 'padding counted as samples',
    file: reference('softmax_cross_entropy.cpp'),
    search: 'if (labels[n] >= 0) ++counted',
    replace: '++counted',
    tests: ['ops/softmax_cross_entropy'],
  },
  {
    name: 'dropout not scaled',
    file: reference('pointwise.cpp'),
    search: '? 1 / (1 - rate) : 0',
    replace: '? 1 : 0',
    tests: ['ops/pointwise'],
  },
  {
    name: 'decay on the wrong side of Nesterov',
    file: reference('sgd.cpp'),
    search: 'op.nesterov ? g + op.momentum',
    replace: 'op.nesterov ? clip * gradients[i] + op.momentum',
    tests: ['ops/sgd'],
  },
  {
    name: 'clipping after decay',
    file: reference('sgd.cpp'),
    search: 'clip * gradients[i] + op.decays[segment] * weights[i]',
    replace: 'clip * (gradients[i] + op.decays[segment] * weights[i])',
    tests: ['ops/sgd'],
  },

  // Compiler, memory plan, verifier
  {
    name: 'gradient of the skip connection dropped in the program',
    file: 'lib/compiler/backward.ts',
    search: 'return { ...operands, skip: skip.tensor }',
    replace: 'return operands',
    tests: ['goldens'],
  },
  {
    name: 'memory plan: lifetimes one operation too short',
    file: 'lib/compiler/memory.ts',
    search: 'if (last >= life.first) break',
    replace: 'if (last > life.first) break',
    tests: ['compiler', 'program'],
  },
  {
    name: 'verifier: tensors may end outside their arena',
    file: 'native/program/verify.cpp',
    search: 'tensor.bytes > arena->second - tensor.offset',
    replace: 'false',
    tests: ['program'],
  },
  {
    name: 'verifier: tensors may overlap',
    file: 'native/program/verify.cpp',
    search: 'return a.arena == b.arena && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;',
    replace: 'return &a == &b;',
    tests: ['program'],
  },
  {
    name: 'start values by the fan-in',
    file: 'lib/graph/build.ts',
    search: '2 / (kernel * kernel * channels)',
    replace: '2 / (kernel * kernel * image.channels)',
    tests: ['graph'],
  },

  // Data
  {
    name: 'order that ignores the epoch',
    file: 'native/data/order.cpp',
    search: 'draw(seed, epoch, step / 2, kOrder)',
    replace: 'draw(seed, 0, step / 2, kOrder)',
    tests: ['data'],
  },
  {
    name: 'never mirrored',
    file: 'native/data/order.cpp',
    search: 'flip ? static_cast<int32_t>(block[2] >> 31) : 0',
    replace: 'flip ? 0 : 0',
    tests: ['data'],
  },

  // Training
  {
    name: 'learning rate one step late',
    file: 'lib/training/schedules.ts',
    search: 'step >= milestone)',
    replace: 'step > milestone)',
    tests: ['training'],
  },
  {
    name: 'checkpoint published in place',
    file: 'lib/training/checkpoint.ts',
    search: "const aside = join(directory, `.${name}.${randomBytes(6).toString('hex')}.tmp`)",
    replace: 'const aside = path',
    tests: ['training'],
  },
  {
    name: 'each call begins with the first batch',
    file: 'lib/runtime/session.ts',
    search: 'firstBatch: firstStep',
    replace: 'firstBatch: 0',
    tests: ['runtime', 'training'],
  },
  {
    name: 'resume one step too far',
    file: 'lib/training/checkpoint.ts',
    search: 'session.stepIndex = state.step',
    replace: 'session.stepIndex = state.step + 1',
    tests: ['training'],
  },
  {
    name: 'momentum not restored',
    file: 'lib/training/checkpoint.ts',
    search: 'await restore(join(path, optimizerFile), session.trainedNames, (name) => session.optimizerState(name))',
    replace: '',
    tests: ['training'],
  },
  {
    name: 'damaged checkpoint accepted',
    file: 'lib/training/checkpoint.ts',
    search: 'if (found !== wanted) throw',
    replace: 'if (false) throw',
    tests: ['training'],
  },
  {
    name: 'unknown options ignored',
    file: 'lib/options.ts',
    search: 'if (known.includes(key)) continue',
    replace: 'continue',
    tests: ['cli/bad_input', 'layers'],
  },
]
