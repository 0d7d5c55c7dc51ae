-- Raises the epoch and makes `p_holder` the active instance. The caller's session holds the holder lock
-- (1835361121, 3); the fence is taken exclusively here, so this waits for the batches in flight, at most
-- `p_wait_ms`, and then fails with lock_not_available, having changed nothing.
create function megacache_take_lease(p_holder text, p_wait_ms integer) returns bigint
language plpgsql as $$
declare
  v_epoch bigint;
begin
  if not exists (
    select 1 from pg_locks
    where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
      and classid = 1835361121 and objid = 3 and objsubid = 2 and pid = pg_backend_pid() and granted
  ) then
    raise object_not_in_prerequisite_state using message = 'this session does not hold the holder lock';
  end if;
  perform set_config('lock_timeout', p_wait_ms || 'ms', true);
  perform pg_advisory_xact_lock(1835361121, 1);
  update lease set epoch = epoch + 1, holder = p_holder,
    acquired_at = clock_timestamp(), renewed_at = clock_timestamp()
  where id = 1 returning epoch into v_epoch;
  return v_epoch;
end $$;

-- Ends the sessions that are tagged with an epoch, whichever: called by who is about to raise it.
-- Returns how many there were.
create function megacache_end_tagged_sessions() returns bigint
language sql as $$
  select count(pg_terminate_backend(pid)) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()
    and application_name ~ '^megacache/[0-9]+/';
$$;
