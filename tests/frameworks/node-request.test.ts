import { once } from 'node:events'
import { connect, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { viewOfNodeRequest } from '../../src/frameworks/node-request.ts'

it('finds the host of HTTP/2, its cookies and what came twice', async () => {
  const server = createServer((request, response) => {
    const view = viewOfNodeRequest(request)
    response.end(
      JSON.stringify(['host', 'cookie', 'x-tenant-id', 'x-other'].map((name) => view.header(name) ?? null)),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const request = client.request({
    ':authority': 'alder.example.com',
    cookie: ['a=1', 'b=2'],
    'x-tenant-id': ['first', 'second'],
  })
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk)
  client.close()
  server.close()
  expect(JSON.parse(text)).toEqual(['alder.example.com', 'a=1; b=2', 'first, second', null])
})

it('reads the headers of a request that was never raw', () => {
  const view = viewOfNodeRequest({
    headers: { host: 'alder.example.com', 'x-tenant-id': ['a', 'b'] },
    rawHeaders: [],
  })
  expect([view.header('host'), view.header('x-tenant-id'), view.header('cookie')]).toEqual([
    'alder.example.com',
    'a, b',
    undefined,
  ])
})
