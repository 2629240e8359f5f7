import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopback } from '../../shared/domain/loopback.ts'

test('localhost, 127.0.0.1 and ::1 are loopback at any port', () => {
  for (const url of [
    'http://localhost',
    'http://LOCALHOST:1',
    'http://127.0.0.1:8788/x',
    'http://[::1]:9',
    'http://127.1/',
  ]) {
    assert.ok(isLoopback(new URL(url)), url)
  }
})

test('names that resemble localhost are not loopback', () => {
  for (const url of [
    'http://localhost.example',
    'http://127.0.0.1.example',
    'http://0.0.0.0',
    'http://[::2]',
    'http://a@b',
  ]) {
    assert.ok(!isLoopback(new URL(url)), url)
  }
})
