import { beforeAll, describe } from 'vitest'
import { behavesAlike } from './behaves-alike.ts'
import { Behaviour } from './behaviour.ts'
import { type Case, reads } from './case.ts'
import { readCases } from './read-cases.ts'
import { a, orderOf } from './scene.ts'

// With this feature Prisma reads relations in one statement unless told otherwise.
const behaviour = new Behaviour({ previewFeatures: ['relationJoins'] })
beforeAll(() => behaviour.plant(a))

const strategies: readonly Case[] = (['join', 'query'] as const).flatMap((relationLoadStrategy) => [
  reads(`findMany by ${relationLoadStrategy}`, (db) =>
    db.author.findMany({
      relationLoadStrategy,
      orderBy: orderOf('author'),
      include: {
        boss: { include: { passport: true } },
        books: {
          where: { reviews: { some: {} } },
          orderBy: { id: 'asc' },
          take: 1,
          include: { tags: { orderBy: { id: 'asc' } }, template: true, _count: true },
        },
        user: true,
        _count: { select: { books: { where: { available: true } } } },
      },
    }),
  ),
  reads(`findUnique by ${relationLoadStrategy}, several in one tick`, (db) =>
    Promise.all(
      a.author.map((id) =>
        db.author.findUnique({ where: { id }, relationLoadStrategy, include: { boss: true, profile: true } }),
      ),
    ),
  ),
])

describe('a lone tenant behaves as with a plain client that joins', () => {
  behavesAlike(behaviour, [
    ...strategies,
    ...readCases.filter(
      ({ title }) => !/^\w+\.(?:count|aggregate|groupBy|findUnique|findFirstOrThrow)/.test(title),
    ),
  ])
})
