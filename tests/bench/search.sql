-- SPDX-License-Identifier: Apache-2.0
-- A fleet's history as the index holds it: :devices printers, :versions daily versions of each. A book has 120 entries, 90 of
-- them of its site's common list, 30 its own; every version changes two, so each entry changes every 60 days. Names are made
-- of syllables, some far more common than others.
\set tenant '00000000-0000-7000-8000-000000000001'
set session_replication_role = replica;
set synchronous_commit = off;
set maintenance_work_mem = '512MB';
set work_mem = '256MB';
create temp table kept as
  select c.relname as index_name, pg_get_indexdef(i.indexrelid) as def, k.conname, pg_get_constraintdef(k.oid) as con, t.relname as table_name
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
    join pg_namespace n on n.oid = t.relnamespace left join pg_constraint k on k.conindid = c.oid and k.contype in ('p','u')
   where n.nspname = 'store' and t.relname in ('book_word','book_presence');
do $$
declare k record;
begin
  for k in select * from kept loop
    if k.conname is not null then execute format('alter table store.%I drop constraint %I', k.table_name, k.conname);
    else execute format('drop index store.%I', k.index_name); end if;
  end loop;
end $$;

create function pg_temp.rnd(seed text) returns float8 language sql immutable as
  $$ select (('x' || substr(md5(seed), 1, 8))::bit(32)::bigint) / 4294967296.0 $$;
create function pg_temp.name(f float8, l float8) returns text language sql immutable as $$
  select s[1 + floor(f * f * 20)::int] || s[1 + floor(f * 400)::int % 20] || ' ' ||
         s[1 + floor(l * l * 20)::int] || s[1 + floor(l * 400)::int % 20] || s[1 + floor(l * 8000)::int % 20]
    from (select array['ma','an','jo','el','ra','be','lu','ni','co','ta','vi','sa','do','fe','gi','hu','ke','po','ro','zy'] s) x $$;

create temp table device as
  select d, md5('device' || d)::uuid as id, 'site-' || d % 50 as site from generate_series(1, :devices) d;
insert into store.book_device (device_id, tenant_id, newest, name, site, model)
  select id, :'tenant', :versions, 'printer ' || d, site, 'iR-ADV' from device;
insert into store.book_list (device_id, slot, kind, name, entries) select id, '1', 'address_list', 'Office', 120 from device;

insert into store.version (id, tenant_id, device_id, kind, generation, state, run_id, job_id, attempt, token, serial, digest, verified_at, created_at,
    committed_at, entries, format)
  select (lpad(to_hex(1700000000000 + v::bigint * 86400000 + d * 1000), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid,
         :'tenant', id, 'address_book', v, 'committed', md5('run' || v)::uuid, md5('run' || v)::uuid, 1, v, 'SN' || d,
         decode(repeat('00', 32), 'hex'), t, t, t, 120, 'canon_abk'
    from (select device.*, v, md5(d || '.' || v) h, to_timestamp(1700000000 + v::bigint * 86400 + d) t
            from device cross join generate_series(1, :versions) v) x order by v, d;
insert into store.book (version_id, device_id, generation, state, lists, entries, opened, closed)
  select id, device_id, generation, 'indexed', 1, 120, 2, 2 from store.version;

-- places of a book, and for each its turns: from version a to version b
create temp table turn as
  select d.d, d.id, d.site, k, n, greatest(1, k / 2 + 60 * n) as a, k / 2 + 60 * (n + 1) as b,
         case when k < 90 then d.site || '.' || k || '.' || n else d.d || '.' || k || '.' || n end as content
    from device d cross join generate_series(0, 119) k cross join generate_series(0, (:versions + 60) / 60) n
   where greatest(1, k / 2 + 60 * n) <= :versions and k / 2 + 60 * (n + 1) > 1;
create temp table content as
  select row_number() over () as id, content, k,
         pg_temp.name(pg_temp.rnd('f' || content), pg_temp.rnd('l' || content)) as name,
         '0' || lpad((pg_temp.rnd('n' || content) * 1000000000)::bigint::text, 9, '0') as fax, site
    from (select content, min(k) as k, min(site) as site from turn group by content) x;
alter table content add email text, add fold bool;
update content set fold = k % 2 = 0, email = replace(name, ' ', '.') || '.' || id || '@mail.' || site || '.example.org';
insert into store.book_entry (id, tenant_id, hash, kinds, name, record) overriding system value
  select id, :'tenant', sha256(content::bytea), case when fold then 2 else 4 end, name,
         json_build_object('name', name, 'kinds', json_build_array(case when fold then 'email' else 'fax' end),
           'dest', case when fold then 'email ' || email else 'fax ' || fax end,
           'values', json_build_array(json_build_object('name', case when fold then 'email.address' else 'fax.fax_number' end,
             'value', case when fold then email else fax end)))::text
    from content;
select setval(pg_get_serial_sequence('store.book_entry', 'id'), (select max(id) from content));
insert into store.book_word (tenant_id, kind, word, entry_id)
  select :'tenant', x.kind, left(x.word, 64), id from content c cross join lateral (
    select 1, name union all select 1, split_part(name, ' ', 2)
    union all select 200, case when fold then 'email' else 'fax' end
    union all select 5, fax where not fold union all select 6, reverse(fax) where not fold
    union all select 4, email where fold
    union all select 4, substr(email, 1 + regexp_instr(email, '[.@]', 1, p)) from generate_series(1, 6) p
       where fold and regexp_instr(email, '[.@]', 1, p) > 0) x(kind, word) where word <> '' group by 2, 3, 4;
analyze content;
insert into store.book_presence (tenant_id, device_id, slot, key, number, entry_id, since_gen, since_at, until_gen, until_at)
  select :'tenant', t.id, '1', 201 + t.k, 201 + t.k, c.id, a, to_timestamp(1700000000 + a::bigint * 86400 + d),
         case when b <= :versions then b end, case when b <= :versions then to_timestamp(1700000000 + b::bigint * 86400 + d) else 'infinity' end
    from turn t join content c using (content) order by a, d;
do $$
declare k record;
begin
  for k in select * from kept loop
    if k.conname is not null then execute format('alter table store.%I add constraint %I %s', k.table_name, k.conname, k.con);
    else execute k.def; end if;
  end loop;
end $$;
vacuum analyze store.book_word;
vacuum analyze store.book_presence;
vacuum analyze store.book_entry;
vacuum analyze store.version;
vacuum analyze store.book;
vacuum analyze store.book_device;
