/** Path of a child, as in parameter names; an empty part adds nothing. */
export function join(path: string, name: string): string {
  return path === '' || name === '' ? path + name : `${path}.${name}`
}
