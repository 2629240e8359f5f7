/** A module of its own, because the metadata needs the list and must not load the verification of assertions. */

/**
 * Algorithms for client assertions (RFC 7523), with public keys only: neither `none` nor a MAC proves who signed (RFC 8725 §3.1).
 * Ed25519 is the newer name of EdDSA with that curve (RFC 9864 §2.2).
 */
export const assertionAlgorithms = ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const
