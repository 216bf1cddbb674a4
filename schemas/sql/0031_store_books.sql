-- SPDX-License-Identifier: Apache-2.0
-- Books of committed versions, indexed for search (docs/spec/address-books.md section 12; storage.md ST-83 to ST-87).
-- Everything here is derived from the versions and holds no secret: it may be dropped and made again.
--
--     version ─ queue ─→ book           what reading it found
--                   └──→ presence ─→ entry ─→ words
--
-- A content is stored once per tenant, under its public hash. Where it stands is an interval of generations of
-- one device: a version that changes three of a thousand entries closes and opens three rows, an unchanged one none.

-- Read so far: how far, and what the newest version calls the device.
create table store.book_device (
  device_id uuid primary key,
  tenant_id uuid not null,
  newest    bigint not null default 0,             -- generation of the newest version that was looked at
  name      text not null default '', site text not null default '', model text not null default ''
);
create index book_device_site on store.book_device (tenant_id, site);
-- The lists of the newest version.
create table store.book_list (
  device_id uuid not null references store.book_device on delete cascade,
  slot text not null, kind text not null, name text not null, entries int not null,
  primary key (device_id, slot)
);
create table store.book_entry (
  id        bigint generated always as identity primary key,
  tenant_id uuid not null,
  hash      bytea not null check (length(hash) = 32), -- carnet.norm.v1, h_pub
  kinds     int not null default 0,                -- bits 1 << kind of destination, group too
  name      text not null default '',
  record    text not null                          -- JSON of the message struct `entry`
);
create unique index book_entry_hash on store.book_entry (tenant_id, hash);
-- What can be typed to find it: suffixes of its search keys that begin at a word.
create table store.book_word (
  tenant_id uuid not null,
  kind      smallint not null,                     -- enum search_kind of common/book/search_key.h; 200 = kind of destination
  word      text collate "C" not null,
  entry_id  bigint not null,                       -- goes with it; a foreign key would cost more than all the rest
  primary key (tenant_id, kind, word, entry_id)
);
create unique index book_word_entry on store.book_word (entry_id, kind, word);
create table store.book_presence (
  id        bigint generated always as identity primary key,
  tenant_id uuid not null,
  device_id uuid not null,
  slot      text not null, key text not null, number bigint not null, -- number 0 = none
  entry_id  bigint not null references store.book_entry, -- no content is swept away under a reader
  since_gen bigint not null, since_at timestamptz not null,
  until_gen bigint, until_at timestamptz not null default 'infinity', -- the first version without it
  check ((until_gen is null) = (until_at = 'infinity'))
);
create index book_presence_entry on store.book_presence (entry_id, until_at, id);
create index book_presence_device on store.book_presence (device_id, until_at, id);
create index book_presence_since on store.book_presence (device_id, since_gen);
-- One row per version that was looked at.
create table store.book (
  version_id uuid primary key references store.version on delete cascade,
  device_id  uuid not null, generation bigint not null,
  state      text not null check (state in ('indexed','fault','opaque','torn')),
  hash       bytea check (length(hash) = 32),      -- of the whole book, public
  lists      int not null default 0, entries int not null default 0,
  opened     int not null default 0, closed int not null default 0, -- rows of presence
  faults     int not null default 0,               -- how many; the first error, or else the first warning:
  fault_code int, fault_item text, fault_line int, fault_column int, fault_where text, fault_reason text, fault_text text,
  at         timestamptz not null default clock_timestamp()
);
create unique index book_device_generation on store.book (device_id, generation);
-- Versions nobody has looked at yet; the row is made by the commit and goes with the effect.
create table store.book_queue (
  version_id uuid primary key references store.version on delete cascade,
  tenant_id  uuid not null, device_id uuid not null, generation bigint not null,
  claimed_until timestamptz not null default '-infinity',
  tries      int not null default 0                -- times it was claimed: one that kills its reader is given up
);
create unique index book_queue_device on store.book_queue (device_id, generation);

create function store.book_enqueue() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
  insert into store.book_queue (version_id, tenant_id, device_id, generation)
    values (new.id, new.tenant_id, new.device_id, new.generation) on conflict do nothing;
  return null;
end $$;
create trigger book_enqueue after update of state on store.version for each row
  when (new.state = 'committed' and old.state <> 'committed' and new.kind = 'address_book')
  execute function store.book_enqueue();
insert into store.book_queue (version_id, tenant_id, device_id, generation)
  select id, tenant_id, device_id, generation from store.version
   where kind = 'address_book' and state in ('committed','condemned');

-- Up to p_n versions for one instance, of each device the oldest; others leave them alone for a while.
create function store.book_claim(p_tenant uuid, p_n int, p_lease_ms bigint)
returns table (version_id uuid, tries int) language sql as $$
  update store.book_queue q set claimed_until = clock_timestamp() + p_lease_ms * interval '1 ms', tries = q.tries + 1
   where q.version_id in (
     select x.version_id from store.book_queue x
      where x.tenant_id = p_tenant and x.claimed_until < clock_timestamp()
        and not exists (select 1 from store.book_queue y where y.device_id = x.device_id and y.generation < x.generation)
      order by x.version_id limit p_n for update skip locked)
  returning q.version_id, q.tries
$$;

-- Forgets what was read of a device and reads all its versions again.
create function store.book_reset(p_device uuid, p_requeue boolean) returns bigint language plpgsql as $$
declare n bigint := 0;
begin
  delete from store.book_presence where device_id = p_device;
  delete from store.book_list where device_id = p_device;
  delete from store.book where device_id = p_device;
  update store.book_device set newest = 0 where device_id = p_device;
  if not p_requeue then
    delete from store.book_queue where device_id = p_device;
    delete from store.book_device where device_id = p_device;
    return 0;
  end if;
  insert into store.book_queue (version_id, tenant_id, device_id, generation)
    select id, tenant_id, device_id, generation from store.version
     where device_id = p_device and kind = 'address_book' and state in ('committed','condemned')
    on conflict (version_id) do nothing;
  get diagnostics n = row_count;
  return n;
end $$;

-- Locks the device and says whether this version is the next to be read: go, or gone (another instance did it),
-- later (an older one waits), rebuild (a newer one was read before: the device begins anew).
create function store.book_begin(p_version uuid) returns text language plpgsql as $$
declare
  v record;
  d record;
begin
  perform set_config('synchronous_commit', 'off', true); -- derived: lost in a crash, it is read again
  select tenant_id, device_id, generation into v from store.version where id = p_version;
  if not found then return 'gone'; end if;
  insert into store.book_device (device_id, tenant_id) values (v.device_id, v.tenant_id) on conflict do nothing;
  select newest into d from store.book_device where device_id = v.device_id for update;
  perform 1 from store.book_queue where version_id = p_version for update;
  if not found then return 'gone'; end if;
  if exists (select 1 from store.book_queue where device_id = v.device_id and generation < v.generation) then return 'later'; end if;
  if d.newest >= v.generation then
    perform store.book_reset(v.device_id, true);
    return 'rebuild';
  end if;
  return 'go';
end $$;

-- What the entries of a book are beside those that stand on the device now: `ord` = an entry (from 1) that does not
-- stand there, entry_id its content when it is known; `gone` = a row of presence that is no longer true.
create function store.book_compare(p_version uuid, p_slots text[], p_keys text[], p_numbers bigint[], p_hashes bytea[])
returns table (ord int, entry_id bigint, gone bigint) language sql stable
set enable_mergejoin = off set enable_seqscan = off set jit = off as $$
  with v as (select tenant_id, device_id from store.version where id = p_version),
  new as materialized (
    select n.slot, n.key, n.number, n.ord,
           (select e.id from store.book_entry e where e.tenant_id = (select v.tenant_id from v) and e.hash = n.hash) as entry
      from unnest(p_slots, p_keys, p_numbers, p_hashes) with ordinality as n(slot, key, number, hash, ord)),
  old as materialized (
    select p.id, p.slot, p.key, p.number, p.entry_id from store.book_presence p
     where p.device_id = (select v.device_id from v) and p.until_at = 'infinity')
  select n.ord::int, n.entry, o.id
    from new n full join old o on o.entry_id = n.entry and o.slot = n.slot and o.key = n.key and o.number = n.number
   where n.ord is null or o.id is null
$$;

-- Contents that the index has not, in the order of their hashes so that two books never wait for each other.
create function store.book_put_entries(p_tenant uuid, p_hashes bytea[], p_kinds int[], p_names text[], p_records text[])
returns void language sql as $$
  insert into store.book_entry (tenant_id, hash, kinds, name, record)
  select p_tenant, u.h, u.k, u.n, u.r from unnest(p_hashes, p_kinds, p_names, p_records) as u(h, k, n, r) order by u.h
      on conflict (tenant_id, hash) do nothing
$$;
create function store.book_put_words(p_tenant uuid, p_hashes bytea[], p_of int[], p_kinds smallint[], p_words text[])
returns void language plpgsql as $$
declare ids bigint[];
begin
  select array_agg((select e.id from store.book_entry e where e.tenant_id = p_tenant and e.hash = h.hash) order by h.o) into ids
    from unnest(p_hashes) with ordinality h(hash, o);
  insert into store.book_word (tenant_id, kind, word, entry_id)
  select p_tenant, w.kind, w.word, ids[w.o] from unnest(p_of, p_kinds, p_words) as w(o, kind, word)
   order by w.kind, w.word, 4
      on conflict do nothing;
end $$;
create function store.book_put_presence(p_version uuid, p_gone bigint[], p_slots text[], p_keys text[], p_numbers bigint[],
  p_hashes bytea[])
returns void language plpgsql set enable_seqscan = off set jit = off as $$
declare v record;
begin
  select tenant_id, device_id, generation, committed_at into v from store.version where id = p_version;
  update store.book_presence set until_gen = v.generation, until_at = v.committed_at where id = any(p_gone);
  insert into store.book_presence (tenant_id, device_id, slot, key, number, entry_id, since_gen, since_at)
  select v.tenant_id, v.device_id, u.s, u.k, u.n,
         (select e.id from store.book_entry e where e.tenant_id = v.tenant_id and e.hash = u.h), v.generation, v.committed_at
    from unnest(p_slots, p_keys, p_numbers, p_hashes) with ordinality as u(s, k, n, h, o) order by u.o;
end $$;
create function store.book_put_lists(p_version uuid, p_slots text[], p_kinds text[], p_names text[], p_entries int[])
returns void language sql as $$
  with d as (select device_id from store.version where id = p_version),
  gone as (delete from store.book_list l using d where l.device_id = d.device_id and l.slot <> all (p_slots))
  insert into store.book_list as l (device_id, slot, kind, name, entries)
  select d.device_id, u.s, u.k, u.n, u.e from d, unnest(p_slots, p_kinds, p_names, p_entries) as u(s, k, n, e)
      on conflict (device_id, slot) do update set kind = excluded.kind, name = excluded.name, entries = excluded.entries
   where (l.kind, l.name, l.entries) is distinct from (excluded.kind, excluded.name, excluded.entries)
$$;
-- The version was looked at; its row leaves the queue.
create function store.book_done(p_version uuid, p_state text, p_hash bytea, p_counts int[], p_faults int, p_fault int[],
  p_fault_words text[], p_device text[])
returns void language plpgsql as $$
declare v record;
begin
  select device_id, generation into v from store.version where id = p_version;
  delete from store.book_queue where version_id = p_version;
  insert into store.book (version_id, device_id, generation, state, hash, lists, entries, opened, closed, faults,
      fault_code, fault_line, fault_column, fault_item, fault_where, fault_reason, fault_text)
    values (p_version, v.device_id, v.generation, p_state, p_hash, p_counts[1], p_counts[2], p_counts[3], p_counts[4],
      p_faults, p_fault[1], p_fault[2], p_fault[3], p_fault_words[1], p_fault_words[2], p_fault_words[3], p_fault_words[4]);
  update store.book_device set newest = v.generation, name = p_device[1], site = p_device[2], model = p_device[3]
   where device_id = v.device_id;
end $$;

-- A version's key was erased or its row goes: what the index knows through it alone goes in the same transaction
-- (storage.md ST-31); the rest stays as if that version had never been.
create function store.book_forget(p_version uuid) returns void language plpgsql security definer set search_path = pg_catalog as $$
declare
  b record;
  next record;
  touched bigint[];
begin
  delete from store.book_queue where version_id = p_version;
  select device_id, generation, state into b from store.book where version_id = p_version;
  if not found then return; end if;
  perform 1 from store.book_device where device_id = b.device_id for update;
  delete from store.book where version_id = p_version;
  if b.state <> 'indexed' then return; end if;
  select n.generation, v.committed_at into next from store.book n join store.version v on v.id = n.version_id
   where n.device_id = b.device_id and n.generation > b.generation and n.state = 'indexed' order by n.generation limit 1;
  with gone as (
    delete from store.book_presence p where p.device_id = b.device_id and p.since_gen = b.generation
       and p.until_gen is not distinct from next.generation returning p.entry_id)
  select array_agg(distinct g.entry_id) into touched from gone g;
  update store.book_presence p set since_gen = next.generation, since_at = next.committed_at
   where p.device_id = b.device_id and p.since_gen = b.generation;
  -- what was away in this version only has never been away
  with back as (
    delete from store.book_presence n using store.book_presence p
     where p.device_id = b.device_id and p.until_gen = b.generation
       and n.device_id = b.device_id and n.since_gen = next.generation
       and (n.slot, n.key, n.number, n.entry_id) = (p.slot, p.key, p.number, p.entry_id)
    returning p.id, n.until_gen, n.until_at)
  update store.book_presence p set until_gen = k.until_gen, until_at = k.until_at from back k where p.id = k.id;
  update store.book_presence p set until_gen = next.generation, until_at = coalesce(next.committed_at, 'infinity')
   where p.device_id = b.device_id and p.until_gen = b.generation;
  with orphan as (
    delete from store.book_entry e where e.id = any(touched)
       and not exists (select 1 from store.book_presence p where p.entry_id = e.id) returning e.id)
  delete from store.book_word w using orphan o where w.entry_id = o.id;
end $$;
create function store.book_forget_key() returns trigger language plpgsql as $$
begin perform store.book_forget(old.version_id); return null; end $$;
create function store.book_forget_version() returns trigger language plpgsql as $$
begin perform store.book_forget(old.id); return old; end $$;
create trigger book_forget after update of wrapped_dek on store.version_key for each row
  when (old.wrapped_dek is not null and new.wrapped_dek is null) execute function store.book_forget_key();
create trigger book_forget before delete on store.version for each row execute function store.book_forget_version();

-- The next p_n devices are read again (or, p_requeue false, left out of the index). Restartable: begin at nil.
create function store.book_reindex(p_tenant uuid, p_after uuid, p_n int, p_requeue boolean)
returns table (last uuid, versions bigint) language plpgsql as $$
declare d uuid;
begin
  perform set_config('synchronous_commit', 'off', true);
  versions := 0;
  for d in select distinct v.device_id from store.version v
            where v.tenant_id = p_tenant and v.device_id > p_after and v.kind = 'address_book'
            order by 1 limit p_n loop
    perform 1 from store.book_device where device_id = d for update;
    versions := versions + store.book_reset(d, p_requeue);
    last := d;
  end loop;
  return next;
end $$;
-- Contents that stand nowhere any more, p_n looked at from p_after on; null = that was all.
create function store.book_sweep(p_tenant uuid, p_after bigint, p_n int) returns bigint language plpgsql as $$
declare
  ids bigint[];
begin
  perform set_config('synchronous_commit', 'off', true);
  select array_agg(x.id) into ids from (select id from store.book_entry where id > p_after order by id limit p_n) x;
  with orphan as (
    delete from store.book_entry e where e.id = any(ids) and e.tenant_id = p_tenant
       and not exists (select 1 from store.book_presence p where p.entry_id = e.id) returning e.id)
  delete from store.book_word w using orphan o where w.entry_id = o.id;
  return ids[array_length(ids, 1)];
end $$;

-- Search. A term is a set of ranges of words, any of which may hold; an entry is found when every term holds.
--   p_terms, p_kinds, p_lo, p_hi   ranges: of which term (from 1), kind of word, first and last word
--   p_devices, p_site              null = everywhere
--   p_from, p_to                   intervals that end after p_from and begin not after p_to
--   p_part … p_id                  where the last page ended; p_part 0 = from the beginning
-- Led by the term with the fewest words or, when few devices are named, by what stands on these. Gives up to p_limit
-- rows in the order of (part, word, entry, until descending, id descending); after p_budget_ms a last row with id null
-- says where to go on: so a page never takes much longer, whatever is asked.
create function store.book_search(p_tenant uuid, p_terms smallint[], p_kinds smallint[], p_lo text[], p_hi text[],
  p_devices uuid[], p_site text, p_from timestamptz, p_to timestamptz,
  p_part int, p_word text, p_entry bigint, p_until timestamptz, p_id bigint, p_limit int, p_budget_ms int)
returns table (part int, word text, entry_id bigint, until_at timestamptz, id bigint)
language plpgsql stable rows 100
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off set enable_bitmapscan = off
set enable_material = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  started timestamptz := clock_timestamp();
  terms int := coalesce((select max(t) from unnest(p_terms) t), 0);
  lead int := 0; -- the term that leads; 0 = devices do
  fewest bigint; c bigint;
  -- the ranges of one term that differ in the kind of word only, as one: bits 1 << kind, 31 for those above
  c_terms int[]; c_masks bigint[]; c_lo text[]; c_hi text[];
  words text[]; entries bigint[]; ids bigint[]; untils timestamptz[];
  at_word text; at_entry bigint; at_until timestamptz; at_id bigint;
  most bigint := 9223372036854775807;
  size int := 64; n int; found_n int := 0;
begin
  if p_devices is null or (terms > 0 and cardinality(p_devices) > 16) then
    lead := case when p_part > 0 then p_terms[p_part] when terms = 1 then 1 else 0 end;
    for q in 1 .. terms loop
      exit when lead > 0;
      select count(*) into c from (
        select 1 from unnest(p_terms, p_kinds, p_lo, p_hi) r(t, k, lo, hi)
          join store.book_word w on w.tenant_id = p_tenant and w.kind = r.k and w.word >= r.lo and w.word <= r.hi
         where r.t = q limit 1000) x;
      if fewest is null or c < fewest then fewest := c; n := q; end if;
    end loop;
    if lead = 0 then lead := n; end if;
  end if;
  select array_agg(g.t), array_agg(g.m), array_agg(g.lo), array_agg(g.hi) into c_terms, c_masks, c_lo, c_hi from (
    select r.t, r.lo, r.hi, bit_or(1::bigint << least(r.k, 31)) as m
      from unnest(p_terms, p_kinds, p_lo, p_hi) r(t, k, lo, hi) where r.t <> lead group by r.t, r.lo, r.hi) g;

  for i in greatest(p_part, 1) .. case when lead = 0 then cardinality(p_devices) else cardinality(p_terms) end loop
    continue when lead > 0 and p_terms[i] <> lead;
    at_word := p_lo[i]; at_entry := 0; at_until := 'infinity'; at_id := most;
    if i = p_part then at_word := p_word; at_entry := p_entry; at_until := p_until; at_id := p_id; end if;
    loop
      if lead > 0 then
        select array_agg(x.word), array_agg(x.entry_id) into words, entries from (
          select w.word, w.entry_id from store.book_word w
           where w.tenant_id = p_tenant and w.kind = p_kinds[i] and w.word <= p_hi[i]
             and (w.word, w.entry_id) >= (at_word, at_entry)
           order by w.word, w.entry_id limit size) x;
      else
        select array_agg(x.entry_id), array_agg(x.until_at), array_agg(x.id) into entries, untils, ids from (
          select p.entry_id, p.until_at, p.id from store.book_presence p
           where p.device_id = p_devices[i] and p.tenant_id = p_tenant and p.until_at > p_from and p.since_at <= p_to
             and (p.until_at, p.id) < (at_until, at_id)
           order by p.until_at desc, p.id desc limit size) x;
      end if;
      exit when entries is null;
      if lead > 0 then
        return query
          select i, k.word, k.entry_id, h.until_at, h.id
            from (select u.word, u.entry_id, u.ord from unnest(words, entries) with ordinality as u(word, entry_id, ord)
                   where (c_terms is null or (select count(distinct g.t) from unnest(c_terms, c_masks, c_lo, c_hi) g(t, m, lo, hi)
                           where exists (select 1 from store.book_word w where w.entry_id = u.entry_id
                                   and w.word >= g.lo and w.word <= g.hi and (1::bigint << least(w.kind, 31)) & g.m <> 0)) = terms - 1)
                     and not exists ( -- found before: by a smaller word of this range, or by a range before it
                       select 1 from unnest(p_terms, p_kinds, p_lo, p_hi) with ordinality r(t, k, lo, hi, o)
                        where r.t = lead and r.o <= i and exists (
                          select 1 from store.book_word w where w.entry_id = u.entry_id and w.kind = r.k
                             and w.word >= r.lo and w.word <= r.hi and (r.o < i or w.word < u.word)))
                  offset 0) k
            cross join lateral (
              select p.until_at, p.id from store.book_presence p
               where p.entry_id = k.entry_id and p.until_at > p_from and p.since_at <= p_to
                 and (p.until_at, p.id) < (case when k.word = at_word and k.entry_id = at_entry then at_until else 'infinity' end,
                       case when k.word = at_word and k.entry_id = at_entry then at_id else most end)
                 and (p_devices is null or p.device_id in (select d from unnest(p_devices) d))
                 and (p_site is null or p.device_id in (select d.device_id from store.book_device d
                       where d.tenant_id = p_tenant and d.site = p_site))
               order by p.until_at desc, p.id desc limit p_limit - found_n) h
           order by k.ord, h.until_at desc, h.id desc limit p_limit - found_n;
      else
        return query
          select i, ''::text, k.entry_id, k.until_at, k.id
            from unnest(entries, untils, ids) with ordinality as k(entry_id, until_at, id, ord)
           where (p_site is null or exists (select 1 from store.book_device d
                   where d.device_id = p_devices[i] and d.site = p_site))
             and (c_terms is null or (select count(distinct g.t) from unnest(c_terms, c_masks, c_lo, c_hi) g(t, m, lo, hi)
                   where exists (select 1 from store.book_word w where w.entry_id = k.entry_id
                           and w.word >= g.lo and w.word <= g.hi and (1::bigint << least(w.kind, 31)) & g.m <> 0)) = terms)
           order by k.ord limit p_limit - found_n;
      end if;
      get diagnostics n = row_count;
      found_n := found_n + n;
      if found_n >= p_limit then return; end if;
      n := cardinality(entries);
      if lead > 0 then
        at_word := words[n]; at_entry := entries[n] + 1; at_until := 'infinity'; at_id := most;
      else
        at_until := untils[n]; at_id := ids[n];
      end if;
      exit when n < size;
      if clock_timestamp() - started > p_budget_ms * interval '1 ms' then
        return query select i, at_word, at_entry, at_until, null::bigint;
        return;
      end if;
      if clock_timestamp() - started < p_budget_ms * interval '1 ms' / 4 then size := least(size * 2, 256); end if;
    end loop;
  end loop;
end $$;

revoke all on all functions in schema store from public;
grant execute on function store.book_claim(uuid, int, bigint), store.book_reset(uuid, boolean), store.book_begin(uuid),
  store.book_compare(uuid, text[], text[], bigint[], bytea[]),
  store.book_put_entries(uuid, bytea[], int[], text[], text[]),
  store.book_put_words(uuid, bytea[], int[], smallint[], text[]),
  store.book_put_presence(uuid, bigint[], text[], text[], bigint[], bytea[]),
  store.book_put_lists(uuid, text[], text[], text[], int[]),
  store.book_done(uuid, text, bytea, int[], int, int[], text[], text[]),
  store.book_reindex(uuid, uuid, int, boolean), store.book_sweep(uuid, bigint, int),
  store.book_search(uuid, smallint[], smallint[], text[], text[], uuid[], text, timestamptz, timestamptz,
    int, text, bigint, timestamptz, bigint, int, int)
  to carnet_storage;
grant execute on function store.book_forget(uuid), store.book_enqueue(), store.book_forget_key(), store.book_forget_version()
  to carnet_storage, carnet_pruner;
grant select, insert, update, delete on store.book_device, store.book_list, store.book_entry, store.book_word,
  store.book_presence, store.book, store.book_queue to carnet_storage;
