import { deviceField, precisionField } from './common.js'
import type { Document } from './document.js'
import { choice, flag, integer, list, nullable, number, object, optional, text } from './field.js'

export const goldensDocument = {
  name: 'goldens',
  help: "Comparison of an executor with PyTorch's float64 results. Exit status 1 where `passed` is false.",
  version: 1,
  many: false,
  fields: {
    device: deviceField,
    precision: precisionField,
    convolution: choice('Algorithms that convolutions may use; `auto` has the wider bounds of Winograd.', ['auto', 'direct']),
    compared: integer({ help: 'Tensors that were compared.', unit: 'tensors', minimum: 0 }),
    cases: list(
      'All known cases.',
      object('One case, by its tensor that is worst for its bound.', {
        case: text('Name of the case.'),
        tensor: nullable(text('Name of the tensor.'), 'where nothing could be compared'),
        error: nullable(number({ help: 'Norm of the difference by the norm of what is right.', unit: null, minimum: 0 }), 'where it is not a finite number'),
        bound: nullable(
          number({ help: 'What the error may be.', unit: null, minimum: 0 }),
          'where the tensor has none by itself, or nothing could be compared',
        ),
        passed: flag('Whether the bound is kept.'),
        reason: optional(text('Why nothing could be compared.'), 'where something was'),
      }),
    ),
    medianRatio: optional(
      object("The median over all tensors of the error by PyTorch's own error in bf16.", {
        value: nullable(number({ help: 'The median.', unit: null, minimum: 0 }), 'where it is not a finite number'),
        bound: number({ help: 'What it may be.', unit: null, minimum: 0 }),
        passed: flag('Whether the bound is kept.'),
      }),
      'in fp32 and fp64',
    ),
    passed: flag('Whether all bounds are kept, and no case is missing.'),
  },
} satisfies Document
