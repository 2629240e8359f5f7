/**
 * The program in the demo's story: its HTTP requests.
 */

export type Reply = { readonly status: number; readonly body: Readonly<Record<string, unknown>> }

/** Sends a POST with the form, or a GET without one. */
export async function call(url: string, form?: Readonly<Record<string, string>>, accessToken?: string): Promise<Reply> {
  const response = await fetch(url, {
    method: form === undefined ? 'GET' : 'POST',
    ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
    headers: accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` },
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Reply['body']) }
}

/** The text of a member; empty if it is not a text. */
export function str({ body }: Reply, member: string): string {
  const value = body[member]
  return typeof value === 'string' ? value : ''
}
