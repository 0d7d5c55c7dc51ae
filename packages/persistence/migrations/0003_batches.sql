-- The three batches. Each is one statement, so one transaction and one round trip, and begins the same way:
-- it takes the fence shared and only then, in a statement of its own and so with a fresh snapshot, reads the
-- epoch. A failover holds the fence exclusively while it raises the epoch: it waits for the batches in
-- flight, and every later batch of the old epoch sees the new one and writes nothing.
-- megacache_pin_transaction (0002) refuses a transaction that is not READ COMMITTED: its snapshot would be older than the lock.
--
-- Answer: '' when every row is durable as asked; '!' when the epoch has moved on; else one letter a row, in
-- the order given: d durable, f foreign (another code owns it), l above the user's limit, m missing.
--
-- p_again is false the first time rows are sent and true from then on. The first insert is a plain one, half
-- the price of ON CONFLICT; should a key exist after all, it fails whole with a unique violation (nothing was
-- written) and the caller sends the rows again.
--
-- A row that was found instead of written may belong to a transaction whose commit was never confirmed to
-- disk or to a synchronous standby. A transaction that writes nothing waits for neither; the message in the
-- log makes this commit wait for all that precedes it.

create function megacache_record_checkouts(
  p_epoch bigint, p_sales bigint[], p_codes uuid[], p_items integer[], p_users bigint[],
  p_expires timestamptz[], p_again boolean
) returns text
language plpgsql set enable_seqscan = off set jit = off set search_path from current as $$
declare
  v_epoch bigint;
  v_written integer;
  v_total integer := cardinality(p_codes);
  v_answer text;
begin
  perform megacache_pin_transaction();
  perform pg_advisory_xact_lock_shared('lease'::regclass::oid::integer, 1);
  select l.epoch into v_epoch from lease l where l.id = 1;
  if v_epoch is distinct from p_epoch then
    return '!';
  end if;
  -- No order is needed against deadlocks: batches share no code except with their own resend, which has
  -- the same order.
  if not p_again then
    insert into checkouts (sale_id, code, item_id, user_id, created_at, expires_at)
    select b.sale_id, b.code, b.item_id, b.user_id, now(), b.expires_at
    from unnest(p_sales, p_codes, p_items, p_users, p_expires)
      as b(sale_id, code, item_id, user_id, expires_at);
    return '';
  end if;
  insert into checkouts (sale_id, code, item_id, user_id, created_at, expires_at)
  select b.sale_id, b.code, b.item_id, b.user_id, now(), b.expires_at
  from unnest(p_sales, p_codes, p_items, p_users, p_expires)
    as b(sale_id, code, item_id, user_id, expires_at)
  on conflict do nothing;
  get diagnostics v_written = row_count;
  if v_written = v_total then
    return '';
  end if;
  perform pg_logical_emit_message(true, 'megacache', '');
  select string_agg(
    case when exists (
      select 1 from checkouts c
      where c.sale_id = b.sale_id and c.code = b.code and c.item_id = b.item_id and c.user_id = b.user_id
    ) then 'd' else 'f' end, '' order by b.position)
  into v_answer
  from unnest(p_sales, p_codes, p_items, p_users) with ordinality
    as b(sale_id, code, item_id, user_id, position);
  return v_answer;
end $$;

-- Purchase batches run one at a time. Two that share a user would wait for each other's ordinal anyway (the
-- second cannot know its ordinals before the first has committed), and would deadlock or start again; with
-- the lock every ordinal is final when it is computed.
create function megacache_record_purchases(
  p_epoch bigint, p_sales bigint[], p_codes uuid[], p_items integer[], p_users bigint[], p_again boolean
) returns text
language plpgsql set enable_seqscan = off set jit = off set search_path from current as $$
declare
  v_epoch bigint;
  v_sale bigint;
  v_limit integer;
  v_written integer;
  v_total integer := 0;
begin
  perform megacache_pin_transaction();
  perform pg_advisory_xact_lock_shared('lease'::regclass::oid::integer, 1);
  select l.epoch into v_epoch from lease l where l.id = 1;
  if v_epoch is distinct from p_epoch then
    return '!';
  end if;
  perform pg_advisory_xact_lock('lease'::regclass::oid::integer, 2);
  if p_again then
    return megacache_settle_purchases(p_sales, p_codes, p_items, p_users);
  end if;

  -- One pass a sale (two around a rotation): with the sale in a variable only its partition is read.
  foreach v_sale in array (select array_agg(distinct s.sale_id) from unnest(p_sales) as s(sale_id)) loop
    select s.user_limit into v_limit from sales s where s.sale_id = v_sale;
    if v_limit is null then
      raise foreign_key_violation using message = format('sale %s does not exist', v_sale);
    end if;
    insert into purchases (sale_id, item_id, user_id, user_ordinal, code, purchased_at)
    select v_sale, r.item_id, r.user_id, r.used + r.position, r.code, clock_timestamp()
    from (
      select b.item_id, b.user_id, b.code,
        (select coalesce(max(p.user_ordinal), 0) from purchases p
         where p.sale_id = v_sale and p.user_id = b.user_id) as used,
        row_number() over (partition by b.user_id order by b.item_id)::integer as position
      from unnest(p_sales, p_codes, p_items, p_users) as b(sale_id, code, item_id, user_id)
      where b.sale_id = v_sale
    ) as r
    where r.used + r.position <= v_limit;
    get diagnostics v_written = row_count;
    v_total := v_total + v_written;
  end loop;
  if v_total = cardinality(p_codes) then
    return '';
  end if;
  return megacache_settle_purchases(p_sales, p_codes, p_items, p_users);
end $$;

-- The rare purchase batch, row by row under the same lock: rows that were there before, rows whose item is sold
-- to another code, and rows that find a gap among the ordinals or none left.
create function megacache_settle_purchases(
  p_sales bigint[], p_codes uuid[], p_items integer[], p_users bigint[]
) returns text
language plpgsql set enable_seqscan = off set jit = off set search_path from current as $$
declare
  v_answer text := '';
  v_code uuid;
  v_user bigint;
  v_limit integer;
  v_ordinal integer;
  v_written integer;
begin
  perform pg_logical_emit_message(true, 'megacache', '');
  for i in 1 .. cardinality(p_codes) loop
    select p.code, p.user_id into v_code, v_user from purchases p
    where p.sale_id = p_sales[i] and p.item_id = p_items[i];
    if found then
      v_answer := v_answer || case when v_code = p_codes[i] and v_user = p_users[i] then 'd' else 'f' end;
      continue;
    end if;
    select s.user_limit into v_limit from sales s where s.sale_id = p_sales[i];
    if v_limit is null then
      raise foreign_key_violation using message = format('sale %s does not exist', p_sales[i]);
    end if;
    select min(o.ordinal) into v_ordinal
    from generate_series(1, v_limit) as o(ordinal)
    where not exists (
      select 1 from purchases p
      where p.sale_id = p_sales[i] and p.user_id = p_users[i] and p.user_ordinal = o.ordinal);
    if v_ordinal is null then
      v_answer := v_answer || 'l';
      continue;
    end if;
    insert into purchases (sale_id, item_id, user_id, user_ordinal, code, purchased_at)
    values (p_sales[i], p_items[i], p_users[i], v_ordinal, p_codes[i], clock_timestamp())
    on conflict do nothing;
    get diagnostics v_written = row_count;
    if v_written = 0 then
      -- Only somebody who writes without the lock can cause it: everything again, from the start.
      raise serialization_failure using message = 'purchases were written beside megacache_record_purchases';
    end if;
    v_answer := v_answer || 'd';
  end loop;
  return v_answer;
end $$;

-- A cancel is durable when the reservation carries a cancelled_at, whoever set it. A code that has bought its
-- item is foreign: that cancel can only follow a bug.
create function megacache_record_cancels(p_epoch bigint, p_sales bigint[], p_codes uuid[]) returns text
language plpgsql set enable_seqscan = off set jit = off set search_path from current as $$
declare
  v_epoch bigint;
  v_sale bigint;
  v_written integer;
  v_total integer := 0;
  v_answer text;
begin
  perform megacache_pin_transaction();
  perform pg_advisory_xact_lock_shared('lease'::regclass::oid::integer, 1);
  select l.epoch into v_epoch from lease l where l.id = 1;
  if v_epoch is distinct from p_epoch then
    return '!';
  end if;
  foreach v_sale in array (select array_agg(distinct s.sale_id) from unnest(p_sales) as s(sale_id)) loop
    update checkouts c set cancelled_at = now()
    where c.sale_id = v_sale and c.cancelled_at is null
      and c.code = any(array(
        select b.code from unnest(p_sales, p_codes) as b(sale_id, code) where b.sale_id = v_sale))
      and not exists (
        select 1 from purchases p
        where p.sale_id = v_sale and p.item_id = c.item_id and p.code = c.code);
    get diagnostics v_written = row_count;
    v_total := v_total + v_written;
  end loop;
  if v_total = cardinality(p_codes) then
    return '';
  end if;
  perform pg_logical_emit_message(true, 'megacache', '');
  select string_agg(coalesce((
    select case when c.cancelled_at is not null then 'd' else 'f' end from checkouts c
    where c.sale_id = b.sale_id and c.code = b.code), 'm'), '' order by b.position)
  into v_answer
  from unnest(p_sales, p_codes) with ordinality as b(sale_id, code, position);
  return v_answer;
end $$;
