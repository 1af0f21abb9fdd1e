// Turns native/ops/contracts.json into what each language reads: a C++ header and a TypeScript module. Part of the build; nothing
// that it writes is committed.
//   node scripts/generate-contracts.mjs                     lib/contracts.ts
//   node scripts/generate-contracts.mjs --typescript FILE   the TypeScript module
//   node scripts/generate-contracts.mjs --cpp FILE          the C++ header
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const table = JSON.parse(readFileSync(join(root, 'native/ops/contracts.json'), 'utf8'))

const ROLES = ['in', 'out', 'inout']
const ATTRIBUTE_TYPES = {
  integer: { cpp: 'int64_t', ts: 'number', zero: '0' },
  number: { cpp: 'double', ts: 'number', zero: '0' },
  boolean: { cpp: 'bool', ts: 'boolean', zero: 'false' },
  integers: { cpp: 'std::vector<int64_t>', ts: 'number[]' },
  numbers: { cpp: 'std::vector<double>', ts: 'number[]' },
}

/** What the compiler may make part of an operation, in the order in which operations do it. */
const TAKES = ['residual', 'relu', 'add', 'mask', 'sums']

const pascal = (name) => name.replace(/(^|_)([a-z])/g, (_, __, letter) => letter.toUpperCase())
const operations = Object.entries(table.operations).map(([name, { operands, attributes, takes = {}, ...rest }]) => ({
  name,
  ...rest,
  takes,
  operands: Object.entries(operands).map(([operand, entry]) => ({ operand, ...entry })),
  attributes: Object.entries(attributes).map(([attribute, entry]) => ({ attribute, ...entry })),
}))
check()

const { values } = parseArgs({ options: { cpp: { type: 'string' }, typescript: { type: 'string' } } })
if (values.cpp !== undefined) write(values.cpp, cpp())
if (values.typescript !== undefined || values.cpp === undefined) write(values.typescript ?? join(root, 'lib/contracts.ts'), typescript())

/** A misspelt key in the table must fail the build, not vanish. */
function check() {
  const fail = (where, message) => {
    throw new Error(`native/ops/contracts.json: ${where}: ${message}`)
  }
  const known = (where, entry, keys) => {
    for (const key of Object.keys(entry)) if (!keys.includes(key)) fail(where, `unknown key ${key}`)
  }
  for (const operation of operations) {
    const { name, operands, attributes } = operation
    known(name, operation, ['name', 'summary', 'operands', 'attributes', 'reads', 'takes', 'products', 'launches'])
    for (const entry of operands) {
      const where = `${name}.${entry.operand}`
      known(where, entry, ['operand', 'role', 'type', 'shape', 'layout', 'list', 'optional', 'view', 'help'])
      if (!ROLES.includes(entry.role)) fail(where, `role ${entry.role}`)
      if (!(entry.type in table.types)) fail(where, `type ${entry.type}`)
      if (entry.layout !== undefined && entry.layout !== 'plain') fail(where, `layout ${entry.layout}`)
      if (!/^([A-Z]|\d+|\*)( ([A-Z]|\d+|\*))*$/.test(entry.shape)) fail(where, `shape ${entry.shape}`)
    }
    for (const entry of attributes) {
      const where = `${name}.${entry.attribute}`
      known(where, entry, ['attribute', 'type', 'default', 'help'])
      if (!(entry.type in ATTRIBUTE_TYPES)) fail(where, `type ${entry.type}`)
    }
    checkNames(operation, fail, known)
  }
}

/** What an operation reads, takes in and costs is said by names of its own operands and attributes. */
function checkNames({ name, operands, attributes, reads, takes, products, launches }, fail, known) {
  const operand = (where, value, { role, optional } = {}) => {
    const entry = operands.find((one) => one.operand === value)
    if (entry === undefined) fail(`${name}.${where}`, `no operand ${value}`)
    if (role !== undefined && entry.role !== role) fail(`${name}.${where}`, `${value} has role ${entry.role}`)
    if (optional === true && entry.optional !== true) fail(`${name}.${where}`, `${value} is not optional`)
  }
  const flag = (where, value) => {
    if (attributes.find(({ attribute }) => attribute === value)?.type !== 'boolean') fail(`${name}.${where}`, `no boolean attribute ${value}`)
  }
  if (reads !== undefined) {
    known(`${name}.reads`, reads, ['scale', 'bias', 'relu'])
    for (const value of ['x', reads.scale, reads.bias]) operand('reads', value, { role: 'in' })
    flag('reads', reads.relu)
  }
  known(`${name}.takes`, takes, TAKES)
  const { residual, relu, add, mask, sums } = takes
  for (const ability of [residual, relu, add, mask]) if (ability !== undefined) operand('takes', ability.into, { role: 'out' })
  if (residual !== undefined) operand('takes', 'residual', { role: 'in', optional: true })
  if (relu !== undefined) flag('takes', 'relu')
  if (add !== undefined) operand('takes', 'add', { role: 'in', optional: true })
  if (mask !== undefined) {
    if (reads === undefined) fail(`${name}.takes`, 'a mask without reads')
    for (const attribute of mask.sets) flag('takes', attribute)
  }
  if (sums !== undefined) {
    operand('takes', 'sums', { role: 'out', optional: true })
    operand('takes', sums.of, { role: 'out' })
    if (sums.times !== '*') operand('takes', sums.times)
  }
  if (products !== undefined) {
    known(`${name}.products`, products, ['output', 'weights', 'each'])
    for (const value of [products.output, products.weights, ...(products.each ?? [])]) operand('products', value)
  }
  if (launches !== undefined) {
    known(`${name}.launches`, launches, ['count', 'each', 'groups'])
    for (const value of [...(launches.each ?? []), ...(launches.groups ?? [])]) operand('launches', value)
  }
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

function cppDefault({ type, default: value }) {
  if (type === 'integers' || type === 'numbers') return value === undefined || value.length === 0 ? '' : `{${value.join(', ')}}`
  return ` = ${value ?? ATTRIBUTE_TYPES[type].zero}`
}

function cppStruct({ name, summary, operands, attributes }) {
  const lines = []
  const contract = (entry) =>
    `    {"${entry.operand}", Role::${entry.role}, Type::${entry.type}, "${entry.shape}", ${entry.list ?? false}, ${entry.optional ?? false}, ` +
    `${entry.view ?? false}, ${entry.layout === 'plain'}},`
  lines.push(`/// ${summary}`, `struct ${pascal(name)} {`, `  static constexpr const char* kName = "${name}";`)
  lines.push(`  static constexpr std::array<OperandContract, ${operands.length}> kOperands = {{`, ...operands.map(contract), '  }};')
  lines.push(`  static constexpr std::array<AttributeContract, ${attributes.length}> kAttributes = {{`)
  lines.push(...attributes.map((entry) => `    {"${entry.attribute}", ${entry.default === undefined}},`), '  }};', '')
  for (const entry of operands) {
    const type = entry.list ? 'std::vector<const Tensor*>' : 'const Tensor*'
    const note = [entry.role, entry.shape, entry.optional ? 'optional' : '', entry.help ?? ''].filter((part) => part !== '').join('; ')
    lines.push(`  ${type} ${entry.operand}${entry.list ? '' : ' = nullptr'};  // ${note}`)
  }
  for (const entry of attributes) {
    lines.push(`  ${ATTRIBUTE_TYPES[entry.type].cpp} ${entry.attribute}${cppDefault(entry)};${entry.help === undefined ? '' : `  // ${entry.help}`}`)
  }
  const each = (kind, entries, key, table) => [
    '',
    `  /// visit(contract, field) for every ${kind}, in the table's order.`,
    '  template <class Self, class Visitor>',
    `  static void each_${kind}([[maybe_unused]] Self& self, [[maybe_unused]] Visitor&& visit) {`,
    ...entries.map((entry, index) => `    visit(${table}[${index}], self.${entry[key]});`),
    '  }',
  ]
  lines.push(...each('operand', operands, 'operand', 'kOperands'), ...each('attribute', attributes, 'attribute', 'kAttributes'), '};', '')
  return lines
}

function cpp() {
  const names = operations.map(({ name }) => pascal(name))
  return [
    '// Made by scripts/generate-contracts.mjs from native/ops/contracts.json. Do not edit.',
    '#pragma once',
    '#include <array>',
    '#include <cstdint>',
    '#include <string_view>',
    '#include <variant>',
    '#include <vector>',
    '',
    '#include "core/tensor.h"',
    '',
    'namespace preresnet::ops {',
    '',
    `inline constexpr int64_t kContractsVersion = ${table.version};`,
    '',
    'enum class Role : uint8_t { in, out, inout };',
    '',
    '/// Classes of element types.',
    `enum class Type : uint8_t { ${Object.keys(table.types).join(', ')} };`,
    'inline constexpr bool accepts(Type type, DType dtype) {',
    '  switch (type) {',
    ...Object.entries(table.types).map(([name, types]) => `    case Type::${name}: return ${types.map((type) => `dtype == DType::${type}`).join(' || ')};`),
    '  }',
    '  return false;',
    '}',
    '',
    'struct OperandContract {',
    '  const char* name;',
    '  Role role;',
    '  Type type;',
    '  const char* shape;  // symbols, numbers or *, separated by blanks',
    '  bool list;',
    '  bool optional;',
    '  bool view;   // the whole of a persistent arena, whatever tensors lie in it',
    '  bool plain;  // on every device',
    '};',
    'struct AttributeContract {',
    '  const char* name;',
    '  bool required;',
    '};',
    '',
    '/// Opcodes of `pointwise`.',
    'enum class Opcode : int64_t {',
    ...Object.entries(table.pointwiseInstructions).map(([name, { opcode, help }]) => `  ${name} = ${opcode},${help === undefined ? '' : `  // ${help}`}`),
    '};',
    'inline constexpr bool is_opcode(int64_t value) {',
    '  switch (value) {',
    ...Object.values(table.pointwiseInstructions).map(({ opcode }) => `    case ${opcode}:`),
    '      return true;',
    '  }',
    '  return false;',
    '}',
    '',
    ...operations.flatMap(cppStruct),
    '/// X(Name) for every operation: how an executor declares what it must have for each.',
    '#define PRERESNET_EACH_OPERATION(X) \\',
    ...names.map((name, index) => `  X(${name})${index === names.length - 1 ? '' : ' \\'}`),
    '',
    'using AnyOperation = std::variant<',
    ...names.map((name, index) => `    ${name}${index === names.length - 1 ? '>;' : ','}`),
    '',
    '/// An operation of that name with defaults and without operands into *operation; false where there is none.',
    'inline bool make_operation(std::string_view name, AnyOperation* operation) {',
    ...names.map((name) => `  if (name == ${name}::kName) return operation->emplace<${name}>(), true;`),
    '  return false;',
    '}',
    '',
    '}  // namespace preresnet::ops',
    '',
  ].join('\n')
}

function typescript() {
  return [
    '/** Made by scripts/generate-contracts.mjs from native/ops/contracts.json. Do not edit. */',
    '',
    `export const contractsVersion = ${table.version}`,
    '',
    ...typesOfOperations(),
    ...typesOfContracts(),
    '/** The table itself. */',
    `export const contracts: Readonly<Record<OperationName, OperationContract>> = ${JSON.stringify(
      Object.fromEntries(
        operations.map(({ name, operands, attributes, ...rest }) => [
          name,
          {
            ...rest,
            operands: Object.fromEntries(
              operands.map(({ operand, role, type, shape, layout, list = false, optional = false, view = false }) => [
                operand,
                { role, type, shape, list, optional, view, plain: layout === 'plain' },
              ]),
            ),
            attributes: Object.fromEntries(
              attributes.map(({ attribute, type, default: value }) => [
                attribute,
                value === undefined ? { type, required: true } : { type, required: false, default: value },
              ]),
            ),
          },
        ]),
      ),
      null,
      2,
    )}`,
    '',
    '/** Opcodes of `pointwise`: four integers an instruction, opcode and a, b, c. */',
    'export const pointwiseOpcodes = {',
    ...Object.entries(table.pointwiseInstructions).map(([name, { opcode }]) => `  ${name}: ${opcode},`),
    '} as const',
    'export type PointwiseOpcode = keyof typeof pointwiseOpcodes',
    '',
  ].join('\n')
}

function property(name, optional, type) {
  return `    ${name}${optional ? '?' : ''}: ${type}`
}

function record(title, lines) {
  return [`export interface ${title} {`, ...lines, '}', '']
}

function union(names) {
  return names.length === 0 ? 'never' : names.map((name) => `'${name}'`).join(' | ')
}

/** What the compiler's draft and a program are typed by. */
/** As Markdown, where `[a](b)` would be a link. */
function sentence(text) {
  return `${text.replace(/\.$/, '').replaceAll('](', '] (')}.`
}

function typesOfOperations() {
  return [
    '/** Each operation takes and gives these tensors. T is a tensor index, or whatever stands for a tensor before memory is planned. */',
    ...record(
      'Operands<T = number>',
      operations.flatMap(({ name, summary, operands }) => [
        `  /** The operation computes: ${sentence(summary)} */`,
        `  ${name}: {`,
        ...operands.map(({ operand, list, optional }) => property(operand, optional, `${list ? 'T[]' : 'T'}${optional ? ' | undefined' : ''}`)),
        '  }',
      ]),
    ),
    '/** An operation has one of the names in native/ops/contracts.json. */',
    'export type OperationName = keyof Operands',
    '',
    '/** Each operation has these attributes; those with a default may be left out. */',
    ...record(
      'Attributes',
      operations.flatMap(({ name, attributes }) =>
        attributes.length === 0
          ? [`  /** There is no attribute. */`, `  ${name}: Record<string, never>`]
          : [
              `  /** The attributes of \`${name}\` are these. */`,
              `  ${name}: {`,
              ...attributes.map((entry) => property(entry.attribute, entry.default !== undefined, ATTRIBUTE_TYPES[entry.type].ts)),
              '  }',
            ],
      ),
    ),
    '/** What each operation writes where it is asked for. */',
    ...record(
      'OptionalOutputs',
      operations.map(
        ({ name, operands }) => `  ${name}: ${union(operands.filter(({ role, optional }) => role === 'out' && optional).map(({ operand }) => operand))}`,
      ),
    ),
    '/** What some operations can take in after they were put into a program, in the order in which operations do it. */',
    `export const abilities = [${TAKES.map((ability) => `'${ability}'`).join(', ')}] as const`,
    '',
    '/** Those operations. */',
    ...record(
      'Takers',
      TAKES.map((ability) => `  ${ability}: ${union(operations.filter(({ takes }) => takes[ability] !== undefined).map(({ name }) => name))}`),
    ),
  ]
}

/** What an entry of the table looks like. */
function typesOfContracts() {
  return [
    ...record('OperandContract', [
      "  readonly role: 'in' | 'out' | 'inout'",
      `  readonly type: ${union(Object.keys(table.types))}`,
      '  readonly shape: string',
      '  readonly list: boolean',
      '  readonly optional: boolean',
      '  readonly view: boolean',
      '  readonly plain: boolean',
    ]),
    ...record('AttributeContract', [
      `  readonly type: ${union(Object.keys(ATTRIBUTE_TYPES))}`,
      '  readonly required: boolean',
      '  readonly default?: number | boolean | readonly number[]',
    ]),
    '/** As the comment of the table explains. */',
    ...record('OperationContract', [
      '  readonly summary: string',
      '  readonly operands: Readonly<Record<string, OperandContract>>',
      '  readonly attributes: Readonly<Record<string, AttributeContract>>',
      '  readonly reads?: { readonly scale: string; readonly bias: string; readonly relu: string }',
      '  readonly takes: {',
      '    readonly residual?: { readonly into: string }',
      '    readonly relu?: { readonly into: string }',
      '    readonly add?: { readonly into: string }',
      '    readonly mask?: { readonly into: string; readonly sets: readonly string[] }',
      '    readonly sums?: { readonly of: string; readonly times: string }',
      '  }',
      '  readonly products?: { readonly output: string; readonly weights: string; readonly each?: readonly string[] }',
      '  readonly launches?: { readonly count?: number; readonly each?: readonly string[]; readonly groups?: readonly string[] }',
    ]),
  ]
}
