import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http'
import { connect, createServer } from 'node:http2'
import { type AddressInfo, connect as connectSocket } from 'node:net'
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

it('takes a host beside the pseudo-header of HTTP/2 for a second one, unless it is the same', async () => {
  const server = createServer((request, response) => {
    response.end(viewOfNodeRequest(request).header('host') ?? '')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const hosts: string[] = []
  for (const host of ['birch.example.com', 'alder.example.com']) {
    const request = client.request({ ':authority': 'alder.example.com', host })
    hosts.push((await request.setEncoding('utf8').toArray()).join(''))
  }
  client.close()
  server.close()
  expect(hosts).toEqual(['alder.example.com, birch.example.com', 'alder.example.com'])
})

it('heeds what the application’s own middleware made of the headers, and notices what came twice', async () => {
  let middleware: (headers: IncomingHttpHeaders) => void = () => {}
  const server = createHttpServer((request, response) => {
    middleware(request.headers)
    const view = viewOfNodeRequest(request)
    response.end(
      JSON.stringify(
        ['host', 'authorization', 'cookie', 'x-tenant-id'].map((name) => view.header(name) ?? null),
      ),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const ask = async (change: typeof middleware, ...more: string[]) => {
    middleware = change
    const socket = connectSocket((server.address() as AddressInfo).port, '127.0.0.1')
    const headers = ['host: birch', 'authorization: theirs', 'cookie: a=1', 'x-tenant-id: theirs', ...more]
    socket.write(['GET / HTTP/1.1', ...headers, 'connection: close', '', ''].join('\r\n'))
    const text = (await socket.setEncoding('utf8').toArray()).join('')
    return JSON.parse(/\[.*\]/.exec(text)?.[0] ?? 'null') as unknown
  }
  const twice = ['authorization: second', 'cookie: b=2', 'x-tenant-id: second']
  const asTheyCame = ['birch', 'theirs, second', 'a=1; b=2', 'theirs, second']
  expect(await ask(() => {}, ...twice)).toEqual(asTheyCame)
  const taken = (headers: IncomingHttpHeaders) => {
    for (const name of ['authorization', 'cookie', 'x-tenant-id']) delete headers[name]
  }
  const set = (headers: IncomingHttpHeaders) =>
    Object.assign(headers, { host: 'alder', authorization: 'ours', cookie: 'c=3', 'x-tenant-id': 'ours' })
  for (const more of [[], twice]) {
    expect(await ask(taken, ...more)).toEqual(['birch', null, null, null])
    expect(await ask(set, ...more)).toEqual(['alder', 'ours', 'c=3', 'ours'])
  }
  server.close()
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
