/**
 * Finds the route of a request as API Gateway does: it matches whole segments, prefers literal ones to parameters, and
 * ignores a trailing slash.
 */

import type { Route } from '../../infra/routes.ts'

export type Match = {
  readonly route: Route
  /** Decoded. */
  readonly pathParameters: Readonly<Record<string, string>>
}

export type Found =
  | { readonly kind: 'route'; readonly match: Match }
  /** The path is known, the method is not. */
  | { readonly kind: 'method'; readonly allowed: readonly string[]; readonly crossOrigin: boolean }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'nothing' }

type Pattern = { readonly route: Route; readonly segments: readonly Segment[] }
type Segment = { readonly literal: string } | { readonly parameter: string }

export function createRouter(routes: readonly Route[]): (method: string, path: string) => Found {
  const bySegments = new Map<number, Pattern[]>()
  for (const route of routes) {
    const segments = route.path.slice(1).split('/').map(segmentOf)
    bySegments.set(segments.length, [...(bySegments.get(segments.length) ?? []), { route, segments }])
  }
  for (const patterns of bySegments.values()) patterns.sort(literalsFirst)

  return (method, path) => {
    const parts = path.replace(/^\/|(?<=[^/])\/$/g, '').split('/')
    const fitting = (bySegments.get(parts.length) ?? []).filter(({ segments }) => fits(segments, parts))
    const [first] = fitting
    if (first === undefined) return { kind: 'nothing' }
    // Several functions may share a path, one method each.
    const same = fitting.filter(({ route }) => route.path === first.route.path)
    const chosen = same.find(({ route }) => (route.methods as readonly string[]).includes(method))
    if (chosen === undefined) {
      const crossOrigin = same.some(({ route }) => route.crossOrigin)
      const allowed = same.flatMap(({ route }) => route.methods)
      return { kind: 'method', allowed: crossOrigin ? [...allowed, 'OPTIONS'] : allowed, crossOrigin }
    }
    const pathParameters = parametersIn(chosen.segments, parts)
    return pathParameters === undefined
      ? { kind: 'malformed' }
      : { kind: 'route', match: { route: chosen.route, pathParameters } }
  }
}

function segmentOf(text: string): Segment {
  return text.startsWith('{') ? { parameter: text.slice(1, -1) } : { literal: text }
}

function literalsFirst(one: Pattern, other: Pattern): number {
  for (const [index, segment] of one.segments.entries()) {
    const difference = Number('parameter' in segment) - Number('parameter' in (other.segments[index] ?? segment))
    if (difference !== 0) return difference
  }
  return 0
}

/** Compares from the end, because paths differ there. */
function fits(segments: readonly Segment[], parts: readonly string[]): boolean {
  for (let index = segments.length - 1; index >= 0; index -= 1) {
    const segment = segments[index]!
    if ('literal' in segment ? segment.literal !== parts[index] : parts[index] === '') return false
  }
  return true
}

/** @returns undefined for a path that is not percent-encoded as RFC 3986 §2.1 says */
function parametersIn(segments: readonly Segment[], parts: readonly string[]): Record<string, string> | undefined {
  try {
    return Object.fromEntries(
      segments.flatMap((segment, index) =>
        'parameter' in segment ? [[segment.parameter, decodeURIComponent(parts[index] ?? '')]] : [],
      ),
    )
  } catch {
    return undefined
  }
}
