/** How the proof was made, and what it does not say, for somebody who audits it and knows neither package nor schema. */
export const methodText = `<p>The schema is that of an application which many tenants share: one database, and rows that belong to one tenant each. Two
mechanisms, called hulls, keep a tenant inside. <b>Hull one</b> is an extension of the application’s database client: it
rewrites each operation before it is sent. <b>Hull two</b> is row-level security in PostgreSQL: the database itself refuses
rows of other tenants. They share no code. Either of them is meant to be enough, so each is attacked without the other.</p>
<dl>
<dt>Rows</dt>
<dd>In an empty database, made by the project’s own migrations, two tenants A and B are given rows in every model, some of
which lead to the other tenant’s wherever the keys of the schema allow it.</dd>
<dt>Attacks</dt>
<dd>Acting as tenant A, every operation of the client is called on every model in every form that the schema has a place
for: by key, in filters, orders and cursors, in counts and aggregates, through relations, in nested writes, and as plain
SQL. All forms are made from the schema itself, so that none is forgotten.</dd>
<dt>Hull one alone</dt>
<dd>The same calls with a login that row-level security does not hold. What is stopped is stopped by the extension.</dd>
<dt>Hull two alone</dt>
<dd>The same calls with the extension off. What is stopped is stopped by the database. Plain SQL is tried here alone:
the extension has no say in it.</dd>
<dt>Both hulls</dt>
<dd>The same calls as the application makes them.</dd>
<dt>The control</dt>
<dd>The same calls with both hulls off. There the attack must succeed. One that reaches nothing even then had no victim:
its cell is called unproven, and never proven.</dd>
<dt>The judgement</dt>
<dd>A read is made twice, before and after B’s rows were changed: the answers must be the same, and show nothing that only
B’s rows have. After a write all rows of all tables are compared with those before: B’s must be as they were, and no row
of A’s may have come to refer to one of B’s.</dd>
<dt>Proven, leak, unproven, listed</dt>
<dd>A cell is one operation on one model behind one choice of hulls. It is <b>proven</b> when attacks that succeed without
hulls were made and none got through; a <b>leak</b> when one did; <b>unproven</b> when nothing can be said, with the reason.
A model that all tenants may read, as it was declared, is <b>listed</b>.</dd>
</dl>
<p>What it does not say: it attacks the schema as its migrations make it, and not a database that somebody has changed
since (<code>doublehull verify</code> reads that one). It attacks as the application’s role, not as an administrator. It
tries no load and no timing. What Prisma’s client hides was not attacked through it. A key that is listed as telling
shows that another tenant’s row exists, and nothing else of it.</p>`
