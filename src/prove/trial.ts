/**
 * Tries rows in the database itself, each alone, so that PostgreSQL says which conditions they break: nothing that is
 * tried stays.
 */
import type pg from 'pg'
import { quoteIdentifier } from '../policy/identifier.ts'

type Values = Readonly<Record<string, unknown>>

interface TrialRow {
  /** The table's quoted name. */
  readonly table: string
  readonly values: Values
  /** Changes to try in turn where the row as it is doesn't fit. */
  readonly patches: readonly Values[]
}

interface TrialResult {
  /** 0 for the row as it was, then the number of the change that fitted; `undefined` where none did. */
  readonly choice: number | undefined
  /** The row as PostgreSQL's JSON has it. */
  readonly stored: string | undefined
  /** Why the row as it was did not fit. */
  readonly failure: TrialFailure | undefined
}

export interface TrialFailure {
  readonly code: string
  readonly constraint: string
  readonly column: string
  readonly message: string
  /** All constraints that the row or a change of it broke. */
  readonly broken: readonly string[]
}

/** One condition to meet, by changes of the columns that it is about. */
interface Stage {
  /** Of the condition, and of those that share columns with it. */
  readonly columns: readonly string[]
  /** The condition first, then the others. */
  readonly checks: readonly string[]
  readonly patches: readonly Values[]
}

interface SolveRow {
  readonly table: string
  readonly values: Values
  readonly stages: readonly Stage[]
}

export interface Trial {
  /** Inserts rows, or the first change of each that fits. */
  tryRows(rows: readonly TrialRow[]): Promise<readonly TrialResult[]>
  /**
   * Goes through each row's conditions, and takes for each that is broken the change that breaks the fewest.
   *
   * @returns for each row the changes taken, as pairs of a stage's number and a change's
   */
  solve(rows: readonly SolveRow[]): Promise<readonly (readonly (readonly [number, number])[])[]>
}

/**
 * Empties tables, lets rows be tried in them, and undoes it all.
 *
 * @param tables the quoted names of those to empty
 */
export async function inTrial<Result>(
  admin: pg.Client,
  tables: readonly string[],
  run: (trial: Trial) => Promise<Result>,
): Promise<Result> {
  await admin.query(
    [
      'begin',
      "set local session_replication_role = replica; set local client_min_messages = error; set local datestyle = 'ISO'",
      ...tables.map((table) => `delete from ${table}`),
      trialFunction,
      solveFunction,
    ].join(';\n'),
  )
  try {
    return await run({ tryRows: (rows) => tryRows(admin, rows), solve: (rows) => solve(admin, rows) })
  } finally {
    await admin.query('rollback')
  }
}

async function tryRows(admin: pg.Client, rows: readonly TrialRow[]): Promise<readonly TrialResult[]> {
  if (rows.length === 0) return []
  const items = rows.map(({ table, values, patches }) => ({ t: table, base: values, patches }))
  const found = await admin.query<{
    choice: number | null
    stored: string | null
    code: string | null
    constraint_name: string | null
    column_name: string | null
    message: string | null
    broken: string[]
  }>('select * from pg_temp.doublehull_try($1::jsonb)', [JSON.stringify(items)])
  return found.rows.map((row) => ({
    choice: row.choice ?? undefined,
    stored: row.stored ?? undefined,
    failure:
      row.code === null
        ? undefined
        : {
            code: row.code,
            constraint: row.constraint_name ?? '',
            column: row.column_name ?? '',
            message: row.message ?? '',
            broken: row.broken,
          },
  }))
}

async function solve(
  admin: pg.Client,
  rows: readonly SolveRow[],
): Promise<readonly (readonly (readonly [number, number])[])[]> {
  if (rows.length === 0) return []
  const items = rows.map(({ table, values, stages }) => ({ t: table, base: values, stages }))
  const found = await admin.query<{ taken: (readonly [number, number])[] }>(
    'select taken from pg_temp.doublehull_solve($1::jsonb)',
    [JSON.stringify(items)],
  )
  return found.rows.map(({ taken }) => taken)
}

const solveFunction = `
  create or replace function pg_temp.doublehull_broken(named text, checks jsonb, candidate jsonb)
  returns int language plpgsql as $function$
  declare
    expression text;
    holds boolean;
    broken int;
    weight int := 100;
  begin
    -- all at once, unless one of them can't even be asked
    begin
      execute format('select %s from jsonb_populate_record(null::%s, $1)',
                     (select string_agg(format('case when not (%s) then %s else 0 end', e.value #>> '{}',
                                               case when e.ordinality = 1 then 100 else 1 end), ' + ')
                        from jsonb_array_elements(checks) with ordinality e),
                     named) into broken using candidate;
      return broken;
    exception when others then
      broken := 0;
    end;
    for expression in select e.value #>> '{}' from jsonb_array_elements(checks) with ordinality e order by e.ordinality
    loop
      begin
        execute format('select (%s) from jsonb_populate_record(null::%s, $1)', expression, named)
           into holds using candidate;
        if not holds then broken := broken + weight; end if;
      exception when others then
        broken := broken + weight;
      end;
      weight := 1;
    end loop;
    return broken;
  end $function$;

  create or replace function pg_temp.doublehull_solve(items jsonb)
  returns table (taken jsonb)
  language plpgsql as $function$
  declare
    item jsonb; stage jsonb; patch jsonb; best jsonb; base jsonb; part jsonb;
    at int; stage_at int; best_at int; least int; broken int; left_over int;
  begin
    for item in select e.value from jsonb_array_elements(items) with ordinality e order by e.ordinality loop
      taken := '[]';
      base := item -> 'base';
      for pass in 1..2 loop
        stage_at := -1;
        left_over := 0;
        for stage in select e.value from jsonb_array_elements(item -> 'stages') with ordinality e order by e.ordinality
        loop
          stage_at := stage_at + 1;
          select coalesce(jsonb_object_agg(e.key, e.value), '{}') into part
            from jsonb_each(base) e where (stage -> 'columns') ? e.key;
          least := pg_temp.doublehull_broken(item ->> 't', stage -> 'checks', part);
          continue when least < 100;
          best := null;
          at := -1;
          for patch in
            select e.value from jsonb_array_elements(stage -> 'patches') with ordinality e order by e.ordinality
          loop
            at := at + 1;
            broken := pg_temp.doublehull_broken(item ->> 't', stage -> 'checks', part || patch);
            if broken < least then
              least := broken; best := patch; best_at := at;
            end if;
            exit when least = 0;
          end loop;
          if best is not null then
            base := base || best;
            taken := taken || jsonb_build_array(jsonb_build_array(stage_at, best_at));
          end if;
          left_over := left_over + least;
        end loop;
        exit when left_over = 0;
      end loop;
      return next;
    end loop;
  end $function$`

const trialFunction = `
  create or replace function pg_temp.doublehull_try(items jsonb)
  returns table (choice int, stored text, code text, constraint_name text, column_name text, message text,
                 broken text[])
  language plpgsql as $function$
  declare
    item jsonb;
    patch jsonb;
    candidate jsonb;
    named text;
    at int;
    state text; of_constraint text; of_column text; said text;
  begin
    for item in select e.value from jsonb_array_elements(items) with ordinality e order by e.ordinality loop
      choice := null; stored := null; code := null; constraint_name := null; column_name := null; message := null;
      broken := '{}';
      at := -1;
      for patch in
        select '{}'::jsonb union all
        (select e.value from jsonb_array_elements(item -> 'patches') with ordinality e order by e.ordinality)
      loop
        at := at + 1;
        candidate := (item -> 'base') || patch;
        begin
          select string_agg(quote_ident(k), ', ') into named from jsonb_object_keys(candidate) k;
          if named is null then
            execute format('insert into %s as this_row default values returning to_jsonb(this_row)::text', item ->> 't')
               into stored;
          else
            execute format(
              'insert into %1$s as this_row (%2$s) overriding system value
               select %2$s from jsonb_populate_record(null::%1$s, $1) returning to_jsonb(this_row)::text',
              item ->> 't', named) into stored using candidate;
          end if;
          choice := at;
          exit;
        exception when others then
          get stacked diagnostics state = returned_sqlstate, of_constraint = constraint_name,
            of_column = column_name, said = message_text;
          if at = 0 then
            code := state; constraint_name := of_constraint; column_name := of_column; message := said;
          end if;
          if of_constraint <> '' and not of_constraint = any (broken) then
            broken := broken || of_constraint;
          end if;
        end;
      end loop;
      return next;
    end loop;
  end $function$`

/** Makes a place for every row in the partitioned tables of a database that may be thrown away. */
export async function completePartitions(admin: pg.Client): Promise<void> {
  const { rows } = await admin.query<{
    schema: string
    name: string
    sql: string
    oid: string
    owner: string
  }>(partitionsSql)
  for (const { schema, name, sql, oid, owner } of rows) {
    const partition = `doublehull_rest_${oid}`
    const table = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
    await admin.query(
      `create table ${quoteIdentifier(schema)}.${quoteIdentifier(partition)} partition of ${table} ${sql}`,
    )
    // who may empty the whole table may empty its parts
    await admin.query(
      `alter table ${quoteIdentifier(schema)}.${quoteIdentifier(partition)} owner to ${quoteIdentifier(owner)}`,
    )
  }
}

const partitionsSql = `
  select n.nspname as schema, c.relname as name, c.oid::text as oid, pg_catalog.pg_get_userbyid(c.relowner) as owner,
         case p.partstrat when 'h' then 'for values with (modulus 1, remainder 0)' else 'default' end as sql
    from pg_catalog.pg_partitioned_table p
    join pg_catalog.pg_class c on c.oid = p.partrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where p.partdefid = 0
     and (p.partstrat <> 'h' or not exists (select 1 from pg_catalog.pg_inherits i where i.inhparent = c.oid))`

/**
 * Lets sequences go on behind the planted rows, so that a new row's number is free.
 *
 * @param tables schemas and names
 */
export async function advanceSequences(
  admin: pg.Client,
  tables: readonly (readonly [string, string])[],
): Promise<void> {
  await admin.query(sequencesSql, [tables.map(([schema]) => schema), tables.map(([, table]) => table)])
}

const sequencesSql = `
  select pg_catalog.setval(s.oid, least(1000000000, q.seqmax / 2 + 1, greatest(q.seqmin, 3000000)))
    from pg_catalog.pg_depend d
    join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S'
    join pg_catalog.pg_sequence q on q.seqrelid = s.oid
    join pg_catalog.pg_class c on c.oid = d.refobjid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where d.classid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i') and q.seqincrement > 0
     and (n.nspname, c.relname) in (select * from unnest($1::text[], $2::text[]))`
