/** Prisma's operations that read, in the order in which people think of them. */
export const readOperations = [
  'findUnique',
  'findUniqueOrThrow',
  'findFirst',
  'findFirstOrThrow',
  'findMany',
  'count',
  'aggregate',
  'groupBy',
]

/** Prisma's operations that write. */
export const writeOperations = [
  'create',
  'createMany',
  'createManyAndReturn',
  'update',
  'updateMany',
  'updateManyAndReturn',
  'upsert',
  'delete',
  'deleteMany',
]

/** Statements of plain SQL that write. */
export const sqlWrites = ['sql.insert', 'sql.update', 'sql.delete', 'sql.truncate']
