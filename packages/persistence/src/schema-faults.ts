/**
 * An expression: what has been done to our tables and functions with which an acknowledged answer could be forgotten or was never
 * stored, as text, or null. Whoever loses the log of attempts breaks no promise. `namespace` is an expression for the oid of our
 * schema. It reads catalogs only, and finds nothing where the schema is not there yet.
 */
export function schemaFaults(namespace: string): string {
  return `(
    with ours as (
      select root.relname as root, c.oid, c.relname, c.relkind, c.relpersistence, c.relhasrules
      from pg_class root join pg_class c
        on c.oid = root.oid or c.oid in (select inhrelid from pg_inherits where inhparent = root.oid)
      where root.relnamespace = ${namespace} and root.relkind in ('r', 'p')
        and root.relname in ('lease', 'sales', 'checkouts', 'purchases')
    ), fault as (
      select relname || ' is unlogged' as told from ours where relkind = 'r' and relpersistence <> 'p'
      union all
      select relname || ' has rules' from ours
        where relhasrules and exists (select from pg_rewrite where ev_class = ours.oid)
      union all
      select relname || ' lacks a unique index' from ours
        where (select count(*) from pg_index where indrelid = ours.oid and indisunique and indisvalid)
          < case root when 'purchases' then 2 else 1 end
      union all
      select relname || ' has the trigger ' || tgname from ours join pg_trigger on tgrelid = ours.oid
        where not tgisinternal and tgenabled <> 'D' and tgtype & 2 <> 0
      union all
      select relname || ' does not check its items' from ours
        where root in ('checkouts', 'purchases')
          and (select count(*) from pg_trigger where tgrelid = ours.oid and tgname like 'items\\_exist\\_on\\_%' and tgenabled = 'A') < 2
      union all
      select proname || ' sets synchronous_commit' from pg_proc
        where pronamespace = ${namespace} and proconfig::text like '%synchronous\\_commit%'
    )
    select string_agg(told, ', ' order by told) from (select told from fault order by told limit 10) as listed
  )`
}
