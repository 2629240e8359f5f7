/**
 * What clients' assertions may be signed with (RFC 7523).
 *
 * Owns the list, for who verifies them and for the metadata. By itself, since who verifies is loaded at need alone: what it
 * shared with a cold start would be a module of its own, and each of those costs a cold start as much as 20 KB do.
 */

/**
 * Public keys alone: `none`, or a MAC with a key that anyone can read, proves nothing (RFC 8725 §3.1). Ed25519 is the newer
 * name of EdDSA with that curve (RFC 9864 §2.2).
 */
export const assertionAlgorithms = ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const
