-- Every contradiction between the checkouts, purchases and terms of one sale. One statement, so one snapshot:
-- it may run beside a live sale. Two clocks can differ by 50 ms (the tolerance promised for expiry), and that
-- much is forgiven where times are compared. User ids are text in the evidence: they exceed a JSON number.
create function megacache_verify_sale(p_sale bigint) returns table (kind text, evidence jsonb)
language sql stable set jit = off set search_path from current as $$
with terms as (
  select * from sales where sale_id = p_sale
), c as materialized (
  select * from checkouts where sale_id = p_sale
), p as materialized (
  select * from purchases where sale_id = p_sale
), lives as (
  -- How long each reservation keeps its item: to its expiry or cancel, or for ever when it was bought. One that
  -- was written only after it had expired (a write in doubt) kept nothing that a later row could overlap.
  select c.item_id, c.user_id, c.code, c.created_at,
    case when b.code is not null then 'infinity' else least(c.expires_at, c.cancelled_at) end as ended_at
  from c left join p b on b.item_id = c.item_id and b.code = c.code
  where b.code is not null or least(c.expires_at, c.cancelled_at) > c.created_at
), followers as (
  select l.*,
    max(ended_at) over (
      partition by item_id order by created_at, ended_at, code
      rows between unbounded preceding and 1 preceding) as previous_ended_at
  from lives l
), moments as (
  select user_id, created_at as at, 1 as delta from lives
  union all
  select user_id, greatest(created_at, ended_at - interval '50 milliseconds'), -1 from lives
  where ended_at < 'infinity'
), crowds as (
  select user_id, at, sum(delta) over (partition by user_id order by at, delta rows unbounded preceding) as owned
  from moments
)
select 'sale_unknown', jsonb_build_object('saleId', p_sale)
where not exists (select 1 from terms)
union all
select 'purchase_without_checkout',
  jsonb_build_object('itemId', p.item_id, 'userId', p.user_id::text, 'code', p.code)
from p where not exists (select 1 from c where c.code = p.code)
union all
select 'purchase_differs_from_checkout',
  jsonb_build_object('code', p.code, 'purchase', jsonb_build_object('itemId', p.item_id, 'userId', p.user_id::text),
    'checkout', jsonb_build_object('itemId', c.item_id, 'userId', c.user_id::text))
from p join c on c.code = p.code
where c.item_id <> p.item_id or c.user_id <> p.user_id
union all
select 'purchase_of_cancelled_checkout',
  jsonb_build_object('itemId', p.item_id, 'code', p.code, 'cancelledAt', c.cancelled_at)
from p join c on c.code = p.code where c.cancelled_at is not null
union all
select 'item_bought_twice', jsonb_build_object('itemId', item_id, 'codes', jsonb_agg(code))
from p group by item_id having count(*) > 1
union all
select 'code_bought_twice', jsonb_build_object('code', code, 'itemIds', jsonb_agg(item_id))
from p group by code having count(*) > 1
union all
select 'user_above_limit',
  jsonb_build_object('userId', p.user_id::text, 'purchases', count(*), 'userLimit', max(terms.user_limit))
from p cross join terms group by p.user_id having count(*) > max(terms.user_limit)
union all
select 'ordinal_above_limit',
  jsonb_build_object('userId', p.user_id::text, 'itemId', p.item_id, 'ordinal', p.user_ordinal)
from p cross join terms where p.user_ordinal > terms.user_limit
union all
select 'ordinal_repeated',
  jsonb_build_object('userId', user_id::text, 'ordinal', user_ordinal, 'itemIds', jsonb_agg(item_id))
from p group by user_id, user_ordinal having count(*) > 1
union all
select 'item_out_of_range', jsonb_build_object('itemId', item_id, 'code', code, 'itemCount', terms.item_count)
from (select item_id, code from c union select item_id, code from p) as named cross join terms
where item_id >= terms.item_count or item_id < 0
union all
select 'more_purchases_than_items', jsonb_build_object('purchases', count(*), 'itemCount', max(terms.item_count))
from p cross join terms having count(*) > max(terms.item_count)
union all
select 'reservations_overlap',
  jsonb_build_object('itemId', item_id, 'code', code, 'createdAt', created_at,
    'previousEndedAt', nullif(previous_ended_at, 'infinity'))
from followers where created_at + interval '50 milliseconds' < previous_ended_at
union all
select 'user_above_limit_at_once',
  jsonb_build_object('userId', user_id::text, 'at', min(at), 'owned', max(owned), 'userLimit', max(terms.user_limit))
from crowds cross join terms where owned > terms.user_limit group by user_id
union all
select 'reservation_too_long',
  jsonb_build_object('code', c.code, 'createdAt', c.created_at, 'expiresAt', c.expires_at)
from c cross join terms
where c.expires_at - c.created_at > (terms.reservation_ttl_ms + 500) * interval '1 millisecond'
$$;
