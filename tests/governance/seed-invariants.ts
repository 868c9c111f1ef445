/**
 * What holds of every governed database, as queries for the rows that break it. No trigger watches while a data set is
 * loaded, so this is what its rows are held to.
 */
export const invariants: Readonly<Record<string, string>> = {
  'a version has the hash of its content': `
    select id from governance.config_version
     where content_hash <> encode(sha256(convert_to(content::text, 'UTF8')), 'hex')`,
  'a package has counted its versions': `
    select p.id from governance.config_package p
      left join governance.config_version v on v.tenant_id = p.tenant_id and v.package_id = p.id
     group by p.id, p.last_version_number
    having p.last_version_number <> coalesce(max(v.number), 0) or p.last_version_number <> count(v.id)`,
  'what is in force is what the ledger says last': `
    select p.id
      from governance.config_package p
      left join lateral (select a.* from governance.activation a
                          where a.tenant_id = p.tenant_id and a.package_id = p.id order by a.seq desc limit 1) a on true
      left join governance.config_version v
        on v.tenant_id = p.tenant_id and v.package_id = p.id and v.status = 'ACTIVE'
     where v.id is distinct from case when a.kind <> 'DEPRECATE' then a.version_id end`,
  'the ledger is counted, and each row names what was in force before it': `
    select id from (
      select a.*, row_number() over w as place,
             lag(case when a.kind <> 'DEPRECATE' then a.version_id end) over w as before
        from governance.activation a window w as (partition by a.tenant_id, a.package_id order by a.seq)
    ) a
     where a.seq <> a.place or a.previous_version_id is distinct from a.before
        or (a.kind = 'DEPRECATE' and a.version_id is distinct from a.before)`,
  'a version is what its approvals and the ledger say': `
    select v.id from (
      select v.*, a.status as approval, a.content_hash as approved_hash,
             exists (select from governance.activation l where l.tenant_id = v.tenant_id and l.version_id = v.id) as was_active
        from governance.config_version v
        left join lateral (select a.* from governance.approval a
                            where a.tenant_id = v.tenant_id and a.version_id = v.id
                            order by a.created_at desc limit 1) a on true
    ) v
     where not coalesce(case v.status
       when 'DRAFT' then coalesce(v.approval in ('REJECTED', 'CANCELLED'), true) and not v.was_active
       when 'REVIEW' then v.approval = 'PENDING' and v.approved_hash = v.content_hash and not v.was_active
       when 'APPROVED' then v.approval = 'APPROVED' and v.approved_hash = v.content_hash and not v.was_active
       else v.was_active end, false)`,
  'what was activated was approved, with this content and before': `
    select a.id from governance.activation a
      join governance.config_version v on v.tenant_id = a.tenant_id and v.id = a.version_id
     where a.kind = 'ACTIVATE'
       and not exists (select from governance.approval p
                        where p.tenant_id = a.tenant_id and p.version_id = a.version_id and p.status = 'APPROVED'
                          and p.content_hash = v.content_hash and p.decided_at < a.created_at)`,
  'an approval is what its votes make it': `
    select p.id from governance.approval p
      left join governance.approval_decision d on d.tenant_id = p.tenant_id and d.approval_id = p.id
     group by p.id, p.status, p.quorum
    having not case p.status
      when 'PENDING' then count(*) filter (where d.decision = 'APPROVE') < p.quorum and not bool_or(coalesce(d.decision = 'REJECT', false))
      when 'APPROVED' then count(*) filter (where d.decision = 'APPROVE') = p.quorum and not bool_or(d.decision = 'REJECT')
      when 'REJECTED' then count(*) filter (where d.decision = 'REJECT') = 1
      else true end`,
  'an approval that is over says when and by whom': `
    select id from governance.approval
     where (status = 'PENDING') <> (closed_by_id is null) or (status = 'PENDING') <> (decided_at is null)
        or decided_at < created_at`,
  'nobody decided on their own work': `
    select p.id from governance.approval p
      join governance.config_version v on v.tenant_id = p.tenant_id and v.id = p.version_id
      join governance.approval_decision d on d.tenant_id = p.tenant_id and d.approval_id = p.id
     where p.status in ('PENDING', 'APPROVED')
       and (d.reviewer_id in (v.author_id, p.requester_id) or d.reviewer_id = any (v.editor_ids))`,
  'who may not put a version in force did not': `
    select a.id from governance.activation a
      join governance.config_package p on p.tenant_id = a.tenant_id and p.id = a.package_id
      join governance.config_version v on v.tenant_id = a.tenant_id and v.id = a.version_id
     where not exists (select from tenancy.membership m
                        where m.tenant_id = a.tenant_id and m.user_id = a.actor_id and m.role in ('OWNER', 'ADMIN'))
        or (p.separate_activator and a.kind in ('ACTIVATE', 'ROLLBACK')
            and (a.actor_id in (v.author_id, v.submitter_id) or a.actor_id = any (v.editor_ids)
                 or exists (select from governance.approval q
                              join governance.approval_decision d on d.tenant_id = q.tenant_id and d.approval_id = q.id
                             where q.tenant_id = a.tenant_id and q.version_id = a.version_id
                               and d.reviewer_id = a.actor_id and d.created_at < a.created_at)))`,
  'authors and reviewers are members who may be': `
    select v.id from governance.config_version v
     where not exists (select from tenancy.membership m
                        where m.tenant_id = v.tenant_id and m.user_id = v.author_id and m.role in ('OWNER', 'ADMIN', 'EDITOR'))
    union all
    select d.approval_id from governance.approval_decision d
     where not exists (select from tenancy.membership m
                        where m.tenant_id = d.tenant_id and m.user_id = d.reviewer_id and m.role in ('OWNER', 'ADMIN', 'REVIEWER'))`,
  'brandings are counted, the newest published one is in force, and no hostile text is in any': `
    select id from (
      select b.*, row_number() over w as place,
             max(b.number) filter (where b.status <> 'DRAFT') over (partition by b.tenant_id) as newest,
             max(b.number) over (partition by b.tenant_id) as last
        from governance.branding b window w as (partition by b.tenant_id order by b.number)
    ) b
     where b.number <> b.place or (b.status = 'PUBLISHED') <> (b.status <> 'DRAFT' and b.number = b.newest)
        or (b.status = 'DRAFT' and b.number <> b.last) or (b.status = 'DRAFT') <> (b.published_at is null)
        or governance.are_tokens_hostile(b.tokens)`,
  'a flag serves what its variants have': `
    select id from governance.feature_flag
     where not variants ? default_variant or not variants ? off_variant
        or exists (select from jsonb_path_query(targeting, '$.**.variant') s where not variants ? (s #>> '{}'))`,
  'an engaged switch has a reason, an actor and a time, and its scope is of its resource': `
    select id from governance.kill_switch
     where engaged <> (engaged_at is not null) or (engaged and (reason is null or actor_id is null))
        or (scope = 'RESOURCE') <> (resource <> '')`,
  'a run and its steps are measured and counted': `
    select id from governance.execution_trace
     where duration is distinct from (extract(epoch from finished_at - started_at) * 1000000)::bigint
        or (outcome = 'RUNNING') <> (finished_at is null)
    union all
    select id from (select s.*, row_number() over (partition by s.tenant_id, s.trace_id order by s.seq) as place
                      from governance.trace_step s) s
     where s.seq <> s.place or s.duration is distinct from (extract(epoch from s.finished_at - s.started_at) * 1000000)::bigint
        or (s.outcome = 'RUNNING') <> (s.finished_at is null)`,
  'every chain is whole, and its last link is known': `
    select id from (
      select e.*, row_number() over w as place, lag(e.hash) over w as before
        from audit.audit_event e window w as (partition by e.tenant_id order by e.seq)
    ) e
     where e.seq <> e.place or e.prev_hash <> coalesce(e.before, audit.genesis_hash(e.tenant_id))
        or e.hash <> encode(sha256(convert_to(audit.event_text(
             e.tenant_id, e.seq, e.prev_hash, e.id, e.origin, e.action, e.actor_id, e.outcome, e.targets, e.context,
             e.metadata, e.schema_version, e.occurred_at), 'UTF8')), 'hex')
    union all
    select t.id from tenancy.tenant t
      left join audit.audit_head h on h.tenant_id = t.id
     where (h.seq, h.hash) is distinct from (select (e.seq, e.hash) from audit.audit_event e
                                              where e.tenant_id = t.id order by e.seq desc limit 1)`,
  'each change has one event, of its time and by whom it was': `
    select l.id from governance.activation l
     where 1 <> (select count(*) from audit.audit_event e
                  where e.tenant_id = l.tenant_id and e.action = 'config.version.' || lower(l.kind::text)
                    and e.metadata ->> 'versionId' = l.version_id::text and e.actor_id = l.actor_id
                    and e.occurred_at = l.created_at)
    union all
    select d.approval_id from governance.approval_decision d
     where 1 <> (select count(*) from audit.audit_event e
                  where e.tenant_id = d.tenant_id and e.actor_id = d.reviewer_id and e.occurred_at = d.created_at
                    and e.targets @> jsonb_build_array(jsonb_build_object('type', 'approval', 'id', d.approval_id)))
    union all
    select v.id from governance.config_version v
     where 1 <> (select count(*) from audit.audit_event e
                  where e.tenant_id = v.tenant_id and e.action = 'config.version.create'
                    and e.metadata ->> 'versionId' = v.id::text and e.actor_id = v.author_id)
        or v.lock_version - 1 <> (select count(*) from audit.audit_event e
                                   where e.tenant_id = v.tenant_id and e.action = 'config.version.edit'
                                     and e.metadata ->> 'versionId' = v.id::text)`,
  'every tenant has its gate': `
    select id from tenancy.tenant t
     where not exists (select from governance.kill_switch_gate g where g.tenant_id = t.id)`,
}

/** A query for each foreign key, for the rows whose parent is not there; their text is the result of this one. */
export const foreignKeyQueries = `
  select c.conname as name,
         format('select 1 from %s c where %s and not exists (select from %s p where %s)',
                c.conrelid::regclass,
                (select string_agg(format('c.%I is not null', a.attname), ' and ')
                   from unnest(c.conkey) k join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k),
                c.confrelid::regclass,
                (select string_agg(format('p.%I = c.%I', f.attname, a.attname), ' and ')
                   from unnest(c.conkey, c.confkey) as k (child, parent)
                   join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.child
                   join pg_attribute f on f.attrelid = c.confrelid and f.attnum = k.parent)) as query
    from pg_constraint c
   where c.contype = 'f' and c.conparentid = 0
     and c.connamespace in ('tenancy'::regnamespace, 'governance'::regnamespace, 'audit'::regnamespace)`
