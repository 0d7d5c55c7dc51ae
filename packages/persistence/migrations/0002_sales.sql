-- Sales and their partitions. Advisory keys of this schema share one class number:
--   (1835361121, 1) fence: shared by every batch, exclusive by a take-over
--   (1835361121, 2) purchases: one purchase batch at a time (see 0003)
--   (1835361121, 3) holder: session lock of the active instance
--   (1835361121, 4) partitions are being made
--   (1835361121, 5) migrations      (1835361121, 6) retention

-- CREATE TABLE ... PARTITION OF would take ACCESS EXCLUSIVE on the parent and stall every batch; a table of
-- its own that is attached takes SHARE UPDATE EXCLUSIVE, which lets them pass.
create function megacache_ensure_partitions(p_sale bigint) returns void
language plpgsql as $$
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
      perform pg_advisory_xact_lock(1835361121, 4);
      if not exists (
        select 1 from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = v_parent::regclass and c.relname = v_child
      ) then
        execute format('create table if not exists %I (like %I including all)', v_child, v_parent);
        execute format(
          'alter table %I attach partition %I for values from (%s) to (%s)',
          v_parent, v_child, v_day * 86400, (v_day + 1) * 86400);
      end if;
    end if;
  end loop;
end $$;

-- Creates the sale unless it exists; returns the terms as stored, which are those of the first creation.
-- No row: the epoch has moved on and nothing was written.
--
-- A sale that was found instead of created may belong to a transaction whose commit was never confirmed by a synchronous
-- standby. A transaction that writes nothing waits for no standby; the message in the log makes this commit wait for
-- all that precedes it, as in the batches (0003).
create function megacache_ensure_sale(
  p_epoch bigint, p_sale bigint, p_starts timestamptz, p_ends timestamptz,
  p_items integer, p_limit integer, p_ttl_ms integer
) returns setof sales
language plpgsql as $$
declare
  v_epoch bigint;
  v_written integer;
begin
  perform pg_advisory_xact_lock_shared(1835361121, 1);
  select l.epoch into v_epoch from lease l where l.id = 1;
  if v_epoch is distinct from p_epoch then
    return;
  end if;
  perform megacache_ensure_partitions(p_sale);
  insert into sales (sale_id, starts_at, ends_at, item_count, user_limit, reservation_ttl_ms, honoured_until)
  values (p_sale, p_starts, p_ends, p_items, p_limit, p_ttl_ms, p_ends + p_ttl_ms * interval '1 millisecond')
  on conflict do nothing;
  get diagnostics v_written = row_count;
  if v_written = 0 then
    perform pg_logical_emit_message(true, 'megacache', '');
  end if;
  return query select s.* from sales s where s.sale_id = p_sale;
end $$;
