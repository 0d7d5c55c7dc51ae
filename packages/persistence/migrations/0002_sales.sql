-- Sales and their partitions. Advisory locks belong to a schema: their first key is the oid of its lease table.
--   (lease, 1) fence: shared by every batch, exclusive by a failover
--   (lease, 2) purchases: one purchase batch at a time (see 0003)
--   (lease, 3) holder: session lock of the active instance
--   (lease, 4) partitions are being made
--   (lease, 6) retention
-- Migrations have a key of their own, because they make that table: (1835361121, hash of the schema's name).
--
-- Every function keeps the search_path of its migration: called from a session with another one, or beside tables of the
-- same names in public, it still finds its own.

-- CREATE TABLE ... PARTITION OF would take ACCESS EXCLUSIVE on the parent and stall every batch; a table of
-- its own that is attached takes SHARE UPDATE EXCLUSIVE, which lets them pass.
create function megacache_ensure_partitions(p_sale bigint) returns void
language plpgsql set search_path from current as $$
declare
  v_day bigint := p_sale / 86400;
  v_parent text;
  v_child text;
begin
  foreach v_parent in array array['checkouts', 'purchases', 'attempts'] loop
    v_child := v_parent || '_p' || v_day;
    if not exists (
      select 1 from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = v_parent::regclass and c.relname = v_child and not i.inhdetachpending
    ) then
      perform pg_advisory_xact_lock('lease'::regclass::oid::integer, 4);
      if not exists (
        select 1 from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = v_parent::regclass and c.relname = v_child
      ) then
        execute format('create table if not exists %I (like %I including all)', v_child, v_parent);
        -- That of the parent is not asked when somebody writes into the partition itself.
        if v_parent <> 'attempts' then
          call megacache_guard_items(v_child);
        end if;
        execute format(
          'alter table %I attach partition %I for values from (%s) to (%s)',
          v_parent, v_child, v_day * 86400, (v_day + 1) * 86400);
      end if;
    end if;
  end loop;
end $$;

-- What every promise of a transaction rests on, made true in the transaction itself. Sessions are pinned when they connect; a pooler
-- that hands out another server process, or whoever reset the session, must not undo that. A function's own SET would end
-- before the commit; set_config(..., true) lasts until it is over.
create function megacache_pin_transaction() returns void
language plpgsql as $$
begin
  if current_setting('synchronous_commit') not in ('on', 'remote_apply') then
    perform set_config('synchronous_commit', 'on', true);
  end if;
  -- The epoch is read in a statement after the one that takes the fence: an older snapshot would not see a new epoch.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise object_not_in_prerequisite_state using message = 'this transaction is not read committed';
  end if;
end $$;

-- Creates the sale unless it exists; returns the terms as stored, which are those of the first creation, and whether this call
-- has created it: one that was found may have rows, and is opened with them. No row: the epoch has moved on and nothing of
-- the sale was written. A sale that begins more than two periods and a minute ahead of this database's clock is not
-- created: it could only come from a clock that is wrong, and sales never go back (see docs/adr/0017).
--
-- Partitions come before the fence: a statement that waits for a table must not hold it, or it would hold up a failover.
--
-- A sale that was found instead of created may belong to a transaction whose commit was never confirmed by a synchronous
-- standby. A transaction that writes nothing waits for no standby; the message in the log makes this commit wait for
-- all that precedes it, as in the batches (0003).
create function megacache_ensure_sale(
  p_epoch bigint, p_sale bigint, p_starts timestamptz, p_ends timestamptz,
  p_items integer, p_limit integer, p_ttl_ms integer
) returns table (
  sale_id bigint, starts_at timestamptz, ends_at timestamptz, item_count integer, user_limit integer,
  reservation_ttl_ms integer, is_new boolean
)
language plpgsql set search_path from current as $$
#variable_conflict use_column
declare
  v_epoch bigint;
  v_written integer;
begin
  perform megacache_pin_transaction();
  select l.epoch into v_epoch from lease l where l.id = 1;
  if v_epoch is distinct from p_epoch then
    return;
  end if;
  if p_starts > clock_timestamp() + 2 * (p_ends - p_starts) + interval '1 minute'
    and not exists (select 1 from sales s where s.sale_id = p_sale) then
    raise object_not_in_prerequisite_state using message =
      format('sale %s begins at %s, too far ahead of the clock of the database (%s)', p_sale, p_starts, clock_timestamp());
  end if;
  perform megacache_ensure_partitions(p_sale);
  perform pg_advisory_xact_lock_shared('lease'::regclass::oid::integer, 1);
  select l.epoch into v_epoch from lease l where l.id = 1;
  if v_epoch is distinct from p_epoch then
    return;
  end if;
  insert into sales (sale_id, starts_at, ends_at, item_count, user_limit, reservation_ttl_ms, honoured_until)
  values (p_sale, p_starts, p_ends, p_items, p_limit, p_ttl_ms, p_ends + p_ttl_ms * interval '1 millisecond')
  on conflict do nothing;
  get diagnostics v_written = row_count;
  if v_written = 0 then
    perform pg_logical_emit_message(true, 'megacache', '');
  end if;
  return query select s.sale_id, s.starts_at, s.ends_at, s.item_count, s.user_limit, s.reservation_ttl_ms, v_written > 0
    from sales s where s.sale_id = p_sale;
end $$;
