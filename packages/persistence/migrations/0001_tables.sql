-- The tables of one schema (DATABASE_SCHEMA, by default megacache); the session's search_path names it. Two schemas of one
-- database know nothing of each other. Ids are bigint, times timestamptz, all times on this database's clock.
-- checkouts, purchases and attempts are partitioned by sale_id (Unix seconds), one partition a UTC day, so that
-- old sales leave by dropping a partition. Partitions are made by megacache_ensure_sale before a sale opens.

-- One row: which instance may write. The epoch only grows; every batch compares it (see 0003).
create table lease (
  id smallint primary key default 1 check (id = 1),
  epoch bigint not null default 0,
  holder text,
  acquired_at timestamptz,
  renewed_at timestamptz
) with (fillfactor = 10);

insert into lease (id) values (1);

-- The terms of a sale are fixed by its first insert and never updated.
create table sales (
  sale_id bigint primary key check (sale_id > 0),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  item_count integer not null check (item_count > 0),
  user_limit integer not null check (user_limit > 0),
  reservation_ttl_ms integer not null check (reservation_ttl_ms > 0),
  -- No code of the sale outlives it: ends_at + reservation_ttl_ms.
  honoured_until timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  check (ends_at > starts_at)
);

create index sales_by_honoured_until on sales (honoured_until);

-- Every reservation ever acknowledged. Not unique by item: expired ones stay beside the one that followed.
create table checkouts (
  sale_id bigint not null,
  code uuid not null,
  item_id integer not null check (item_id >= 0),
  user_id bigint not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  cancelled_at timestamptz,
  primary key (sale_id, code)
) partition by range (sale_id);

-- Insert only. The primary key sells an item once; the ordinal holds a user to the limit of the sale.
create table purchases (
  sale_id bigint not null,
  item_id integer not null check (item_id >= 0),
  user_id bigint not null,
  user_ordinal integer not null check (user_ordinal > 0),
  code uuid not null,
  purchased_at timestamptz not null,
  primary key (sale_id, item_id),
  unique (sale_id, user_id, user_ordinal)
) partition by range (sale_id);

-- No row names an item that its sale does not have, whoever writes it. One look a statement, at the highest item of each sale:
-- it costs next to nothing beside the rows. A trigger with a transition table has one event; ALWAYS is also for sessions whose
-- session_replication_role is replica. A refusal is of class 23, so a batch that meets it is halved until the bad row
-- stands alone.
create function megacache_check_items() returns trigger
language plpgsql set search_path from current as $$
declare
  v_sale bigint;
  v_item integer;
  v_count integer;
begin
  for v_sale, v_item in select a.sale_id, max(a.item_id) from added a group by a.sale_id order by a.sale_id loop
    select s.item_count into v_count from sales s where s.sale_id = v_sale;
    if v_count is null then
      raise foreign_key_violation using message = format('sale %s does not exist', v_sale);
    end if;
    if v_item >= v_count then
      raise check_violation using message = format('sale %s has %s items and no item %s', v_sale, v_count, v_item);
    end if;
  end loop;
  return null;
end $$;

create procedure megacache_guard_items(p_table text)
language plpgsql set search_path from current as $$
declare
  v_event text;
  v_trigger text;
begin
  foreach v_event in array array['insert', 'update'] loop
    v_trigger := 'items_exist_on_' || v_event;
    execute format('create or replace trigger %I after %s on %I
      referencing new table as added for each statement execute function megacache_check_items()', v_trigger, v_event, p_table);
    execute format('alter table %I enable always trigger %I', p_table, v_trigger);
  end loop;
end $$;

call megacache_guard_items('checkouts');
call megacache_guard_items('purchases');

-- Refused and accepted attempts: counters always, single attempts when the log of attempts is on.
create table sale_attempts (
  sale_id bigint not null,
  reason text not null,
  attempts bigint not null check (attempts >= 0),
  primary key (sale_id, reason)
);

create table attempts (
  sale_id bigint not null,
  attempted_at timestamptz not null,
  user_id bigint not null,
  item_id integer not null,
  outcome text not null
) partition by range (sale_id);

-- What an operator or a shop page reads: every item of a kept sale with its buyer.
create view sale_items as
select s.sale_id,
       i.item_id,
       'Item ' || case when i.item_id < 10000 then lpad(i.item_id::text, 4, '0') else i.item_id::text end
         as item_name,
       '/items/' || i.item_id || '/image.svg' as image_url,
       p.item_id is not null as purchased,
       p.user_id as purchased_by,
       p.purchased_at
from sales s
cross join lateral generate_series(0, s.item_count - 1) as i(item_id)
left join purchases p on p.sale_id = s.sale_id and p.item_id = i.item_id;
