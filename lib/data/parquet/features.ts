/** Which columns of a Parquet file are the image and the class, as Hugging Face's datasets say it in its metadata, or by their usual names. */
import { PreresnetError } from '../../errors.js'
import { isObject } from '../../options/values.js'
import type { Column, Footer } from './footer.js'

interface Columns {
  /** Bytes of image files. */
  readonly image: Column
  /** Whole numbers. */
  readonly label: Column
  /** Of the classes; undefined where the file does not say them. */
  readonly names: readonly string[] | undefined
}

/** Their names, where the caller gives them. */
export interface ColumnNames {
  readonly image?: string
  readonly label?: string
}

const usual = { image: ['image', 'img', 'jpg', 'png', 'webp'], label: ['label', 'labels', 'cls', 'class'] } as const
const types = { image: 'Image', label: 'ClassLabel' } as const

type Features = ReadonlyMap<string, Readonly<Record<string, unknown>>>

/** ERR_DATASET, which lists the columns, where it cannot be told. */
export function columnsOf(path: string, { columns, texts }: Footer, given: ColumnNames): Columns {
  const features = featuresOf(path, texts.get('huggingface'))
  const names = [...new Set([...columns.keys()].map((name) => name.split('.')[0]!))]
  const shown = names
    .slice(0, 30)
    .map((name) => JSON.stringify(name.slice(0, 60)))
    .join(', ')
  const chosen = (which: 'image' | 'label'): string => {
    const own = given[which]
    const typed = names.filter((name) => features.get(name)?.['_type'] === types[which])
    const candidates = typed.length > 0 ? typed : names
    const found = own ?? (typed.length === 1 ? typed[0] : usual[which].find((name) => candidates.includes(name)))
    if (found !== undefined && names.includes(found)) return found
    throw new PreresnetError(
      'ERR_DATASET',
      `${path}: expected a column ${own === undefined ? `of the ${which}s, as "${usual[which][0]}"` : JSON.stringify(own)}, got ${shown || 'none'}; ${which}, in code, names it`,
    )
  }
  const [image, label] = [chosen('image'), chosen('label')]
  const bytes = columns.get(`${image}.bytes`) ?? columns.get(image)
  if (bytes?.type !== 'BYTE_ARRAY')
    throw new PreresnetError(
      'ERR_DATASET',
      `${path}: expected bytes of image files in the column ${JSON.stringify(image)}, got ${bytes?.type ?? 'other columns'}`,
    )
  const number = columns.get(label)
  if (number === undefined) throw new PreresnetError('ERR_DATASET', `${path}: expected whole numbers in the column ${JSON.stringify(label)}, got other columns`)
  return { image: bytes, label: number, names: classesOf(path, features.get(label)) }
}

function featuresOf(path: string, text: string | undefined): Features {
  if (text === undefined) return new Map()
  const fail = (): never => {
    throw new PreresnetError('ERR_FILE', `${path}: expected features as JSON in the metadata "huggingface", got another text`)
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return fail()
  }
  const info = isObject(parsed) ? parsed['info'] : undefined
  const features = isObject(info) ? info['features'] : undefined
  if (!isObject(features)) return fail()
  return new Map(Object.entries(features).flatMap(([name, feature]) => (isObject(feature) ? [[name, feature] as const] : [])))
}

function classesOf(path: string, feature: Readonly<Record<string, unknown>> | undefined): readonly string[] | undefined {
  const names = feature?.['_type'] === types.label ? feature['names'] : undefined
  if (names === undefined) return undefined
  if (Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string')) return names
  throw new PreresnetError('ERR_FILE', `${path}: expected the names of the classes in the metadata "huggingface", got something else`)
}
