-- A sale that was found instead of created may belong to a transaction whose commit was never confirmed by a synchronous
-- standby. A transaction that writes nothing waits for no standby; the message in the log makes this commit wait for
-- all that precedes it, as in the batches (0003).
create or replace function megacache_ensure_sale(
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
