/**
 * What keeps the local stack from starting and can be put right by the person who started it.
 *
 * Owns the difference between that and a mistake of ours: the message is for the person, without a stack.
 */

export class Problem extends Error {}
