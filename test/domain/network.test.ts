import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSameNetwork, networkOf } from '../../shared/domain/network.ts'

test('the network is the whole IPv4 address, or the first 64 bits of an IPv6 address', () => {
  assert.equal(networkOf('203.0.113.7'), '203.0.113.7')
  for (const spelling of ['2001:db8:1:2::1', '2001:DB8:1:2:3:4:5:6', '2001:db8:1:2::'])
    assert.equal(networkOf(spelling), '2001:db8:1:2::/64')
  assert.equal(networkOf('::1'), '0:0:0:0::/64')
})

test('an IPv4 and an IPv6 address are not compared', () => {
  assert.equal(isSameNetwork('203.0.113.7', '203.0.113.7'), true)
  assert.equal(isSameNetwork('203.0.113.7', '203.0.113.8'), false)
  assert.equal(isSameNetwork('2001:db8::1', '2001:db8::2'), true)
  assert.equal(isSameNetwork('2001:db8::1', '203.0.113.7'), undefined)
})
